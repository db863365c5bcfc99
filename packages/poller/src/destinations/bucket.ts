// Buckets of S3 as targets, for failures alone: the record is an object under AWS's names. The name
// follows from the delivery, so that a second try writes the same object again.

import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Delivery } from '@hearth/bus/messages'
import type { AwsAccess } from '../sources/source.ts'
import { clientOptions, withinTime } from './aws-client.ts'
import { notForDeadLetters } from './dead-letter.ts'
import { uuidOf } from './delivery-id.ts'
import { type Deliverer, never } from './destination.ts'

export function openBuckets(aws: AwsAccess): Deliverer<'s3'> {
  const client = new S3Client({
    ...clientOptions(aws, 's3', aws.region),
    // Compatible servers have no name for each bucket, and not all know AWS's newer checksums.
    forcePathStyle: aws.endpoint('s3') !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // A bucket is anywhere, and its ARN does not say where.
    followRegionRedirects: true,
  })
  return {
    async deliver(delivery, { bucket }) {
      const refusal = notForDeadLetters(delivery, 'a bucket')
      if (refusal) return never(refusal)
      if (delivery.condition === 'Success') return never('A bucket takes records of failures only.')
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: keyOf(delivery),
          Body: delivery.body,
          ContentType: 'application/json',
        }),
        withinTime(),
      )
      return 'delivered'
    },
    close: () => client.destroy(),
  }
}

/**
 * AWS's names: `aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>` for an event,
 * `aws/lambda/<mapping>/<shard>/...` for a batch.
 */
export function keyOf(delivery: Delivery): string {
  const timestamp = new Date(delivery.createdAt).toISOString()
  const day = timestamp.slice(0, 10)
  const time = timestamp.slice(0, 19).replaceAll(':', '.')
  const { batch } = delivery
  const folder = batch ? `${batch.mapping}/${batch.shard}` : `async/${delivery.functionName}`
  return `aws/lambda/${folder}/${day.replaceAll('-', '/')}/${time}-${uuidOf(delivery.id)}`
}
