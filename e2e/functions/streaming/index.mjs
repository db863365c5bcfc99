// A function that streams its answer in every way that the tests ask for.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const { HttpResponseStream, streamifyResponse } = globalThis.awslambda
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const CHUNK_BYTES = 65_536
let finished = 0

const MODES = {
  async slow(stream) {
    stream.write('first')
    await pause(1_500)
    stream.write(' second')
    stream.end()
  },
  async big(stream, { chunks }) {
    const startedAt = performance.now()
    const hash = createHash('sha256')
    for (let index = 0; index < Number(chunks); index += 1) {
      const chunk = Buffer.alloc(CHUNK_BYTES, index % 251)
      chunk.writeUInt32LE(index)
      hash.update(chunk)
      if (!stream.write(chunk)) await once(stream, 'drain')
    }
    console.log(`HASH=${hash.digest('hex')} MS=${Math.round(performance.now() - startedAt)}.`)
    stream.end()
  },
  async midway(stream) {
    stream.write('half')
    await pause(100)
    throw new TypeError('no more')
  },
  async before() {
    throw new TypeError('never began')
  },
  async broken(stream) {
    const source = async function* () {
      yield 'half'
      throw new RangeError('the source broke')
    }
    await pipeline(Readable.from(source()), stream)
  },
  async forever(stream) {
    stream.write('some')
    await pause(60_000)
  },
  async dies(stream) {
    stream.write('some')
    await pause(200)
    process.exit(3)
  },
  async crashes(stream) {
    stream.write('some')
    setTimeout(() => {
      throw new Error('out of nowhere')
    }, 100)
    await pause(5_000)
  },
  async late(stream) {
    setTimeout(() => stream.end('late'), 300)
  },
  async empty(stream) {
    stream.end()
  },
  async typed(stream) {
    stream.setContentType('text/csv')
    stream.write('a,b')
    stream.end()
  },
  async json(stream) {
    stream.write({ a: 1 })
    stream.end()
    await stream.finished()
  },
  async count(stream) {
    stream.write(String(finished))
    stream.end()
  },
}

export const handler = streamifyResponse(async (event, stream) => {
  const { mode, ...rest } = event.queryStringParameters ?? event
  await MODES[mode](stream, rest)
  finished += 1
})

export const web = streamifyResponse(async (event, stream) => {
  const { mode, status = '201' } = event.queryStringParameters
  const answer = HttpResponseStream.from(stream, {
    statusCode: Number(status),
    headers: { 'Content-Type': 'text/plain', 'X-Own': 'yes' },
    cookies: ['a=1', 'b=2; HttpOnly'],
  })
  await MODES[mode](answer, event.queryStringParameters)
})
