// Code from buckets through the unmodified AWS SDK and an S3 that is not ours: functions and layers
// are made of objects, and what goes wrong is told in the words of S3.

import {
  CreateFunctionCommand,
  PublishLayerVersionCommand,
  UpdateFunctionCodeCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { strToU8 } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, KEYS, ROLE, startHearth, zip } from './hearth.ts'
import { startMoto } from './neighbours.ts'
import type { Server } from './servers.ts'

let moto: Server
let hearth: Hearth
let s3: S3Client

const INVALID = 'InvalidParameterValueException'

beforeAll(async () => {
  moto = await startMoto()
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }
  hearth = await startHearth({ env: { AWS_ENDPOINT_URL_S3: moto.url, ...credentials } })
  const at = { endpoint: moto.url, region: 'us-east-1', credentials: KEYS }
  s3 = new S3Client({ ...at, forcePathStyle: true })
})
afterAll(async () => {
  s3?.destroy()
  await hearth?.stop()
  await moto?.stop()
})

describe('code from a bucket', () => {
  const says = (n: number) => zip({ 'index.mjs': `export const handler = async () => ${n}` })
  const put = async (Key: string, Body: Uint8Array) =>
    (await s3.send(new PutObjectCommand({ Bucket: 'code', Key, Body }))).VersionId
  const create = (FunctionName: string, Code: object) =>
    hearth.lambda.send(
      new CreateFunctionCommand({
        ...{ FunctionName, Code, Role: ROLE, Runtime: 'nodejs24.x', Handler: 'index.handler' },
      }),
    )
  const settled = (FunctionName: string) =>
    waitUntilFunctionUpdatedV2(
      { client: hearth.lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
      { FunctionName },
    )

  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'code' }))
    await s3.send(
      new PutBucketVersioningCommand({
        Bucket: 'code',
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    )
  })

  test('is copied, and never referred to', async () => {
    const from = { S3Bucket: 'code', S3Key: 'f.zip', S3ObjectStorageMode: 'REFERENCE' }
    await expect(create('referring', from)).rejects.toMatchObject({
      name: 'NotImplementedException',
      message: expect.stringContaining('copies code out of its bucket'),
    })
  })

  test('runs, by version too, and makes layers', async () => {
    const S3ObjectVersion = await put('f.zip', says(1))
    await put('f.zip', says(2))
    const from = { S3Bucket: 'code', S3Key: 'f.zip' }
    await create('bucketed', { ...from, S3ObjectVersion })
    await settled('bucketed')
    expect((await hearth.invoke('bucketed')).json).toBe(1)
    await hearth.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'bucketed', ...from }))
    await settled('bucketed')
    expect((await hearth.invoke('bucketed')).json).toBe(2)
    const layer = await hearth.lambda.send(
      new PublishLayerVersionCommand({ LayerName: 'bucketed', Content: from }),
    )
    expect(layer.Content?.CodeSize).toBe(says(2).length)
  })

  test('is refused in the words of S3', async () => {
    const refused = (Code: object) => expect(create('refused', Code)).rejects
    const occurred = (code: string, message: string) => ({
      name: INVALID,
      message: `Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${message}`,
    })
    await refused({ S3Bucket: 'code', S3Key: 'none' }).toMatchObject(
      occurred('NoSuchKey', 'The specified key does not exist.'),
    )
    await refused({ S3Bucket: 'nobody', S3Key: 'f.zip' }).toMatchObject(
      occurred('NoSuchBucket', 'The specified bucket does not exist'),
    )
    await put('broken', strToU8('no zip'))
    await refused({ S3Bucket: 'code', S3Key: 'broken' }).toMatchObject({
      message: 'Could not unzip uploaded file. Please check your file, then try to upload again.',
    })
    await refused({ ZipFile: says(1), S3Bucket: 'code', S3Key: 'f.zip' }).toMatchObject({
      message: 'Please do not provide other FunctionCode parameters when providing a ZipFile.',
    })
  })
})
