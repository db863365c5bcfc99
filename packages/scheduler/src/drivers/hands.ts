// The scheduler's end of one hearth-hands (images/README.md): requests go out in order, as many at
// a time as are asked, and each gets its own answer. A helper that breaks off, answers nothing for
// long or speaks nonsense is lost, with all that it was asked.

import type { Socket } from 'node:net'

/** hearth-hands is gone; whether it did what it was asked is not known. */
export class HandsLost extends Error {
  constructor() {
    super('hearth-hands is gone')
  }
}

/** hearth-hands could not, and says the errno's name. */
export class HandsRefused extends Error {
  readonly code: string

  constructor(verb: string, code: string) {
    super(`hearth-hands could not ${verb}: ${code}`)
    this.code = code
  }
}

interface Question {
  verb: string
  resolve(): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

const LENGTH_BYTES = 4
const ANSWER_BYTES_MAX = 1024
/** Freezing takes two seconds at most, formatting a file system less than one. */
const ANSWER_MS_MAX = 15_000

export class Hands {
  readonly #socket: Socket
  readonly #open = new Map<string, Question>()
  #heard = Buffer.alloc(0)
  #asked = 0
  #isLost = false
  /** Resolves when it is gone, for whatever reason. */
  readonly lost: Promise<void>

  constructor(socket: Socket) {
    this.#socket = socket
    this.lost = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (chunk) => this.#hear(chunk))
    socket.on('error', () => this.#lose())
    socket.on('close', () => this.#lose())
  }

  /** @throws HandsRefused, or HandsLost. */
  ask(verb: string, ...fields: string[]): Promise<void> {
    if (this.#isLost) return Promise.reject(new HandsLost())
    this.#asked += 1
    const request = String(this.#asked)
    const body = Buffer.from([request, verb, ...fields, ''].join('\0'))
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32LE(body.length)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lose(), ANSWER_MS_MAX)
      this.#open.set(request, { verb, resolve, reject, timer })
      this.#socket.write(Buffer.concat([length, body]))
    })
  }

  /** Lets it undo what it did and end. */
  close(): void {
    this.#socket.destroy()
  }

  #hear(chunk: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, chunk])
    while (this.#heard.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#heard.readUInt32LE()
      if (end > ANSWER_BYTES_MAX) return this.#lose()
      if (this.#heard.length < end) return
      const [request = '', result = ''] = this.#heard
        .toString('utf8', LENGTH_BYTES, end)
        .split('\0')
      this.#heard = this.#heard.subarray(end)
      this.#settle(request, result)
    }
  }

  #settle(request: string, result: string): void {
    const question = this.#open.get(request)
    if (!question) return this.#lose()
    this.#open.delete(request)
    clearTimeout(question.timer)
    if (result === 'ok') question.resolve()
    else question.reject(new HandsRefused(question.verb, result))
  }

  #lose(): void {
    this.#isLost = true
    this.#socket.destroy()
    for (const { reject, timer } of this.#open.values()) {
      clearTimeout(timer)
      reject(new HandsLost())
    }
    this.#open.clear()
  }
}
