// An S3 that says nothing, or breaks off in the middle, is not the caller's fault: that is told
// apart from what S3 itself refuses, which e2e/bucket-code asks of a real one.

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openObjects } from './objects.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function listen(answer: RequestListener): Promise<string> {
  server = createServer(answer)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function lengthOf(endpoint: string, bytesMax = 1_000_000): Promise<number> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const objects = openObjects({ region: 'us-east-1', endpoint: () => endpoint, credentials })
  return objects.read({ bucket: 'b', key: 'k' }, bytesMax, async (body) => {
    let bytes = 0
    for await (const chunk of body) bytes += chunk.length
    return bytes
  })
}

const silent = (why: string) => ({
  code: 'ServiceUnavailableException',
  message: expect.stringMatching(`^Error occurred while GetObject. S3 did not answer: .*${why}`),
})

test('an object is handed on as it arrives, until it is too large', async () => {
  const endpoint = await listen((_, response) => response.end(Buffer.alloc(300_000)))
  expect(await lengthOf(endpoint)).toBe(300_000)
  await expect(lengthOf(endpoint, 299_999)).rejects.toMatchObject({
    code: 'InvalidParameterValueException',
    message: 'Unzipped size must be smaller than 299999 bytes',
  })
})

test('nobody there is a failure of the service', async () => {
  const endpoint = await listen(() => {})
  server?.close()
  await expect(lengthOf(endpoint)).rejects.toMatchObject(silent('ECONNREFUSED'))
})

test('so is an answer that breaks off', async () => {
  const endpoint = await listen((_, response) => {
    response.writeHead(200, { 'content-length': 300_000 })
    response.write(Buffer.alloc(100_000), () => response.destroy())
  })
  await expect(lengthOf(endpoint)).rejects.toMatchObject(silent('aborted'))
})

test('what S3 refuses is the caller’s affair', async () => {
  const endpoint = await listen((_, response) => {
    response.writeHead(404, { 'content-type': 'application/xml' })
    response.end('<Error><Code>NoSuchKey</Code><Message>No such key.</Message></Error>')
  })
  await expect(lengthOf(endpoint)).rejects.toMatchObject({
    code: 'InvalidParameterValueException',
    message:
      'Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: No such key.',
  })
})
