// One conversation as whoever asked sees it: which word is waited for, how long, and what becomes
// of those that come. A way that breaks may lose words; some come twice then, or before what was
// said earlier. It knows nothing of how they travel.

import type { Readable } from 'node:stream'
import type { Envelope } from './envelope.ts'
import { Patience, type Wait } from './patience.ts'
import type { Answer, AskLimits, Respond } from './requests.ts'

/** A first word that was lost with the way comes again within this time, or never. */
const AGAIN_WITHIN_MS = 5_000
const EMPTY = new Uint8Array(0)
const patience = new Patience()

export class Conversation<First, Last> {
  readonly #limits: AskLimits<First>
  readonly #answer = Promise.withResolvers<Answer<First, Last>>()
  readonly #last = Promise.withResolvers<Envelope<Last>>()
  readonly #over = Promise.withResolvers<void>()
  readonly #wait: Wait
  #waitsFor: 'end' | 'first' | 'last' = 'first'
  /** Resolves when the stream has been handed on. */
  #stream: Promise<void> | undefined
  /** A last word that came before what was said earlier. */
  #early: (() => void) | undefined
  /** Whether somebody may have accepted it though we have not heard so. */
  #mayRun = false
  #isLost = false

  constructor(limits: AskLimits<First>) {
    this.#limits = limits
    this.#last.promise.catch(() => {})
    this.#wait = {
      until: performance.now() + limits.firstWithinMs,
      fail: (why) => {
        const late = `no ${this.#waitsFor === 'first' ? 'first' : 'last'} word came in time`
        this.#fail(why === 'late' ? late : String(limits.signal?.reason))
      },
    }
    patience.add(this.#wait, limits.signal)
  }

  get answer(): Promise<Answer<First, Last>> {
    return this.#answer.promise
  }

  /** Resolves when no word is waited for any more. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** For an answerer in this process. */
  respond(): Respond<First, Last> {
    return {
      first: (word) => this.first(word),
      stream: (head, body) => this.#hand(head, body),
      last: (meta, body = EMPTY) => this.#end({ meta, body }),
    }
  }

  first(word: First): void {
    if (this.#waitsFor !== 'first') return
    this.#answer.resolve({ kind: 'answered', first: word, last: this.#last.promise })
    if (!this.#limits.promisesLast(word)) return this.#finish()
    this.#waitsFor = 'last'
    this.#wait.until = performance.now() + this.#limits.lastWithinMs
    this.#early?.()
  }

  /** `collect` rejects when the body cannot be had. */
  stream(head: unknown, collect: () => Promise<Readable>): void {
    if (this.#stream) return
    this.#stream = collect().then(
      (body) => this.#hand(head, body),
      (error) => this.#fail(String(error)),
    )
    this.#early?.()
  }

  /** `isStreamed`: a stream was said before it. `collect` rejects when its body cannot be had. */
  last(isStreamed: boolean, collect: () => Promise<Envelope<Last>>): void {
    this.#mayRun = true
    if (this.#waitsFor === 'end') return
    if (this.#waitsFor === 'first' || (isStreamed && !this.#stream)) {
      this.#early = () => this.last(isStreamed, collect)
      return
    }
    this.#waitsFor = 'end'
    collect().then(
      (word) => this.#end(word),
      (error) => this.#fail(String(error)),
    )
  }

  nobody(): void {
    this.#answer.resolve({ kind: 'nobody' })
    this.#finish()
  }

  /** Words may have been lost; those that were said lately are said again. */
  broke(): void {
    if (this.#waitsFor !== 'first') return
    this.#mayRun = true
    this.#wait.until = Math.max(this.#wait.until, performance.now() + AGAIN_WITHIN_MS)
  }

  #hand(head: unknown, body: Readable): void {
    // Whoever looks at the end of a body learns that it broke off; nobody else needs to.
    body.on('error', () => {})
    if (this.#limits.stream && !this.#isLost) this.#limits.stream(head, body)
    else body.destroy()
  }

  #end(word: Envelope<Last>): void {
    if (this.#stream) void this.#stream.then(() => this.#last.resolve(word))
    else this.#last.resolve(word)
    this.#finish()
  }

  #fail(reason: string): void {
    this.#isLost = true
    this.#answer.resolve({ kind: this.#mayRun ? 'lost' : 'silent' })
    this.#last.reject(new Error(reason))
    this.#finish()
  }

  #finish(): void {
    patience.delete(this.#wait, this.#limits.signal)
    this.#over.resolve()
  }
}
