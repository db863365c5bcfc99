// The event source mapping: what is remembered of one, and the laws by which it is made, changed
// and moved from state to state. Pure: routes hand in the wish, pollers what they saw; the store
// writes what comes back. It never speaks the wire format and never touches a source.

import { ServiceError } from './error.ts'
import { type EventSource, SOURCE_LAWS } from './event-source.ts'
import {
  ENDLESS,
  type MappingWish,
  type Start,
  startOf,
  unsupported,
  withSettings,
} from './event-source-settings.ts'

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
  /** What the operator wants; the state says how far that is. */
  enabled: boolean
  state: MappingState
  /** AWS's StateTransitionReason. */
  stateReason: string
  /** AWS's LastProcessingResult; changed by pollers alone. */
  lastResult?: string
  /** Milliseconds since the epoch. */
  modifiedAt: number
  /** Grows with each change of the settings: whoever works by older ones starts anew. */
  generation: number
  /**
   * How often the positions were thrown away. Checkpoints are kept by it, so that whoever works by
   * an earlier one cannot bring its positions back.
   */
  resets: number
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

/** Which states may follow which. A mapping in `Deleting` is gone once nobody reads for it. */
export const transitions = {
  Creating: ['Disabled', 'Disabling', 'Enabled', 'Enabling', 'Updating', 'Deleting'],
  Disabled: ['Enabling', 'Updating', 'Deleting'],
  Disabling: ['Disabled', 'Enabling', 'Updating', 'Deleting'],
  Enabled: ['Disabling', 'Updating', 'Deleting'],
  Enabling: ['Disabling', 'Enabled', 'Updating', 'Deleting'],
  Updating: ['Disabled', 'Disabling', 'Enabled', 'Enabling', 'Updating', 'Deleting'],
  Deleting: [],
} as const satisfies Record<MappingState, readonly MappingState[]>

/** The table as a mermaid diagram, as ARCHITECTURE.md shows it. */
export function mappingDiagram(): string {
  const arrows = Object.entries(transitions).flatMap(([from, targets]) =>
    targets.map((to) => `  ${from} --> ${to}`),
  )
  return ['stateDiagram-v2', '  [*] --> Creating', ...arrows, '  Deleting --> [*]'].join('\n')
}

/** A new mapping, `Creating` until a poller has taken it up. @throws ServiceError */
export function createMapping(
  about: EventSource &
    Pick<EventSourceMapping, 'account' | 'functionName' | 'tags' | 'uuid'> & { qualifier?: string },
  wish: MappingWish & { start?: Start },
  now: number,
): EventSourceMapping {
  const { start, ...settings } = wish
  const law = SOURCE_LAWS[about.kind]
  return withSettings(
    {
      ...about,
      enabled: true,
      state: 'Creating',
      stateReason: law.userReason,
      ...(law.hasCheckpoints && { lastResult: 'No records processed' }),
      modifiedAt: now,
      generation: 1,
      resets: 0,
      batchSize: law.batchSize,
      batchingWindowSeconds: law.batchingWindowSeconds,
      ...startOf(about, start),
      filters: [],
      reportsItemFailures: false,
      parallelizationFactor: 1,
      retriesMax: ENDLESS,
      recordAgeSecondsMax: ENDLESS,
      bisects: false,
      tumblingWindowSeconds: 0,
      echoed: {},
    },
    settings,
  )
}

/** @throws ServiceError for settings that AWS refuses, and for a mapping that is going. */
export function updateMapping(
  mapping: EventSourceMapping,
  wish: MappingWish & {
    target?: { functionName: string; qualifier?: string }
    access?: SelfManagedSource['access']
  },
  now: number,
): EventSourceMapping {
  requirePresent(mapping, 'update')
  const { target, access, ...settings } = wish
  const { qualifier: _, ...rest } = mapping
  const own = mapping.selfManaged
  const base = {
    ...(target ? { ...rest, ...target } : mapping),
    ...(access && own && { selfManaged: { ...own, access } }),
  }
  if (access && !own) throw unsupported('sourceAccessConfigurations')
  return changed(withSettings(base, settings), mapping, now)
}

/** Thrown-away positions: reading begins anew from there. @throws ServiceError */
export function resetMapping(
  mapping: EventSourceMapping,
  start: Start,
  now: number,
): EventSourceMapping {
  requirePresent(mapping, 'update')
  if (!SOURCE_LAWS[mapping.kind].hasCheckpoints) {
    throw invalid(`A mapping of ${mapping.kind} has no checkpoints that could be reset.`)
  }
  const { startingPosition, startingTimestamp, ...rest } = mapping
  const former: Start = {
    ...(startingPosition && { position: startingPosition }),
    ...(startingTimestamp !== undefined && { timestamp: startingTimestamp }),
  }
  const next = startOf(mapping, start.position ? start : former)
  return changed({ ...rest, ...next, resets: mapping.resets + 1 }, mapping, now)
}

/** A mapping that goes as soon as nobody reads for it any more. @throws ServiceError */
export function deleteMapping(mapping: EventSourceMapping, now: number): EventSourceMapping {
  requirePresent(mapping, 'delete')
  return become(mapping, 'Deleting', now)
}

/** Once a poller works by a mapping, or works for it no longer. Itself where nothing is owed. */
export function settleMapping(mapping: EventSourceMapping, now: number): EventSourceMapping {
  const { state, enabled } = mapping
  if (state === 'Deleting' || state === 'Enabled' || state === 'Disabled') return mapping
  return become(mapping, enabled ? 'Enabled' : 'Disabled', now)
}

/** Whether somebody is to read for it; one that is being disabled or deleted is let go. */
export const isRead = ({ enabled, state }: EventSourceMapping) => enabled && state !== 'Deleting'

/** Whether both would give the same records to the same function, so that AWS refuses the second. */
export function isSamePair(one: EventSourceMapping, other: EventSourceMapping): boolean {
  if (one.functionName !== other.functionName || one.qualifier !== other.qualifier) return false
  if (one.sourceArn !== undefined || other.sourceArn !== undefined) {
    return one.sourceArn === other.sourceArn
  }
  const [servers, others] = [serversOf(one), serversOf(other)]
  return (
    servers.some((server) => others.includes(server)) &&
    one.selfManaged?.topics[0] === other.selfManaged?.topics[0]
  )
}

/** AWS's refusal of a second mapping. */
export function conflictOf(
  existing: EventSourceMapping,
  wish: EventSourceMapping,
  functionArn: string,
): ServiceError {
  const { sourceArn, functionName, qualifier, selfManaged } = wish
  const name = qualifier === undefined ? functionName : `${functionName}:${qualifier}`
  const start =
    sourceArn === undefined
      ? `An event source mapping with event source ("${serversOf(wish).join(',')}"), ` +
        `function ("${functionArn}"), topics ("${selfManaged?.topics.join(',')}") already exists.`
      : wish.kind === 'sqs'
        ? `An event source mapping with SQS arn (" ${sourceArn} ") and function (" ${name} ") ` +
          'already exists.'
        : `The event source arn (" ${sourceArn} ") and function (" ${name} ") provided mapping ` +
          'already exists.'
  return new ServiceError(
    'ResourceConflictException',
    `${start} Please update or delete the existing mapping with UUID ${existing.uuid}`,
  )
}

const serversOf = ({ selfManaged }: EventSourceMapping) =>
  Object.values(selfManaged?.endpoints ?? {}).flat()

/** The state that a change of settings brings, and everything that goes with it. */
function changed(
  next: EventSourceMapping,
  from: EventSourceMapping,
  now: number,
): EventSourceMapping {
  const toggled = next.enabled ? 'Enabling' : 'Disabling'
  const state = next.enabled === from.enabled ? 'Updating' : toggled
  const stateReason = SOURCE_LAWS[from.kind].userReason
  return become({ ...next, stateReason, generation: from.generation + 1 }, state, now)
}

function become(mapping: EventSourceMapping, state: MappingState, now: number): EventSourceMapping {
  const allowed: readonly MappingState[] = transitions[mapping.state]
  if (state !== mapping.state && !allowed.includes(state)) {
    throw new Error(`a mapping cannot go from ${mapping.state} to ${state}`)
  }
  return { ...mapping, state, modifiedAt: now }
}

function requirePresent({ state }: EventSourceMapping, verb: 'delete' | 'update'): void {
  if (state !== 'Deleting') return
  throw new ServiceError(
    'ResourceInUseException',
    `Cannot ${verb} the event source mapping because it is in use.`,
  )
}

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
