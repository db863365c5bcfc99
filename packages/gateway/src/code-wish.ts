// Where the zip of a function or layer comes from: the request itself, or a bucket. Both are stored
// as an artifact; only a zip from a bucket may be as large as what it unpacks to.

import { ServiceError } from '@hearth/core/error'
import { UNPACKED_BYTES_MAX } from '@hearth/core/layer'
import type { Artifact } from '@hearth/store/artifacts'
import type { Parts } from './routes/route.ts'

export interface CodeSource {
  ZipFile?: Uint8Array | undefined
  S3Bucket?: string | undefined
  S3Key?: string | undefined
  S3ObjectVersion?: string | undefined
  S3ObjectStorageMode?: string | undefined
}

const refusal = (message: string) => new ServiceError('InvalidParameterValueException', message)

/** @throws ServiceError when there is none, or more than one, or it is to stay where it is. */
export function requireSource(source: CodeSource | undefined, of = 'function code'): CodeSource {
  if (source?.S3ObjectStorageMode === 'REFERENCE') {
    throw new ServiceError(
      'NotImplementedException',
      'Hearth copies code out of its bucket and cannot refer to it there; nothing was changed.',
    )
  }
  const { ZipFile, S3Bucket, S3Key, S3ObjectVersion } = source ?? {}
  const inBucket = S3Bucket !== undefined || S3Key !== undefined || S3ObjectVersion !== undefined
  if (ZipFile && ZipFile.length > 0) {
    if (!inBucket) return { ZipFile }
    throw refusal('Please do not provide other FunctionCode parameters when providing a ZipFile.')
  }
  if (S3Bucket && S3Key) return { S3Bucket, S3Key, S3ObjectVersion }
  throw refusal(`Please provide a source for ${of}.`)
}

/** Stores the zip that a wish names. @throws ServiceError when there is none, or it is no good. */
export async function storeCode(
  source: CodeSource | undefined,
  { artifacts, objects }: Pick<Parts, 'artifacts' | 'objects'>,
  of?: string,
): Promise<Artifact> {
  const { ZipFile, S3Bucket = '', S3Key = '', S3ObjectVersion } = requireSource(source, of)
  if (ZipFile) return artifacts.put(ZipFile)
  const name = {
    bucket: S3Bucket,
    key: S3Key,
    ...(S3ObjectVersion && { version: S3ObjectVersion }),
  }
  return objects.read(name, UNPACKED_BYTES_MAX, (body) => artifacts.put(body, UNPACKED_BYTES_MAX))
}
