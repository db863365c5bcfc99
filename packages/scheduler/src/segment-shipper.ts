// Brings segments of the attempt log to the ledger: in order, one at a time, again until the ledger
// has each, and only then is a file deleted. At start it brings what earlier lives left: finished
// attempts under the subjects that they had, and those that never ended as crashed. Long queues
// stay on disk, not in memory.

import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ledgerSubject } from '@hearth/bus/messages'
import type { InvocationRecord } from '@hearth/core/invocation'
import {
  type AttemptLine,
  type AttemptStart,
  isAnswered,
  keyOf,
  type Running,
} from './attempt-log.ts'

export interface SegmentShipping {
  directory: string
  schedulerId: string
  /** Names this life of the scheduler; later lives have greater ones. */
  epoch: string
  /** Stores a segment unless its subject is taken; rejects while the ledger is away. */
  ship(subject: string, segment: { records: InvocationRecord[] }): Promise<unknown>
  report(problem: string): void
}

export interface SegmentShipper {
  add(segment: { path: string; number: number; records: InvocationRecord[] }): void
  /** Ships what is queued; gives up when the ledger does not answer, since the files remain. */
  close(): Promise<void>
}

interface Shipment {
  path: string
  epoch: string
  number: number
  /** Undefined when it must be read from its file again. */
  records: InvocationRecord[] | undefined
}

/** Segments whose records are kept in memory while they wait. */
const HELD_SEGMENTS_MAX = 16
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 10_000
const CLOSE_MS_MAX = 5_000

export function startSegmentShipper(options: SegmentShipping): SegmentShipper {
  const queue: Shipment[] = []
  const closing = new AbortController()
  let working: Promise<void> | undefined
  const work = async () => {
    for (let next = queue[0]; next && !closing.signal.aborted; next = queue[0]) {
      await ship(options, next, closing.signal)
      queue.shift()
    }
  }
  const wake = (): Promise<void> => {
    working ??= work().finally(() => {
      working = undefined
      // Something may have come in the instant after the last one was done.
      if (queue.length > 0 && !closing.signal.aborted) void wake()
    })
    return working
  }
  const leftovers = shipLeftovers(options, closing.signal).catch((error) =>
    options.report(`the attempts of an earlier life could not be shipped: ${error}`),
  )
  return {
    add({ path, number, records }) {
      const held = queue.length < HELD_SEGMENTS_MAX ? records : undefined
      queue.push({ path, number, epoch: options.epoch, records: held })
      void wake()
    },
    async close() {
      const timer = setTimeout(() => closing.abort(), CLOSE_MS_MAX)
      const aborted = new Promise((resolve) => closing.signal.addEventListener('abort', resolve))
      await Promise.race([aborted, leftovers.then(wake)])
      clearTimeout(timer)
      closing.abort()
    },
  }
}

/** Resolves when the ledger has the segment and its file is gone, or when the shipper closes. */
async function ship(
  options: SegmentShipping,
  { path, epoch, number, records }: Shipment,
  closing: AbortSignal,
): Promise<void> {
  const subject = ledgerSubject(options.schedulerId, epoch, number)
  let waitMs = RETRY_MS_MIN
  while (!closing.aborted) {
    try {
      const present = records ?? replay(await readFile(path, 'utf8'), new Map())
      if (present.length > 0) await options.ship(subject, { records: present })
      await rm(path, { force: true })
      return
    } catch (error) {
      options.report(`the ledger has not taken ${subject} yet: ${error}`)
      await pause(waitMs, closing)
      waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)
    }
  }
}

/**
 * Segments of earlier lives; attempts that had begun and not ended go with the last segment of
 * their life.
 */
async function shipLeftovers(options: SegmentShipping, closing: AbortSignal): Promise<void> {
  const names = (await readdir(options.directory)).filter(
    (name) => name.endsWith('.jsonl') && !name.startsWith(`${options.epoch}-`),
  )
  const lives = Map.groupBy(names, (name) => name.slice(0, name.lastIndexOf('-')))
  for (const [epoch, files] of lives) {
    const numbers = files.map((name) => Number(name.slice(epoch.length + 1, -'.jsonl'.length)))
    const running = new Map<string, Running>()
    for (const number of numbers.sort((a, b) => a - b)) {
      const path = join(options.directory, `${epoch}-${number}.jsonl`)
      const records = replay(await readFile(path, 'utf8'), running)
      const isLast = number === numbers.at(-1)
      const crashed = isLast ? [...running.values()].map(toRecord) : []
      await ship(options, { path, epoch, number, records: [...records, ...crashed] }, closing)
    }
  }
}

/** The records of one segment; `running` follows what has begun and not ended. */
function replay(text: string, running: Map<string, Running>): InvocationRecord[] {
  const records: InvocationRecord[] = []
  for (const line of text.split('\n')) {
    const entry = parse(line)
    if (!entry) continue
    if ('begin' in entry) {
      running.set(keyOf(entry.begin), entry.begin)
    } else if ('answered' in entry) {
      running.set(keyOf(entry.answered), entry.answered)
    } else {
      running.delete(keyOf(entry.end))
      records.push(entry.end)
    }
  }
  return records
}

/** A line that a crash cut short is no line. */
function parse(line: string): AttemptLine | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as AttemptLine)
  } catch {
    return undefined
  }
}

/** An answer that was given is what happened; what its extensions did after it is not known. */
const toRecord = (running: Running) => (isAnswered(running) ? running : toCrashed(running))

/** The record of an attempt that never ended; it costs nothing. */
export function toCrashed(start: AttemptStart): InvocationRecord {
  return {
    ...start,
    durationMicroseconds: 0,
    initMicroseconds: 0,
    billedMs: 0,
    start: 'warm',
    outcome: 'crashed',
  }
}

function pause(milliseconds: number, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      closing.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    closing.addEventListener('abort', done)
  })
}
