// The log of one execution environment: cuts the runtime's output into lines, gives each to the invocation
// that it belongs to, and frames every invocation with AWS's START, END and REPORT lines. Output reaches the
// log in order, is bounded in rate and size, and never holds up an answer.

import { randomBytes } from 'node:crypto'
import type { LogEvent } from '@hearth/bus/messages'
import { LOG_TAIL_BYTES_MAX } from '@hearth/core/invocation'
import type { Platform } from './platform-log.ts'

/** One invocation's part of the log. */
interface Section {
  requestId: string
  startedAt: number
  lines: string[]
  /** Kept only while somebody wants it. */
  tail: string[] | undefined
  /** The runtime's output for this invocation is complete. */
  complete: boolean
  onComplete: (() => void) | undefined
  /** END and REPORT; known once the attempt is over. */
  closing: string[] | undefined
}

/** A line longer than this is cut in two (RELIABILITY: 256 KB a line). */
const LINE_BYTES_MAX = 256 * 1024
/** Output beyond this many bytes a second is dropped, and the log says so. */
const BYTES_PER_SECOND_MAX = 1024 * 1024
const FLUSH_MS = 100
const MARK = Buffer.from('\0END ')
const NEWLINE = 0x0a

/** `YYYY/MM/DD/[version]<32 hex>`, as AWS names log streams. */
export function logStreamName(version: string, now: Date): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '/')
  return `${day}/[${version}]${randomBytes(16).toString('hex')}`
}

export class LogStream {
  readonly #publish: (events: LogEvent[]) => void
  readonly #platform: Platform
  readonly #sections: Section[] = []
  /** Index of the section that the runtime's output belongs to at this moment. */
  #reading = 0
  #rest = Buffer.alloc(0)
  #early: string[] = []
  #pending: LogEvent[] = []
  #timer: NodeJS.Timeout | undefined
  #second = 0
  #bytesThisSecond = 0

  constructor(platform: Platform, publish: (events: LogEvent[]) => void) {
    this.#platform = platform
    this.#publish = publish
  }

  /** Lines of the platform's own before the first invocation. */
  note(line: string | undefined): void {
    if (line !== undefined) this.#emit(line)
  }

  /** An invocation begins; output from now on is its own. */
  begin(requestId: string, wantsTail: boolean): void {
    const start = this.#platform.start(requestId)
    const section: Section = {
      requestId,
      startedAt: Date.now(),
      lines: [...(start === undefined ? [] : [start]), ...this.#early.splice(0)],
      tail: wantsTail ? [] : undefined,
      complete: false,
      onComplete: undefined,
      closing: undefined,
    }
    if (section.tail) section.tail.push(...section.lines)
    this.#sections.push(section)
    this.#schedule()
  }

  /** Resolves when the runtime has said that this invocation's output is complete, or after `withinMs`. */
  complete(requestId: string, withinMs: number): Promise<void> {
    const section = this.#find(requestId)
    if (!section || section.complete) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      section.onComplete = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The attempt is over: a last line perhaps, then END and REPORT. @returns the tail, if it was wanted. */
  close(requestId: string, closing: string[]): string | undefined {
    const section = this.#find(requestId)
    if (!section) return undefined
    section.closing = closing
    // A runtime that sends no marks, or is gone, has had its time.
    while (!section.complete) this.#finishReading()
    section.tail?.push(...closing)
    const text = section.tail?.map((line) => `${line}\n`).join('')
    this.#schedule()
    return text && lastBytes(text, LOG_TAIL_BYTES_MAX)
  }

  /** Output of the runtime, cut anywhere. */
  take(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      this.#line(bytes.subarray(0, end))
      bytes = bytes.subarray(end + 1)
    }
    for (; bytes.length > LINE_BYTES_MAX; bytes = bytes.subarray(LINE_BYTES_MAX)) {
      this.#line(bytes.subarray(0, LINE_BYTES_MAX))
    }
    this.#rest = Buffer.from(bytes)
  }

  /** The runtime process is gone: what it wrote is all there will be. */
  cut(): void {
    if (this.#rest.length > 0) this.#line(this.#rest)
    this.#rest = Buffer.alloc(0)
    while (this.#reading < this.#sections.length) this.#finishReading()
  }

  /** Publishes what is left. */
  end(): void {
    this.cut()
    for (const section of this.#sections) section.closing ??= []
    this.#flush()
  }

  #find(requestId: string): Section | undefined {
    return this.#sections.find((section) => section.requestId === requestId)
  }

  #line(bytes: Buffer): void {
    const mark = bytes.lastIndexOf(MARK)
    const text = bytes.toString('utf8', 0, mark < 0 ? bytes.length : mark)
    if (mark < 0 || text.length > 0) this.#write(text)
    if (mark < 0) return
    const requestId = bytes.toString('latin1', mark + MARK.length)
    if (this.#sections[this.#reading]?.requestId === requestId) this.#finishReading()
  }

  #finishReading(): void {
    const section = this.#sections[this.#reading]
    if (!section) return
    this.#reading += 1
    section.complete = true
    section.onComplete?.()
    this.#schedule()
  }

  #write(text: string): void {
    if (!this.#allows(text.length)) return
    const section = this.#sections[this.#reading]
    if (section) {
      section.lines.push(text)
      if (section.tail) keepTail(section.tail, text)
    } else {
      this.#early.push(text)
    }
    this.#schedule()
  }

  /** Counts output by the second, and says once a second that some was dropped. */
  #allows(length: number): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#bytesThisSecond = 0
    }
    const before = this.#bytesThisSecond
    this.#bytesThisSecond += length + 1
    if (this.#bytesThisSecond <= BYTES_PER_SECOND_MAX) return true
    if (before <= BYTES_PER_SECOND_MAX) {
      const lines = this.#sections[this.#reading]?.lines ?? this.#early
      lines.push(`[hearth] log output over ${BYTES_PER_SECOND_MAX} bytes a second was dropped`)
    }
    return false
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (let head = this.#sections[0]; head; head = this.#sections[0]) {
      for (const line of head.lines.splice(0)) this.#emit(line)
      if (!head.closing || !head.complete) break
      for (const line of head.closing) this.#emit(line)
      this.#sections.shift()
      this.#reading -= 1
    }
    const events = this.#pending
    this.#pending = []
    if (events.length > 0) this.#publish(events)
  }

  #emit(message: string): void {
    this.#pending.push({ timestamp: Date.now(), message })
  }
}

/** Keeps enough of the newest lines for a tail, without growing with the output. */
function keepTail(tail: string[], line: string): void {
  tail.push(line)
  if (tail.length > 2 * LOG_TAIL_BYTES_MAX) tail.splice(0, LOG_TAIL_BYTES_MAX)
}

function lastBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= bytesMax ? text : bytes.subarray(bytes.length - bytesMax).toString('utf8')
}
