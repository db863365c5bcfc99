// Values that make sense to Hearth, by the names of members: without them a random request would be
// refused for its first member and never reach what lies deeper. The fuzz draws from here, from the
// model's constraints, and from neither.

import { zipSync } from 'fflate'

export const ACCOUNT = '000000000000'
export const REGION = 'us-east-1'
/** Functions that the fuzz makes, changes and deletes; some are called as every object's members. */
export const NAMES = ['fuzz-a', 'fuzz-b', 'constructor', 'toString', 'hasOwnProperty']
export const LAYER = 'fuzz-layer'
/** Lives through all of it: whether Hearth still answers is asked of this one. */
export const KEEPER = 'keeper'
/** Names that a lookup in a plain object finds although nobody put them there. */
export const INHERITED = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']
/** Nothing listens there: what Hearth would call outside of itself is refused at once. */
export const NOWHERE = '127.0.0.1:9'

const lambdaArn = (rest: string) => `arn:aws:lambda:${REGION}:${ACCOUNT}:${rest}`
const hearthArn = (kind: string, name: string) =>
  `arn:aws-hearth:${kind}:${REGION}:${ACCOUNT}:${name}`
const ROLE = `arn:aws:iam::${ACCOUNT}:role/fuzz`
const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:fuzz`
const UUID = '00000000-0000-4000-8000-000000000000'
const CONFIG = lambdaArn('code-signing-config:csc-00000000000000000')
const POLICY = (resource: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Sid: 'a', Effect: 'Allow', Principal: '*', Action: 'lambda:GetPolicy', Resource: resource },
    ],
  })

export const SOURCE =
  'export const handler = async (event) => event\n' +
  'export const slow = awslambda.streamifyResponse(async (_, stream) => {\n' +
  "  for (let at = 0; at < 20; at += 1) {\n    stream.write('x'.repeat(4096))\n" +
  '    await new Promise((resolve) => setTimeout(resolve, 50))\n  }\n  stream.end()\n})\n'
export const ZIP = zipSync({ 'index.mjs': Buffer.from(SOURCE) }, { mtime: new Date(1980, 0, 1) })

const functions = NAMES.flatMap((name) => [name, lambdaArn(`function:${name}`), `${name}:live`])
const qualifiers = ['$LATEST', '1', '2', 'live', 'constructor', 'toString']

const DEEP = Buffer.from(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)

export const POOLS: Readonly<Record<string, readonly unknown[]>> = {
  FunctionName: functions,
  Qualifier: qualifiers,
  FunctionVersion: ['1', '$LATEST', '2', 'ALL'],
  Name: ['live', 'constructor', 'toString', 'other'],
  Role: [ROLE],
  Runtime: ['nodejs24.x', 'nodejs24.x', 'python3.13', 'constructor'],
  Handler: ['index.handler', 'index.slow', 'none.handler'],
  Timeout: [1, 3, 10],
  MemorySize: [128, 192],
  ZipFile: [ZIP],
  PackageType: ['Zip'],
  S3Bucket: ['fuzz-bucket'],
  S3Key: ['fuzz-key'],
  ImageUri: [`${NOWHERE}/fuzz:1`],
  Architectures: [['x86_64']],
  Layers: [[lambdaArn(`layer:${LAYER}:1`)], []],
  LayerName: [LAYER, LAYER, 'constructor', lambdaArn(`layer:${LAYER}`)],
  VersionNumber: [1, 2, 3],
  Arn: [lambdaArn(`layer:${LAYER}:1`), lambdaArn('layer:constructor:1')],
  Resource: [lambdaArn('function:fuzz-a'), CONFIG, lambdaArn(`event-source-mapping:${UUID}`)],
  ResourceArn: [lambdaArn('function:fuzz-a'), lambdaArn('function:fuzz-b:1')],
  Policy: [POLICY(lambdaArn('function:fuzz-a')), '{}', '[]', '{"Statement":[null]}'],
  CodeSigningConfigArn: [CONFIG],
  SigningProfileVersionArns: [[`arn:aws:signer:${REGION}:${ACCOUNT}:/signing-profiles/p/a`]],
  UUID: [UUID],
  EventSourceArn: [QUEUE, hearthArn('redis', 'fuzz'), hearthArn('jetstream', 'FUZZ')],
  Endpoints: [{ KAFKA_BOOTSTRAP_SERVERS: [NOWHERE] }],
  Destination: [QUEUE, lambdaArn('function:fuzz-b'), `https://${NOWHERE}/told`],
  TargetArn: [QUEUE],
  Action: ['lambda:InvokeFunction', 'lambda:GetLayerVersion', 'lambda:InvokeFunctionUrl'],
  Principal: ['*', 's3.amazonaws.com', ACCOUNT],
  StatementId: ['one', 'constructor', '__proto__'],
  AdditionalVersionWeights: [{ 1: 0.5 }, { 2: 0.25 }, { constructor: 0.1 }, {}],
  ReservedConcurrentExecutions: [0, 1, 2],
  ProvisionedConcurrentExecutions: [1],
  MaxItems: [1, 2, 50],
  Marker: ['', 'Zg==', 'constructor', '####', '0'],
  RevisionId: [UUID],
  Payload: [Buffer.from('{"a":1}'), Buffer.from('[1'), Buffer.from([0xff]), Buffer.alloc(0), DEEP],
  InvokeArgs: [Buffer.from('{}'), Buffer.from('nonsense')],
  ClientContext: ['e30=', 'bm9uZQ==', '####'],
  InvocationType: ['RequestResponse', 'Event', 'DryRun'],
  Tags: [{ a: 'b' }, { constructor: 'c' }, { ['__proto__']: 'd' }, {}],
  TagKeys: [['a'], ['constructor', '__proto__']],
  Variables: [{ WORD: 'x' }, { constructor: 'c', toString: 'd' }, {}],
  Pattern: ['{"a":["b"]}', '{"constructor":["b"]}', '{"a":[{"exists":true}]}', '{', '[]', '1'],
  UpdateRuntimeOn: ['Auto', 'FunctionUpdate'],
  logGroupName: ['/fuzz/one', '/fuzz/two', 'constructor'],
  logGroupIdentifier: ['/fuzz/one', `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/fuzz/one`],
  logStreamName: ['one', 'two', '__proto__', 'toString'],
  resourceArn: [`arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/fuzz/one`],
  logEvents: [[{ timestamp: Date.now(), message: 'x' }], [{ timestamp: 0, message: 'old' }]],
  filterPattern: ['x', '{ $.a = 1 }', '[a, b]', '%x.*%', '{', '"', '{ $.constructor = 1 }'],
  retentionInDays: [1, 14],
  nextToken: ['', 'x', 'f/0/s', `f/${'9'.repeat(56)}/s`, '1'.repeat(56)],
  logGroupIdentifiers: [['/fuzz/one']],
}
