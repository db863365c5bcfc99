// The settings of an event source mapping: what a caller may ask for, its limits, and AWS's words
// where it asks for too much. Pure; the mapping's own law decides when settings may change.

import { targetOf } from './destination.ts'
import { ServiceError } from './error.ts'
import { parsePattern } from './event-pattern.ts'
import { type EventSource, isFifo, type Setting, SOURCE_LAWS } from './event-source.ts'
import type { EventSourceMapping, StartingPosition } from './event-source-mapping.ts'

/** What a caller asks for; absent members are left to AWS's defaults, or as they are. */
export interface MappingWish {
  enabled?: boolean
  batchSize?: number
  batchingWindowSeconds?: number
  filters?: string[]
  reportsItemFailures?: boolean
  /** `none` takes the limit away. */
  maximumConcurrency?: number | 'none'
  parallelizationFactor?: number
  retriesMax?: number
  recordAgeSecondsMax?: number
  bisects?: boolean
  tumblingWindowSeconds?: number
  /** Empty takes the destination away. */
  onFailure?: string
  echoed?: Record<string, unknown>
}

/** Where a mapping starts to read. */
export interface Start {
  position?: StartingPosition
  /** Milliseconds since the epoch. */
  timestamp?: number
}

/** Patterns of one mapping without a raised quota (Lambda quotas). */
const FILTERS_MAX = 5
/** Batches that an SQS queue can give without a window (Lambda API, "BatchSize"). */
const UNGATHERED_MAX = 10
/** Younger than this no record may be given up for its age (Lambda API). */
const RECORD_AGE_SECONDS_MIN = 60
/** Retries and ages without a limit. */
export const ENDLESS = -1

/** AWS's names of settings, as its refusals have them. */
const MEMBERS: Readonly<Record<Exclude<Setting, 'onFailure'>, string>> = {
  batchingWindowSeconds: 'maximumBatchingWindowInSeconds',
  bisects: 'bisectBatchOnFunctionError',
  maximumConcurrency: 'scalingConfig',
  parallelizationFactor: 'parallelizationFactor',
  recordAgeSecondsMax: 'maximumRecordAgeInSeconds',
  retriesMax: 'maximumRetryAttempts',
  tumblingWindowSeconds: 'tumblingWindowInSeconds',
}

/** The mapping with every given setting replaced. @throws ServiceError for what AWS refuses. */
export function withSettings(mapping: EventSourceMapping, wish: MappingWish): EventSourceMapping {
  requireSupported(mapping, wish)
  const { onFailure, maximumConcurrency, echoed, ...given } = wish
  const { onFailure: formerFailure, maximumConcurrency: formerMaximum, ...rest } = mapping
  const failure = onFailure ?? formerFailure
  const maximum = maximumConcurrency ?? formerMaximum
  const next: EventSourceMapping = {
    ...rest,
    ...(Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as typeof given),
    ...(failure && { onFailure: failure }),
    ...(typeof maximum === 'number' && { maximumConcurrency: maximum }),
    echoed: { ...mapping.echoed, ...echoed },
  }
  checkBatches(next)
  if (wish.onFailure && !targetOf(wish.onFailure)) {
    throw invalid(`The destination ARN ${wish.onFailure} is invalid.`)
  }
  const age = next.recordAgeSecondsMax
  if (age !== ENDLESS && age < RECORD_AGE_SECONDS_MIN) {
    throw invalid(
      `1 validation error detected: Value '${age}' at 'maximumRecordAgeInSeconds' failed to ` +
        `satisfy constraint: Member must have value greater than or equal to ` +
        `${RECORD_AGE_SECONDS_MIN}`,
    )
  }
  if (next.filters.length > FILTERS_MAX) {
    throw invalid(`Exceeded the maximum number of filters allowed (${FILTERS_MAX}).`)
  }
  for (const filter of wish.filters ?? []) parsePattern(filter)
  return next
}

function requireSupported({ kind }: EventSourceMapping, wish: MappingWish): void {
  const known = SOURCE_LAWS[kind].settings
  if (wish.onFailure && !known.includes('onFailure')) {
    throw invalid('Unsupported DestinationConfig parameter for given event source mapping type.')
  }
  for (const [setting, member] of Object.entries(MEMBERS) as [keyof typeof MEMBERS, string][]) {
    if (wish[setting] !== undefined && !known.includes(setting)) throw unsupported(member)
  }
}

function checkBatches(mapping: EventSourceMapping): void {
  const { kind, batchSize, batchingWindowSeconds: window } = mapping
  if (window > 0 && isFifo(mapping)) {
    throw invalid('Batching window is not supported for FIFO queues')
  }
  if (kind === 'sqs' && batchSize > UNGATHERED_MAX && window === 0) {
    throw invalid(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater ' +
        'than 10',
    )
  }
}

/** @throws ServiceError for a position that the source does not have. */
export function startOf(
  { kind, sourceArn }: EventSource,
  { position, timestamp }: Start = {},
): Pick<EventSourceMapping, 'startingPosition' | 'startingTimestamp'> {
  const { positions, position: usual } = SOURCE_LAWS[kind]
  if (!positions) {
    if (position === undefined && timestamp === undefined) return {}
    throw invalid('StartingPosition is not valid for SQS event sources.')
  }
  const chosen = position ?? usual
  if (chosen === undefined) throw missing('startingPosition')
  if (!positions.includes(chosen)) {
    throw invalid(`Unsupported starting position for arn type: ${sourceArn}`)
  }
  if (chosen !== 'AT_TIMESTAMP') {
    if (timestamp === undefined) return { startingPosition: chosen }
    throw invalid('StartingPositionTimestamp is only valid with StartingPosition AT_TIMESTAMP.')
  }
  if (timestamp === undefined) throw missing('startingPositionTimestamp')
  return { startingPosition: chosen, startingTimestamp: timestamp }
}

const missing = (member: string) =>
  invalid(
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: ` +
      'Member must not be null.',
  )
export const unsupported = (member: string) =>
  invalid(`Unsupported '${member}' parameter for given event source mapping type.`)
const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
