// What became of events: none accepted is lost, none runs that was refused or never sent, none runs
// more often than the law and the faults explain, none too early and none too late. Pure.

import type { Pairing } from './attempts.ts'
import { type Figure, none } from './figure.ts'
import {
  type Fault,
  type History,
  isAccepted,
  isRefused,
  type Request,
  type Run,
} from './history.ts'
import { AGE_SECONDS_MAX, type FunctionTerms, RETRIES_MAX, runsOf, type Terms } from './terms.ts'

/** An acknowledgement waits for NATS's disk, and as long an event is still under way. */
const ACKNOWLEDGED_WITHIN_MS = 5_000
/** How much later than its age an event's last attempt may begin. */
const AGE_LATE_MS = 5_000
/** Timers are set in whole milliseconds of another process's clock. */
const EARLY_MS = 5

export function judgeDeliveries(history: History, pairing: Pairing, terms: Terms): Figure[] {
  const events = [...history.requests.values()].filter(({ form }) => form === 'event')
  return [
    lost(events),
    unexpected(history),
    ...duplicates(history, events, { pairing, terms }),
    none(
      'attempts beyond 1 + MaximumRetryAttempts',
      events.flatMap((event) => tooMany(event, { pairing, terms })),
    ),
    none(
      'early retries',
      events.flatMap((event) => early(event, { pairing, terms })),
      `not before ${terms.retrySeconds.join(' s and ')} s`,
    ),
    none('runs after MaximumEventAgeInSeconds', events.flatMap(late)),
    none(
      'given up too early',
      events.flatMap((event) => givenUpEarly(event, terms)),
    ),
  ]
}

/** Where a client's losses lie tells their cause; those in the middle are the worst. */
function lost(events: readonly Request[]): Figure {
  const isLost = ({ runs, isBuried }: Request) =>
    !isBuried && !runs.some(({ ending }) => ending === 'succeeded')
  const where = { prefix: 0, middle: 0, postfix: 0 }
  const cases: string[] = []
  for (const client of new Set(events.map((event) => event.client))) {
    const own = events
      .filter((event) => event.client === client && isAccepted(event))
      .sort((a, b) => a.invokedAt - b.invokedAt)
    const first = own.findIndex((event) => !isLost(event))
    const last = own.findLastIndex((event) => !isLost(event))
    for (const [index, event] of own.entries()) {
      if (!isLost(event)) continue
      const place = first < 0 || index < first ? 'prefix' : index > last ? 'postfix' : 'middle'
      where[place] += 1
      cases.push(`${event.id} of ${event.functionName}, ${place} of client ${client}`)
    }
  }
  const { prefix, middle, postfix } = where
  return none('lost', cases, `prefix ${prefix}, middle ${middle}, postfix ${postfix}`)
}

function unexpected({ requests, runs }: History): Figure {
  const cases = runs.flatMap(({ id, functionName, requestId }) => {
    const request = requests.get(id)
    if (!request) return [`${id} of ${functionName} was never sent`]
    if (isRefused(request)) return [`${id} of ${functionName} was refused`]
    const named = request.answers.find((answer) => answer.outcome === 'ok')?.requestId
    return named !== undefined && named !== requestId
      ? [`${id} ran as ${requestId}, and was accepted as ${named}`]
      : []
  })
  return none('unexpected', cases)
}

interface Grounds {
  pairing: Pairing
  terms: Terms
}

/** Each event under way at a fault may be run again for it, and no other. */
function duplicates(history: History, events: Request[], { pairing, terms }: Grounds): Figure[] {
  let [found, allowed] = [0, 0]
  const causeless: string[] = []
  for (const event of events) {
    const repeated = repetitions(event, pairing)
    const times = underWay(event, { pairing, terms })
    const faults = history.faults.filter((fault) => meets(times, fault))
    const excuses = faults.reduce((sum, { target }) => sum + repetitionsFor(target), 0)
    found += repeated
    allowed += excuses
    for (let more = excuses; more < repeated; more += 1) {
      causeless.push(`${event.id} of ${event.functionName}: ${describe(event.runs)}`)
    }
  }
  return [{ what: 'duplicates', found, allowed }, none('duplicates without a fault', causeless)]
}

/**
 * Once more by whoever had it in hand; and when the queue itself is lost, it is handed to another
 * besides.
 */
const repetitionsFor = (target: string) => (target === 'NATS' ? 2 : 1)

/** Runs beyond the first of the same attempt. */
function repetitions({ id, runs }: Request, { byRequest }: Pairing): number {
  const attempts = new Set(byRequest.get(id)?.map(({ record }) => record.attempt))
  return Math.max(0, runs.length - Math.max(attempts.size, 1))
}

/**
 * From its first run until the one that settled it was acknowledged. A run that the books call
 * crashed settled nothing: whoever was to hear its end was killed before.
 */
function underWay({ id, runs, functionName }: Request, { pairing, terms }: Grounds) {
  const attempted = pairing.byRequest.get(id) ?? []
  const crashed = attempted.filter(({ record }) => record.outcome === 'crashed')
  const heard = runs.filter((one) => !crashed.some(({ run }) => run === one))
  const failed = heard.filter(({ ending }) => ending === 'failed')
  const settling =
    heard.find(({ ending }) => ending === 'succeeded') ??
    failed[runsOf(termsOf(terms, functionName)) - 1]
  return {
    from: runs[0]?.began ?? Number.POSITIVE_INFINITY,
    until: (settling?.over ?? Number.POSITIVE_INFINITY) + ACKNOWLEDGED_WITHIN_MS,
  }
}

const meets = ({ from, until }: { from: number; until: number }, { struck, healed }: Fault) =>
  from <= healed + ACKNOWLEDGED_WITHIN_MS && until >= struck

function tooMany(event: Request, { pairing, terms }: Grounds): string[] {
  const attempted = pairing.byRequest.get(event.id) ?? []
  const highest = Math.max(0, ...attempted.map(({ record }) => record.attempt))
  const most = runsOf(termsOf(terms, event.functionName)) + repetitions(event, pairing)
  return highest > 1 + RETRIES_MAX || event.runs.length > most
    ? [`${event.id} of ${event.functionName}: attempt ${highest}, ${describe(event.runs)}`]
    : []
}

/** From the end of an attempt that failed to the beginning of the next. */
function early({ id, functionName }: Request, { pairing, terms }: Grounds): string[] {
  const attempted = pairing.byRequest.get(id) ?? []
  return attempted.flatMap(({ run, record: { attempt } }) => {
    if (attempt === 1) return []
    const before = attempted
      .filter(({ record }) => record.attempt === attempt - 1)
      .filter(({ run: former }) => former.ending === 'failed' || former.ending === 'died')
    const gap = run.began - Math.min(...before.map(({ run: former }) => former.over))
    const wanted = (terms.retrySeconds[attempt - 2] ?? 0) * 1000
    return before.length === 0 || gap < wanted - EARLY_MS
      ? [`${id} of ${functionName}: attempt ${attempt} after ${Math.round(gap)} ms`]
      : []
  })
}

/** A dead letter without as many failures as the law wants first. */
function givenUpEarly({ id, functionName, runs, isBuried }: Request, terms: Terms): string[] {
  const { fails } = termsOf(terms, functionName)
  const failed = runs.filter(({ ending }) => ending !== 'succeeded').length
  return isBuried && (fails <= RETRIES_MAX || failed < 1 + RETRIES_MAX)
    ? [`${id} of ${functionName}: ${describe(runs)}`]
    : []
}

function late({ id, functionName, invokedAt, runs }: Request): string[] {
  return runs
    .filter(({ began }) => began > invokedAt + AGE_SECONDS_MAX * 1000 + AGE_LATE_MS)
    .map(({ began }) => `${id} of ${functionName} after ${Math.round(began - invokedAt)} ms`)
}

function termsOf({ functions }: Terms, functionName: string): FunctionTerms {
  const found = functions.find(({ name }) => name === functionName)
  if (!found) throw new Error(`there are no terms for ${functionName}`)
  return found
}

const describe = (runs: readonly Run[]) =>
  `${runs.length} runs (${runs.map(({ ending }) => ending).join(', ')})`
