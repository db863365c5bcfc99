// The Lambda Runtime API, version 2018-06-01, as one execution environment offers it to its own
// runtime. The code on the other side is hostile by assumption: paths are matched, bodies are
// capped, what does not fit the moment is refused with AWS's error shapes, and refusals are slow,
// so that asking for them costs the asker.

import type { Duplex } from 'node:stream'
import { RESPONSE_BYTES_MAX } from '@hearth/core/invocation'
import type { Attempt } from './attempt.ts'
import {
  type RequestHead,
  type RequestListener,
  RequestReader,
  type Trailers,
} from './http-request-reader.ts'
import type { ResponseStream } from './response-stream.ts'
import type { Parked, RuntimeSide } from './runtime-side.ts'
import { streamError } from './stream-error.ts'

interface Answering {
  name: 'response' | 'error'
  requestId: string
  expects: 'answer' | 'no more' | 'nothing'
}
type Route = { name: 'next' | 'init error' | 'restore' | 'specialisation' | 'unknown' } | Answering

const PREFIX = '/2018-06-01/runtime'
const NEXT = `${PREFIX}/invocation/next`
/** A snapshot is taken here, and restored with the answer; as AWS's own runtimes do. */
const RESTORE = `${PREFIX}/restore/next`
const RESTORE_ERROR = `${PREFIX}/restore/error`
/** Ours: a stem asks by it for what others get as their process environment. */
const SPECIALISATION = '/hearth/specialisation'
const INIT_ERROR = `${PREFIX}/init/error`
const ANSWER = /^\/2018-06-01\/runtime\/invocation\/([0-9a-zA-Z-]{1,64})\/(response|error)$/
/** An error report is a few stack traces; more is not read. */
const ERROR_BYTES_MAX = 256 * 1024
/** What a client may send ahead while it waits for an answer. */
const BACKLOG_BYTES_MAX = 64 * 1024
/** A loop of bad requests must not occupy the scheduler. */
const REFUSAL_MS = 10
/** Payloads up to this size are copied beside their head, so that one write carries both. */
const JOINED_BYTES_MAX = 64 * 1024
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')
const TOO_LARGE_ERROR = Buffer.from('{"errorType":"Unknown","errorMessage":"(too large)"}')
const ACCEPTED = render('202 Accepted', '{"status":"OK"}\n')
const NOTHING = Buffer.alloc(0)
/** What a stream holds when its runtime does not say. */
const OCTETS = 'application/octet-stream'
const ACCEPTED_EMPTY = render('200 OK', '{}')
const UNKNOWN: Route = { name: 'unknown' }

/**
 * Serves one connection of a runtime. Whoever owns the sandbox at the moment of a request answers
 * it.
 */
export function serveRuntime(owner: { side: RuntimeSide }, socket: Duplex): void {
  const connection = new RuntimeConnection(owner, socket)
  const reader = new RequestReader(connection)
  connection.reader = reader
  socket.on('data', (chunk) => {
    reader.take(chunk)
    connection.passOn()
    connection.flush()
    if (reader.backlog > BACKLOG_BYTES_MAX) socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => connection.gone())
}

class RuntimeConnection implements RequestListener {
  reader: RequestReader | undefined
  readonly #owner: { readonly side: RuntimeSide }
  readonly #socket: Duplex
  #route: Route = UNKNOWN
  #closes = false
  #parked: Parked | undefined
  /** The answer that is being streamed, and what came of it since it was last passed on. */
  #stream: ResponseStream | undefined
  #pieces: Buffer[] = []
  /**
   * Answers not yet written: the one to a result waits for the next event, since both go to one
   * reader.
   */
  #unsent: Buffer[] = []

  constructor(owner: { readonly side: RuntimeSide }, socket: Duplex) {
    this.#owner = owner
    this.#socket = socket
  }

  get #side(): RuntimeSide {
    return this.#owner.side
  }

  begin(head: RequestHead): number | 'pieces' {
    this.#closes = head.closes
    this.#route = this.#match(head)
    if (head.expectsContinue) this.#socket.write(CONTINUE)
    switch (this.#route.name) {
      case 'response':
        if (this.#route.expects !== 'answer') return 0
        if (head.streams) {
          const contentType = head.contentType ?? OCTETS
          this.#stream = this.#side.stream(this.#route.requestId, contentType)
        }
        return this.#stream ? 'pieces' : RESPONSE_BYTES_MAX
      case 'error':
        return this.#route.expects === 'answer' ? ERROR_BYTES_MAX : 0
      case 'init error':
        return ERROR_BYTES_MAX
      default:
        return 0
    }
  }

  piece(bytes: Buffer): void {
    if (this.#stream) this.#pieces.push(bytes)
  }

  complete(body: Buffer | undefined, trailers: Trailers): void {
    const route = this.#route
    switch (route.name) {
      case 'next':
        return this.#next()
      case 'specialisation':
        return this.#specialisation()
      case 'restore':
        return this.#restore()
      case 'init error':
        return this.#settle(this.#side.initFailed(body ?? Buffer.alloc(0)))
      case 'response':
        if (this.#stream) return this.#endStream(route.requestId, trailers)
        return this.#answer(route, body, streamError(trailers))
      case 'error':
        return this.#answer(route, body)
      case 'unknown':
        return this.#refuse('404 Not Found', 'InvalidRequest', 'No such path')
    }
  }

  malformed(): void {
    this.#closes = true
    this.#breakStream()
    this.#refuse('400 Bad Request', 'InvalidRequest', 'The request is not valid HTTP/1.1')
  }

  /** Writes the answers that need not wait for an event. */
  flush(): void {
    if (this.#parked || this.#unsent.length === 0) return
    this.#socket.write(this.#takeUnsent())
    if (this.#closes) this.#socket.end()
  }

  gone(): void {
    const parked = this.#parked
    this.#parked = undefined
    if (parked) this.#side.hungUp(parked)
    this.#breakStream()
  }

  /** Hands on what has come of a stream. A reader that is behind stops ours. */
  passOn(): void {
    const [first] = this.#pieces
    if (!this.#stream || !first) return
    const bytes = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces)
    this.#pieces = []
    const how = this.#stream.write(bytes)
    if (how === 'wait') {
      this.#socket.pause()
      this.#stream.whenRead(() => this.#socket.resume())
    }
    const { requestId } = this.#route as Answering
    if (how === 'too much') this.#side.respondTooLarge(requestId, this.#stream.bytesMax)
  }

  #breakStream(): void {
    if (!this.#stream) return
    this.passOn()
    this.#stream = undefined
    this.#side.streamBroken((this.#route as Answering).requestId)
  }

  #endStream(requestId: string, trailers: Trailers): void {
    this.passOn()
    const bytesMax = this.#stream?.bytesMax ?? 0
    this.#stream = undefined
    // It was ended for its size, or its time.
    if (this.#side.expects(requestId) !== 'answer') return this.#refuseSize(bytesMax)
    const error = streamError(trailers)
    if (error) this.#side.fail(requestId, error)
    else this.#side.respond(requestId, NOTHING)
    this.#unsent.push(ACCEPTED)
  }

  #match({ method, path }: RequestHead): Route {
    if (method === 'GET') {
      if (path === NEXT) return { name: 'next' }
      if (path === RESTORE) return { name: 'restore' }
      return path === SPECIALISATION ? { name: 'specialisation' } : UNKNOWN
    }
    if (method !== 'POST') return UNKNOWN
    if (path === INIT_ERROR || path === RESTORE_ERROR) return { name: 'init error' }
    const [, requestId, name] = ANSWER.exec(path) ?? []
    if (requestId === undefined) return UNKNOWN
    const expects = this.#side.expects(requestId)
    return { name: name === 'error' ? 'error' : 'response', requestId, expects }
  }

  #next(): void {
    const parked: Parked = (attempt, deadline) => this.#deliver(attempt, deadline)
    this.#parked = parked
    this.reader?.hold()
    if (this.#side.next(parked)) return
    this.#parked = undefined
    this.#refuse('403 Forbidden', 'InvalidStateTransition')
  }

  #specialisation(): void {
    this.#wait((go) =>
      this.#side.specialisation((environment) =>
        go(render('200 OK', JSON.stringify({ environment }))),
      ),
    )
  }

  #restore(): void {
    this.#wait((go) => this.#side.restore(() => go(ACCEPTED_EMPTY)))
  }

  /** Answers later, when whoever was asked calls back; refuses when it would not. */
  #wait(ask: (go: (answer: Buffer) => void) => boolean): void {
    this.reader?.hold()
    const go = (answer: Buffer) => {
      this.#unsent.push(answer)
      this.flush()
      this.reader?.release()
    }
    if (!ask(go)) this.#refuse('403 Forbidden', 'InvalidStateTransition')
  }

  #deliver({ message, payload }: Attempt, deadline: number): void {
    this.#parked = undefined
    const { traceId, clientContext } = message
    const head = Buffer.from(
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n' +
        `Content-Length: ${payload.length}\r\n` +
        `Lambda-Runtime-Aws-Request-Id: ${message.requestId}\r\n` +
        `Lambda-Runtime-Deadline-Ms: ${deadline}\r\n` +
        `Lambda-Runtime-Invoked-Function-Arn: ${oneLine(message.invokedArn)}\r\n` +
        (traceId ? `Lambda-Runtime-Trace-Id: ${oneLine(traceId)}\r\n` : '') +
        (clientContext ? `Lambda-Runtime-Client-Context: ${oneLine(clientContext)}\r\n` : '') +
        '\r\n',
    )
    this.#unsent.push(head)
    if (payload.length <= JOINED_BYTES_MAX) {
      this.#socket.write(Buffer.concat([...this.#unsent.splice(0), payload]))
    } else {
      this.#socket.cork()
      this.#socket.write(this.#takeUnsent())
      this.#socket.write(payload)
      this.#socket.uncork()
    }
    if (this.#closes) this.#socket.end()
    this.reader?.release()
  }

  #answer(route: Answering, body: Buffer | undefined, error?: Buffer): void {
    const { name, requestId, expects } = route
    if (expects === 'no more') return this.#refuse('403 Forbidden', 'InvalidStateTransition')
    if (expects === 'nothing') return this.#refuseId()
    if (!body && name === 'response') {
      if (!this.#side.respondTooLarge(requestId, RESPONSE_BYTES_MAX)) return this.#refuseId()
      return this.#refuseSize(RESPONSE_BYTES_MAX)
    }
    const bytes = error ?? body ?? TOO_LARGE_ERROR
    const failed = name === 'error' || error !== undefined
    const side = this.#side
    const done = failed ? side.fail(requestId, bytes) : side.respond(requestId, bytes)
    if (done) this.#unsent.push(ACCEPTED)
    else this.#refuseId()
  }

  #settle(done: boolean): void {
    if (done) this.#unsent.push(ACCEPTED)
    else this.#refuse('403 Forbidden', 'InvalidStateTransition')
  }

  #refuseId(): void {
    this.#refuse('400 Bad Request', 'InvalidRequestID', 'Invalid request ID')
  }

  #refuseSize(bytesMax: number): void {
    const message = `Exceeded maximum allowed payload size (${bytesMax} bytes).`
    this.#refuse('413 Payload Too Large', 'RequestEntityTooLarge', message)
  }

  #refuse(
    status: string,
    errorType: string,
    errorMessage = 'The runtime may not do this now',
  ): void {
    const answer = render(status, JSON.stringify({ errorMessage, errorType }))
    this.reader?.hold()
    setTimeout(() => {
      this.#unsent.push(answer)
      this.flush()
      this.reader?.release()
      this.flush()
    }, REFUSAL_MS)
  }

  #takeUnsent(): Buffer {
    const [only] = this.#unsent
    const bytes = this.#unsent.length === 1 && only ? only : Buffer.concat(this.#unsent)
    this.#unsent = []
    return bytes
  }
}

function render(status: string, body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Header values carry no line ends; the client context is JSON, where they mean nothing. */
function oneLine(text: string): string {
  return /[\r\n\0]/.test(text) ? text.replaceAll(/[\r\n\0]/g, ' ') : text
}
