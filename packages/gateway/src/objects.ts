// Buckets that code may come from: AWS's S3, or any server that speaks as it does. What goes wrong
// is told in Lambda's words around S3's own; an object that is too large is not read to its end.
// The client is loaded when it is first wanted, and made anew each time, because that is seldom.

import { ServiceError } from '@hearth/core/error'

export interface ObjectName {
  bucket: string
  key: string
  /** Of a bucket that keeps versions; the newest, unsaid. */
  version?: string
}

export interface Objects {
  /** @throws ServiceError when it cannot be had, or is larger than `bytesMax`. */
  read(name: ObjectName, bytesMax: number): Promise<Uint8Array>
}

export interface ObjectAccess {
  region: string
  endpoint(service: 's3'): string | undefined
  /** Absent: the SDK's own chain of credentials. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

/** What S3 says of a failure, as its client has it. */
interface ObjectFault {
  name: string
  message: string
  $response?: { headers?: Record<string, string> }
}

/** Shorter than a control request may take. */
const READ_MS_MAX = 50_000
const ATTEMPTS_MAX = 2

export function openObjects(access: ObjectAccess): Objects {
  return {
    async read(name, bytesMax) {
      const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
      const client = new S3Client(optionsOf(access))
      const { bucket, key, version } = name
      const request = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(version && { VersionId: version }),
      })
      const abortSignal = AbortSignal.timeout(READ_MS_MAX)
      try {
        const { Body } = await client.send(request, { abortSignal })
        return await bounded(Body as AsyncIterable<Uint8Array>, bytesMax)
      } catch (error) {
        throw error instanceof ServiceError ? error : refusalOf(error as ObjectFault, name)
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

async function bounded(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) {
      throw new ServiceError(
        'InvalidParameterValueException',
        `Unzipped size must be smaller than ${bytesMax} bytes`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

function refusalOf(fault: ObjectFault, { bucket, key }: ObjectName): ServiceError {
  const { name } = fault
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
