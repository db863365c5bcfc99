// The last 4 KB of one invocation's log, as LogType=Tail returns them. It keeps little more than
// that, however much the function writes.

import { LOG_TAIL_BYTES_MAX } from '@hearth/core/invocation'

export class LogTail {
  #lines: string[] = []
  #length = 0

  add(line: string): void {
    this.#lines.push(line)
    this.#length += line.length + 1
    // Old lines go in strides, so that each costs little; a character is at least one byte.
    if (this.#length > 4 * LOG_TAIL_BYTES_MAX) this.#shorten()
  }

  /** The tail; a character that the limit would split is left out. */
  text(): string {
    const bytes = Buffer.from(this.#lines.map((line) => `${line}\n`).join(''))
    if (bytes.length <= LOG_TAIL_BYTES_MAX) return bytes.toString()
    let from = bytes.length - LOG_TAIL_BYTES_MAX
    while (isContinuation(bytes[from])) from += 1
    return bytes.toString('utf8', from)
  }

  #shorten(): void {
    const text = this.#lines.join('\n').slice(-LOG_TAIL_BYTES_MAX)
    this.#lines = [text]
    this.#length = text.length
  }
}

/** Whether a byte of UTF-8 is not the first of its character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
