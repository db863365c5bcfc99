// How an event source mapping looks on the wire: AWS's EventSourceMappingConfiguration, with the
// members that AWS shows for each kind of source and no others (recorded). Pure.

import type { EventSourceMappingConfiguration } from '@aws-sdk/client-lambda'
import { functionArn, type Place } from '@hearth/core/arn'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { ENDLESS } from '@hearth/core/event-source-settings'

type View = EventSourceMappingConfiguration

export function viewMapping(mapping: EventSourceMapping, place: Place): View {
  const { uuid, lastResult, filters, startingPosition, startingTimestamp } = mapping
  return {
    UUID: uuid,
    EventSourceMappingArn: `arn:aws:lambda:${place.region}:${place.account}:event-source-mapping:${uuid}`,
    FunctionArn: functionArn(place, mapping.functionName, mapping.qualifier),
    LastModified: new Date(mapping.modifiedAt),
    State: mapping.state,
    StateTransitionReason: mapping.stateReason,
    BatchSize: mapping.batchSize,
    ...(lastResult !== undefined && { LastProcessingResult: lastResult }),
    ...(mapping.sourceArn !== undefined && { EventSourceArn: mapping.sourceArn }),
    ...(startingPosition && { StartingPosition: startingPosition }),
    ...(startingTimestamp !== undefined && {
      StartingPositionTimestamp: new Date(startingTimestamp),
    }),
    ...(filters.length > 0 && {
      FilterCriteria: { Filters: filters.map((Pattern) => ({ Pattern })) },
    }),
    ...viewKind(mapping),
    ...viewServers(mapping),
    ...mapping.echoed,
  }
}

function viewKind(mapping: EventSourceMapping): View {
  switch (mapping.kind) {
    case 'dynamodb':
    case 'kinesis':
      return {
        ...viewBatches(mapping),
        ...viewFailures(mapping),
        ParallelizationFactor: mapping.parallelizationFactor,
        TumblingWindowInSeconds: mapping.tumblingWindowSeconds,
      }
    case 'kafka':
      return viewKafka(mapping)
    case 'jetstream':
    case 'redis':
    case 'sqs':
      return {
        ...viewBatches(mapping),
        ...(mapping.maximumConcurrency !== undefined && {
          ScalingConfig: { MaximumConcurrency: mapping.maximumConcurrency },
        }),
      }
  }
}

function viewBatches(mapping: EventSourceMapping): View {
  return {
    MaximumBatchingWindowInSeconds: mapping.batchingWindowSeconds,
    FunctionResponseTypes: mapping.reportsItemFailures ? ['ReportBatchItemFailures'] : [],
  }
}

function viewFailures({ onFailure, ...mapping }: EventSourceMapping): View {
  return {
    BisectBatchOnFunctionError: mapping.bisects,
    DestinationConfig: { OnFailure: onFailure === undefined ? {} : { Destination: onFailure } },
    MaximumRecordAgeInSeconds: mapping.recordAgeSecondsMax,
    MaximumRetryAttempts: mapping.retriesMax,
  }
}

/** Of Kafka AWS shows only what was asked for; half a second it cannot even say. */
function viewKafka(mapping: EventSourceMapping): View {
  const batches = viewBatches(mapping)
  const failures = viewFailures(mapping)
  return {
    ...(Number.isInteger(mapping.batchingWindowSeconds) && {
      MaximumBatchingWindowInSeconds: batches.MaximumBatchingWindowInSeconds,
    }),
    ...(mapping.reportsItemFailures && { FunctionResponseTypes: batches.FunctionResponseTypes }),
    ...(mapping.bisects && { BisectBatchOnFunctionError: true }),
    ...(mapping.onFailure !== undefined && { DestinationConfig: failures.DestinationConfig }),
    ...(mapping.recordAgeSecondsMax !== ENDLESS && {
      MaximumRecordAgeInSeconds: mapping.recordAgeSecondsMax,
    }),
    ...(mapping.retriesMax !== ENDLESS && { MaximumRetryAttempts: mapping.retriesMax }),
  }
}

function viewServers({ selfManaged, kind, sourceArn }: EventSourceMapping): View {
  if (!selfManaged) return {}
  const { endpoints, topics, access, consumerGroupId } = selfManaged
  const config = { ConsumerGroupId: consumerGroupId }
  const isManaged = kind === 'kafka' && sourceArn !== undefined
  return {
    SelfManagedEventSource: { Endpoints: endpoints as never },
    ...(topics.length > 0 && { Topics: topics }),
    ...(access.length > 0 && {
      SourceAccessConfigurations: access.map(({ type, uri }) => ({
        Type: type as never,
        URI: uri,
      })),
    }),
    ...(consumerGroupId !== undefined &&
      (isManaged
        ? { AmazonManagedKafkaEventSourceConfig: config }
        : { SelfManagedKafkaEventSourceConfig: config })),
  }
}
