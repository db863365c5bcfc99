// Java functions through the AWS SDK: every form of handler, events bound to beans, contexts, logs
// and failures as AWS's Java runtime has them; and the bootstrap as a stem, against a scheduler
// that the test plays.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from '../hearth.ts'
import { compileJava, type JavaClasses } from './java-classes.ts'
import { startStem } from './stem.ts'

const RUNTIMES = ['java17', 'java21', 'java25'] as const
const MEMORY_MB = 256

let hearth: Hearth
let classes: JavaClasses
beforeAll(async () => {
  ;[hearth, classes] = await Promise.all([startHearth(), compileJava()])
})
afterAll(() => hearth?.stop())

const create = (
  FunctionName: string,
  Handler: string,
  more: Partial<Parameters<Hearth['create']>[0]> = {},
) =>
  hearth.create({
    Runtime: 'java21',
    MemorySize: MEMORY_MB,
    files: classes.asFolder,
    Timeout: 20,
    ...more,
    FunctionName,
    Handler,
  })

describe.each(RUNTIMES)('%s', (runtime) => {
  test('answers with the whole context, warm the second time', async () => {
    await create(runtime, 'example.Handler', {
      Runtime: runtime,
      files: classes.asJar,
      Environment: { Variables: { STAGE: 'prod' } },
    })
    const client = Buffer.from(JSON.stringify({ custom: { a: '1' } })).toString('base64')
    const startedAt = performance.now()
    const { json, requestId } = await hearth.invoke(
      runtime,
      { a: ['ü'] },
      { ClientContext: client },
    )
    const firstMs = performance.now() - startedAt
    expect(json).toMatchObject({
      count: 1,
      event: { a: ['ü'] },
      id: requestId,
      name: runtime,
      version: '$LATEST',
      arn: `arn:aws:lambda:us-east-1:000000000000:function:${runtime}`,
      memory: MEMORY_MB,
      group: `/aws/lambda/${runtime}`,
      client: { a: '1' },
      env: { AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`, STAGE: 'prod' },
      stage: 'prod',
      java: Number(runtime.slice(4)),
    })
    expect(json.left).toBeLessThanOrEqual(20_000)
    expect(json.heapMb).toBeGreaterThan(MEMORY_MB * 0.8)
    expect(json.heapMb).toBeLessThan(MEMORY_MB * 0.9)
    const warmAt = performance.now()
    expect((await hearth.invoke(runtime)).json.count).toBe(2)
    const warmMs = performance.now() - warmAt
    console.log(`${runtime}: first ${firstMs.toFixed(0)} ms, second ${warmMs.toFixed(1)} ms`)
  })

  test('becomes, as a stem, the function that it is told to be', async () => {
    const stem = await startStem(`hearth/${runtime}`)
    try {
      console.log(`${runtime}: a stem boots in ${(await stem.booted).toFixed(0)} ms`)
      const startedAt = performance.now()
      const environment = { _HANDLER: 'example.Handler', STAGE: 'stem' }
      expect(await stem.specialise(classes.asFolder, environment)).toBe('ready')
      const { kind, text } = await stem.invoke({ log: 'it speaks' })
      console.log(`${runtime}: its first answer ${(performance.now() - startedAt).toFixed(0)} ms`)
      expect(kind).toBe('response')
      const json = JSON.parse(text)
      expect(json).toMatchObject({ stage: 'stem', hereByIo: true, hereByNio: true })
      expect(json.env).toEqual(environment)
      // Its output takes another way than its answer.
      await expect
        .poll(() => stem.output(), { timeout: 5_000 })
        .toContain('it speaks\nit speaks\n[WARN] it speaks\n\0END request-1\n')
      expect(JSON.parse((await stem.invoke({ fail: 1 })).text).errorMessage).toBe('no good')
    } finally {
      await stem.stop()
    }
  })
})

test('a stem finds the jars that layers bring', async () => {
  const stem = await startStem('hearth/java21')
  try {
    await stem.booted
    const layer = { 'java/lib/function.jar': Object.values(classes.asJar)[0] ?? '' }
    const environment = { _HANDLER: 'example.Handler', STAGE: 'layered' }
    expect(await stem.specialise({}, environment, layer)).toBe('ready')
    expect(JSON.parse((await stem.invoke({})).text)).toMatchObject({ stage: 'layered', count: 1 })
  } finally {
    await stem.stop()
  }
})

describe('handlers of other forms', () => {
  test('take beans, by the rules of beans', async () => {
    await create('bean', 'example.Methods::bean')
    const person = {
      name: 'Ada',
      age: '36',
      member: true,
      mood: 'SO_SO',
      since: 1000,
      places: [{ content: { town: 'London', number: 7.9 } }],
      scores: { a: [1, 2, 2] },
      picture: 'AAEC',
      boss: { name: 'Max', mood: 'unheard of', unknown: 1 },
      weights: [1, 2.5],
      URL: 'http://x',
      secret: 'mine',
    }
    const empty = {
      name: null,
      age: 0,
      member: false,
      mood: null,
      since: null,
      places: null,
      scores: null,
      picture: null,
      boss: null,
      weights: null,
      URL: null,
    }
    const { text } = await hearth.invoke('bean', person)
    const { secret: _, ...known } = person
    expect(JSON.parse(text)).toEqual({
      ...known,
      age: 36,
      places: [{ content: { town: 'London', number: 7 } }],
      scores: { a: [1, 2] },
      boss: { ...empty, name: 'Max' },
    })
    expect(Object.keys(JSON.parse(text))).toEqual(Object.keys(empty))
  })

  test.each([
    ['text', 'hello', 'hello for text'],
    ['sum', [1, 2, 3], 6],
    ['not', true, false],
    ['nothing', { a: { age: 2 } }, null],
    ['alone', {}, 'alone'],
  ])('take and give plain values: %s', async (name, event, wanted) => {
    // Lambda's least memory is enough.
    await create(name, `example.Methods::${name}`, { MemorySize: 128 })
    expect((await hearth.invoke(name, event)).json).toEqual(wanted)
  })

  test('take streams, by method and by interface', async () => {
    await create('stream', 'example.Methods::stream')
    await create('streamer', 'example.Streamer')
    const { json, requestId } = await hearth.invoke('stream', { a: 1 })
    expect(json).toEqual([{ a: 1 }, requestId])
    expect((await hearth.invoke('streamer', { b: 'ü' })).json).toEqual({ b: 'ü' })
  })
})

describe('failures', () => {
  beforeAll(async () => {
    const Environment = { Variables: { JAVA_TOOL_OPTIONS: '-Dfrom.options=yes -Xmx64m' } }
    await create('fails', 'example.Handler', { Timeout: 3, Environment })
    // How long it takes to fill a heap is the machine's affair.
    await create('fills', 'example.Handler', { Timeout: 60, Environment })
  })

  test('that a handler throws are told, logged, and survived', async () => {
    const { json: before } = await hearth.invoke('fails')
    expect(before.property).toBe('yes')
    expect(before.heapMb).toBeGreaterThan(55)
    expect(before.heapMb).toBeLessThanOrEqual(64)
    const { error, json, log } = await hearth.invoke('fails', { fail: 1 }, { LogType: 'Tail' })
    expect(error).toBe('Unhandled')
    expect(json).toMatchObject({
      errorMessage: 'no good',
      errorType: 'java.lang.IllegalStateException',
    })
    expect(json.stackTrace).toEqual([
      'example.Handler.handleRequest(Handler.java:26)',
      'example.Handler.handleRequest(Handler.java:15)',
    ])
    expect(log).toContain('no good: java.lang.IllegalStateException\njava.lang.IllegalStateEx')
    expect(log).toContain('Caused by: java.lang.Error: deeper\n')
    expect((await hearth.invoke('fails')).json.count).toBe(before.count + 2)
  })

  test('of the JVM itself are told, and end it', async () => {
    const { json } = await hearth.invoke('fills', { hog: 1 })
    expect(json.errorType).toBe('java.lang.OutOfMemoryError')
    expect((await hearth.invoke('fills')).json.count).toBe(1)
  })

  test('by exit and by time look as everywhere', async () => {
    const { json } = await hearth.invoke('fails', { exit: 7 })
    expect(json.errorMessage).toMatch(/Runtime exited with error: exit status 7$/)
    const late = await hearth.invoke('fails', { hang: 1 })
    expect(late.json.errorMessage).toMatch(/Task timed out after 3\.00 seconds$/)
  })

  test('to parse an event are told in AWS words', async () => {
    await create('parses', 'example.Methods::sum')
    const { json } = await hearth.invoke('parses', { a: 1 })
    expect(json).toMatchObject({
      errorMessage: 'An error occurred during JSON parsing',
      errorType: 'java.lang.RuntimeException',
    })
  })

  test('to find a class or method, or to make one, are told', async () => {
    await Promise.all([
      create('absent', 'example.Absent'),
      create('methodless', 'example.Methods::absent'),
      create('broken', 'example.Broken::handle'),
    ])
    expect((await hearth.invoke('absent')).json).toEqual({
      errorMessage: 'Class not found: example.Absent',
      errorType: 'java.lang.ClassNotFoundException',
    })
    expect((await hearth.invoke('methodless')).json.errorMessage).toBe(
      'No public method named absent with appropriate method signature found on class example.Methods',
    )
    expect((await hearth.invoke('broken')).json).toEqual({
      errorMessage: 'broken at init',
      errorType: 'java.lang.IllegalArgumentException',
    })
  })
})
