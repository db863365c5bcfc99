// The log of one execution environment: gives the runtime's lines to the invocation that they
// belong to, frames every invocation with AWS's START, END and REPORT, and publishes in batches. It
// keeps the order, is bounded in rate and size, and never holds up an answer, save briefly for a
// caller who wants the tail.

import { randomBytes } from 'node:crypto'
import type { LogEvent } from '@hearth/bus/messages'
import { LogTail } from './log-tail.ts'
import { type LineListener, LineReader } from './output-lines.ts'
import { logsDropped, type Platform, type PlatformEvent } from './platform-log.ts'

/** Who hears everything at once, and not when it is published. */
export interface LogTap {
  event(event: PlatformEvent): void
  line(type: LineType, text: string): void
}
export type LineType = 'extension' | 'function'

/** One invocation's part of the log. */
interface Section {
  requestId: string
  /** Not yet published. */
  lines: LogEvent[]
  /** Kept only while somebody wants it. */
  tail: LogTail | undefined
  /** The runtime's output for this invocation is complete. */
  isComplete: boolean
  onComplete: (() => void)[]
  /** Makes the last lines; known once the attempt is over. */
  closing: (() => string[]) | undefined
  closedAt: number
  /** The same by the clock, in milliseconds since the epoch. */
  closedTime: number
  /** Output between this invocation's end and the next one's beginning. */
  after: LogEvent[]
}

/** Output beyond this many bytes a second is dropped, and the log says so. */
const BYTES_PER_SECOND_MAX = 1024 * 1024
/** Output beyond this many is not even read until the second is over: reading costs the host. */
const READ_PER_SECOND_MAX = 8 * BYTES_PER_SECOND_MAX
/**
 * Seldom, because formatting and publishing what has gathered holds up the invocations of that
 * moment, and there must be fewer of those than one in a hundred.
 */
const FLUSH_MS = 250
const BATCH_BYTES_MAX = 256 * 1024
/** A runtime that was killed, or is late with its mark, has this long to finish writing. */
const COMPLETE_WAIT_MS = 50
/** One that never sends a mark has written all when it has been silent for this long. */
const QUIET_MS = 3

/**
 * `YYYY/MM/DD/[version]<32 hex>`, as AWS names log streams; in a group that several functions may
 * share, with the function's name before the version.
 */
export function logStreamName(
  { functionName, version, group }: { functionName: string; version: string; group: string },
  now: Date,
): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '/')
  const owner = group === `/aws/lambda/${functionName}` ? '' : functionName
  return `${day}/${owner}[${version}]${randomBytes(16).toString('hex')}`
}

export class LogStream {
  readonly #publish: (events: LogEvent[]) => void
  readonly #platform: Platform
  readonly #reader = new LineReader({
    line: (text, bytes) => this.#write('function', text, bytes),
    mark: (requestId) => {
      this.#isMarked = true
      if (this.#sections[this.#reading]?.requestId === requestId) this.#complete()
    },
  })
  readonly #sections: Section[] = []
  /** Index of the section that the runtime's output belongs to at this moment. */
  #reading = 0
  #batch: LogEvent[] = []
  #batchBytes = 0
  #newest = 0
  #timer: NodeJS.Timeout | undefined
  #second = 0
  #written = 0
  #read = 0
  /** Whether this runtime marks the end of an invocation's output; AWS's own clients do not. */
  #isMarked = false
  #heardAt = 0
  /** Of this second. */
  #dropped = { bytes: 0, records: 0 }
  /** Absent unless somebody subscribed. */
  tap: LogTap | undefined

  constructor(platform: Platform, publish: (events: LogEvent[]) => void) {
    this.#platform = platform
    this.#publish = publish
  }

  /** What the platform says of itself, outside of any invocation. */
  note(...events: PlatformEvent[]): void {
    for (const event of events) {
      this.tap?.event(event)
      const timestamp = Date.now()
      for (const message of this.#platform.render(event)) this.#place({ timestamp, message })
    }
  }

  /** An invocation begins; output from now on is its own. */
  begin(requestId: string, wantsTail: boolean): void {
    this.#turnPage()
    this.tap?.event(this.#platform.start(requestId))
    const tail = wantsTail ? new LogTail() : undefined
    const lines = this.#platform.startLines(requestId)
    for (const line of lines) tail?.add(line)
    const timestamp = Date.now()
    this.#sections.push({
      requestId,
      lines: lines.map((message) => ({ timestamp, message })),
      tail,
      isComplete: false,
      onComplete: [],
      closing: undefined,
      closedAt: 0,
      closedTime: 0,
      after: [],
    })
    this.#schedule()
  }

  /** The attempt is over; `closing` makes END and REPORT when they are written, a moment later. */
  close(requestId: string, closing: () => string[]): void {
    const section = this.#find(requestId)
    if (!section) return
    section.closing = closing
    section.closedAt = performance.now()
    section.closedTime = Date.now()
    this.#schedule()
  }

  /** What a caller wants to see before `close`. Waits a little for the runtime's last output. */
  async tailOf(requestId: string, closing: () => string[]): Promise<string> {
    const section = this.#find(requestId)
    if (!section?.tail) return ''
    await this.completion(requestId)
    for (const line of closing()) section.tail.add(line)
    return section.tail.text()
  }

  /** Resolves when the runtime's output for an invocation is complete, or has had its time. */
  async completion(requestId: string): Promise<void> {
    const section = this.#find(requestId)
    if (!section) return
    await this.#completion(section)
    this.#completeUpTo(section)
  }

  /** Output of the runtime, cut anywhere. @returns milliseconds for which to read no more, or 0. */
  take(chunk: Buffer): number {
    const untilNext = this.#countSecond()
    this.#read += chunk.length
    this.#heardAt = performance.now()
    this.#reader.take(chunk)
    return this.#read > READ_PER_SECOND_MAX ? untilNext : 0
  }

  /** Output of an extension, which has a stream of its own and no marks. */
  openExtension(): { take(chunk: Buffer): number; end(): void } {
    const line: LineListener['line'] = (text, bytes) => this.#write('extension', text, bytes)
    const reader = new LineReader({ line, mark() {} })
    return {
      take: (chunk) => {
        const untilNext = this.#countSecond()
        this.#read += chunk.length
        reader.take(chunk)
        return this.#read > READ_PER_SECOND_MAX ? untilNext : 0
      },
      end: () => reader.cut(),
    }
  }

  /** The runtime process is gone: what it wrote is all there will be. */
  cut(): void {
    this.#reader.cut()
    while (this.#reading < this.#sections.length) this.#complete()
  }

  /** Publishes what is left. */
  end(): void {
    this.cut()
    for (const section of this.#sections) section.closing ??= () => []
    this.#flush()
    clearTimeout(this.#timer)
  }

  /**
   * A runtime without marks that takes another invocation has written all of the former one's
   * output: what is not read yet is at hand, and is read before the next turn of the loop.
   */
  #turnPage(): void {
    const last = this.#sections.at(-1)
    if (last && !last.isComplete && !this.#isMarked) setImmediate(() => this.#completeUpTo(last))
  }

  #find(requestId: string): Section | undefined {
    return this.#sections.findLast((section) => section.requestId === requestId)
  }

  #complete(): void {
    const section = this.#sections[this.#reading]
    if (!section) return
    this.#reading += 1
    section.isComplete = true
    for (const complete of section.onComplete.splice(0)) complete()
  }

  #completeUpTo(section: Section): void {
    if (!section.isComplete && !this.#isMarked) this.#reader.cut()
    while (!section.isComplete && this.#sections[this.#reading]) this.#complete()
  }

  /** A line of the function's, or of one of its extensions. */
  #write(type: LineType, text: string, bytes: number): void {
    const untilNext = this.#countSecond()
    const before = this.#written
    this.#written += bytes + 1
    if (this.#written > BYTES_PER_SECOND_MAX) {
      this.#dropped.bytes += bytes
      this.#dropped.records += 1
    } else this.tap?.line(type, text)
    if (before > BYTES_PER_SECOND_MAX) return
    const isOver = this.#written > BYTES_PER_SECOND_MAX
    const message = isOver
      ? `[hearth] output over ${BYTES_PER_SECOND_MAX} bytes a second is dropped ` +
        `for ${Math.ceil(untilNext)} ms`
      : text
    this.#sections[this.#reading]?.tail?.add(message)
    this.#place({ timestamp: Date.now(), message }, type)
  }

  /**
   * Into the section that is being read, else behind the last one, else straight into the batch. An
   * extension's lines belong to an invocation until that is closed: it works on after the answer.
   */
  #place(event: LogEvent, type?: LineType): void {
    const section = this.#sections[this.#reading]
    const last = this.#sections.at(-1)
    if (section) section.lines.push(event)
    else if (last && type === 'extension' && !last.closing) last.lines.push(event)
    else if (last) last.after.push(event)
    else this.#emit(event)
    this.#schedule()
  }

  /** Starts to count anew each second. @returns milliseconds until the next one. */
  #countSecond(): number {
    const now = performance.now()
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#written = 0
      this.#read = 0
      const { bytes, records } = this.#dropped
      this.#dropped = { bytes: 0, records: 0 }
      if (records > 0) this.tap?.event(logsDropped(bytes, records))
    }
    return (second + 1) * 1000 - now
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const patience = performance.now() - COMPLETE_WAIT_MS
    let head = this.#sections[0]
    for (; head; head = this.#sections[0]) {
      const isOver = head.closing && (head.isComplete || head.closedAt <= patience)
      if (isOver) this.#completeUpTo(head)
      for (const event of head.lines.splice(0)) this.#emit(event)
      if (!head.closing || !isOver) break
      const timestamp = head.closedTime
      for (const message of head.closing()) this.#emit({ timestamp, message })
      for (const event of head.after) this.#emit(event)
      this.#sections.shift()
      this.#reading -= 1
    }
    this.#send()
    if (head?.closing) this.#schedule()
  }

  /** In the order of this log, which is the order of times: readers sort by those. */
  #emit({ timestamp, message }: LogEvent): void {
    this.#newest = Math.max(this.#newest, timestamp)
    const event = { timestamp: this.#newest, message }
    this.#batch.push(event)
    this.#batchBytes += event.message.length
    if (this.#batchBytes > BATCH_BYTES_MAX) this.#send()
  }

  #send(): void {
    if (this.#batch.length === 0) return
    const events = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    this.#publish(events)
  }

  /** Resolves when the section's output is complete, or has had its time. */
  #completion(section: Section): Promise<void> {
    if (section.isComplete) return Promise.resolve()
    const until = performance.now() + COMPLETE_WAIT_MS
    return new Promise((resolve) => {
      const look = () => {
        const now = performance.now()
        const isQuiet = !this.#isMarked && now - this.#heardAt >= QUIET_MS
        if (now >= until || isQuiet) return resolve()
        timer = setTimeout(look, this.#isMarked ? until - now : QUIET_MS)
      }
      let timer = setTimeout(look, QUIET_MS)
      section.onComplete.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
