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

const NOTHING = { Version: '2012-10-17', Statement: [] }
const documents = new Map<string, object>(
  Object.entries(ACTIONS).map(([name, Action]) => [
    `${PREFIX}${name}`,
    { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] },
  ]),
)
const known = new Map<string, Policy>(
  [...documents].map(([arn, document]) => [arn, readPolicy(document, 'identity')]),
)

/** The ARNs of those that mean something here. */
export const MANAGED_ARNS: readonly string[] = [...documents.keys()].sort()

/** What a managed policy means here, or undefined where that is not known. */
export function managedPolicy(arn: string): Policy | undefined {
  return known.get(arn) ?? (isOfOthers(arn) ? { statements: [] } : undefined)
}

/** The same as JSON: as Hearth obeys it, which is less than AWS has in it. */
export function managedDocument(arn: string): string | undefined {
  const document = documents.get(arn) ?? (isOfOthers(arn) ? NOTHING : undefined)
  return document && JSON.stringify(document)
}

/** Whether it is one of AWS's about services that are not here. */
const isOfOthers = (arn: string) => arn.startsWith(PREFIX) && !OURS.test(arn)
