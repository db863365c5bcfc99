// The checker judged: a history in which all is well breaks nothing, and each planted fault breaks
// the figure that is there for it, and no other.

import type { InvocationRecord } from '@hearth/core/invocation'
import { describe, expect, test } from 'vitest'
import { pair } from './attempts.ts'
import type { Books } from './billing.ts'
import { judge } from './checker.ts'
import { isBroken } from './figure.ts'
import { type Line, readHistory } from './history.ts'
import { planStrikes } from './nemesis.ts'
import { seeded } from './seed.ts'
import { termsFor } from './terms.ts'

const terms = termsFor(6)
const [QUICK, ONE, ONCE, , NEVER] = terms.functions.map(({ name }) => name) as [
  string,
  string,
  string,
  string,
  string,
]
const MEMORY_MB = 256

/** A story that is written line by line, with the books that belong to it. */
class Story {
  readonly lines: Line[] = []
  readonly records: InvocationRecord[] = []
  #at = 1_000_000
  #runs = 0

  get at(): number {
    return this.#at
  }

  pass(milliseconds: number): this {
    this.#at += milliseconds
    return this
  }

  add(...notes: Parameters<typeof this.noted>[0][]): this {
    for (const note of notes) this.noted(note)
    return this
  }

  noted(note: Line extends infer L ? (L extends { at: number } ? Omit<L, 'at'> : never) : never) {
    this.lines.push({ at: this.#at, ...note } as Line)
  }

  ask(id: string, functionName: string, form: 'call' | 'event' = 'event', outcome = 'ok'): this {
    this.add({ what: 'invoked', id, form, functionName, client: 0 })
    this.pass(1)
    const known = outcome as 'ok' | 'refused' | 'unknown'
    const named = outcome === 'ok' ? { requestId: `request-${id}` } : {}
    const nonce = `run-${this.#runs + 1}`
    const echoed = form === 'call' && outcome === 'ok' ? { echo: id, nonce } : {}
    this.add({ what: 'answered', id, outcome: known, ...named, ...echoed })
    return this
  }

  /** A run of 100 ms with its record, unless it is said to have none. */
  run(
    id: string,
    functionName: string,
    ending: 'died' | 'failed' | 'open' | 'succeeded' = 'succeeded',
    { attempt = 1, recorded = true }: { attempt?: number; recorded?: boolean } = {},
  ): this {
    this.#runs += 1
    const nonce = `run-${this.#runs}`
    const host = `host-${this.#runs}`
    const requestId = `request-${id}`
    if (recorded) {
      const outcome = { died: 'crashed', failed: 'function error', open: 'crashed' } as const
      const found = ending === 'succeeded' ? 'success' : outcome[ending]
      this.records.push(record({ requestId, attempt, functionName, outcome: found, at: this.#at }))
    }
    this.pass(2).add({ what: 'began', id, functionName, requestId, nonce, host })
    this.pass(100)
    if (ending === 'died') return this.add({ what: 'died', host })
    if (ending === 'open') return this
    return this.add({ what: 'ended', id, nonce, failed: ending === 'failed' }).pass(1)
  }
}

function record(of: {
  requestId: string
  attempt: number
  functionName: string
  outcome: InvocationRecord['outcome']
  at: number
}): InvocationRecord {
  const { at, ...named } = of
  const isCrash = of.outcome === 'crashed'
  return {
    ...named,
    account: '000000000000',
    version: '$LATEST',
    architecture: 'x86_64',
    memoryMb: MEMORY_MB,
    ephemeralStorageMb: 512,
    startedAt: at,
    durationMicroseconds: isCrash ? 0 : 104_000,
    initMicroseconds: 0,
    billedMs: isCrash ? 0 : 104,
    start: 'warm',
  }
}

/** The right bill: of each attempt the first that is no crash. */
function billOf(records: readonly InvocationRecord[]): Books['bill'] {
  const first = new Map(
    records
      .filter(({ outcome }) => outcome !== 'crashed')
      .toReversed()
      .map((one) => [`${one.requestId}#${one.attempt}`, one] as const),
  )
  const names = new Set([...first.values()].map(({ functionName }) => functionName))
  return [...names].map((functionName) => {
    const own = [...first.values()].filter((one) => one.functionName === functionName)
    const mbMs = own.reduce((sum, { memoryMb, billedMs }) => sum + memoryMb * billedMs, 0)
    return { functionName, requests: own.length, mbMs }
  })
}

/** Everything that may happen, and nothing that may not: a kill with a repetition, too. */
function allIsWell(): Story {
  const story = new Story()
  story.ask('e1', QUICK).run('e1', QUICK)
  story.ask('e2', ONCE).run('e2', ONCE, 'failed').pass(1_100).run('e2', ONCE, 'succeeded', two)
  story.ask('e3', NEVER).run('e3', NEVER, 'failed').pass(1_000)
  story.run('e3', NEVER, 'failed', two).pass(2_000).run('e3', NEVER, 'failed', three)
  story.add({ what: 'buried', id: 'e3', requestId: 'request-e3' })
  story.ask('e4', QUICK).add({ what: 'struck', target: 'scheduler a' }).run('e4', QUICK, 'died')
  story.add({ what: 'healed', target: 'scheduler a' }).run('e4', QUICK)
  story.ask('e5', QUICK, 'event', 'refused').ask('e6', QUICK, 'event', 'unknown')
  story.ask('e7', QUICK, 'event', 'unknown').run('e7', QUICK)
  return story.ask('c1', QUICK, 'call').run('c1', QUICK)
}
const two = { attempt: 2 }
const three = { attempt: 3 }

function broken(
  story: Story,
  bill = billOf(story.records),
  unproven: readonly string[] = [],
): string[] {
  const asked = { events: 4, calls: 1, kills: 1 }
  const books = { records: story.records, bill, unproven }
  return judge(readHistory(story.lines), books, { terms, asked })
    .filter(isBroken)
    .map(({ what }) => what)
}

test('a history in which all is well breaks nothing', () => {
  expect(broken(allIsWell())).toEqual([])
})

/** What goes wrong, by the figure that must tell. */
const PLANTED: [string, (story: Story) => void][] = [
  ['lost', (story) => story.ask('x', QUICK)],
  ['unexpected', (story) => story.ask('x', QUICK, 'event', 'refused').run('x', QUICK)],
  [
    'duplicates without a fault',
    (story) => quietly(story).ask('x', QUICK).run('x', QUICK).run('x', QUICK),
  ],
  [
    'early retries',
    (story) =>
      story.ask('x', ONCE).run('x', ONCE, 'failed').pass(900).run('x', ONCE, 'succeeded', two),
  ],
  [
    'runs after MaximumEventAgeInSeconds',
    (story) => story.ask('x', QUICK).pass(21_606_000).run('x', QUICK),
  ],
  [
    'given up too early',
    (story) =>
      story
        .ask('x', NEVER)
        .run('x', NEVER, 'failed')
        .add({ what: 'buried', id: 'x', requestId: 'request-x' }),
  ],
  [
    'calls run twice',
    (story) => story.ask('x', QUICK, 'call').run('x', QUICK).run('x', QUICK, 'succeeded', two),
  ],
  [
    'runs without an end',
    (story) => story.ask('x', QUICK).run('x', QUICK).run('x', QUICK, 'open', two),
  ],
  ['clients left waiting', (story) => story.lines.push(invoked(story.at, 'x'))],
  [
    'not billed',
    (story) => story.ask('x', QUICK).run('x', QUICK, 'succeeded', { recorded: false }),
  ],
  ['billed without a run', (story) => story.records.push(stray(story.at))],
  [
    'billed for less than ran, or rounded wrongly',
    (story) => Object.assign(story.records[0] as InvocationRecord, { billedMs: 50 }),
  ],
  [
    'billed beyond the time of its environment',
    (story) => {
      for (const line of story.lines) if (line.what === 'began') line.host = 'the same'
      Object.assign(story.records[0] as InvocationRecord, long)
    },
  ],
]
const long = { durationMicroseconds: 900_000_000, billedMs: 900_000 }
const invoked = (at: number, id: string): Line => {
  return { at, what: 'invoked', id, form: 'call', functionName: QUICK, client: 1 }
}
const stray = (at: number) =>
  record({ requestId: 'stray', attempt: 1, functionName: QUICK, outcome: 'success', at })
/** Long after every fault. */
function quietly(story: Story): Story {
  return story.pass(60_000)
}

test('an attempt that is made again after a fault, and then succeeds, is no fault', () => {
  const story = allIsWell().ask('x', ONCE).add({ what: 'struck', target: 'poller a' })
  story.run('x', ONCE, 'failed').add({ what: 'healed', target: 'poller a' })
  expect(broken(story.pass(10_000).run('x', ONCE))).toEqual([])
})

test('a run that ended and was not heard settles nothing, and the next fault may repeat it', () => {
  const story = (outcome: InvocationRecord['outcome']) => {
    const told = allIsWell().pass(60_000).ask('x', QUICK).run('x', QUICK)
    Object.assign(told.records.at(-1) as InvocationRecord, { outcome, billedMs: 0 })
    told.add({ what: 'struck', target: 'scheduler b' }).pass(5_200)
    told.add({ what: 'healed', target: 'scheduler b' }).run('x', QUICK)
    told.add({ what: 'struck', target: 'scheduler a' }).pass(1_000)
    return told.add({ what: 'healed', target: 'scheduler a' }).pass(60_000).run('x', QUICK)
  }
  expect(broken(story('crashed'))).toEqual([])
  expect(broken(story('success'))).toContain('duplicates without a fault')
})

test('two runs of one attempt that are close have each the record of its own', () => {
  const story = new Story().ask('e', QUICK)
  const named = { id: 'e', functionName: QUICK, requestId: 'request-e' }
  for (const [nonce, ms] of [['short', 2] as const, ['long', 100] as const]) {
    const begun = { requestId: named.requestId, attempt: 1, functionName: QUICK, at: story.at }
    story.records.push({ ...record({ ...begun, outcome: 'success' }), billedMs: ms })
    story.pass(3).add({ what: 'began', ...named, nonce, host: nonce })
    story.pass(ms).add({ what: 'ended', id: 'e', nonce, failed: false })
    story.pass(20)
  }
  const { pairs } = pair(readHistory(story.lines), story.records)
  expect(pairs.map(({ run, record: own }) => [run.host, own.billedMs])).toEqual([
    ['short', 2],
    ['long', 100],
  ])
})

describe('a planted fault breaks its figure', () => {
  test.each(PLANTED)('%s', (what, plant) => {
    const story = allIsWell()
    plant(quietly(story))
    expect(broken(story)).toContain(what)
  })

  test('an event that never ran and was never told is the one that is lost, and where', () => {
    const story = new Story()
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      story.ask(id, QUICK)
      if (id === 'b' || id === 'd') story.run(id, QUICK)
    }
    const trial = { terms, asked: { events: 0, calls: 0, kills: 0 } }
    const books = { records: story.records, bill: billOf(story.records), unproven: [] }
    const figures = judge(readHistory(story.lines), books, trial)
    const lost = figures.find(({ what }) => what === 'lost')
    expect(lost).toMatchObject({ found: 3, note: 'prefix 1, middle 1, postfix 1' })
  })

  test('sums that Hearth itself cannot prove', () => {
    const story = allIsWell()
    const what = "sums billed beside the ledger, by Hearth's own proof"
    expect(broken(story, billOf(story.records), ['000000000000/2026-11/f/arm64'])).toEqual([what])
  })

  test('an event that nobody sent', () => {
    const story = allIsWell().run('nobody', QUICK)
    expect(broken(story)).toEqual(['unexpected'])
  })

  test('more repetitions than faults explain', () => {
    const story = quietly(allIsWell())
    story.ask('x', QUICK).add({ what: 'struck', target: 'NATS' })
    story.run('x', QUICK).add({ what: 'healed', target: 'NATS' }).run('x', QUICK).run('x', QUICK)
    story.run('x', QUICK)
    expect(broken(story)).toContain('duplicates without a fault')
  })

  test('a fourth attempt', () => {
    const story = allIsWell().ask('x', NEVER)
    for (const [index, wait] of [0, 1_000, 2_000, 2_000].entries()) {
      story.pass(wait).run('x', NEVER, 'failed', { attempt: index + 1 })
    }
    story.add({ what: 'buried', id: 'x', requestId: 'request-x' })
    expect(broken(story)).toEqual(['attempts beyond 1 + MaximumRetryAttempts'])
  })

  test('a run that the ledger lacks, though it has as many attempts as the law wants', () => {
    const story = allIsWell().ask('x', NEVER).add({ what: 'struck', target: 'poller a' })
    story.run('x', NEVER, 'failed').run('x', NEVER, 'failed')
    story.add({ what: 'healed', target: 'poller a' })
    story.pass(1_000).run('x', NEVER, 'failed', { attempt: 2 })
    story.pass(2_000).run('x', NEVER, 'failed', { attempt: 3 })
    story.add({ what: 'buried', id: 'x', requestId: 'request-x' })
    expect(broken(story)).toEqual([])
    const at = story.records.findLastIndex(({ attempt }) => attempt === 1)
    story.records.splice(at, 1)
    expect(broken(story)).toEqual(['not billed'])
  })

  test('an answer of another call', () => {
    const story = allIsWell()
    for (const line of story.lines) {
      if (line.what === 'answered' && line.id === 'c1') line.nonce = 'run-1'
    }
    expect(broken(story)).toEqual(['answers of another call'])
  })

  test('a call that is answered twice', () => {
    const story = allIsWell()
    story.lines.push(...story.lines.filter((line) => line.what === 'answered' && line.id === 'c1'))
    expect(broken(story)).toEqual(['calls answered more than once'])
  })

  test('two at a time where one may run, even for a millisecond', () => {
    const story = allIsWell()
    const begin = (id: string) => {
      const began = { what: 'began', functionName: ONE, requestId: `request-${id}` } as const
      story.add({ ...began, id, nonce: id, host: id })
    }
    const end = (id: string) => story.add({ what: 'ended', id, nonce: id, failed: false })
    for (const id of ['x', 'y']) {
      story.ask(id, ONE)
      const of = { requestId: `request-${id}`, attempt: 1, functionName: ONE }
      story.records.push(record({ ...of, outcome: 'success', at: story.at }))
    }
    begin('x')
    story.pass(99)
    begin('y')
    story.pass(1)
    end('x')
    story.pass(50)
    end('y')
    expect(broken(story)).toEqual(['overshoot'])
  })
})

describe('the bill', () => {
  const story = allIsWell()
  const [first, ...rest] = billOf(story.records) as [Books['bill'][number], ...Books['bill']]

  test('with an attempt twice', () => {
    const twice = { ...first, requests: first.requests + 1, mbMs: first.mbMs + 104 * MEMORY_MB }
    expect(broken(story, [twice, ...rest])).toEqual([
      'billed twice',
      'MB-ms billed beside the ledger',
    ])
  })

  test('with an attempt too few', () => {
    const less = { ...first, requests: first.requests - 1, mbMs: first.mbMs - 104 * MEMORY_MB }
    expect(broken(story, [less, ...rest])).toEqual(['not billed', 'MB-ms billed beside the ledger'])
  })

  test('with one megabyte-millisecond too many', () => {
    const more = { ...first, mbMs: first.mbMs + 1 }
    expect(broken(story, [more, ...rest])).toEqual(['MB-ms billed beside the ledger'])
  })

  test('counts an attempt that was made again once', () => {
    const again = allIsWell()
    again.records.push({ ...(again.records[0] as InvocationRecord), againSince: 1 })
    expect(broken(again)).toEqual(['billed without a run'])
  })
})

test('too little that happened proves nothing', () => {
  const trial = { terms, asked: { events: 1, calls: 1, kills: 1 } }
  const figures = judge(readHistory([]), { records: [], bill: [], unproven: [] }, trial)
  expect(figures.filter(isBroken).map(({ what }) => what)).toEqual([
    'events accepted',
    'calls answered',
    'kills',
  ])
})

test('kills are spread over every target, in an order that a seed makes again', () => {
  const targets = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const plan = (seed: number) => planStrikes(targets, 12, seeded(seed)).map(({ target }) => target)
  expect(plan(1)).toHaveLength(12)
  expect(new Set(plan(1).slice(0, 8)).size).toBe(8)
  expect(plan(1)).toEqual(plan(1))
  expect(plan(1)).not.toEqual(plan(2))
})
