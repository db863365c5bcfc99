// The pool under virtual time, with an engine that plays hundreds of unlucky days: whatever
// sandboxes do, no environment runs two invocations or serves two tenants, no limit is passed,
// every accepted invocation is answered exactly once, and in the end no sandbox is left. A failure
// prints its seed; the same seed fails again.

import type { StartKind } from '@hearth/core/invocation'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Attempt } from './attempt.ts'
import { FakeEngine, type FakeScript } from './drivers/fake.ts'
import { launch } from './launch.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { ResponseStream } from './response-stream.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'
import { STEM_MEMORY_MB } from './stem.ts'
import { Stems } from './stems.ts'

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Who takes the answer: in one piece, or as it comes, and then at which pace. */
type Reader = 'in one piece' | 'at once' | 'slowly' | 'until it leaves' | 'never'

/** A day's plan. */
interface Day {
  seed: number
  /** How often things go wrong, in percent. */
  trouble: number
  limits: PoolLimits
  stemsMax: number
  /** Whether a stem's /tmp can get another size. */
  canResizeTmp: boolean
  /** Environments of the first version that are held initialised. */
  kept: number
  /** Whether the scheduler stops in the midst of it all. */
  endsEarly: boolean
  arrivals: Arrival[]
}

interface Arrival {
  afterMs: number
  version: number
  /** For whom, if the version keeps its tenants apart. */
  tenantId: string
  wantsTail: boolean
  reader: Reader
}

const day: fc.Arbitrary<Day> = fc.record({
  seed: fc.integer({ min: 1 }),
  trouble: fc.constantFrom(0, 5, 30),
  stemsMax: fc.constantFrom(0, 1, 3),
  canResizeTmp: fc.boolean(),
  kept: fc.constantFrom(0, 0, 1, 2),
  endsEarly: fc.boolean(),
  limits: fc.record({
    memoryMb: fc.constantFrom(256, 512, 1024, 2048),
    concurrency: fc.integer({ min: 1, max: 12 }),
    environmentsMax: fc.integer({ min: 1, max: 8 }),
    idleSeconds: fc.constantFrom(5, 600),
    ageSecondsMax: fc.constantFrom(20, 14_400),
    startsMax: fc.integer({ min: 1, max: 4 }),
  }),
  arrivals: fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
      version: fc.integer({ min: 0, max: 6 }),
      tenantId: fc.constantFrom('blue', 'green', 'grey'),
      wantsTail: fc.boolean(),
      reader: fc.constantFrom<Reader>(
        'in one piece',
        'in one piece',
        'at once',
        'slowly',
        'until it leaves',
        'never',
      ),
    }),
    { minLength: 5, maxLength: 60 },
  ),
})

/** Less than the longest answers. */
const STREAMED_BYTES_MAX = 160_000

/**
 * A version that is deployed three times, with different sizes, two more, and one that keeps its
 * tenants apart and is deployed twice.
 */
const VERSIONS = [
  makeVersion({ memoryMb: 128, timeoutSeconds: 1 }),
  makeVersion({ memoryMb: 256, timeoutSeconds: 3, ephemeralStorageMb: 1024 }),
  makeVersion({ memoryMb: 512, timeoutSeconds: 2 }),
  { ...makeVersion({ memoryMb: 256 }), version: '1' },
  { ...makeVersion({ memoryMb: 128, runtime: 'unknown1.x' }), version: '2' },
  { ...makeVersion({ memoryMb: 128, tenancy: 'PER_TENANT' }), version: '3' },
  { ...makeVersion({ memoryMb: 256, tenancy: 'PER_TENANT', timeoutSeconds: 1 }), version: '3' },
]

test('whatever happens, the laws of the pool hold', { timeout: 120_000 }, async () => {
  const ended = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(day, (plan) => live(plan, ended)),
    { numRuns: 2_000 },
  )
  // A day that streams nothing proves nothing: every way to read and to end was played, and often.
  for (const reader of ['at once', 'slowly', 'until it leaves', 'never'] as const) {
    expect(ended.get(`${reader}: success`)).toBeGreaterThan(5)
    expect(ended.get(`${reader}: exited`)).toBeGreaterThan(5)
  }
  expect(ended.get('never: timed out')).toBeGreaterThan(5)
  expect(ended.get('at once: function error')).toBeGreaterThan(5)
  // Tenants found environments of their own again, and others had to start beside idle ones.
  expect(ended.get("a tenant's: warm")).toBeGreaterThan(100)
  expect(ended.get("a tenant's: cold")).toBeGreaterThan(100)
  expect(ended.get("a tenant's: stem")).toBeGreaterThan(100)
})

async function live(plan: Day, ended: Map<string, number>): Promise<void> {
  const { seed, trouble, endsEarly, limits, stemsMax, kept, arrivals } = plan
  const engine = new FakeEngine(script(seed, trouble), plan.canResizeTmp)
  const parts = {
    ...engine,
    runDirectory: 'run',
    region: 'us-east-1',
    codeDirectory: async () => 'code',
    layersDirectory: async () => 'layers',
    publishLogs() {},
    report() {},
  }
  const pool = new Pool({
    limits,
    launch: (place, why, events) => launch({ ...parts, stems }, place, { why, events }),
    hasStem: (version) => stems.has(version),
  })
  const stems = new Stems({
    ...parts,
    max: stemsMax,
    standing: ['nodejs24.x'],
    ageSecondsMax: limits.ageSecondsMax,
    isBusy: () => pool.isBooting,
  })
  const sweep = setInterval(() => pool.reap(), 5_000)
  if (VERSIONS[0]) pool.keep(makeMessage(VERSIONS[0]), kept)
  const accepted = new Map<string, Caller>()
  for (const arrival of arrivals) {
    await vi.advanceTimersByTimeAsync(arrival.afterMs)
    const version = VERSIONS[arrival.version] ?? VERSIONS[0]
    if (!version) return
    const { tenantId, wantsTail: wantsLogTail } = arrival
    const tenant = version.configuration.tenancy && { tenantId }
    const message = { ...makeMessage(version), wantsLogTail, ...tenant }
    const caller: Caller = { reader: arrival.reader, heard: [] }
    const { accepted: isAccepted } = pool.take(listener(message, caller))
    expect(caller.heard.filter((word) => word !== 'began')).toEqual([])
    if (isAccepted) accepted.set(message.requestId, caller)
    else expect(caller.heard).toEqual([])
    expect(pool.running).toBeLessThanOrEqual(limits.concurrency)
    expect(pool.memoryMbFree).toBeGreaterThanOrEqual(0)
  }
  // Longer than any chain of starts, inits and timeouts: nobody waits for ever.
  if (!endsEarly) await vi.advanceTimersByTimeAsync(arrivals.length * 75_000)
  if (!endsEarly) expect(pool.running).toBe(0)
  // Longer than any environment may idle: none is stuck in a state that nothing ends.
  if (VERSIONS[0]) pool.keep(makeMessage(VERSIONS[0]), 0)
  if (!endsEarly) await vi.advanceTimersByTimeAsync(700_000)
  if (!endsEarly) expect(pool.environments).toBe(0)
  clearInterval(sweep)
  const stopped = Promise.all([pool.stopAll(), stems.close()])
  await vi.advanceTimersByTimeAsync(120_000)
  await stopped
  judge(plan, { engine, pool, accepted })
  const count = (key: string) => ended.set(key, (ended.get(key) ?? 0) + 1)
  for (const { reader, stream, heard, tenantStart } of accepted.values()) {
    if (stream) count(`${reader}: ${heard.at(-1)}`)
    if (tenantStart) count(`a tenant's: ${tenantStart}`)
  }
}

/** What must hold when the day is over. */
function judge(
  { limits, stemsMax }: Day,
  seen: { engine: FakeEngine; pool: Pool; accepted: Map<string, Caller> },
): void {
  const { engine, pool, accepted } = seen
  for (const [requestId, caller] of accepted) {
    const { heard } = caller
    expect(heard.filter((word) => word !== 'began')).toHaveLength(1)
    expect(heard.filter((word) => word === 'began').length).toBeLessThanOrEqual(1)
    judgeStream(requestId, caller)
  }
  expect(pool.running).toBe(0)
  expect(engine.broken).toEqual([])
  expect(engine.sandboxes).toBe(0)
  expect(engine.runningPeak).toBeLessThanOrEqual(limits.concurrency)
  const memoryMbMax = limits.memoryMb + stemsMax * STEM_MEMORY_MB
  expect(engine.memoryMbPeak).toBeLessThanOrEqual(memoryMbMax)
}

/** A stream is the request's own, is never silently short, and is over when the answer is. */
function judgeStream(requestId: string, { reader, heard, stream, read }: Caller): void {
  if (!stream || !read) return
  expect(reader).not.toBe('in one piece')
  expect(stream.isOver).toBe(true)
  expect(read.equals(Buffer.alloc(read.length, requestId))).toBe(true)
  expect(read.length).toBeLessThanOrEqual(stream.bytes)
  expect(stream.bytes).toBeLessThanOrEqual(STREAMED_BYTES_MAX)
  const isPatient = reader === 'at once' || reader === 'slowly'
  if (isPatient) expect([read.length, stream.body.readableEnded]).toEqual([stream.bytes, true])
  if (heard.includes('success')) expect(stream.bytes).toBeGreaterThan(0)
}

/** Somebody who invokes, and what came back. */
interface Caller {
  reader: Reader
  heard: string[]
  stream?: ResponseStream
  read?: Buffer
  /** How it found its environment, of one who is a tenant. */
  tenantStart?: StartKind
}

/** Collects a stream, at the reader's pace, on the test's clock. */
function collect(caller: Caller, stream: ResponseStream): void {
  caller.stream = stream
  caller.read = Buffer.alloc(0)
  const { body } = stream
  const take = (bytes: Buffer) => {
    caller.read = Buffer.concat([caller.read ?? bytes.subarray(0, 0), bytes])
  }
  if (caller.reader === 'at once') body.on('data', take)
  if (caller.reader === 'slowly') {
    const pace = setInterval(() => {
      const bytes = body.read()
      if (bytes) take(bytes)
      if (body.readableEnded) clearInterval(pace)
    }, 40)
  }
  if (caller.reader === 'until it leaves') {
    body.once('data', (bytes) => {
      take(bytes)
      setTimeout(() => body.destroy(), 3)
      body.pause()
    })
  }
}

function listener(message: Attempt['message'], caller: Caller): Attempt {
  const { heard } = caller
  const openStream = () => {
    if (caller.stream) return undefined
    const stream = new ResponseStream(STREAMED_BYTES_MAX)
    collect(caller, stream)
    return stream
  }
  return {
    message,
    payload: Buffer.from('{}'),
    ...(caller.reader !== 'in one piece' && { openStream }),
    began: (leave) => {
      heard.push('began')
      setImmediate(leave)
    },
    finished: ({ payload, report }) => {
      const text = Buffer.from(payload).toString()
      const isWhole = report.outcome === 'success'
      if (isWhole) expect(text).toBe(caller.stream ? '' : message.requestId)
      if (message.tenantId !== undefined) caller.tenantStart = report.start
      heard.push(report.outcome)
      caller.stream?.end()
    },
    failed: (reason) => {
      heard.push(`failed: ${reason}`)
      caller.stream?.end()
    },
  }
}

/** A script whose luck follows from the seed. */
function script(seed: number, trouble: number): FakeScript {
  let state = seed
  const random = () => {
    // A linear congruence is luck enough, and the same on every machine.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const upTo = (ms: number) => Math.floor(random() * ms)
  const oneOf = <T>(usual: T, bad: T[]) =>
    random() * 100 < trouble ? (bad[upTo(bad.length)] ?? usual) : usual
  return {
    start: () => ({ ms: 1 + upTo(900), outcome: oneOf('runs', ['refused', 'silent']) }),
    init: () => ({
      ms: 1 + upTo(400),
      outcome: oneOf('asks', ['error', 'exits', 'hangs', 'dies']),
    }),
    run: () => ({
      ms: 1 + upTo(oneOf(80, [2_500])),
      outcome: oneOf('answers', ['fails', 'answers twice', 'breaks off', 'exits', 'hangs', 'dies']),
      pieces: upTo(9),
      settleMs: oneOf(upTo(2), [50, 400, Number.POSITIVE_INFINITY]),
    }),
    stop: () => ({ ms: 1 + upTo(600) }),
    specialise: () => ({ ms: 1 + upTo(20), outcome: oneOf('done', ['refused']) }),
  }
}
