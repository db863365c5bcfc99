// Buckets that code may come from: AWS's S3, or any server that speaks as it does. What goes wrong
// is told in Lambda's words around S3's own; an object that is too large is not read to its end.
// The client is loaded when it is first wanted, and made anew each time, because that is seldom.

import { addAbortSignal, type Readable } from 'node:stream'
import { ServiceError } from '@hearth/core/error'

export interface ObjectName {
  bucket: string
  key: string
  /** Of a bucket that keeps versions; the newest, unsaid. */
  version?: string
}

export interface Objects {
  /**
   * Resolves with what `take` makes of the object's bytes as they arrive.
   * @throws ServiceError when it cannot be had, or is larger than `bytesMax`.
   */
  read<R>(name: ObjectName, bytesMax: number, take: Take<R>): Promise<R>
}

type Body = AsyncIterable<Uint8Array>
type Take<R> = (body: Body) => Promise<R>
type Told = (error: unknown) => ServiceError

export interface ObjectAccess {
  region: string
  endpoint(service: 's3'): string | undefined
  /** Absent: the SDK's own chain of credentials. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

/** A failure as S3's client has it; without a status, S3 has said nothing at all. */
interface ObjectFault {
  name: string
  message: string
  code?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/** Shorter than a control request may take. */
const READ_MS_MAX = 50_000
const ATTEMPTS_MAX = 2

export function openObjects(access: ObjectAccess): Objects {
  return {
    async read(name, bytesMax, take) {
      const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
      const client = new S3Client(optionsOf(access))
      const { bucket, key, version } = name
      const request = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(version && { VersionId: version }),
      })
      const abortSignal = AbortSignal.timeout(READ_MS_MAX)
      const told: Told = (error) => refusalOf(error as ObjectFault, name)
      try {
        const { Body } = await client.send(request, { abortSignal }).catch((error) => {
          throw told(error)
        })
        return await take(bounded(addAbortSignal(abortSignal, Body as Readable), bytesMax, told))
      } finally {
        client.destroy()
      }
    },
  }
}

function optionsOf({ region, endpoint, credentials }: ObjectAccess) {
  const own = endpoint('s3')
  return {
    region,
    maxAttempts: ATTEMPTS_MAX,
    // Compatible servers have no name for each bucket.
    ...(own !== undefined && { endpoint: own, forcePathStyle: true }),
    ...(credentials && { credentials }),
  }
}

/** The body until it is too large; what breaks it off is told as a refusal. */
async function* bounded(body: Body, bytesMax: number, told: Told): Body {
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > bytesMax) {
        throw new ServiceError(
          'InvalidParameterValueException',
          `Unzipped size must be smaller than ${bytesMax} bytes`,
        )
      }
      yield chunk
    }
  } catch (error) {
    // Whoever reads it ends it otherwise when something of his own fails.
    throw error instanceof ServiceError ? error : told(error)
  }
}

function refusalOf(fault: ObjectFault, { bucket, key }: ObjectName): ServiceError {
  const { name, code, message, $metadata } = fault
  if ($metadata?.httpStatusCode === undefined) {
    return new ServiceError(
      'ServiceUnavailableException',
      `Error occurred while GetObject. S3 did not answer: ${message || code || name}`,
      { cause: fault },
    )
  }
  const said = `S3 Error Code: ${name}. S3 Error Message: ${messageOf(fault)}`
  if (name === 'AccessDenied') {
    return new ServiceError(
      'AccessDeniedException',
      'Your access has been denied by S3, please make sure your request credentials have ' +
        `permission to GetObject for ${bucket}/${key}. ${said}`,
      { cause: fault },
    )
  }
  return new ServiceError(
    'InvalidParameterValueException',
    `Error occurred while GetObject. ${said}`,
    { cause: fault },
  )
}

/** S3 says where a bucket is that is elsewhere; its client leaves that out. */
function messageOf({ name, message, $response }: ObjectFault): string {
  const region = $response?.headers?.['x-amz-bucket-region']
  if (name !== 'PermanentRedirect' || !region) return message
  return `The bucket is in this region: ${region}. Please use this region to retry the request`
}
