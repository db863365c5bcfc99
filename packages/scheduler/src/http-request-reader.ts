// Reads HTTP/1.1 requests out of a byte stream, however it is cut: the server's half of the Runtime
// API's wire. Small because it has one kind of client, and strict because that client is hostile by
// assumption: heads are bounded, bodies beyond what the asker wants are counted and not kept, and
// anything ambiguous is malformed. A body may also be handed on piece by piece as it comes.

export interface RequestHead {
  method: string
  path: string
  /** The client waits for `100 Continue` before it sends the body. */
  expectsContinue: boolean
  /** The client wants the connection closed after the answer. */
  closes: boolean
  contentType?: string
  /** The body is made while it is sent (Lambda-Runtime-Function-Response-Mode: streaming). */
  streams: boolean
  /** Present when an extension says who it is. */
  extension?: ExtensionHeaders
}

/** What extensions say in headers: Lambda-Extension-Name and its like. */
export interface ExtensionHeaders {
  name?: string
  identifier?: string
  acceptFeature?: string
  errorType?: string
}

/** What came behind a chunked body; undefined members were absent. */
export interface Trailers {
  errorType?: string
  /** As it came: base64 of JSON, if the client means well. */
  errorBody?: string
}

export interface RequestListener {
  /** @returns how many bytes of body to keep, or `pieces` to be given them as they come. */
  begin(head: RequestHead): number | 'pieces'
  /** A piece of a body that was wanted in pieces; never empty. */
  piece(bytes: Buffer): void
  /** The request is complete; the body is undefined when it was not kept, or not whole. */
  complete(body: Buffer | undefined, trailers: Trailers): void
  /** The stream cannot be understood from here on. */
  malformed(): void
}

type Phase =
  | { name: 'head' }
  | { name: 'body'; remaining: number }
  | { name: 'chunk size' }
  | { name: 'chunk'; remaining: number }
  | { name: 'chunk end' }
  | { name: 'trailers' }
  | { name: 'broken' }

/** AWS's clients put an X-Ray cause, which holds stack traces, into a header. */
const HEAD_BYTES_MAX = 64 * 1024
/** More than this is not even read to its end. */
const BODY_BYTES_MAX = 64 * 1024 * 1024
const LINE_BYTES_MAX = 1024
/** The trailers together; an error report in base64 has room. */
const TRAILER_BYTES_MAX = 64 * 1024
const NO_TRAILERS: Trailers = {}
const EMPTY = Buffer.alloc(0)
const HEAD: Phase = { name: 'head' }
const EXTENSION_HEADERS: Readonly<Record<string, keyof ExtensionHeaders>> = {
  'lambda-extension-name': 'name',
  'lambda-extension-identifier': 'identifier',
  'lambda-extension-accept-feature': 'acceptFeature',
  'lambda-extension-function-error-type': 'errorType',
}

export class RequestReader {
  readonly #listener: RequestListener
  #rest: Buffer = EMPTY
  #phase: Phase = HEAD
  #held = false
  /** Answers that come at once release within: a deep stack of requests would be a way to end us. */
  #isRunning = false
  /**
   * The body so far: one buffer that grows, since a list of tiny pieces would cost far more than
   * they hold.
   */
  #kept: Buffer = EMPTY
  #bytes = 0
  #bytesWanted = 0
  #inPieces = false
  #trailers = NO_TRAILERS
  #trailerBytes = 0

  constructor(listener: RequestListener) {
    this.#listener = listener
  }

  /** Bytes that came while the reader was held back; the connection bounds them. */
  get backlog(): number {
    return this.#rest.length
  }

  take(chunk: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#run()
  }

  /** Stops after the present request: its answer has to come first. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#run()
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      while (!this.#held && this.#step()) {
        // Each step consumes what it can.
      }
    } finally {
      this.#isRunning = false
    }
  }

  /** @returns whether another step may be possible with the bytes at hand. */
  #step(): boolean {
    switch (this.#phase.name) {
      case 'head':
        return this.#readHead()
      case 'body':
      case 'chunk':
        return this.#readBody(this.#phase)
      case 'chunk size':
        return this.#readLine((line) => this.#beginChunk(line))
      case 'chunk end':
        return this.#readLine((line) => {
          if (line !== '') return this.#break()
          this.#phase = { name: 'chunk size' }
        })
      case 'trailers':
        return this.#readLine((line) => this.#takeTrailer(line), TRAILER_BYTES_MAX)
      case 'broken':
        this.#rest = EMPTY
        return false
    }
  }

  #readHead(): boolean {
    if (this.#rest.length === 0) return false
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end < 0 || end > HEAD_BYTES_MAX) {
      if (end > HEAD_BYTES_MAX || this.#rest.length > HEAD_BYTES_MAX) this.#break()
      return false
    }
    const head = parseHead(this.#rest.toString('latin1', 0, end))
    this.#rest = this.#rest.subarray(end + 4)
    if (!head) {
      this.#break()
      return false
    }
    this.#kept = EMPTY
    this.#bytes = 0
    const wanted = this.#listener.begin(head)
    this.#inPieces = wanted === 'pieces'
    this.#bytesWanted = wanted === 'pieces' ? 0 : wanted
    this.#trailers = NO_TRAILERS
    this.#trailerBytes = 0
    if (head.chunked) this.#phase = { name: 'chunk size' }
    else if (head.length > 0) this.#phase = { name: 'body', remaining: head.length }
    else this.#complete()
    return true
  }

  #readBody(phase: { name: 'body' | 'chunk'; remaining: number }): boolean {
    if (this.#rest.length === 0) return false
    const piece = this.#rest.subarray(0, phase.remaining)
    this.#rest = this.#rest.subarray(piece.length)
    phase.remaining -= piece.length
    if (this.#inPieces) this.#listener.piece(piece)
    else this.#keep(piece, phase.remaining)
    if (this.#bytes > BODY_BYTES_MAX) this.#break()
    if (phase.remaining > 0 || this.#phase !== phase) return false
    if (phase.name === 'body') this.#complete()
    else this.#phase = { name: 'chunk end' }
    return true
  }

  /** Adds to the body; `more` bytes of it are known to follow. */
  #keep(piece: Buffer, more: number): void {
    const before = this.#bytes
    this.#bytes += piece.length
    if (this.#bytes > this.#bytesWanted) {
      this.#kept = EMPTY
    } else if (before === 0 && more === 0) {
      this.#kept = piece
    } else {
      if (this.#kept.length < this.#bytes) {
        const size = Math.min(Math.max(2 * this.#bytes, this.#bytes + more), this.#bytesWanted)
        const larger = Buffer.allocUnsafeSlow(size)
        this.#kept.copy(larger, 0, 0, before)
        this.#kept = larger
      }
      piece.copy(this.#kept, before)
    }
  }

  #beginChunk(line: string): void {
    const size = /^([0-9a-f]{1,8})(;.*)?$/i.exec(line)?.[1]
    if (size === undefined) return this.#break()
    const remaining = Number.parseInt(size, 16)
    this.#phase = remaining > 0 ? { name: 'chunk', remaining } : { name: 'trailers' }
  }

  /** One line of the trailers; the empty one ends them. */
  #takeTrailer(line: string): void {
    if (line === '') return this.#complete()
    this.#trailerBytes += line.length
    const colon = line.indexOf(':')
    if (this.#trailerBytes > TRAILER_BYTES_MAX || colon < 1) return this.#break()
    const value = line.slice(colon + 1).trim()
    switch (line.slice(0, colon).toLowerCase()) {
      case 'lambda-runtime-function-error-type':
        this.#trailers = { ...this.#trailers, errorType: value }
        break
      case 'lambda-runtime-function-error-body':
        this.#trailers = { ...this.#trailers, errorBody: value }
        break
    }
  }

  #readLine(take: (line: string) => void, bytesMax = LINE_BYTES_MAX): boolean {
    const end = this.#rest.indexOf('\r\n')
    if (end < 0 || end > bytesMax) {
      if (this.#rest.length > bytesMax) this.#break()
      return false
    }
    const line = this.#rest.toString('latin1', 0, end)
    this.#rest = this.#rest.subarray(end + 2)
    take(line)
    return true
  }

  #complete(): void {
    const isWhole = !this.#inPieces && this.#bytes <= this.#bytesWanted
    const body = isWhole ? this.#kept.subarray(0, this.#bytes) : undefined
    this.#kept = EMPTY
    this.#phase = HEAD
    this.#listener.complete(body, this.#trailers)
  }

  #break(): void {
    this.#phase = { name: 'broken' }
    this.#kept = EMPTY
    this.#rest = EMPTY
    this.#listener.malformed()
  }
}

/** A head, or undefined when it is malformed or says two things about the body's length. */
function parseHead(text: string): (RequestHead & { chunked: boolean; length: number }) | undefined {
  const lines = text.split('\r\n')
  const request = /^([A-Z]{3,7}) (\/[\x21-\x7e]*) HTTP\/1\.([01])$/.exec(lines[0] ?? '')
  if (!request?.[1] || !request[2]) return undefined
  const head: RequestHead & { chunked: boolean; length: number } = {
    method: request[1],
    path: request[2],
    expectsContinue: false,
    closes: request[3] === '0',
    streams: false,
    chunked: false,
    length: 0,
  }
  let lengths = 0
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon < 1) return undefined
    const value = line.slice(colon + 1).trim()
    const name = line.slice(0, colon).toLowerCase()
    switch (name) {
      case 'content-length':
        if (!/^\d{1,12}$/.test(value)) return undefined
        head.length = Number(value)
        lengths += 1
        break
      case 'transfer-encoding':
        if (value.toLowerCase() !== 'chunked') return undefined
        head.chunked = true
        lengths += 1
        break
      case 'content-type':
        head.contentType = value
        break
      case 'lambda-runtime-function-response-mode':
        if (value.toLowerCase() !== 'streaming') return undefined
        head.streams = true
        break
      case 'connection':
        if (value.toLowerCase() === 'close') head.closes = true
        break
      case 'expect':
        head.expectsContinue = value.toLowerCase() === '100-continue'
        break
      default: {
        const member = EXTENSION_HEADERS[name]
        // These are logged: a line end within would make lines of their own.
        if (member && /[\r\n\0]/.test(value)) return undefined
        if (member) head.extension = { ...head.extension, [member]: value }
      }
    }
  }
  return lengths > 1 ? undefined : head
}
