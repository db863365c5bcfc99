// Event sources: which there are, by which ARN each is known, and which settings of a mapping each
// of them obeys. Pure. A source that Hearth cannot read is refused by name, and a setting that a
// source would ignore is refused, too.

import { ServiceError } from './error.ts'
import type { SelfManagedSource, SourceKind, StartingPosition } from './event-source-mapping.ts'

/** What a mapping reads from. */
export interface EventSource {
  kind: SourceKind
  sourceArn?: string
  selfManaged?: SelfManagedSource
}

/** A setting of a mapping that not every source knows, by AWS's member in its messages. */
export type Setting =
  | 'batchingWindowSeconds'
  | 'bisects'
  | 'maximumConcurrency'
  | 'onFailure'
  | 'parallelizationFactor'
  | 'recordAgeSecondsMax'
  | 'retriesMax'
  | 'tumblingWindowSeconds'

/** By what laws mappings of one kind live (Lambda guide, the parameters of each event source). */
export interface SourceLaw {
  batchSize: number
  batchingWindowSeconds: number
  /** AWS's StateTransitionReason for what a user did. */
  userReason: string
  settings: readonly Setting[]
  /** Where reading may begin; absent for a source that has no positions. */
  positions?: readonly StartingPosition[]
  /** A mapping of it says where to begin; where it does not, it begins here. */
  position?: StartingPosition
  /** Mappings remember how far they are, so that they can be told to begin elsewhere. */
  hasCheckpoints: boolean
}

const ANYWHERE: readonly StartingPosition[] = ['AT_TIMESTAMP', 'LATEST', 'TRIM_HORIZON']
const QUEUE_SETTINGS: readonly Setting[] = ['batchingWindowSeconds', 'maximumConcurrency']
const STREAM_SETTINGS: readonly Setting[] = [
  ...(['batchingWindowSeconds', 'bisects', 'onFailure', 'recordAgeSecondsMax'] as const),
  'retriesMax',
]
const SHARD_SETTINGS: readonly Setting[] = [
  ...STREAM_SETTINGS,
  ...(['parallelizationFactor', 'tumblingWindowSeconds'] as const),
]
const SHARDS = {
  batchSize: 100,
  batchingWindowSeconds: 0,
  userReason: 'User action',
  settings: SHARD_SETTINGS,
  hasCheckpoints: true,
} as const
/** Hearth's own: they remember by themselves what was handed out, as queues do. */
const CONSUMERS = {
  batchSize: 10,
  batchingWindowSeconds: 0,
  userReason: 'USER_INITIATED',
  settings: QUEUE_SETTINGS,
  positions: ANYWHERE,
  position: 'TRIM_HORIZON',
  hasCheckpoints: false,
} as const

export const SOURCE_LAWS: Readonly<Record<SourceKind, SourceLaw>> = {
  dynamodb: { ...SHARDS, positions: ['LATEST', 'TRIM_HORIZON'] },
  jetstream: CONSUMERS,
  kafka: {
    batchSize: 100,
    batchingWindowSeconds: 0.5,
    userReason: 'USER_INITIATED',
    settings: STREAM_SETTINGS,
    positions: ANYWHERE,
    hasCheckpoints: true,
  },
  kinesis: { ...SHARDS, positions: ANYWHERE },
  redis: CONSUMERS,
  sqs: {
    batchSize: 10,
    batchingWindowSeconds: 0,
    userReason: 'USER_INITIATED',
    settings: QUEUE_SETTINGS,
    hasCheckpoints: false,
  },
}

const ARN = /^arn:(aws[a-zA-Z-]*):([a-z0-9-]+):([a-z0-9-]+):(\d{12}):(\S+)$/
const RESOURCES = new Map<string, RegExp>([
  ['sqs', /^[\w-]{1,80}(\.fifo)?$/],
  ['kinesis', /^stream\/[\w.-]{1,128}(\/consumer\/[\w.-]{1,128}:\d+)?$/],
  ['dynamodb', /^table\/[\w.-]{3,255}\/stream\/[^/]+$/],
  ['kafka', /^cluster\/\S+$/],
])
/** Partition `aws-hearth`: NATS names have no dots in streams, and Redis keys may be anything. */
const OWN_RESOURCES = new Map<string, RegExp>([
  ['jetstream', /^[^\s.*>/\\]{1,255}(\/[^\s/]{1,255})?$/],
  ['redis', /^\S{1,512}$/],
])
/** AWS's other sources, in the words of a refusal. */
const UNREAD = new Map([
  ['mq', 'Amazon MQ brokers'],
  ['rds', 'Amazon DocumentDB clusters'],
])
/** Whose servers an operator may name, by the end point types of SelfManagedEventSource. */
const END_POINTS = new Map<string, SourceKind>([
  ['KAFKA_BOOTSTRAP_SERVERS', 'kafka'],
  ['NATS_SERVERS', 'jetstream'],
  ['REDIS_SERVERS', 'redis'],
])

/**
 * The source of a new mapping.
 * @throws ServiceError for what is no source, or none that Hearth reads.
 */
export function sourceOf(wish: { arn?: string; selfManaged?: SelfManagedSource }): EventSource {
  const { arn, selfManaged } = wish
  const servers = selfManaged && serversOf(selfManaged)
  const kind = arn === undefined ? servers : kindOf(arn)
  if (kind === undefined || (servers !== undefined && servers !== kind)) throw unrecognized()
  if (arn === undefined && kind !== 'kafka') throw unrecognized()
  if (kind === 'kafka' && !selfManaged) {
    throw new ServiceError(
      'NotImplementedException',
      'Hearth cannot ask Amazon MSK for its brokers, so nothing was changed. Name them by ' +
        'KAFKA_BOOTSTRAP_SERVERS in SelfManagedEventSource beside the ARN.',
    )
  }
  if (kind === 'kafka' && selfManaged?.topics.length !== 1) {
    throw invalid("Required 'topics' parameter is missing.")
  }
  if (kind === 'kafka' && selfManaged?.access.length === 0) {
    throw invalid("Required 'sourceAccessConfigurations' parameter is missing.")
  }
  return { kind, ...(arn !== undefined && { sourceArn: arn }), ...(selfManaged && { selfManaged }) }
}

/** Whether a queue keeps the order of its groups, and so neither gathers nor takes large batches. */
export const isFifo = ({ kind, sourceArn }: EventSource) =>
  kind === 'sqs' && sourceArn?.endsWith('.fifo') === true

function kindOf(arn: string): SourceKind | undefined {
  const [, partition, service = '', , , resource = ''] = ARN.exec(arn) ?? []
  const unread = UNREAD.get(service)
  if (unread !== undefined) {
    throw new ServiceError(
      'NotImplementedException',
      `Hearth does not read ${unread} yet, so nothing was changed.`,
    )
  }
  const form = (partition === 'aws-hearth' ? OWN_RESOURCES : RESOURCES).get(service)
  // Services are named as their kinds are.
  return form?.test(resource) ? (service as SourceKind) : undefined
}

function serversOf({ endpoints }: SelfManagedSource): SourceKind {
  const [type, ...others] = Object.keys(endpoints)
  const kind = type === undefined || others.length > 0 ? undefined : END_POINTS.get(type)
  if (kind === undefined) throw unrecognized()
  return kind
}

const unrecognized = () => invalid('Unrecognized event source.')
const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
