// One stem: a sandbox that is started before its function is known, its runtime booted and waiting
// to be told (images/README.md). It is given away once; from then on whatever the sandbox says
// belongs to the environment that it became.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { OwnImage, SandboxDriver } from './drivers/driver.ts'
import { NOBODY, type ParkedStem } from './runtime-side.ts'
import type { ChannelOwner, OpenChannel, ProcessSpec, SandboxChannel } from './sandbox-channel.ts'

/** What stems of a kind have in common; a function can use one that fits, or its sandbox alone. */
export interface StemKind {
  key: string
  image: string
  /** Present when the image is a user's own: all functions of that very image can use it. */
  ownImage?: OwnImage
  /** The booted runtime; without one the sandbox alone waits, for a runtime that has no boot. */
  process?: ProcessSpec
}

export interface StemParts {
  driver: SandboxDriver
  openChannel: OpenChannel
  runDirectory: string
  /** It ended by itself before it was given away. */
  lost(stem: Stem): void
}

type State = 'Booting' | 'Emptying' | 'Gone' | 'Given' | 'Parked'

/** Lambda's least memory: where every runtime must be able to boot. */
export const STEM_MEMORY_MB = 128
/** Lambda's default; where the driver can, a stem gets another size when it is specialised. */
export const STEM_TMP_MB = 512
const BOOT_CPUS = 1
const BOOT_MS_MAX = 60_000
/** hearth-init kills at once. */
const EMPTY_MS_MAX = 2_000

export class Stem {
  readonly id = randomBytes(8).toString('hex')
  /** On the monotonic clock. */
  readonly born = performance.now()
  readonly kind: StemKind
  readonly #parts: StemParts
  readonly #owner: ChannelOwner = { side: this.#side(), events: this.#events() }
  #state: State = 'Booting'
  #channel: SandboxChannel | undefined
  #starting: Promise<unknown> = Promise.resolve()
  #parked: ParkedStem | undefined
  /** Who waits for the next state. */
  #waiter: { resolve(): void; reject(error: Error): void } | undefined

  constructor(kind: StemKind, parts: StemParts) {
    this.kind = kind
    this.#parts = parts
  }

  get stateName(): State {
    return this.#state
  }

  get isParked(): boolean {
    return this.#state === 'Parked'
  }

  /** Resolves once it waits for its function. @throws Error when it does not come to that. */
  async start(): Promise<void> {
    const parked = this.#next('boot', BOOT_MS_MAX)
    const started = this.#startSandbox()
    this.#starting = started.catch(() => {})
    await Promise.all([started, parked])
  }

  async #startSandbox(): Promise<void> {
    const { driver, openChannel, runDirectory } = this.#parts
    const { image, ownImage } = this.kind
    const socketDirectory = join(runDirectory, this.id)
    this.#channel = await openChannel(socketDirectory, this.#owner)
    if (this.#state === 'Gone') return
    await driver.start({
      id: this.id,
      image,
      ...(ownImage && { ownImage, isStem: true }),
      memoryMb: STEM_MEMORY_MB,
      cpus: BOOT_CPUS,
      tmpMb: STEM_TMP_MB,
      socketDirectory,
    })
  }

  /** Ends the runtime process, so that the sandbox can start one with other settings. */
  async empty(): Promise<void> {
    if (!this.#parked) return
    this.#state = 'Emptying'
    this.#parked = undefined
    const empty = this.#next('empty', EMPTY_MS_MAX)
    this.#channel?.killProcesses()
    await empty
  }

  /**
   * Gives the sandbox away. The first process that its new owner starts on the channel is the one
   * that is parked, if it still is. @throws Error when the stem has ended.
   */
  give(owner: ChannelOwner): SandboxChannel {
    const channel = this.#channel
    if (!channel || this.#state !== 'Parked') throw new Error(`the stem is ${this.#state}`)
    this.#state = 'Given'
    this.#owner.side = owner.side
    this.#owner.events = owner.events
    return {
      ...channel,
      startProcess: (spec) => {
        const parked = this.#parked
        this.#parked = undefined
        if (parked) parked(spec.environment)
        else channel.startProcess(spec)
      },
    }
  }

  /** It is not to be used any more. Resolves with its channel once the sandbox can be removed. */
  async abandon(): Promise<SandboxChannel | undefined> {
    this.#become('Gone')
    // An engine that is still creating the container would otherwise start it behind our back.
    await this.#starting
    return this.#channel
  }

  #next(what: string, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`the stem did not ${what} within ${ms} ms`))
      const timer = setTimeout(late, ms)
      const settle = (how: () => void) => {
        clearTimeout(timer)
        this.#waiter = undefined
        how()
      }
      this.#waiter = {
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      }
    })
  }

  #become(state: 'Gone' | 'Parked'): void {
    if (this.#state === 'Gone' || this.#state === 'Given') return
    this.#state = state
    if (state === 'Parked') this.#waiter?.resolve()
    else this.#waiter?.reject(new Error('the stem ended'))
  }

  #end(): void {
    const wasParked = this.#state === 'Parked'
    this.#become('Gone')
    if (wasParked) this.#parts.lost(this)
  }

  #side(): ChannelOwner['side'] {
    return {
      ...NOBODY,
      specialisation: (parked) => {
        if (this.#state !== 'Booting') return false
        this.#parked = parked
        this.#become('Parked')
        return true
      },
    }
  }

  #events(): ChannelOwner['events'] {
    return {
      ready: () => {
        if (this.kind.process) this.#channel?.startProcess(this.kind.process)
        else this.#become('Parked')
      },
      exited: () => {
        if (this.#state === 'Emptying') this.#become('Parked')
        else this.#end()
      },
      // A runtime that boots has nothing to say that anybody's log should hold.
      output: () => 0,
      outputEnded() {},
      lost: () => this.#end(),
    }
  }
}
