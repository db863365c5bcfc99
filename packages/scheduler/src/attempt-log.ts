// The write-ahead log of attempts: a line before its event leaves, its record before the answer
// does. Whoever writes a line is called when the operating system has it, so kill -9 loses none;
// the lines of one turn of the event loop share a write. Segments are shipped to the ledger under a
// subject that can be taken only once, so none is counted twice. A disk that fails costs that
// safety, never an answer.

import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { InvocationRecord } from '@hearth/core/invocation'
import { type SegmentShipping, startSegmentShipper } from './segment-shipper.ts'

/** What is known when an attempt begins; a crash turns it into a record of its own. */
export type AttemptStart = Omit<
  InvocationRecord,
  'billedMs' | 'durationMicroseconds' | 'initMicroseconds' | 'outcome' | 'start'
>

/** What has not ended: it runs, or has its answer and its extensions run on. */
export type Running = AttemptStart | InvocationRecord

/** One line of a segment. */
export type AttemptLine =
  | { begin: AttemptStart }
  | { answered: InvocationRecord }
  | { end: InvocationRecord }

export interface AttemptLog {
  /** `written` is called when kill -9 can no longer lose the line. */
  begin(start: AttemptStart, written: () => void): void
  /**
   * The answer may leave, and the record is whole when `end` follows; after a crash it counts as it
   * is here.
   */
  answered(record: InvocationRecord, written: () => void): void
  end(record: InvocationRecord, written: () => void): void
  /** Ships what is there; resolves when the ledger has it, or does not answer. */
  close(): Promise<void>
}

export interface AttemptLogOptions extends SegmentShipping {
  /**
   * Wait for the disk at each write: safe against a power cut, at the price of a disk write an
   * invocation, or a few.
   */
  sync?: boolean
}

interface Segment {
  path: string
  number: number
  fd: number
  lines: number
  records: InvocationRecord[]
  /** Whether the last line was cut short, so that the next one needs a line end before it. */
  isTorn: boolean
}

const RECORDS_PER_SEGMENT = 500
const SEGMENT_MS = 1_000
/** So many lines do not wait for the end of the turn: the first of them has waited long enough. */
const LINES_TOGETHER_MAX = 16

/** Opens the log, and begins to ship what earlier lives left behind. */
export function openAttemptLog(options: AttemptLogOptions): AttemptLog {
  mkdirSync(options.directory, { recursive: true })
  const shipper = startSegmentShipper(options)
  const open = new Map<string, Running>()
  let segment = openSegment(options, 0, [])
  const rotate = () => {
    lines.flush()
    if (segment.lines === 0) return
    const full = segment
    try {
      // Attempts that still run are repeated in the next segment, so that each segment can be
      // judged alone.
      segment = openSegment(options, full.number + 1, [...open.values()])
    } catch (error) {
      options.report(`a new segment of the attempt log could not be opened: ${error}`)
      return
    }
    closeSync(full.fd)
    shipper.add(full)
  }
  const lines = gatherLines((text, count) => {
    const isFirst = segment.lines === 0
    segment.lines += count
    try {
      append(segment, text)
      if (options.sync) fsyncSync(segment.fd)
    } catch (error) {
      segment.isTorn = true
      if (isFirst) options.report(`the attempt log could not be written: ${error}`)
    }
  })
  const timer = setInterval(rotate, SEGMENT_MS)
  return {
    begin(start, written) {
      open.set(keyOf(start), start)
      lines.add({ begin: start }, written)
    },
    answered(record, written) {
      open.set(keyOf(record), record)
      lines.add({ answered: record }, written)
    },
    end(record, written) {
      open.delete(keyOf(record))
      segment.records.push(record)
      lines.add({ end: record }, written)
      if (segment.records.length >= RECORDS_PER_SEGMENT) rotate()
    },
    async close() {
      clearInterval(timer)
      rotate()
      closeSync(segment.fd)
      await shipper.close()
    },
  }
}

/** Collects lines until the turn is over or there are enough, and has them written together. */
function gatherLines(write: (text: string, count: number) => void) {
  let waiting: { text: string; written: () => void }[] = []
  const flush = () => {
    if (waiting.length === 0) return
    const together = waiting
    waiting = []
    write(together.map(({ text }) => text).join(''), together.length)
    for (const { written } of together) written()
  }
  return {
    flush,
    add(line: AttemptLine, written: () => void) {
      waiting.push({ text: render(line), written })
      if (waiting.length >= LINES_TOGETHER_MAX) flush()
      else if (waiting.length === 1) setImmediate(flush)
    },
  }
}

/** Names an attempt: the ledger's key. */
export const keyOf = ({ requestId, attempt }: { requestId: string; attempt: number }) =>
  `${requestId}#${attempt}`

export const isAnswered = (running: Running): running is InvocationRecord => 'outcome' in running

/** `<epoch>-<number>.jsonl`, beginning with the attempts that still run. */
function openSegment(options: AttemptLogOptions, number: number, running: Running[]): Segment {
  const path = join(options.directory, `${options.epoch}-${number}.jsonl`)
  const fd = openSync(path, 'a', 0o600)
  const segment = { path, number, fd, lines: 0, records: [], isTorn: false }
  for (const one of running)
    append(segment, render(isAnswered(one) ? { answered: one } : { begin: one }))
  return segment
}

const render = (line: AttemptLine) => `${JSON.stringify(line)}\n`

/** @throws when the disk takes nothing, or only a part. */
function append(segment: Segment, lines: string): void {
  const bytes = Buffer.from(segment.isTorn ? `\n${lines}` : lines)
  const written = writeSync(segment.fd, bytes)
  if (written < bytes.length) throw new Error('the disk took only a part of a line')
  segment.isTorn = false
}
