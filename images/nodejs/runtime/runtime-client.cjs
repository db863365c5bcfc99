// The Lambda Runtime API from inside the sandbox: a lean HTTP/1.1 client on one kept-open socket.
// An answer and the request for the next invocation leave in one write, so a warm invocation costs
// one wake-up a side. It expects what Hearth's own server sends (every answer has a Content-Length)
// and nothing more general.
'use strict'
const net = require('node:net')

const PREFIX = '/2018-06-01/runtime'
const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)
const GET_SPECIALISATION = Buffer.from(
  'GET /hearth/specialisation HTTP/1.1\r\nHost: runtime\r\n\r\n',
)
const GET_RESTORE = `GET ${PREFIX}/restore/next HTTP/1.1\r\nHost: runtime\r\n\r\n`
const GET_NEXT = `GET ${PREFIX}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n`

/** Reads answers from a byte stream, however it is cut, and hands each to `deliver`. */
class AnswerReader {
  #rest = EMPTY
  #head = undefined
  #body = EMPTY
  #filled = 0
  #deliver

  constructor(deliver) {
    this.#deliver = deliver
  }

  take(chunk) {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = EMPTY
    while (bytes.length > 0 || this.#isComplete()) {
      if (!this.#head) {
        const end = bytes.indexOf(HEAD_END)
        if (end < 0) {
          this.#rest = bytes
          return
        }
        this.#begin(bytes.latin1Slice(0, end))
        bytes = bytes.subarray(end + HEAD_END.length)
      }
      const copied = bytes.copy(this.#body, this.#filled)
      this.#filled += copied
      bytes = bytes.subarray(copied)
      if (!this.#isComplete()) return
      const { status, headers } = this.#head
      this.#head = undefined
      this.#deliver({ status, headers, body: this.#body })
    }
  }

  #isComplete() {
    return this.#head !== undefined && this.#filled === this.#body.length
  }

  #begin(text) {
    const headers = {}
    // By index and not by split: this is most of what a warm invocation costs here.
    for (let end = text.indexOf('\r\n'); end >= 0; ) {
      const from = end + 2
      const colon = text.indexOf(':', from)
      end = text.indexOf('\r\n', from)
      const value = end < 0 ? text.slice(colon + 1) : text.slice(colon + 1, end)
      headers[text.slice(from, colon).toLowerCase()] = value.trim()
    }
    this.#head = { status: Number(text.slice(9, 12)), headers }
    this.#body = Buffer.allocUnsafe(Number(headers['content-length'] ?? 0))
    this.#filled = 0
  }
}

class RuntimeClient {
  #socket
  #waiting = []

  /** `address` is a unix socket's path, or host:port. */
  constructor(address) {
    const [host, port] = address.split(':')
    const target = address.startsWith('/') ? { path: address } : { host, port: Number(port) }
    this.#socket = net.connect(target)
    this.#socket.setNoDelay?.(true)
    const reader = new AnswerReader((answer) => this.#waiting.shift()?.(answer))
    this.#socket.on('data', (chunk) => reader.take(chunk))
    // Without the scheduler there is nobody to run for.
    this.#socket.on('error', () => process.exit(1))
    this.#socket.on('close', () => process.exit(1))
  }

  /** Waits to be told which function this is: the environment that the process would have had. */
  async specialisation() {
    this.#socket.write(GET_SPECIALISATION)
    const { body } = await this.#receive()
    return JSON.parse(body.toString()).environment
  }

  /** Waits as a snapshot, until an invocation needs it. */
  async restoreNext() {
    this.#socket.write(GET_RESTORE)
    await this.#receive()
  }

  /** Waits for an invocation: `{ headers, body }`. */
  next() {
    this.#socket.write(GET_NEXT)
    return this.#receive()
  }

  /** Sends a function's answer, and resolves with the next invocation. */
  respondAndNext(requestId, body) {
    this.#post(`/invocation/${requestId}/response`, body, '')
    return this.#receive()
  }

  /** Sends a function's error, and resolves with the next invocation. */
  failAndNext(requestId, error) {
    this.#post(`/invocation/${requestId}/error`, JSON.stringify(error), error.errorType)
    return this.#receive()
  }

  /** Sends an error that ends this process; resolves when the scheduler has it. */
  lastWord(path, error) {
    return new Promise((resolve) => {
      this.#post(path, JSON.stringify(error), error.errorType, '', resolve)
    })
  }

  /**
   * A part of a request that its writer frames; `taken` is called when the system has the bytes.
   */
  write(bytes, taken) {
    this.#socket.write(bytes, taken)
  }

  /** The answer to the oldest request that nobody waits for yet. */
  receive() {
    return this.#receive()
  }

  /** While user code runs, only its own work keeps the process alive. */
  unref() {
    this.#socket.unref()
  }

  ref() {
    this.#socket.ref()
  }

  #receive() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  #post(path, body, errorType, then = GET_NEXT, received = () => {}) {
    const kind = errorType ? `Lambda-Runtime-Function-Error-Type: ${errorType}\r\n` : ''
    const head =
      `POST ${PREFIX}${path} HTTP/1.1\r\nHost: runtime\r\n` +
      `Content-Type: application/json\r\n${kind}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`
    this.#waiting.push(received)
    this.#socket.write(head + body + then)
  }
}

module.exports = { AnswerReader, RuntimeClient }
