// Request and reply over core NATS, for work that somebody waits for: one question, then a first
// word (accepted or not) and a last word. When asker and answerer share the process the bus
// delivers in process, with the same meaning; it never queues, never retries and never asks a
// question twice.

import type { Readable } from 'node:stream'
import type { Msg } from '@nats-io/transport-node'
import type { Claims } from './claims.ts'
import type { Bus } from './connect.ts'
import { decode, type Envelope, encode } from './envelope.ts'

/**
 * How an answerer speaks: `first` once, then, if it accepted, `last` once. Between them it may
 * `stream` a body once; the body is destroyed when nobody wants it.
 */
export interface Respond<First, Last, Head = unknown> {
  first(word: First): void
  stream(head: Head, body: Readable): void
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
  /**
   * Takes a stream, before `last` resolves. A body that errs broke off. Without this a stream is
   * not wanted.
   */
  stream?(head: unknown, body: Readable): void
}

export interface Subscription {
  close(): void
}

export type Answerer<Question, First, Last, Head = unknown> = (
  question: Envelope<Question>,
  respond: Respond<First, Last, Head>,
) => void

export interface Requests {
  answer<Question, First, Last, Head = unknown>(
    subject: string,
    answerer: Answerer<Question, First, Last, Head>,
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
const STREAM = 3

// biome-ignore lint/suspicious/noExplicitAny: answerers of different subjects share one table.
type AnyAnswerer = Answerer<any, any, any, any>

interface Asking {
  first(word: unknown): void
  /** The body is on its way; rejects when it cannot be had. */
  stream(head: unknown, body: Promise<Readable>): void
  last(word: Envelope<unknown>): void
  nobody(): void
}

/** Large bodies go through `claims`. */
export function createRequests(bus: Bus, claims: Claims): Requests {
  const local = new Map<string, AnyAnswerer>()
  const wire = createWire(bus, claims)
  return {
    answer(subject, answerer) {
      local.set(subject, answerer)
      const remote = wire.answer(subject, answerer)
      return {
        close: () => {
          local.delete(subject)
          remote.close()
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
      if (here) here(question, conversation.respond)
      else wire.ask(subject, question, conversation)
      return conversation.answer
    },

    publish(subject, meta) {
      // Nobody relies on a hint: what it is about must not fail with it.
      if (!bus.control.isClosed()) bus.control.publish(subject, encode(meta, EMPTY))
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

/** Conversations with other processes: one inbox, in which each has a place of its own. */
function createWire(bus: Bus, claims: Claims) {
  const asking = new Map<string, Asking>()
  const inbox = `_INBOX.hearth.${crypto.randomUUID()}`
  let serial = 0
  bus.control.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      const entry = asking.get(message.subject.slice(inbox.length + 1))
      if (error || !entry) return
      if (isNoResponders(message)) return entry.nobody()
      const bytes = message.data.subarray(WORD_HEADER_BYTES)
      if (message.data[0] === FIRST) return entry.first(decode(bytes).meta)
      if (message.data[0] === STREAM) {
        const { meta, body } = decode(bytes)
        return entry.stream(meta, claims.collectStream(Buffer.from(body).toString()))
      }
      void unpack<unknown>(claims, bytes).then(entry.last, tellLost)
    },
  })
  return {
    ask(
      subject: string,
      question: Envelope<unknown>,
      conversation: { entry: Asking; over: Promise<void> },
    ): void {
      serial += 1
      const token = String(serial)
      asking.set(token, conversation.entry)
      void conversation.over.then(() => asking.delete(token))
      const reply = `${inbox}.${token}`
      bus.control.publish(subject, pack(claims, question.meta, question.body), { reply })
    },

    answer(subject: string, answerer: AnyAnswerer): Subscription {
      const subscription = bus.control.subscribe(subject, {
        callback: (error, message) => {
          if (error || message.reply === undefined) return
          const respond = respondTo(bus, claims, message.reply)
          const ask = (question: Envelope<unknown>) => answerer(question, respond)
          void unpack<unknown>(claims, message.data).then(ask, tellLost)
        },
      })
      return { close: () => subscription.unsubscribe() }
    },
  }
}

function respondTo(bus: Bus, claims: Claims, reply: string): Respond<unknown, unknown> {
  const word = (kind: number, bytes: Uint8Array) =>
    bus.control.publish(reply, Buffer.concat([Uint8Array.of(kind), bytes]))
  return {
    first: (meta) => word(FIRST, encode(meta, EMPTY)),
    stream: (meta, body) =>
      word(STREAM, encode(meta, Buffer.from(claims.depositStream(body)), 'claim')),
    last: (meta, body = EMPTY) => word(LAST, pack(claims, meta, body)),
  }
}

function pack(claims: Claims, meta: unknown, body: Uint8Array): Uint8Array {
  if (body.length <= INLINE_BYTES_MAX) return encode(meta, body)
  return encode(meta, Buffer.from(claims.deposit(body)), 'claim')
}

async function unpack<Meta>(claims: Claims, bytes: Uint8Array): Promise<Envelope<Meta>> {
  const { meta, body, carriage } = decode<Meta>(bytes)
  if (carriage === 'inline') return { meta, body }
  return { meta, body: await claims.collect(Buffer.from(body).toString()) }
}

const tellLost = (reason: unknown) => console.error(`a message was lost: ${reason}`)

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
    isLost = true
    answer.resolve({ kind: 'silent' })
    last.reject(new Error(reason))
    finish()
  }
  const abandoned = () => fail(String(limits.signal?.reason))
  let timer = setTimeout(() => fail('no first word came in time'), limits.firstWithinMs)
  limits.signal?.addEventListener('abort', abandoned)
  let taken: Promise<void> | undefined
  let isLost = false
  const hand = (head: unknown, body: Readable) => {
    // Whoever looks at the end of a body learns that it broke off; nobody else needs to.
    body.on('error', () => {})
    if (limits.stream && !isLost) limits.stream(head, body)
    else body.destroy()
  }
  const entry: Asking = {
    first: (word) => {
      answer.resolve({ kind: 'answered', first: word as First, last: last.promise })
      if (!limits.promisesLast(word as First)) return finish()
      clearTimeout(timer)
      timer = setTimeout(() => fail('no last word came in time'), limits.lastWithinMs)
    },
    stream: (head, body) => {
      taken = body.then(
        (stream) => hand(head, stream),
        (error) => fail(String(error)),
      )
    },
    last: (word) => {
      if (taken) void taken.then(() => last.resolve(word as Envelope<Last>))
      else last.resolve(word as Envelope<Last>)
      finish()
    },
    nobody: () => {
      answer.resolve({ kind: 'nobody' })
      finish()
    },
  }
  const respond: Respond<First, Last> = {
    first: entry.first,
    stream: hand,
    last: (meta, body = EMPTY) => entry.last({ meta, body }),
  }
  return { answer: answer.promise, entry, respond, over: over.promise }
}

function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503
}
