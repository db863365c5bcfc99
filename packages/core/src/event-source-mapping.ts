// The event source mapping: what is remembered of one, and the laws of its states. Pure: routes
// hand in the wish, pollers what they saw; the store writes what comes back. It never speaks the
// wire format and never touches a source.

/** What kind of server a mapping reads from, and by which laws. */
export type SourceKind = 'dynamodb' | 'jetstream' | 'kafka' | 'kinesis' | 'redis' | 'sqs'

/** AWS's State of a mapping. */
export type MappingState =
  | 'Creating'
  | 'Deleting'
  | 'Disabled'
  | 'Disabling'
  | 'Enabled'
  | 'Enabling'
  | 'Updating'

/** Where reading of a source with positions begins. */
export type StartingPosition = 'AT_TIMESTAMP' | 'LATEST' | 'TRIM_HORIZON'

/** Servers of the operator's own, by AWS's and Hearth's names for them, and how to sign in. */
export interface SelfManagedSource {
  /** `host:port` or URLs, by end point type: KAFKA_BOOTSTRAP_SERVERS, NATS_SERVERS, REDIS_SERVERS. */
  endpoints: Record<string, string[]>
  topics: string[]
  consumerGroupId?: string
  /** AWS's SourceAccessConfigurations as they came. */
  access: { type: string; uri: string }[]
}

/** One mapping as it is stored: one record, so that each change is one atomic write. */
export interface EventSourceMapping {
  uuid: string
  account: string
  functionName: string
  qualifier?: string
  kind: SourceKind
  /** Absent for a self-managed source. */
  sourceArn?: string
  selfManaged?: SelfManagedSource
  state: MappingState
  /** AWS's StateTransitionReason. */
  stateReason: string
  /** AWS's LastProcessingResult; changed by pollers alone. */
  lastResult?: string
  /** Milliseconds since the epoch. */
  modifiedAt: number
  /** Grows with each change of the settings: whoever works by older ones starts anew. */
  generation: number
  batchSize: number
  /** Seconds for which a batch may gather; fractions where AWS's default is half a second. */
  batchingWindowSeconds: number
  startingPosition?: StartingPosition
  /** Milliseconds since the epoch. */
  startingTimestamp?: number
  /** JSON texts of event patterns; a record passes when one of them matches. */
  filters: string[]
  reportsItemFailures: boolean
  /** Batches in flight at a time, for a queue. */
  maximumConcurrency?: number
  /** Batches in flight at a time for a shard, by partition key. */
  parallelizationFactor: number
  /** -1 is without end. */
  retriesMax: number
  /** -1 is without end. */
  recordAgeSecondsMax: number
  bisects: boolean
  /** 0 is no window. */
  tumblingWindowSeconds: number
  /** ARN or address where what was given up is told. */
  onFailure?: string
  tags: Record<string, string>
  /** Members that cannot matter when self-hosted: accepted and given back as they came. */
  echoed: Record<string, unknown>
}
