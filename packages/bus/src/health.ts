// How NATS is, for the metrics: how long a round trip takes, and how full its disk and Hearth's own
// streams are. It only looks, waits for nothing longer than a moment, and says nothing where NATS
// does not answer.

import type { StreamInfo } from '@nats-io/jetstream'
import { type Bus, requireConnected } from './connect.ts'
import { BUCKETS, isOwnStream } from './messages.ts'

export interface StreamStorage {
  /** The name of one of Hearth's own, or `other`: all of somebody else's together. */
  name: string
  messages: number
  bytes: number
  /** At which it takes nothing more, or drops the oldest; absent where there is no limit. */
  bytesMax?: number
}

export interface BusHealth {
  /** Milliseconds. */
  roundTrip(): Promise<number | undefined>
  streams(): Promise<StreamStorage[]>
  /** Bytes that JetStream has on the server's disk, and may have. */
  storage(): Promise<{ bytes: number; bytesMax: number } | undefined>
}

const WITHIN_MS = 1_000
const OTHER = 'other'
const OWN_BUCKETS = new Set(Object.values(BUCKETS).map((name) => `KV_${name}`))

export function watchHealth(bus: Bus, monitorUrl: string): BusHealth {
  return {
    roundTrip: () => soon(async () => (bus.connected() ? await bus.control.rtt() : undefined)),
    streams: async () =>
      (await soon(async () => {
        requireConnected(bus)
        const manager = await bus.jetstream.jetstreamManager()
        const infos: StreamInfo[] = []
        for await (const info of manager.streams.list()) infos.push(info)
        return together(infos.map(storageOf))
      })) ?? [],
    storage: () =>
      soon(async () => {
        const signal = AbortSignal.timeout(WITHIN_MS)
        const answer = await fetch(new URL('/jsz', monitorUrl), { signal })
        const { storage, config } = (await answer.json()) as Jsz
        return { bytes: storage, bytesMax: config.max_storage }
      }),
  }
}

interface Jsz {
  storage: number
  config: { max_storage: number }
}

/** What it says within a moment; undefined when it fails or says nothing. */
async function soon<T>(ask: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), WITHIN_MS)
  })
  return await Promise.race([ask().catch(() => undefined), late]).finally(() => clearTimeout(timer))
}

function storageOf({ config, state }: StreamInfo): StreamStorage {
  const { name, max_bytes: bytesMax } = config
  const isOwn = name.startsWith('KV_') ? OWN_BUCKETS.has(name) : isOwnStream(name)
  const { messages, bytes } = state
  return { name: isOwn ? name : OTHER, messages, bytes, ...(isOwn && bytesMax > 0 && { bytesMax }) }
}

/** One row a name, so that whoever makes streams of his own makes no more series. */
function together(all: readonly StreamStorage[]): StreamStorage[] {
  const others = all.filter(({ name }) => name === OTHER)
  if (others.length === 0) return [...all]
  const sum = (of: 'bytes' | 'messages') => others.reduce((total, one) => total + one[of], 0)
  const own = all.filter(({ name }) => name !== OTHER)
  return [...own, { name: OTHER, messages: sum('messages'), bytes: sum('bytes') }]
}
