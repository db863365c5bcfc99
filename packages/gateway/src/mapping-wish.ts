// What a caller wishes of an event source mapping, read from the wire into core's nouns. What
// Hearth could not obey is refused by name; what cannot matter when self-hosted is echoed.

import type * as Aws from '@aws-sdk/client-lambda'
import { ServiceError } from '@hearth/core/error'
import { type EventSource, sourceOf } from '@hearth/core/event-source'
import type { SelfManagedSource, StartingPosition } from '@hearth/core/event-source-mapping'
import type { MappingWish, Start } from '@hearth/core/event-source-settings'

type Wish = Partial<
  Aws.CreateEventSourceMappingCommandInput & Aws.UpdateEventSourceMappingCommandInput
>

/** Members that ask for something which is not built yet: what each asks for, when it asks. */
const UNOBEYED: Readonly<Record<string, (wish: Wish) => boolean>> = {
  'Amazon MQ brokers': ({ Queues }) => (Queues?.length ?? 0) > 0,
  'Amazon DocumentDB clusters': ({ DocumentDBEventSourceConfig }) =>
    DocumentDBEventSourceConfig !== undefined,
  'schema registries': (wish) =>
    wish.AmazonManagedKafkaEventSourceConfig?.SchemaRegistryConfig !== undefined ||
    wish.SelfManagedKafkaEventSourceConfig?.SchemaRegistryConfig !== undefined,
  "modes of Kafka's consumption": (wish) =>
    wish.SelfManagedKafkaEventSourceConfig?.ConsumptionMode !== undefined,
  'logs of pollers': ({ LoggingConfig }) => LoggingConfig?.SystemLogLevel !== undefined,
}

/** @throws ServiceError NotImplementedException naming what Hearth cannot obey yet. */
export function requireObeyableMapping(wish: Wish): void {
  const asked = Object.entries(UNOBEYED).filter(([, asks]) => asks(wish))
  if (asked.length === 0) return
  throw new ServiceError(
    'NotImplementedException',
    `Hearth does not have ${asked.map(([what]) => what).join(', ')} yet, so nothing was changed.`,
  )
}

/** @throws ServiceError for what is no source, or none that Hearth reads. */
export function readSource(wish: Wish, uuid: string): EventSource {
  const servers = wish.SelfManagedEventSource?.Endpoints
  const group = groupOf(wish)
  const source = sourceOf({
    ...(wish.EventSourceArn !== undefined && { arn: wish.EventSourceArn }),
    ...(servers && {
      selfManaged: {
        endpoints: servers as Record<string, string[]>,
        topics: wish.Topics ?? [],
        access: accessOf(wish) ?? [],
        ...(group !== undefined && { consumerGroupId: group }),
      },
    }),
  })
  const { selfManaged, kind } = source
  if (!selfManaged) {
    if (group !== undefined) throw unsupported('selfManagedKafkaEventSourceConfig')
    if (wish.Topics) throw unsupported('topics')
    if (wish.SourceAccessConfigurations) throw unsupported('sourceAccessConfigurations')
  }
  if (!selfManaged || kind !== 'kafka' || group !== undefined) return source
  return { ...source, selfManaged: { ...selfManaged, consumerGroupId: uuid } }
}

/** The consumer group that a caller names, for Kafka of either kind. */
export function groupOf(wish: Wish): string | undefined {
  return (
    wish.SelfManagedKafkaEventSourceConfig?.ConsumerGroupId ??
    wish.AmazonManagedKafkaEventSourceConfig?.ConsumerGroupId
  )
}

export function accessOf(wish: Wish): SelfManagedSource['access'] | undefined {
  return wish.SourceAccessConfigurations?.map(({ Type = '', URI = '' }) => ({
    type: Type,
    uri: URI,
  }))
}

export function readStart(wish: Wish): Start {
  const { StartingPosition: position, StartingPositionTimestamp: time } = wish
  return {
    ...(position !== undefined && { position: position as StartingPosition }),
    ...(time !== undefined && { timestamp: time.getTime() }),
  }
}

/** The body of Hearth's own reset. @throws ServiceError for anything that is no place to begin. */
export function readReset({ position, timestamp, ...others }: Record<string, unknown>): Start {
  if (Object.keys(others).length === 0) {
    if (position === undefined && timestamp === undefined) return {}
    if (timestamp === undefined && (position === 'LATEST' || position === 'TRIM_HORIZON')) {
      return { position }
    }
    if (position === undefined && typeof timestamp === 'number' && timestamp >= 0) {
      return { position: 'AT_TIMESTAMP', timestamp }
    }
  }
  throw new ServiceError(
    'InvalidParameterValueException',
    'Say { "position": "LATEST" } or "TRIM_HORIZON", or { "timestamp": <milliseconds> }.',
  )
}

/** @throws ServiceError for a destination of successes, which no mapping has. */
export function readSettings(wish: Wish): MappingWish {
  if (wish.DestinationConfig?.OnSuccess?.Destination) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'Unsupported DestinationConfig parameter for given event source mapping type.',
    )
  }
  return given({
    enabled: wish.Enabled,
    batchSize: wish.BatchSize,
    batchingWindowSeconds: wish.MaximumBatchingWindowInSeconds,
    filters: wish.FilterCriteria && (wish.FilterCriteria.Filters ?? []).map(patternOf),
    reportsItemFailures: wish.FunctionResponseTypes?.includes('ReportBatchItemFailures'),
    maximumConcurrency: wish.ScalingConfig && (wish.ScalingConfig.MaximumConcurrency ?? 'none'),
    parallelizationFactor: wish.ParallelizationFactor,
    retriesMax: wish.MaximumRetryAttempts,
    recordAgeSecondsMax: wish.MaximumRecordAgeInSeconds,
    bisects: wish.BisectBatchOnFunctionError,
    tumblingWindowSeconds: wish.TumblingWindowInSeconds,
    onFailure: wish.DestinationConfig && (wish.DestinationConfig.OnFailure?.Destination ?? ''),
    echoed: echoesOf(wish),
  })
}

/** A filter without a pattern has one that cannot be read. */
const patternOf = ({ Pattern = '' }: Aws.Filter) => Pattern

/**
 * Patterns lie in the operator's own store, metrics are always there, and there are as many pollers
 * as the operator runs.
 */
function echoesOf(wish: Wish): Record<string, unknown> {
  return given({
    KMSKeyArn: wish.KMSKeyArn,
    MetricsConfig: wish.MetricsConfig,
    ProvisionedPollerConfig: wish.ProvisionedPollerConfig,
  })
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function given<T extends object>(members: T): Given<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Given<T>
}

const unsupported = (member: string) =>
  new ServiceError(
    'InvalidParameterValueException',
    `Unsupported '${member}' parameter for given event source mapping type.`,
  )
