// Clients that only hand in events, as fast as they are taken, and remember which were accepted;
// and the look into a NATS for which of these it has. For trials of disks: nobody runs the events.

import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { connectBus } from '@hearth/bus/connect'
import { decode } from '@hearth/bus/envelope'
import { STREAMS } from '@hearth/bus/messages'
import { createStreams } from '@hearth/bus/streams'
import type { AsyncEvent } from '@hearth/core/async-event'

export interface Accepting {
  /** Request ids that were answered with 202. */
  accepted: Set<string>
  /** How many were answered with anything else, or not at all. */
  failed(): number
  /** Resolves when every client has heard of its last event. */
  end(): Promise<void>
}

const EVENT_STREAMS = 8
const AFTER_FAILURE_MS = 100

export function startAccepting(
  lambda: LambdaClient,
  options: { functionName: string; clients: number; bytes: number },
): Accepting {
  const accepted = new Set<string>()
  let failed = 0
  let isOver = false
  const Payload = JSON.stringify({ text: 'x'.repeat(options.bytes) })
  const command = { FunctionName: options.functionName, InvocationType: 'Event', Payload } as const
  const client = async () => {
    while (!isOver) {
      try {
        const { $metadata, StatusCode } = await lambda.send(new InvokeCommand(command))
        if (StatusCode === 202) accepted.add($metadata.requestId ?? '')
      } catch {
        failed += 1
        await pause(AFTER_FAILURE_MS)
      }
    }
  }
  const clients = Array.from({ length: options.clients }, client)
  return {
    accepted,
    failed: () => failed,
    async end() {
      isOver = true
      await Promise.all(clients)
    },
  }
}

/** Request ids of the events that wait on a NATS. */
export async function waitingEvents(nats: {
  url: string
  monitorUrl: string
}): Promise<Set<string>> {
  // Of a server that is unsafe, too: it is asked what it has lost.
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl, allowUnsafe: true })
  try {
    const streams = await createStreams(bus)
    const found = new Set<string>()
    for (let shard = 0; shard < EVENT_STREAMS; shard += 1) {
      const { name } = STREAMS.events(shard)
      const facts = await streams.facts(name).catch(() => undefined)
      if (!facts) continue
      for (let at = Math.max(facts.firstSequence, 1); at <= facts.lastSequence; at += 1) {
        const message = await streams.message(name, at)
        if (message) found.add(decode<AsyncEvent>(message.data).meta.requestId)
      }
    }
    return found
  } finally {
    await bus.close()
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
