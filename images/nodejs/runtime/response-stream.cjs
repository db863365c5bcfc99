// The stream into which a streaming handler writes its answer: a Writable over one chunked request
// of the Runtime API. The request begins with the first byte, so that whatever fails before it is
// an ordinary error; a failure after it travels in the trailers. A write is done when the system
// has taken its bytes, which is what makes a slow client slow the function.
'use strict'
const { Writable } = require('node:stream')
const log = require('./log.cjs')

const PREFIX = '/2018-06-01/runtime'
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response'
const SEPARATOR = Buffer.alloc(8)
const LINE_END = Buffer.from('\r\n')
/** Trailers have little room; a longer report loses its trace. */
const REPORT_LENGTH_MAX = 40_000
const MESSAGE_LENGTH_MAX = 8_000

class InvalidStreamingOperation extends Error {
  name = 'InvalidStreamingOperation'
}

class ResponseStream extends Writable {
  /** AWS's hook, set by HttpResponseStream: called with a way to write ahead of everything. */
  _onBeforeFirstWrite = undefined
  #client
  #requestId
  #contentType = 'application/octet-stream'
  #answered = undefined
  #isTerminated = false
  #trailers = ''

  constructor(client, requestId, highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark })
    this.#client = client
    this.#requestId = requestId
    // A stream that the function destroyed is reported when its handler has ended.
    this.on('error', () => {})
  }

  /** Whether any of the answer has left. */
  get hasBegun() {
    return this.#answered !== undefined
  }

  setContentType(contentType) {
    if (this.hasBegun) throw new InvalidStreamingOperation('Cannot set content-type, too late.')
    this.#contentType = String(contentType).replaceAll(/[\r\n\0]/g, ' ')
  }

  /** Kept for older functions: bytes are bytes. */
  setIsBase64Encoded() {}

  /** What is neither text nor bytes is written as JSON, as AWS's runtime does. */
  write(chunk, encoding, callback) {
    const isBytes = typeof chunk === 'string' || chunk instanceof Uint8Array
    return super.write(isBytes ? chunk : JSON.stringify(chunk), encoding, callback)
  }

  /** Resolves when everything was written, for functions that wait for it. */
  finished() {
    if (this.writableFinished) return Promise.resolve()
    return new Promise((resolve, reject) => this.once('finish', resolve).once('error', reject))
  }

  /** Resolves when the stream has ended and the scheduler has taken all of it. */
  async over() {
    if (!this.closed) await new Promise((resolve) => this.once('close', resolve))
    if (!this.writableFinished) throw new Error('Response stream is not finished.')
    await this.#answered
  }

  /** Ends a stream that has begun with an error; one whose end has left keeps it. */
  async fail(error) {
    if (!this.#isTerminated) this.#trailers = trailersOf(error)
    if (!this.writableEnded && !this.destroyed) this.end()
    if (!this.closed) await new Promise((resolve) => this.once('close', resolve))
    if (!this.#isTerminated) this.#terminate(() => {})
    await this.#answered
  }

  _write(chunk, _encoding, callback) {
    this.#send(chunk, callback)
  }

  /** What piled up while the system took its time leaves as one chunk. */
  _writev(entries, callback) {
    this.#send(Buffer.concat(entries.map(({ chunk }) => chunk)), callback)
  }

  _final(callback) {
    this.#begin()
    this.#terminate(callback)
  }

  #send(chunk, callback) {
    this.#begin()
    if (chunk.length === 0) return callback()
    this.#client.write(frame(chunk), callback)
  }

  #begin() {
    if (this.hasBegun) return
    const head =
      `POST ${PREFIX}/invocation/${this.#requestId}/response HTTP/1.1\r\nHost: runtime\r\n` +
      `Content-Type: ${this.#contentType}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n` +
      'Transfer-Encoding: chunked\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n'
    this.#client.write(Buffer.from(head, 'latin1'))
    this.#answered = this.#client.receive()
    this._onBeforeFirstWrite?.((chunk) => this.#client.write(frame(Buffer.from(chunk))))
  }

  #terminate(callback) {
    this.#isTerminated = true
    log.markEnd(this.#requestId)
    this.#client.write(Buffer.from(`0\r\n${this.#trailers}\r\n`, 'latin1'), callback)
  }
}

function frame(chunk) {
  return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, LINE_END])
}

function trailersOf(error) {
  let report = JSON.stringify(error)
  if (report.length > REPORT_LENGTH_MAX) {
    const errorMessage = error.errorMessage.slice(0, MESSAGE_LENGTH_MAX)
    report = JSON.stringify({ errorType: error.errorType, errorMessage, trace: [] })
  }
  const type = String(error.errorType).replaceAll(/[^\x20-\x7e]/g, '?')
  return (
    `Lambda-Runtime-Function-Error-Type: ${type}\r\n` +
    `Lambda-Runtime-Function-Error-Body: ${Buffer.from(report).toString('base64')}\r\n`
  )
}

const HttpResponseStream = {
  /** The same stream, which will begin with status, headers and cookies for an HTTP caller. */
  from(stream, prelude) {
    stream.setContentType(PRELUDE_TYPE)
    const text = Buffer.from(JSON.stringify(prelude))
    stream._onBeforeFirstWrite = (write) => write(Buffer.concat([text, SEPARATOR]))
    return stream
  },
}

module.exports = { HttpResponseStream, ResponseStream }
