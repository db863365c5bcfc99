// The write-ahead log of attempts: a line when one begins, its record before the answer leaves. Lines reach
// the operating system at once, so kill -9 loses none; segments are shipped to the ledger under a subject that
// can be taken only once, so none is counted twice. Leftovers of an earlier life are shipped at start.

import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ledgerSubject } from '@hearth/bus/messages'
import type { InvocationRecord } from '@hearth/core/invocation'

/** What is known when an attempt begins; a crash turns it into a record of its own. */
export type AttemptStart = Omit<
  InvocationRecord,
  'billedMs' | 'durationMicroseconds' | 'initMicroseconds' | 'outcome' | 'start'
>

export interface AttemptLog {
  begin(start: AttemptStart): void
  end(record: InvocationRecord): void
  /** Ships what is there; resolves when the ledger has it. */
  close(): Promise<void>
}

export interface AttemptLogOptions {
  directory: string
  schedulerId: string
  /** Names this life of the scheduler; later lives have greater ones. */
  epoch: string
  /** Wait for the disk at each line: safe against a power cut, at the price of a disk write an invocation. */
  sync?: boolean
  ship(subject: string, segment: { records: InvocationRecord[] }): Promise<unknown>
  report(problem: string): void
}

type Line = { begin: AttemptStart } | { end: InvocationRecord }

const RECORDS_PER_SEGMENT = 500
const SEGMENT_MS = 1_000
const RETRY_MS_MAX = 10_000

/** Opens the log, and begins to ship what earlier lives left behind. */
export function openAttemptLog(options: AttemptLogOptions): AttemptLog {
  mkdirSync(options.directory, { recursive: true })
  const shipper = startShipper(options)
  const open = new Map<string, AttemptStart>()
  let segment = openSegment(options, 0, [])
  const rotate = () => {
    if (segment.lines === 0) return
    closeSync(segment.fd)
    shipper.add(segment)
    // Attempts that still run are repeated in the next segment, so that each segment can be judged alone.
    segment = openSegment(options, segment.number + 1, [...open.values()])
  }
  const write = (line: Line) => {
    writeSync(segment.fd, `${JSON.stringify(line)}\n`)
    if (options.sync) fsyncSync(segment.fd)
    segment.lines += 1
  }
  const timer = setInterval(rotate, SEGMENT_MS)
  return {
    begin(start) {
      open.set(keyOf(start), start)
      write({ begin: start })
    },
    end(record) {
      open.delete(keyOf(record))
      segment.records.push(record)
      write({ end: record })
      if (segment.records.length >= RECORDS_PER_SEGMENT) rotate()
    },
    async close() {
      clearInterval(timer)
      rotate()
      closeSync(segment.fd)
      await shipper.drain()
    },
  }
}

interface Segment {
  path: string
  number: number
  fd: number
  lines: number
  records: InvocationRecord[]
}

const keyOf = ({ requestId, attempt }: { requestId: string; attempt: number }) =>
  `${requestId}#${attempt}`

/** `<epoch>-<number>.jsonl`, beginning with the attempts that still run. */
function openSegment(options: AttemptLogOptions, number: number, running: AttemptStart[]): Segment {
  const path = join(options.directory, `${options.epoch}-${number}.jsonl`)
  const fd = openSync(path, 'a', 0o600)
  if (running.length > 0) {
    writeSync(fd, running.map((start) => `${JSON.stringify({ begin: start })}\n`).join(''))
  }
  return { path, number, fd, lines: 0, records: [] }
}

/** Ships segments in order, one at a time, and tries again until the ledger has each. */
function startShipper(options: AttemptLogOptions) {
  let queue = shipLeftovers(options)
  return {
    add: (segment: Segment) => {
      queue = queue.then(() =>
        ship(options, { ...segment, epoch: options.epoch, number: segment.number }),
      )
    },
    drain: () => queue,
  }
}

async function ship(
  options: AttemptLogOptions,
  segment: { path: string; epoch: string; number: number; records: InvocationRecord[] },
): Promise<void> {
  const subject = ledgerSubject(options.schedulerId, segment.epoch, segment.number)
  for (let waitMs = 100; segment.records.length > 0; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
    try {
      await options.ship(subject, { records: segment.records })
      break
    } catch (error) {
      options.report(`the ledger did not take ${subject} yet: ${error}`)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
  await rm(segment.path, { force: true })
}

/**
 * Segments of earlier lives. Their finished attempts are shipped under the subjects that they had; attempts
 * that had begun and not ended are shipped as crashed, with the last segment of their life.
 */
async function shipLeftovers(options: AttemptLogOptions): Promise<void> {
  const names = (await readdir(options.directory)).filter(
    (name) => name.endsWith('.jsonl') && !name.startsWith(`${options.epoch}-`),
  )
  const lives = Map.groupBy(names, (name) => name.slice(0, name.lastIndexOf('-')))
  for (const [epoch, files] of lives) {
    const numbers = files.map((name) => Number(name.slice(epoch.length + 1, -'.jsonl'.length)))
    const running = new Map<string, AttemptStart>()
    for (const number of numbers.sort((a, b) => a - b)) {
      const path = join(options.directory, `${epoch}-${number}.jsonl`)
      const records = replay(await readFile(path, 'utf8'), running)
      const last = number === numbers.at(-1)
      const crashed = last ? [...running.values()].map(toCrashed) : []
      await ship(options, { path, epoch, number, records: [...records, ...crashed] })
    }
  }
}

/** The records of one segment; `running` follows what has begun and not ended. */
function replay(text: string, running: Map<string, AttemptStart>): InvocationRecord[] {
  const records: InvocationRecord[] = []
  for (const line of text.split('\n')) {
    const entry = parse(line)
    if (!entry) continue
    if ('begin' in entry) {
      running.set(keyOf(entry.begin), entry.begin)
    } else {
      running.delete(keyOf(entry.end))
      records.push(entry.end)
    }
  }
  return records
}

/** A line that a crash cut short is no line. */
function parse(line: string): Line | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as Line)
  } catch {
    return undefined
  }
}

function toCrashed(start: AttemptStart): InvocationRecord {
  return {
    ...start,
    durationMicroseconds: 0,
    initMicroseconds: 0,
    billedMs: 0,
    start: 'warm',
    outcome: 'crashed',
  }
}
