// Cuts a runtime's output into lines, and finds the mark with which a bootstrap says that an
// invocation's output is complete (images/README.md). Lines are bounded; output without any line
// end costs no more than others.

export interface LineListener {
  /** A line without its end, and its size in bytes. */
  line(text: string, bytes: number): void
  /** Everything that belongs to this invocation has been heard. */
  mark(requestId: string): void
}

/** A line longer than this is cut in two (RELIABILITY: 256 KB a line). */
export const LINE_BYTES_MAX = 256 * 1024
const MARK = Buffer.from('\0END ')
const MARK_BYTES_MAX = 80
const NEWLINE = 0x0a

export class LineReader {
  readonly #listener: LineListener
  /**
   * The beginning of a line whose end has not come: a buffer that grows, and how much of it is
   * used.
   */
  #rest = Buffer.alloc(0)
  #used = 0

  constructor(listener: LineListener) {
    this.#listener = listener
  }

  take(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end), true)
      from = end + 1
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from), false)
  }

  /** No more comes: what is left is a line. */
  cut(): void {
    if (this.#used > 0) this.#line(this.#rest.subarray(0, this.#used))
    this.#used = 0
  }

  #keep(bytes: Buffer, isEnd: boolean): void {
    let piece = bytes
    for (; this.#used + piece.length > LINE_BYTES_MAX; ) {
      const room = LINE_BYTES_MAX - this.#used
      this.#append(piece.subarray(0, room))
      piece = piece.subarray(room)
      this.#cutLong()
    }
    if (isEnd && this.#used === 0) return this.#line(piece)
    this.#append(piece)
    if (isEnd) this.cut()
  }

  #append(piece: Buffer): void {
    const needed = this.#used + piece.length
    if (needed > this.#rest.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * needed, LINE_BYTES_MAX))
      this.#rest.copy(larger, 0, 0, this.#used)
      this.#rest = larger
    }
    piece.copy(this.#rest, this.#used)
    this.#used = needed
  }

  /** Cuts a line at its limit, but never through what may be a mark. */
  #cutLong(): void {
    const mark = this.#rest.lastIndexOf(0)
    const end = mark > 0 && this.#used - mark < MARK_BYTES_MAX ? mark : this.#used
    this.#line(this.#rest.subarray(0, end))
    this.#rest.copyWithin(0, end, this.#used)
    this.#used -= end
  }

  #line(bytes: Buffer): void {
    const mark = bytes.lastIndexOf(MARK)
    if (mark < 0) return this.#listener.line(bytes.toString(), bytes.length)
    if (mark > 0) this.#listener.line(bytes.toString('utf8', 0, mark), mark)
    this.#listener.mark(bytes.toString('latin1', mark + MARK.length))
  }
}
