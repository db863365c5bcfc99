// The write-ahead log of attempts: a line when one begins, its record before the answer leaves.
// Lines reach the operating system at once, so kill -9 loses none; segments are shipped to the
// ledger under a subject that can be taken only once, so none is counted twice. A disk that fails
// costs that safety, never an answer.

import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { InvocationRecord } from '@hearth/core/invocation'
import { type SegmentShipping, startSegmentShipper } from './segment-shipper.ts'

/** What is known when an attempt begins; a crash turns it into a record of its own. */
export type AttemptStart = Omit<
  InvocationRecord,
  'billedMs' | 'durationMicroseconds' | 'initMicroseconds' | 'outcome' | 'start'
>

/** One line of a segment. */
export type AttemptLine = { begin: AttemptStart } | { end: InvocationRecord }

export interface AttemptLog {
  begin(start: AttemptStart): void
  end(record: InvocationRecord): void
  /** Ships what is there; resolves when the ledger has it, or does not answer. */
  close(): Promise<void>
}

export interface AttemptLogOptions extends SegmentShipping {
  /**
   * Wait for the disk at each line: safe against a power cut, at the price of a disk write an
   * invocation.
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

/** Opens the log, and begins to ship what earlier lives left behind. */
export function openAttemptLog(options: AttemptLogOptions): AttemptLog {
  mkdirSync(options.directory, { recursive: true })
  const shipper = startSegmentShipper(options)
  const open = new Map<string, AttemptStart>()
  let segment = openSegment(options, 0, [])
  const rotate = () => {
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
  const write = (line: AttemptLine) => {
    segment.lines += 1
    try {
      append(segment, line)
      if (options.sync) fsyncSync(segment.fd)
    } catch (error) {
      segment.isTorn = true
      if (segment.lines === 1) options.report(`the attempt log could not be written: ${error}`)
    }
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
      await shipper.close()
    },
  }
}

/** Names an attempt: the ledger's key. */
export const keyOf = ({ requestId, attempt }: { requestId: string; attempt: number }) =>
  `${requestId}#${attempt}`

/** `<epoch>-<number>.jsonl`, beginning with the attempts that still run. */
function openSegment(options: AttemptLogOptions, number: number, running: AttemptStart[]): Segment {
  const path = join(options.directory, `${options.epoch}-${number}.jsonl`)
  const fd = openSync(path, 'a', 0o600)
  const segment = { path, number, fd, lines: 0, records: [], isTorn: false }
  for (const begin of running) append(segment, { begin })
  return segment
}

/** @throws when the disk takes no line, or only a part of it. */
function append(segment: Segment, line: AttemptLine): void {
  const text = `${segment.isTorn ? '\n' : ''}${JSON.stringify(line)}\n`
  const written = writeSync(segment.fd, text)
  if (written < Buffer.byteLength(text)) throw new Error('the disk took only a part of a line')
  segment.isTorn = false
}
