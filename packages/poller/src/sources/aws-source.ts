// What sources at AWS have in common: where their service is and how to sign there, the words for a
// stream that is not there, and how a batch of a stream is handed to the function and told of.

import type { SourceAnswer } from '@hearth/bus/messages'
import { type AwsAccess, refusal, type SourceOptions, type StreamRecord } from './source.ts'

/** Where a mapping's source is: the region of its ARN, at AWS or at a server of one's own. */
export function placeOf(
  { aws, mapping, region }: SourceOptions,
  service: Parameters<AwsAccess['endpoint']>[0],
) {
  const endpoint = aws.endpoint(service)
  const [, , , arnRegion] = (mapping.sourceArn ?? '').split(':')
  return {
    region: arnRegion || region,
    ...(endpoint !== undefined && { endpoint }),
    ...(aws.credentials && { credentials: aws.credentials }),
  }
}

/** Whether a stream can be read, in AWS's own words where it cannot. */
export async function judgeStream(
  { mapping }: SourceOptions,
  { service, ask }: { service: string; ask(arn: string): Promise<unknown> },
): Promise<SourceAnswer> {
  const arn = mapping.sourceArn ?? ''
  try {
    await ask(arn)
    return { usable: true }
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      return refusal(`Stream not found: ${arn}`)
    }
    return { unknown: `${service} does not answer: ${error}` }
  }
}

/** The event of a batch. */
export const payloadOf = (records: readonly StreamRecord[]) => ({
  Records: records.map(({ event }) => event),
})

/** What is told of a batch that was given up: AWS's batch info, whatever its name. */
export function batchInfoOf(
  batch: { arn: string; shard: string; records: readonly StreamRecord[] },
  show: (arrivedAt: number) => string,
) {
  const [first, last] = [batch.records[0], batch.records.at(-1)]
  return {
    shardId: batch.shard,
    startSequenceNumber: first?.position,
    endSequenceNumber: last?.position,
    approximateArrivalOfFirstRecord: show(first?.arrivedAt ?? 0),
    approximateArrivalOfLastRecord: show(last?.arrivedAt ?? 0),
    batchSize: batch.records.length,
    streamArn: batch.arn,
  }
}
