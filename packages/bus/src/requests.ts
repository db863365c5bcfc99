// Request and reply over core NATS, for work that somebody waits for: one question, then a first
// word (accepted or not) and a last word. When asker and answerer share the process the bus
// delivers in process, with the same meaning; it never queues, never retries and never asks a
// question twice.

import type { Readable } from 'node:stream'
import type { Msg } from '@nats-io/transport-node'
import type { Claims } from './claims.ts'
import type { Bus } from './connect.ts'
import { Conversation } from './conversation.ts'
import { decode, type Envelope, encode } from './envelope.ts'
import { LastWords } from './last-words.ts'

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
  /** The same, and the way broke meanwhile: somebody may have accepted it. */
  | { kind: 'lost' }
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
/** A last word after a stream: without that it is only half of the answer. */
const LAST_OF_STREAM = 4

// biome-ignore lint/suspicious/noExplicitAny: answerers of different subjects share one table.
type AnyAnswerer = Answerer<any, any, any, any>
// biome-ignore lint/suspicious/noExplicitAny: and so do conversations.
type AnyConversation = Conversation<any, any>

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
          // Somebody else here may answer it since.
          if (local.get(subject) === answerer) local.delete(subject)
          remote.close()
        },
      }
    },

    ask<Question, First, Last>(
      subject: string,
      question: Envelope<Question>,
      limits: AskLimits<First>,
    ) {
      const conversation = new Conversation<First, Last>(limits)
      const here = local.get(subject)
      if (here) here(question, conversation.respond())
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
  const asking = new Map<string, AnyConversation>()
  const inbox = `_INBOX.hearth.${crypto.randomUUID()}`
  const lastWords = new LastWords(bus.control, inbox, () => {
    for (const conversation of asking.values()) conversation.broke()
  })
  let serial = 0
  bus.control.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      const conversation = asking.get(message.subject.slice(inbox.length + 1))
      if (!error && conversation) hear(conversation, message, claims)
    },
  })
  return {
    ask(subject: string, question: Envelope<unknown>, conversation: AnyConversation): void {
      // What is published now would never leave.
      if (lastWords.isAway) return conversation.nobody()
      const { bytes, claim } = pack(claims, question.meta, question.body)
      serial += 1
      const token = String(serial)
      asking.set(token, conversation)
      void conversation.over.then(() => {
        asking.delete(token)
        if (claim !== undefined) claims.withdraw(claim)
      })
      bus.control.publish(subject, bytes, { reply: `${inbox}.${token}` })
    },

    answer(subject: string, answerer: AnyAnswerer): Subscription {
      const subscription = bus.control.subscribe(subject, {
        callback: (error, message) => {
          if (error || message.reply === undefined) return
          const respond = respondTo(message.reply, { claims, lastWords })
          const ask = (question: Envelope<unknown>) => answerer(question, respond)
          void unpack<unknown>(claims, message.data).then(ask, tellLost)
        },
      })
      return { close: () => subscription.unsubscribe() }
    },
  }
}

function hear(conversation: AnyConversation, message: Msg, claims: Claims): void {
  if (isNoResponders(message)) return conversation.nobody()
  const [kind] = message.data
  const bytes = message.data.subarray(WORD_HEADER_BYTES)
  if (kind === FIRST) return conversation.first(decode(bytes).meta)
  if (kind !== STREAM) {
    return conversation.last(kind === LAST_OF_STREAM, () => unpack(claims, bytes))
  }
  const { meta, body } = decode(bytes)
  conversation.stream(meta, () => claims.collectStream(Buffer.from(body).toString()))
}

function respondTo(
  reply: string,
  { claims, lastWords }: { claims: Claims; lastWords: LastWords },
): Respond<unknown, unknown> {
  const say = (kind: number, bytes: Uint8Array) =>
    lastWords.say(reply, Buffer.concat([Uint8Array.of(kind), bytes]))
  let kindOfLast = LAST
  return {
    first: (meta) => say(FIRST, encode(meta, EMPTY)),
    stream: (meta, body) => {
      kindOfLast = LAST_OF_STREAM
      say(STREAM, encode(meta, Buffer.from(claims.depositStream(body)), 'claim'))
    },
    last: (meta, body = EMPTY) => say(kindOfLast, pack(claims, meta, body).bytes),
  }
}

function pack(
  claims: Claims,
  meta: unknown,
  body: Uint8Array,
): { bytes: Uint8Array; claim?: string } {
  if (body.length <= INLINE_BYTES_MAX) return { bytes: encode(meta, body) }
  const claim = claims.deposit(body)
  return { bytes: encode(meta, Buffer.from(claim), 'claim'), claim }
}

async function unpack<Meta>(claims: Claims, bytes: Uint8Array): Promise<Envelope<Meta>> {
  const { meta, body, carriage } = decode<Meta>(bytes)
  if (carriage === 'inline') return { meta, body }
  return { meta, body: await claims.collect(Buffer.from(body).toString()) }
}

const tellLost = (reason: unknown) => console.error(`a message was lost: ${reason}`)

function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503
}
