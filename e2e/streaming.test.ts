// Streamed answers through the SDK's own InvokeWithResponseStreamCommand and through function URLs,
// with the roles in one process and apart: the first byte before the function ends, every byte in
// order, the client's pace, and an honest end whatever dies in between.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import {
  GetFunctionUrlConfigCommand,
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listenForStart } from '../packages/cli/src/start-note.ts'
import { eventually, type Hearth, http, type Part, publicUrl, ROOT, startHearth } from './hearth.ts'

const CHUNK_BYTES = 65_536
/** Lower than Lambda's, so that a test reaches it. */
/** More than the kernel takes in for those who do not read, on two connections. */
const MANY_CHUNKS = 900
const LIMIT_BYTES = 60 * 1024 * 1024
const LIMITS = { HEARTH_STREAMED_BYTES_MAX: String(LIMIT_BYTES) }
const sources = join(ROOT, 'e2e/functions/streaming')

interface Streamed {
  text: string
  sha256: string
  bytes: number
  /** Milliseconds from the request to the first byte, and to the end. */
  firstMs: number
  lastMs: number
  code: string | undefined
  details: { errorType?: string; errorMessage?: string }
  log: string
  version: string | undefined
  contentType: string | undefined
}

interface Reader {
  /** How long to read nothing after the first piece. */
  waitMs?: number
  /** Called with the first piece. */
  began?: () => void
}

/** Runs a function by the SDK and reads its stream to the end. */
async function stream(
  hearth: Hearth,
  event: unknown,
  extra: Partial<InvokeWithResponseStreamCommandInput> & Reader = {},
): Promise<Streamed> {
  const { waitMs, began, ...input } = extra
  const startedAt = performance.now()
  const answer = await hearth.lambda.send(
    new InvokeWithResponseStreamCommand({
      FunctionName: 'stream',
      Payload: JSON.stringify(event),
      ...input,
    }),
  )
  const hash = createHash('sha256')
  const kept: Uint8Array[] = []
  let firstMs = 0
  let bytes = 0
  let end: { ErrorCode?: string; ErrorDetails?: string; LogResult?: string } | undefined
  for await (const { PayloadChunk, InvokeComplete } of answer.EventStream ?? []) {
    if (end) throw new Error('something came after InvokeComplete')
    end = InvokeComplete
    const piece = PayloadChunk?.Payload
    if (!piece) continue
    if (bytes === 0) began?.()
    firstMs ||= performance.now() - startedAt
    if (bytes === 0 && waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs))
    bytes += piece.length
    hash.update(piece)
    if (bytes < CHUNK_BYTES) kept.push(piece)
  }
  if (!end) throw new Error('the stream ended silently')
  return {
    text: Buffer.concat(kept).toString(),
    sha256: hash.digest('hex'),
    bytes,
    firstMs,
    lastMs: performance.now() - startedAt,
    code: end.ErrorCode,
    details: JSON.parse(end.ErrorDetails ?? '{}'),
    log: Buffer.from(end.LogResult ?? '', 'base64').toString(),
    version: answer.ExecutedVersion,
    contentType: answer.ResponseStreamContentType,
  }
}

/** Creates a function URL that streams. @returns the address of a path of it. */
async function openUrl(hearth: Hearth, FunctionName: string): Promise<(path: string) => string> {
  const { host } = await publicUrl(hearth.lambda, FunctionName, { InvokeMode: 'RESPONSE_STREAM' })
  const [urlId] = host.split('.')
  return (path) => `${hearth.endpoint}/function-urls/${urlId}${path}`
}

/** The head of an answer, whose body nobody has read yet. */
function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent: false }, resolve).on('error', reject).end()
  })
}

/** Reads a body that may be cut off. */
async function read(answer: IncomingMessage): Promise<{ text: string; isWhole: boolean }> {
  let text = ''
  try {
    for await (const piece of answer) text += piece
    return { text, isWhole: true }
  } catch {
    return { text, isWhole: false }
  }
}

async function deploy(hearth: Hearth): Promise<void> {
  const files = { 'index.mjs': await readFile(join(sources, 'index.mjs')) }
  const plain = 'export const handler = async (event) => ({ statusCode: 299, body: event.body })'
  await Promise.all([
    hearth.create({ FunctionName: 'stream', files, MemorySize: 512, Timeout: 30 }),
    hearth.create({ FunctionName: 'left', files, Timeout: 30 }),
    hearth.create({ FunctionName: 'brief', files, Timeout: 1 }),
    hearth.create({ FunctionName: 'web', files, Handler: 'index.web' }),
    hearth.create({ FunctionName: 'plain', files: { 'index.mjs': plain } }),
  ])
}

describe.each(['together', 'apart'])('with the roles %s', (how) => {
  let hearth: Hearth
  let at: (path: string) => string
  let web: (path: string) => string

  beforeAll(async () => {
    const roles = how === 'apart' ? { roles: 'gateway,metering' } : {}
    hearth = await startHearth({ ...roles, env: LIMITS })
    if (how === 'apart') await hearth.serve('scheduler')
    await deploy(hearth)
    at = await openUrl(hearth, 'stream')
    web = await openUrl(hearth, 'web')
  })
  afterAll(() => hearth?.stop())

  test('the first byte arrives before the function ends', async () => {
    const answer = await stream(hearth, { mode: 'slow' }, { LogType: 'Tail' })
    expect(answer.text).toBe('first second')
    expect(answer.lastMs - answer.firstMs).toBeGreaterThan(1_200)
    expect(answer.code).toBe(undefined)
    expect(answer.version).toBe('$LATEST')
    expect(answer.contentType).toBe('application/vnd.amazon.eventstream')
    expect(answer.log).toMatch(/START RequestId: .*\nEND RequestId: .*\nREPORT RequestId: /s)
    const duration = Number(/\tDuration: ([\d.]+) ms/.exec(answer.log)?.[1])
    expect(duration).toBeGreaterThan(1_400)
  })

  test('each streamed answer says how its environment started, and why', async () => {
    const files = { 'index.mjs': await readFile(join(sources, 'index.mjs')) }
    const cold = /^(cold|stem); reason="first invocation"$/
    const headers: (string | undefined)[] = []
    await hearth.create({ FunctionName: 'told', files })
    const lastStart = listenForStart(hearth.lambda)
    for (const mode of ['json', 'before', 'json']) {
      await stream(hearth, { mode }, { FunctionName: 'told' })
      headers.push(lastStart())
    }
    expect(headers).toEqual([expect.stringMatching(cold), 'warm', 'warm'])
    // With a prelude, with none, without a stream, and without an answer.
    const plain = { ...files, 'plain.mjs': 'export const handler = async () => 1' }
    for (const [Handler, modes] of Object.entries({
      'plain.handler': ['returned', 'returned'],
      'index.web': ['empty', 'empty'],
      'index.handler': ['json', 'json', 'before'],
      'index.missing': ['none'],
    })) {
      const FunctionName = await hearth.create({ files: plain, Handler })
      const at = await openUrl(hearth, FunctionName)
      for (const [index, mode] of modes.entries()) {
        const start = (await http(at(`/?mode=${mode}`))).headers['x-hearth-start']
        expect([Handler, start]).toEqual([
          Handler,
          index === 0 ? expect.stringMatching(cold) : 'warm',
        ])
      }
    }
  })

  test('56 MB arrive in order and whole, also at the pace of a client that waits', async () => {
    const big = { mode: 'big', chunks: MANY_CHUNKS }
    for (const waitMs of [0, 2_500]) {
      const answer = await stream(hearth, big, { LogType: 'Tail', waitMs })
      expect(answer.bytes).toBe(MANY_CHUNKS * CHUNK_BYTES)
      const [, sha256, ms] = /HASH=(\w+) MS=(\d+)\./.exec(answer.log) ?? []
      expect(answer.sha256).toBe(sha256)
      // The function could not write on while its client did not read.
      if (waitMs > 0) expect(Number(ms)).toBeGreaterThan(waitMs - 500)
    }
  })

  test('a failure before the first byte, and one in the midst, end the stream with it', async () => {
    const before = await stream(hearth, { mode: 'before' })
    expect(before).toMatchObject({ bytes: 0, code: 'Unhandled' })
    expect(before.details).toMatchObject({ errorType: 'TypeError', errorMessage: 'never began' })
    const midway = await stream(hearth, { mode: 'midway' }, { LogType: 'Tail' })
    expect(midway).toMatchObject({ text: 'half', code: 'Unhandled' })
    expect(midway.details).toMatchObject({ errorType: 'TypeError', errorMessage: 'no more' })
    expect(midway.log).toContain('Invoke Error')
    const broken = await stream(hearth, { mode: 'broken' })
    expect(broken.details).toMatchObject({ errorMessage: 'the source broke' })
    const crashed = await stream(hearth, { mode: 'crashes' })
    expect(crashed).toMatchObject({ text: 'some', code: 'Unhandled' })
    expect(crashed.details).toMatchObject({ errorMessage: 'out of nowhere' })
  })

  test('a process that dies, or runs out of time, in the midst is told by its name', async () => {
    const died = await stream(hearth, { mode: 'dies' })
    expect(died).toMatchObject({ text: 'some', code: 'Runtime.ExitError' })
    const input = { FunctionName: 'brief', LogType: 'Tail' } as const
    const late = await stream(hearth, { mode: 'forever' }, input)
    expect(late).toMatchObject({ text: 'some', code: 'Sandbox.Timedout' })
    expect(late.log).toContain('Task timed out after 1.00 seconds')
    expect((await stream(hearth, { mode: 'count' }, input)).text).toBe('0')
  })

  test('a stream over the limit ends with an error', async () => {
    const answer = await stream(hearth, { mode: 'big', chunks: 1_000 })
    expect(answer.code).toBe('Function.ResponseSizeTooLarge')
    expect(answer.details.errorMessage).toContain(`(${LIMIT_BYTES} bytes)`)
    expect(answer.bytes).toBeLessThanOrEqual(LIMIT_BYTES)
  })

  test('what a handler may also do: end later, write nothing, write objects', async () => {
    expect((await stream(hearth, { mode: 'late' })).text).toBe('late')
    expect(await stream(hearth, { mode: 'empty' })).toMatchObject({ bytes: 0, code: undefined })
    expect((await stream(hearth, { mode: 'json' })).text).toBe('{"a":1}')
  })

  test('Invoke gets the same answers in one piece', async () => {
    const name = await hearth.invoke('stream', { mode: 'json' })
    expect(name.json).toEqual({ a: 1 })
    const failed = await hearth.invoke('stream', { mode: 'midway' })
    expect(failed.error).toBe('Unhandled')
    expect(failed.json).toMatchObject({ errorType: 'TypeError', errorMessage: 'no more' })
  })

  test('a function that does not stream is one chunk, and refusals are ordinary', async () => {
    const plain = await stream(hearth, { body: 'x' }, { FunctionName: 'plain', LogType: 'Tail' })
    expect(plain).toMatchObject({ text: '{"statusCode":299,"body":"x"}', code: undefined })
    expect(plain.log).toContain('REPORT RequestId')
    await expect(stream(hearth, {}, { FunctionName: 'nobody' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    })
    const dry = new InvokeWithResponseStreamCommand({
      FunctionName: 'stream',
      InvocationType: 'DryRun',
    })
    expect((await hearth.lambda.send(dry)).StatusCode).toBe(204)
  })

  test('a URL answers with the prelude’s head at once, and the body as it is made', async () => {
    const startedAt = performance.now()
    const answer = await open(web('/?mode=slow'))
    expect(answer.statusCode).toBe(201)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-own': 'yes',
      'set-cookie': ['a=1', 'b=2; HttpOnly'],
      'transfer-encoding': 'chunked',
    })
    const headMs = performance.now() - startedAt
    expect(await read(answer)).toEqual({ text: 'first second', isWhole: true })
    expect(performance.now() - startedAt - headMs).toBeGreaterThan(1_000)
    expect((await http(web('/?mode=empty&status=404'))).status).toBe(404)
    expect((await http(web('/?mode=empty&status=9'))).status).toBe(502)
  })

  test('a URL without a prelude answers 200 with the bytes, or with what was returned', async () => {
    const bytes = await http(at('/?mode=json'))
    expect([bytes.status, bytes.headers['content-type'], bytes.body.toString()]).toEqual([
      200,
      'application/octet-stream',
      '{"a":1}',
    ])
    expect((await http(at('/?mode=typed'))).headers['content-type']).toBe('text/csv')
    const plain = await http((await openUrl(hearth, 'plain'))('/'))
    expect([plain.status, plain.headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(plain.body.toString())).toEqual({ statusCode: 299 })
    const { InvokeMode } = await hearth.lambda.send(
      new GetFunctionUrlConfigCommand({ FunctionName: 'plain' }),
    )
    expect(InvokeMode).toBe('RESPONSE_STREAM')
  })

  test('a URL is a 502 for a failure before the head, and cut for one in the midst', async () => {
    expect((await http(at('/?mode=before'))).status).toBe(502)
    const midway = await open(at('/?mode=midway'))
    expect(midway.statusCode).toBe(200)
    expect(await read(midway)).toEqual({ text: 'half', isWhole: false })
  })

  test('a client that leaves does not stop the function, whose environment goes on', async () => {
    const running = async () => {
      const { body } = await http(`${hearth.endpoint}/health`)
      return JSON.parse(body.toString()).schedulers[0]?.running
    }
    const answer = await open((await openUrl(hearth, 'left'))('/?mode=big&chunks=384'))
    // Nobody reads, so the function has to wait.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await running()).toBe(1)
    answer.destroy()
    await eventually('the function has ended', async () => (await running()) === 0)
    const count = await stream(hearth, { mode: 'count' }, { FunctionName: 'left' })
    expect(count.text).toBe('1')
  })

  test('a Python generator streams, with a head for HTTP callers and errors in the midst', async () => {
    const files = { 'app.py': await readFile(join(sources, 'app.py')) }
    const python = { Runtime: 'python3.13', files } as const
    await hearth.create({ FunctionName: 'py', Handler: 'app.handler', ...python })
    await hearth.create({ FunctionName: 'py-web', Handler: 'app.web', ...python })
    const slow = await stream(hearth, { mode: 'slow' }, { FunctionName: 'py' })
    expect(slow).toMatchObject({ text: 'first sécond', code: undefined })
    expect(slow.lastMs - slow.firstMs).toBeGreaterThan(700)
    const before = await stream(hearth, { mode: 'before' }, { FunctionName: 'py' })
    expect(before).toMatchObject({ bytes: 0, details: { errorMessage: 'never began' } })
    const midway = await stream(hearth, { mode: 'midway' }, { FunctionName: 'py' })
    expect(midway).toMatchObject({ text: 'half', details: { errorType: 'ValueError' } })
    const answer = await http((await openUrl(hearth, 'py-web'))('/'))
    expect([answer.status, answer.headers['x-own'], answer.body.toString()]).toEqual([
      202,
      'yes',
      'body',
    ])
  })
})

test('a scheduler killed in the midst of a stream is an error, never a silent end', async () => {
  const hearth = await startHearth({ roles: 'gateway' })
  try {
    const scheduler: Part = await hearth.serve('scheduler')
    await deploy(hearth)
    const at = await openUrl(hearth, 'stream')
    const answer = await open(at('/?mode=forever'))
    const began = Promise.withResolvers<void>()
    const streamed = stream(hearth, { mode: 'forever' }, { began: began.resolve })
    await began.promise
    await scheduler.kill()
    const [events, body] = await Promise.all([streamed, read(answer)])
    expect(events).toMatchObject({ text: 'some', code: 'ServiceException' })
    expect(body).toEqual({ text: 'some', isWhole: false })
  } finally {
    await hearth.stop()
  }
})
