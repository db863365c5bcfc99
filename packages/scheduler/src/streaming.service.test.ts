// Streams through the scheduler on the real engine: what the ledger has of them, and a function
// that speaks the Runtime API behind its bootstrap's back.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, openHarness } from './scheduler-harness.ts'

const CODE = `
const net = require('node:net')
let calls = 0
exports.stream = awslambda.streamifyResponse(async ({ bytes }, stream) => {
  stream.end(Buffer.alloc(bytes))
})
exports.sly = async ({ rest }, { awsRequestId }) => {
  calls += 1
  if (rest === undefined) return calls
  const socket = net.connect(process.env.HEARTH_RUNTIME_SOCKET)
  socket.on('error', () => {})
  socket.write('POST /2018-06-01/runtime/invocation/' + awsRequestId + '/response HTTP/1.1\\r\\n' +
    'Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n' +
    '4\\r\\nhalf\\r\\n' + rest)
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 400))
}
`

let harness: Harness
beforeAll(async () => {
  harness = await openHarness({ files: { 'index.js': CODE } })
})
afterAll(() => harness?.close())

const recordOf = (requestId: string) =>
  harness.records.find((record) => record.requestId === requestId)

test('the ledger has the bytes that were streamed, and none for an answer in one piece', async () => {
  const version = harness.version({ handler: 'index.stream' })
  const [streamed, whole] = [crypto.randomUUID(), crypto.randomUUID()]
  await harness.invoke({ bytes: 7_000_000 }, { version, requestId: streamed, takesStream: true })
  await harness.invoke({ bytes: 100 }, { version, requestId: whole })
  await expect.poll(() => harness.records.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2)
  expect(recordOf(streamed)).toMatchObject({ outcome: 'success', streamedBytes: 7_000_000 })
  expect(recordOf(whole)).not.toHaveProperty('streamedBytes')
})

test.each([
  ['breaks off', '', 'Runtime.TruncatedResponse'],
  ['makes no sense', 'zz\r\n', 'Runtime.TruncatedResponse'],
  [
    'says that it failed',
    '0\r\nLambda-Runtime-Function-Error-Type: Own.Error\r\n\r\n',
    'Own.Error',
  ],
])('a stream that %s is one failed answer, and the runtime goes on', async (_name, rest, type) => {
  const version = harness.version({ handler: 'index.sly' })
  const answer = await harness.invoke({ rest }, { version, takesStream: true })
  expect(answer.functionError).toBe('Unhandled')
  expect(JSON.parse(answer.body).errorType).toBe(type)
  // The function ends half a second later; asked before, another environment might be quicker.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect((await harness.invoke({}, { version })).body).toBe('2')
  expect(harness.problems).toEqual([])
})
