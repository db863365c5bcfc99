// Storing many messages at the price of one: while the disk is busy with a stream, those that come
// wait together and go as one atomic batch. It never waits for company: a message that finds the
// stream idle leaves at once, alone. A batch that is refused is taken apart, so that each caller
// hears of its own fault only.

import type { JetStreamClient } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'

export interface Stored {
  subject: string
  data: Uint8Array
  /** By which the server knows a repetition. */
  id: string
}

export interface GroupCommit {
  /**
   * Resolves once the disk has it. @throws JetStreamApiError for a refusal, and Crowded where too
   * much waits here already: nothing of it was sent then.
   */
  store(stream: string, message: Stored): Promise<void>
  waiting(stream: string): number
}

/** The disk does not keep up, and memory is no place to wait in. */
export class Crowded extends Error {}

interface Waiting {
  message: Stored
  resolve(): void
  reject(reason: unknown): void
}

interface Line {
  waiting: Waiting[]
  /** Batches on their way. */
  flying: number
}

const BATCH_MESSAGES_MAX = 200
const BATCH_BYTES_MAX = 4 * 1024 * 1024
const COMMIT_WITHIN_MS = 10_000
/** Of all streams together, what is on its way included. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024
/** What a message costs beside its data, roughly. */
const MESSAGE_BYTES = 1_024

export function openGroupCommit(jetstream: JetStreamClient): GroupCommit {
  const lines = new Map<string, Line>()
  let bytes = 0
  const lineOf = (stream: string) => {
    const line = lines.get(stream) ?? { waiting: [], flying: 0 }
    lines.set(stream, line)
    return line
  }
  const turn = async (line: Line) => {
    line.flying += 1
    while (line.waiting.length > 0) await send(jetstream, nextBatch(line.waiting))
    line.flying -= 1
  }
  return {
    store(stream, message) {
      const size = message.data.length + MESSAGE_BYTES
      if (bytes + size > WAITING_BYTES_MAX) {
        return Promise.reject(new Crowded('too many messages wait for the disk'))
      }
      bytes += size
      const line = lineOf(stream)
      return new Promise<void>((resolve, reject) => {
        line.waiting.push({ message, resolve, reject })
        if (line.flying === 0) void turn(line)
      }).finally(() => {
        bytes -= size
      })
    },
    waiting: (stream) => lines.get(stream)?.waiting.length ?? 0,
  }
}

function nextBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0
  let count = 0
  for (const { message } of waiting) {
    bytes += message.data.length
    if (count === BATCH_MESSAGES_MAX || (count > 0 && bytes > BATCH_BYTES_MAX)) break
    count += 1
  }
  return waiting.splice(0, count)
}

async function send(jetstream: JetStreamClient, batch: Waiting[]): Promise<void> {
  if (batch.length > 1 && (await sendTogether(jetstream, batch))) return
  await Promise.all(
    batch.map(({ message, resolve, reject }) =>
      jetstream
        .publish(message.subject, message.data, { msgID: message.id })
        .then(() => resolve(), reject),
    ),
  )
}

/** Whether all of them are stored; otherwise none is, or nobody can know. */
async function sendTogether(jetstream: JetStreamClient, batch: Waiting[]): Promise<boolean> {
  const last = batch.length - 1
  try {
    const first = batch[0] as Waiting
    const together = await jetstream.startBatch(first.message.subject, first.message.data, {
      headers: named(first.message.id),
    })
    for (const { message } of batch.slice(1, last)) {
      together.add(message.subject, message.data, { headers: named(message.id) })
    }
    const { message } = batch[last] as Waiting
    await together.commit(message.subject, message.data, {
      headers: named(message.id),
      timeout: COMMIT_WITHIN_MS,
    } as Parameters<typeof together.commit>[2])
  } catch {
    // Each again, alone, under the same id: stored already or not, it counts once.
    return false
  }
  for (const { resolve } of batch) resolve()
  return true
}

function named(id: string) {
  const all = headers()
  all.set('Nats-Msg-Id', id)
  return all
}
