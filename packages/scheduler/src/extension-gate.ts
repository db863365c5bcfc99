// Between a runtime and its environment where there are extensions: the runtime's wish for work is
// passed on when every extension waits for an event, too, and an invocation's event is told to all
// who want it. So an environment is ready, and may be frozen, only when nobody in it is at work.
// Without extensions it stands aside. It answers the extensions' own requests.

import type { Attempt } from './attempt.ts'
import type { Closing } from './environment-parts.ts'
import { Extensions, type Refusal } from './extensions.ts'
import { type ApiAnswer, type ApiRequest, answerExtensionsApi } from './extensions-api.ts'
import type { LogStream } from './log-stream.ts'
import type { Platform, PlatformEvent } from './platform-log.ts'
import type { Parked, RuntimeSide } from './runtime-side.ts'
import type { Telemetry } from './telemetry.ts'
import type { Subscription } from './telemetry-subscription.ts'

export interface GateParts {
  account: string
  functionName: string
  version: string
  handler: string
  log: LogStream
  platform: Platform
  /** Extensions worked on for so long after an answer. */
  measured(extensionsMs: number): void
}

/** What runs from one start of a runtime process to its end. */
interface Life {
  extensions: Extensions
  /** Absent where nothing can be told: there are no external extensions. */
  telemetry: Telemetry | undefined
  changed(): void
  /** Subscriptions so far, anew ones among them. */
  subscriptions: number
}

/** Each is told all that was logged so far, so a loop of them must have an end. */
const SUBSCRIPTIONS_MAX = 100
const NOT_SUPPORTED = { telemetry: 'Telemetry', logs: 'Logs' }

export class ExtensionGate implements RuntimeSide {
  readonly #side: RuntimeSide
  readonly #parts: GateParts
  #life: Life | undefined
  /** Whether this process has loaded its function and asked for work. */
  #hasAsked = false
  /** Whether every extension has been ready in this life. */
  #isReady = false
  /** What runs is about to end: whoever of it asks for work may not have it. */
  #isEnding = false
  /** The runtime waits for its extensions. */
  #held: { parked: unknown; enter(): boolean } | undefined
  /** What the environment knows a parked runtime by. */
  #given: { parked: Parked; given: Parked } | undefined
  /** An answered invocation waits for its extensions. */
  #settle: (() => void) | undefined

  constructor(side: RuntimeSide, parts: GateParts) {
    this.#side = side
    this.#parts = parts
  }

  /** A process starts, with external extensions. */
  begin(names: readonly string[], life: Omit<Life, 'extensions' | 'subscriptions'>): Extensions {
    this.end()
    const extensions = new Extensions(names, () => this.#changed())
    this.#life = { ...life, extensions, subscriptions: 0 }
    return extensions
  }

  /** The process and its extensions are about to go, and serve no more. */
  close(): void {
    this.#isEnding = true
    this.#held = undefined
  }

  /** The process and its extensions are gone. */
  end(): void {
    this.#life = undefined
    this.#hasAsked = false
    this.#isReady = false
    this.#isEnding = false
    this.#held = undefined
    this.#given = undefined
    this.#settle?.()
  }

  next(parked: Parked): boolean {
    this.#hasAsked = true
    if (this.#isEnding) return false
    const life = this.#life
    if (!life) return this.#side.next(parked)
    life.extensions.close()
    const given: Parked = (attempt, deadline) => {
      tell(life.extensions, attempt, deadline)
      parked(attempt, deadline)
    }
    this.#given = { parked, given }
    return this.#hold(parked, () => this.#side.next(given))
  }

  restore(restored: () => void): boolean {
    if (this.#isEnding) return false
    const life = this.#life
    if (!life) return this.#side.restore(restored)
    life.extensions.close()
    return this.#hold(restored, () => this.#side.restore(restored))
  }

  hungUp(parked: Parked): void {
    if (this.#held?.parked === parked) this.#held = undefined
    const known = this.#given?.parked === parked ? this.#given.given : parked
    this.#side.hungUp(known)
  }

  /** An attempt has its answer. @returns when its extensions are done with it, and after how long. */
  settled(requestId: string, closing: Closing): Promise<number> | undefined {
    const life = this.#life
    if (!life) return undefined
    const answeredAt = performance.now()
    const told = this.#tellEvents(['runtimeDone', 'end'], () => closing(), requestId)
    const settled = new Promise<number>((resolve) => {
      const done = () => {
        this.#settle = undefined
        resolve(performance.now() - answeredAt)
      }
      if (life.extensions.areReady) done()
      else this.#settle = done
    })
    return settled.then((extensionsMs) => {
      const report = () => closing(extensionsMs)
      void told.then(() => this.#tellEvents(['report'], report, requestId))
      this.#parts.measured(extensionsMs)
      return extensionsMs
    })
  }

  askedByExtension(request: ApiRequest, go: (answer: ApiAnswer) => void): void {
    const life = this.#life ?? this.#beginWithin()
    const subscribe = (name: string, wish: Subscription) => this.#subscribe(life, name, wish)
    answerExtensionsApi({ ...this.#parts, extensions: life.extensions, subscribe }, request, go)
  }

  /** Extensions within the runtime's own process: nobody announces them. */
  #beginWithin(): Life {
    const extensions = new Extensions([], () => this.#changed())
    if (this.#hasAsked) extensions.close()
    this.#life = { extensions, telemetry: undefined, changed() {}, subscriptions: 0 }
    return this.#life
  }

  #subscribe(life: Life, name: string, wish: Subscription): Refusal | undefined {
    const { telemetry } = life
    const api = NOT_SUPPORTED[wish.api]
    if (!telemetry) {
      return refusal(`${api}.NotSupported`, `${api} API is not supported`)
    }
    life.subscriptions += 1
    if (this.#isReady || life.subscriptions > SUBSCRIPTIONS_MAX) {
      return refusal(`${api}.SubscriptionClosed`, `${api} API subscription is closed`)
    }
    const known = telemetry.apiOf(name)
    if (known && known !== wish.api) {
      const other = NOT_SUPPORTED[known]
      return refusal(`${api}.InvalidState`, `${name} has subscribed by the ${other} API`)
    }
    telemetry.subscribe(name, wish)
    const { log, platform } = this.#parts
    log.note(platform.subscription(wish.api, name, wish.types))
    return undefined
  }

  #hold(parked: unknown, enter: () => boolean): boolean {
    if (this.#held) return false
    this.#held = { parked, enter }
    if (!this.#life?.extensions.areReady) return true
    return this.#pass()
  }

  #changed(): void {
    const life = this.#life
    if (!life) return
    life.changed()
    if (!life.extensions.areReady) return
    this.#settle?.()
    if (this.#held) this.#pass()
  }

  #pass(): boolean {
    const enter = this.#held?.enter
    this.#held = undefined
    if (!this.#isReady) this.#tellReady()
    return enter?.() ?? false
  }

  /** The init is over: all are there, and nobody may join any more. */
  #tellReady(): void {
    this.#isReady = true
    const { log, platform } = this.#parts
    for (const { name, state, events } of this.#life?.extensions.all ?? []) {
      log.note(platform.extension({ name, state, events: [...events].sort() }))
    }
    const isWanted = this.#life?.telemetry?.settle() ?? false
    if (!isWanted) log.tap = undefined
  }

  /** To those who subscribed; the function's log has it in its own time. */
  async #tellEvents(
    types: readonly string[],
    events: () => PlatformEvent[],
    requestId: string,
  ): Promise<void> {
    const { log } = this.#parts
    if (!log.tap) return
    await log.completion(requestId)
    for (const event of events()) if (types.includes(event.type)) log.tap?.event(event)
  }

  // What has nothing to do with extensions is the environment's.

  specialisation: RuntimeSide['specialisation'] = (parked) => this.#side.specialisation(parked)
  expects: RuntimeSide['expects'] = (id) => this.#side.expects(id)
  respond: RuntimeSide['respond'] = (id, body) => this.#side.respond(id, body)
  fail: RuntimeSide['fail'] = (id, body) => this.#side.fail(id, body)
  respondTooLarge: RuntimeSide['respondTooLarge'] = (id, max) => this.#side.respondTooLarge(id, max)
  stream: RuntimeSide['stream'] = (id, type) => this.#side.stream(id, type)
  streamBroken: RuntimeSide['streamBroken'] = (id) => this.#side.streamBroken(id)
  initFailed: RuntimeSide['initFailed'] = (body) => !this.#isEnding && this.#side.initFailed(body)
}

function tell(extensions: Extensions, { message }: Attempt, deadlineMs: number): void {
  const { requestId, invokedArn, traceId } = message
  extensions.give({
    eventType: 'INVOKE',
    deadlineMs,
    requestId,
    invokedFunctionArn: invokedArn,
    ...(traceId && { tracing: { type: 'X-Amzn-Trace-Id', value: traceId } }),
  })
}

const refusal = (errorType: string, errorMessage: string): Refusal => ({ errorType, errorMessage })
