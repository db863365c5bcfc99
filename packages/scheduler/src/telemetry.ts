// The telemetry of one environment: hears all that is logged, and hands it to the extensions that
// subscribed. What came before anybody could subscribe is remembered for them, within bounds. How
// it travels is telemetry-delivery's affair.

import type { Duplex } from 'node:stream'
import type { LineType, LogTap } from './log-stream.ts'
import { type PlatformEvent, toJson } from './platform-log.ts'
import { Delivery } from './telemetry-delivery.ts'
import type { Subscription, TelemetryType } from './telemetry-subscription.ts'

export interface TelemetryParts {
  /** Whether the function's lines are JSON, so that they may be told as objects. */
  isJson: boolean
  /** Connects to a port of the sandbox. */
  dial(port: number): Promise<Duplex>
}

/** One event, in both forms that subscriptions may want. */
interface Told {
  type: TelemetryType
  /** The one API that tells it, if not both do. */
  only?: Subscription['api']
  text: string
  objects: string
}

const EARLY_EVENTS_MAX = 1_000
const EARLY_BYTES_MAX = 1024 * 1024
/** The older API's events are older, too. */
const ONLY_LOGS = ['end']
const LOGS = [
  'end',
  'extension',
  'logsDropped',
  'logsSubscription',
  'report',
  'runtimeDone',
  'start',
]

export class Telemetry implements LogTap {
  readonly #parts: TelemetryParts
  readonly #deliveries = new Map<string, { subscription: Subscription; delivery: Delivery }>()
  /** Until nobody can subscribe any more. */
  #early: Told[] | undefined = []
  #earlyBytes = 0

  constructor(parts: TelemetryParts) {
    this.#parts = parts
  }

  /** An extension subscribes, in place of what it subscribed to before. */
  subscribe(name: string, subscription: Subscription): void {
    this.#deliveries.get(name)?.delivery.close()
    const delivery = new Delivery(subscription, { dial: this.#parts.dial })
    this.#deliveries.set(name, { subscription, delivery })
    for (const told of this.#early ?? []) this.#give(told, subscription, delivery)
  }

  /** Which API an extension has subscribed by. */
  apiOf(name: string): Subscription['api'] | undefined {
    return this.#deliveries.get(name)?.subscription.api
  }

  /** Nobody can subscribe any more. @returns whether anybody has. */
  settle(): boolean {
    this.#early = undefined
    return this.#deliveries.size > 0
  }

  event(event: PlatformEvent): void {
    const json = JSON.stringify(toJson(event))
    const newer = LOGS.includes(event.type) ? undefined : ('telemetry' as const)
    const only = ONLY_LOGS.includes(event.type) ? 'logs' : newer
    this.#tell({ type: 'platform', text: json, objects: json, ...(only && { only }) })
  }

  line(type: LineType, text: string): void {
    const head = { time: new Date().toISOString(), type }
    const plain = JSON.stringify({ ...head, record: text })
    const record = this.#parts.isJson ? parsed(text) : undefined
    this.#tell({
      type,
      text: plain,
      objects: record === undefined ? plain : JSON.stringify({ ...head, record }),
    })
  }

  /** Sends what has gathered at once. Resolves when it has arrived, or cannot. */
  async flush(): Promise<void> {
    await Promise.all([...this.#deliveries.values()].map(({ delivery }) => delivery.flush()))
  }

  close(): void {
    for (const { delivery } of this.#deliveries.values()) delivery.close()
    this.#deliveries.clear()
    this.#early = undefined
  }

  #tell(told: Told): void {
    const bytes = told.text.length + told.objects.length
    const hasRoom = this.#earlyBytes + bytes <= EARLY_BYTES_MAX
    if (this.#early && hasRoom && this.#early.length < EARLY_EVENTS_MAX) {
      this.#earlyBytes += bytes
      this.#early.push(told)
    }
    for (const { subscription, delivery } of this.#deliveries.values()) {
      this.#give(told, subscription, delivery)
    }
  }

  #give(told: Told, { types, api, hasObjects }: Subscription, delivery: Delivery): void {
    if (!types.includes(told.type) || (told.only && told.only !== api)) return
    delivery.add(hasObjects ? told.objects : told.text)
  }
}

/** The object that a line is, if it is one. */
function parsed(text: string): unknown {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
