// AWS's managed policies as far as they are about what Hearth has. Others of AWS's grant things of
// services that are not here: they may be attached, and allow nothing.

import { type Policy, readPolicy } from './policy.ts'

const PREFIX = 'arn:aws:iam::aws:policy/'
/** What Hearth has; a policy about these that is not below would be attached and not obeyed. */
const OURS = /Lambda|CloudWatchLogs|IAM|STS|AutoScaling|Administrator|PowerUser|ReadOnly|ViewOnly/
const WRITE_LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents']
const READ_LOGS = [
  ...['logs:Describe*', 'logs:Get*', 'logs:List*', 'logs:FilterLogEvents', 'logs:StartLiveTail'],
]
const READ = ['lambda:Get*', 'lambda:List*', 'iam:Get*', 'iam:List*', ...READ_LOGS]

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  AdministratorAccess: ['*'],
  AWSLambda_FullAccess: ['lambda:*', 'iam:GetRole', 'iam:ListRoles', 'iam:PassRole', ...READ_LOGS],
  AWSLambda_ReadOnlyAccess: READ,
  CloudWatchLogsFullAccess: ['logs:*'],
  CloudWatchLogsReadOnlyAccess: READ_LOGS,
  ReadOnlyAccess: [...READ, 'application-autoscaling:Describe*'],
  'service-role/AWSLambdaBasicExecutionRole': WRITE_LOGS,
  'service-role/AWSLambdaDynamoDBExecutionRole': WRITE_LOGS,
  'service-role/AWSLambdaKinesisExecutionRole': WRITE_LOGS,
  'service-role/AWSLambdaMSKExecutionRole': WRITE_LOGS,
  'service-role/AWSLambdaRole': ['lambda:InvokeFunction'],
  'service-role/AWSLambdaSQSQueueExecutionRole': WRITE_LOGS,
  'service-role/AWSLambdaVPCAccessExecutionRole': WRITE_LOGS,
}

const NOTHING: Policy = { statements: [] }
const known = new Map<string, Policy>(
  Object.entries(ACTIONS).map(([name, Action]) => [
    `${PREFIX}${name}`,
    readPolicy({ Statement: { Effect: 'Allow', Action, Resource: '*' } }, 'identity'),
  ]),
)

/** What a managed policy means here, or undefined where that is not known. */
export function managedPolicy(arn: string): Policy | undefined {
  const policy = known.get(arn)
  if (policy || !arn.startsWith(PREFIX) || OURS.test(arn)) return policy
  return NOTHING
}
