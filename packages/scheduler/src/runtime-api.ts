// The Lambda Runtime API, version 2018-06-01, as one execution environment offers it to its own
// runtime. The code on the other side is hostile by assumption: paths are matched, bodies are
// capped, what does not fit the moment is refused with AWS's error shapes, and refusals are slow,
// so that asking for them costs the asker.

import type { Duplex } from 'node:stream'
import { RESPONSE_BYTES_MAX } from '@hearth/core/invocation'
import type { Attempt } from './attempt.ts'
import type { BodyRoom } from './body-room.ts'
import {
  API_BODY_BYTES_MAX,
  type ApiAnswer,
  type ApiRequest,
  matchExtensionsApi,
} from './extensions-api.ts'
import {
  type RequestHead,
  type RequestListener,
  RequestReader,
  type Trailers,
} from './http-request-reader.ts'
import type { ResponseStream } from './response-stream.ts'
import {
  ACCEPTED,
  CONTINUE,
  eventHead,
  fromExtensionsApi,
  REFUSED_ID,
  REFUSED_NOW,
  REFUSED_PATH,
  REFUSED_SYNTAX,
  RESTORED,
  refusedSize,
  specialised,
} from './runtime-answers.ts'
import type { Parked, RuntimeSide } from './runtime-side.ts'
import { streamError } from './stream-error.ts'

interface Answering {
  name: 'response' | 'error'
  requestId: string
  expects: 'answer' | 'no more' | 'nothing'
}
type Route =
  | { name: 'next' | 'init error' | 'restore' | 'specialisation' | 'unknown' }
  | Answering
  | { name: 'extension'; head: RequestHead; operation: ApiRequest['operation'] }

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
/** Who asks for more while so much of its answers is unread does not mean to read them. */
const UNREAD_BYTES_MAX = 64 * 1024
/** A loop of bad requests must not occupy the scheduler. */
const REFUSAL_MS = 10
/** Payloads up to this size are copied beside their head, so that one write carries both. */
const JOINED_BYTES_MAX = 64 * 1024
const TOO_LARGE_ERROR = Buffer.from('{"errorType":"Unknown","errorMessage":"(too large)"}')
const NOTHING = Buffer.alloc(0)
/** What a stream holds when its runtime does not say. */
const OCTETS = 'application/octet-stream'
const UNKNOWN: Route = { name: 'unknown' }

/**
 * Serves one connection of a runtime. Whoever owns the sandbox at the moment of a request answers
 * it.
 */
export function serveRuntime(owner: { side: RuntimeSide }, socket: Duplex, room: BodyRoom): void {
  const connection = new RuntimeConnection(owner, socket, room)
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
  readonly #room: BodyRoom
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

  constructor(owner: { readonly side: RuntimeSide }, socket: Duplex, room: BodyRoom) {
    this.#owner = owner
    this.#socket = socket
    this.#room = room
  }

  get #side(): RuntimeSide {
    return this.#owner.side
  }

  begin(head: RequestHead): number | 'pieces' {
    this.#closes = head.closes
    this.#route = this.#match(head)
    const wanted = this.#wish(head)
    const bytes = wanted === 'pieces' ? 0 : wanted
    if (this.#socket.writableLength > UNREAD_BYTES_MAX || !this.#room.take(this, bytes)) {
      this.#route = UNKNOWN
      this.#socket.destroy()
      return 0
    }
    if (head.expectsContinue) this.#socket.write(CONTINUE)
    return wanted
  }

  /** How much of the body is wanted. */
  #wish(head: RequestHead): number | 'pieces' {
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
      case 'extension':
        return API_BODY_BYTES_MAX
      default:
        return 0
    }
  }

  piece(bytes: Buffer): void {
    if (this.#stream) this.#pieces.push(bytes)
  }

  complete(body: Buffer | undefined, trailers: Trailers): void {
    this.#room.giveBack(this)
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
      case 'extension':
        return this.#extension({ ...route, body })
      case 'unknown':
        return this.#refuse(REFUSED_PATH)
    }
  }

  malformed(): void {
    this.#closes = true
    this.#room.giveBack(this)
    this.#breakStream()
    this.#refuse(REFUSED_SYNTAX)
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
    this.#room.giveBack(this)
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
    if (this.#side.expects(requestId) !== 'answer') return this.#refuse(refusedSize(bytesMax))
    const error = streamError(trailers)
    if (error) this.#side.fail(requestId, error)
    else this.#side.respond(requestId, NOTHING)
    this.#unsent.push(ACCEPTED)
  }

  #match(head: RequestHead): Route {
    const { method, path } = head
    if (method === 'GET') {
      if (path === NEXT) return { name: 'next' }
      if (path === RESTORE) return { name: 'restore' }
      return path === SPECIALISATION ? { name: 'specialisation' } : matchExtension(head)
    }
    if (method !== 'POST') return matchExtension(head)
    if (path === INIT_ERROR || path === RESTORE_ERROR) return { name: 'init error' }
    const [, requestId, name] = ANSWER.exec(path) ?? []
    if (requestId === undefined) return matchExtension(head)
    const expects = this.#side.expects(requestId)
    return { name: name === 'error' ? 'error' : 'response', requestId, expects }
  }

  #next(): void {
    const parked: Parked = (attempt, deadline) => this.#deliver(attempt, deadline)
    this.#parked = parked
    this.reader?.hold()
    if (this.#side.next(parked)) return
    this.#parked = undefined
    this.#refuse(REFUSED_NOW)
  }

  #specialisation(): void {
    this.#wait((go) => this.#side.specialisation((environment) => go(specialised(environment))))
  }

  #restore(): void {
    this.#wait((go) => this.#side.restore(() => go(RESTORED)))
  }

  #extension(request: ApiRequest): void {
    const side = this.#side
    if (!side.askedByExtension) return this.#refuse(REFUSED_PATH)
    this.reader?.hold()
    side.askedByExtension(request, (answer) => {
      const isRefused = !answer.status.startsWith('2')
      if (isRefused) setTimeout(() => this.#say(answer), REFUSAL_MS)
      else this.#say(answer)
    })
  }

  /** The answer to a request that held the reader. */
  #say(answer: ApiAnswer): void {
    this.#unsent.push(fromExtensionsApi(answer))
    this.flush()
    this.reader?.release()
    this.flush()
  }

  /** Answers later, when whoever was asked calls back; refuses when it would not. */
  #wait(ask: (go: (answer: Buffer) => void) => boolean): void {
    this.reader?.hold()
    const go = (answer: Buffer) => {
      this.#unsent.push(answer)
      this.flush()
      this.reader?.release()
    }
    if (!ask(go)) this.#refuse(REFUSED_NOW)
  }

  #deliver(attempt: Attempt, deadline: number): void {
    this.#parked = undefined
    const { payload } = attempt
    this.#unsent.push(eventHead(attempt, deadline))
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
    if (expects === 'no more') return this.#refuse(REFUSED_NOW)
    if (expects === 'nothing') return this.#refuse(REFUSED_ID)
    if (!body && name === 'response') {
      if (!this.#side.respondTooLarge(requestId, RESPONSE_BYTES_MAX))
        return this.#refuse(REFUSED_ID)
      return this.#refuse(refusedSize(RESPONSE_BYTES_MAX))
    }
    const bytes = error ?? body ?? TOO_LARGE_ERROR
    const failed = name === 'error' || error !== undefined
    const side = this.#side
    const done = failed ? side.fail(requestId, bytes) : side.respond(requestId, bytes)
    if (done) this.#unsent.push(ACCEPTED)
    else this.#refuse(REFUSED_ID)
  }

  #settle(done: boolean): void {
    if (done) this.#unsent.push(ACCEPTED)
    else this.#refuse(REFUSED_NOW)
  }

  #refuse(answer: Buffer): void {
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

function matchExtension(head: RequestHead): Route {
  const operation = matchExtensionsApi(head)
  return operation ? { name: 'extension', head, operation } : UNKNOWN
}
