// Mappings whose source is a stream, run by whoever owns them: the source is opened, its shards are
// kept by the right to the whole mapping, and what was given up is on its way to the failure
// destination, on the disk, before the checkpoint moves on.

import { createHash } from 'node:crypto'
import type { Delivery, SourceAnswer } from '@hearth/bus/messages'
import { functionArn } from '@hearth/core/arn'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { Checkpoints } from '@hearth/store/checkpoints'
import type { Deliveries } from '@hearth/store/deliveries'
import { filterOf, type LoopRun } from './mapping-run.ts'
import type { MappingsParts } from './mappings.ts'
import type { AwsAccess, SourceOptions } from './sources/source.ts'
import { streamOf } from './sources/streams.ts'
import { runStreamMapping, sharesOf } from './stream-loop.ts'

export interface StreamMappingParts {
  region: string
  aws: AwsAccess
  natsUrl: string
  valkeyUrl: string
  /** Where files with the secrets of sources are; without it a mapping that names one is refused. */
  secretsFolder?: string
  invoke: MappingsParts['invoke']
  checkpoints: Checkpoints
  deliveries: Pick<Deliveries, 'put'>
}

export function openStreamMappings(
  parts: StreamMappingParts,
): Pick<MappingsParts, 'judgeStream' | 'runStream'> {
  const { region, aws, natsUrl, valkeyUrl, secretsFolder } = parts
  const optionsFor = (mapping: EventSourceMapping): SourceOptions => ({
    ...{ mapping, region, aws, natsUrl, valkeyUrl },
    ...(secretsFolder !== undefined && { secretsFolder }),
  })
  return {
    async judgeStream({ mapping }): Promise<SourceAnswer> {
      const kind = streamOf(mapping.kind)
      return kind ? kind.judge(optionsFor(mapping)) : { unknown: `nothing reads ${mapping.kind}` }
    },
    async runStream({ mapping, grant, progress, stop, opened }: LoopRun) {
      const kind = streamOf(mapping.kind)
      if (!kind) throw new Error(`nothing reads ${mapping.kind}`)
      const source = await kind.open(optionsFor(mapping))
      const { invoke, checkpoints, deliveries } = parts
      try {
        await runStreamMapping(
          mapping,
          {
            ...{ region, source, invoke, checkpoints, progress, opened },
            shares: sharesOf(grant),
            passes: filterOf(mapping),
            deliver: (record, shard) =>
              deliveries.put(deliveryOf({ mapping, region, record, shard })),
          },
          stop,
        )
      } finally {
        await source.close()
      }
    },
  }
}

/** The same id for the same record, whoever tells it. */
function deliveryOf(given: {
  mapping: EventSourceMapping
  region: string
  record: string
  shard: string
}): Delivery {
  const { mapping, region, record, shard } = given
  const { account, functionName, qualifier = '$LATEST', onFailure = '', uuid } = mapping
  const { requestContext } = JSON.parse(record) as { requestContext: { requestId: string } }
  const digest = createHash('sha256').update(`${uuid} ${record}`).digest('hex').slice(0, 32)
  return {
    id: `${uuid}.${digest}`,
    account,
    target: onFailure,
    as: 'destination',
    condition: 'Failure',
    functionName,
    functionArn: functionArn({ account, region }, functionName, qualifier),
    body: record,
    requestId: requestContext.requestId,
    batch: { mapping: uuid, shard },
    createdAt: Date.now(),
  }
}
