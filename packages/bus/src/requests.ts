// Request and reply over core NATS, for work that somebody waits for: one question, then a first word
// (accepted or not) and a last word. When asker and answerer share the process the bus delivers in
// process, with the same meaning; it never queues, never retries and never asks a question twice.

import type { Msg } from '@nats-io/transport-node'
import type { Claims } from './claims.ts'
import type { Bus } from './connect.ts'
import { type Carriage, decode, type Envelope, encode } from './envelope.ts'

/** How an answerer speaks: `first` once, then, if it accepted, `last` once. */
export interface Respond<First, Last> {
  first(word: First): void
  last(word: Last, body?: Uint8Array): void
}

export type Answer<First, Last> =
  /** Nobody answers that subject. */
  | { kind: 'nobody' }
  /** Somebody may have the question, but no first word came in time. */
  | { kind: 'silent' }
  | { kind: 'answered'; first: First; last: Promise<Envelope<Last>> }

export interface AskLimits<First> {
  firstWithinMs: number
  /** `last` rejects after this, or as soon as `signal` aborts. */
  lastWithinMs: number
  signal?: AbortSignal
  /** Whether a first word announces a last one. */
  promisesLast(first: First): boolean
}

export interface Subscription {
  close(): void
}

export type Answerer<Question, First, Last> = (
  question: Envelope<Question>,
  respond: Respond<First, Last>,
) => void

export interface Requests {
  answer<Question, First, Last>(
    subject: string,
    answerer: Answerer<Question, First, Last>,
  ): Subscription
  ask<Question, First, Last>(
    subject: string,
    question: Envelope<Question>,
    limits: AskLimits<First>,
  ): Promise<Answer<First, Last>>
  /** A hint: whoever listens hears it, here and elsewhere; nobody may rely on it. */
  publish(subject: string, meta: unknown): void
  subscribe<Meta>(subject: string, hear: (meta: Meta) => void): Subscription
}

/** Bodies up to this many bytes ride in the message itself. */
const INLINE_BYTES_MAX = 256 * 1024
const EMPTY = new Uint8Array(0)
const WORD_HEADER_BYTES = 1
const FIRST = 1
const LAST = 2

// biome-ignore lint/suspicious/noExplicitAny: answerers of different subjects share one table.
type AnyAnswerer = Answerer<any, any, any>

interface Asking {
  first(word: unknown): void
  last(word: Envelope<unknown>): void
  nobody(): void
}

/** Large bodies go through `claims`. */
export function createRequests(bus: Bus, claims: Claims): Requests {
  const local = new Map<string, AnyAnswerer>()
  const asking = new Map<string, Asking>()
  const inbox = `_INBOX.hearth.${crypto.randomUUID()}`
  let serial = 0

  const carry = (meta: unknown, body: Uint8Array): Uint8Array => {
    if (body.length <= INLINE_BYTES_MAX) return encode(meta, body)
    return encode(meta, Buffer.from(claims.deposit(body)), 'claim')
  }
  const receive = async <Meta>(bytes: Uint8Array): Promise<Envelope<Meta>> => {
    const { meta, body, carriage } = decode<Meta>(bytes)
    return { meta, body: await unload(claims, body, carriage) }
  }

  bus.control.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error) return
      const entry = asking.get(message.subject.slice(inbox.length + 1))
      if (!entry) return
      if (isNoResponders(message)) return entry.nobody()
      const bytes = message.data.subarray(WORD_HEADER_BYTES)
      if (message.data[0] === FIRST) return entry.first(decode(bytes).meta)
      void receive<unknown>(bytes).then(entry.last, (reason) => console.error(String(reason)))
    },
  })

  return {
    answer(subject, answerer) {
      local.set(subject, answerer)
      const remote = bus.control.subscribe(subject, {
        callback: (error, message) => {
          if (error || message.reply === undefined) return
          const reply = message.reply
          const word = (kind: number, bytes: Uint8Array) =>
            bus.control.publish(reply, Buffer.concat([Uint8Array.of(kind), bytes]))
          const respond: Respond<unknown, unknown> = {
            first: (meta) => word(FIRST, encode(meta, EMPTY)),
            last: (meta, body = EMPTY) => word(LAST, carry(meta, body)),
          }
          void receive<never>(message.data).then(
            (question) => answerer(question, respond),
            (reason) => console.error(String(reason)),
          )
        },
      })
      return {
        close: () => {
          local.delete(subject)
          remote.unsubscribe()
        },
      }
    },

    ask<Question, First, Last>(
      subject: string,
      question: Envelope<Question>,
      limits: AskLimits<First>,
    ) {
      const conversation = converse<First, Last>(limits)
      const here = local.get(subject)
      if (here) {
        here(question, conversation.respond)
        return conversation.answer
      }
      serial += 1
      const token = String(serial)
      asking.set(token, conversation.entry)
      void conversation.over.then(() => asking.delete(token))
      const bytes = carry(question.meta, question.body)
      bus.control.publish(subject, bytes, { reply: `${inbox}.${token}` })
      return conversation.answer
    },

    publish(subject, meta) {
      bus.control.publish(subject, encode(meta, EMPTY))
    },

    subscribe<Meta>(subject: string, hear: (meta: Meta) => void) {
      const subscription = bus.control.subscribe(subject, {
        callback: (error, message) => {
          if (!error) hear(decode<Meta>(message.data).meta)
        },
      })
      return { close: () => subscription.unsubscribe() }
    },
  }
}

/** One conversation's state: who waits for which word, and when it is over. */
function converse<First, Last>(limits: AskLimits<First>) {
  const answer = Promise.withResolvers<Answer<First, Last>>()
  const last = Promise.withResolvers<Envelope<Last>>()
  const over = Promise.withResolvers<void>()
  last.promise.catch(() => {})
  const finish = () => {
    clearTimeout(timer)
    limits.signal?.removeEventListener('abort', abandoned)
    over.resolve()
  }
  const fail = (reason: string) => {
    answer.resolve({ kind: 'silent' })
    last.reject(new Error(reason))
    finish()
  }
  const abandoned = () => fail(String(limits.signal?.reason))
  let timer = setTimeout(() => fail('no first word came in time'), limits.firstWithinMs)
  limits.signal?.addEventListener('abort', abandoned)
  const entry: Asking = {
    first: (word) => {
      answer.resolve({ kind: 'answered', first: word as First, last: last.promise })
      if (!limits.promisesLast(word as First)) return finish()
      clearTimeout(timer)
      timer = setTimeout(() => fail('no last word came in time'), limits.lastWithinMs)
    },
    last: (word) => {
      last.resolve(word as Envelope<Last>)
      finish()
    },
    nobody: () => {
      answer.resolve({ kind: 'nobody' })
      finish()
    },
  }
  const respond: Respond<First, Last> = {
    first: entry.first,
    last: (meta, body = EMPTY) => entry.last({ meta, body }),
  }
  return { answer: answer.promise, entry, respond, over: over.promise }
}

async function unload(claims: Claims, body: Uint8Array, carriage: Carriage): Promise<Uint8Array> {
  return carriage === 'claim' ? claims.collect(Buffer.from(body).toString()) : body
}

function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503
}
