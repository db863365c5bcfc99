// A sandbox's processes where a function has external extensions: hearth-extensions
// (images/README.md) in place of the runtime, under it the extensions, and the runtime once all of
// them have registered. To the environment it is a channel like any other; what ends with the
// runtime is ended gracefully first, as on Lambda.

import type { ExtensionEnd, RuntimeExit } from '@hearth/core/invocation'
import type { ExtensionGate } from './extension-gate.ts'
import { type Call, type ExtensionLink, openExtensionLink } from './extension-link.ts'
import type { Extension, Extensions } from './extensions.ts'
import type { LogStream } from './log-stream.ts'
import type { Platform } from './platform-log.ts'
import type { ProcessSpec, SandboxChannel } from './sandbox-channel.ts'
import { Telemetry } from './telemetry.ts'

export interface HostParts {
  /** Files in /opt/extensions, in the order in which they start. */
  names: readonly string[]
  channel: SandboxChannel
  /** The sandbox's private directory. */
  directory: string
  /** hearth-extensions, as a file of this host. */
  program: string
  gate: ExtensionGate
  log: LogStream
  platform: Platform
  isJson: boolean
  /** Of an extension's process. */
  environment: Readonly<Record<string, string>>
  /** As the environment hears it of its runtime. */
  exited(exit: RuntimeExit, kills: number): void
  /** Resolves when the sandbox's processes run. */
  thaw(): Promise<void>
}

export type ShutdownReason = 'failure' | 'spindown' | 'timeout'

/** Lambda's time for the whole, and the runtime's part of it. */
const SHUTDOWN_MS = 2_000
const RUNTIME_MS = 600
/** What has gathered for subscribers is sent before they hear that the end is near. */
const FLUSH_MS = 100
/** hearth-init kills at once. */
const GONE_MS = 3_000
const RUNTIME = ''
const FOLDER = '/opt/extensions'

interface End {
  exit: RuntimeExit
  kills: number
}

/** From hearth-extensions' start to its end. */
interface Life {
  extensions: Extensions
  runtime: ProcessSpec
  /** Processes that run; the runtime's name is empty. */
  running: Set<string>
  hasBegun: boolean
  hasRuntime: boolean
  /** Something has ended that should not have, or all is about to. */
  isEnding: boolean
  /** hearth-extensions has gone. */
  gone: PromiseWithResolvers<End>
  /** Who waits for processes to end. */
  ended: () => void
}

export class ExtensionHost implements SandboxChannel {
  readonly #parts: HostParts
  readonly #link: ExtensionLink
  #telemetry: Telemetry
  #life: Life | undefined
  /** One order after the other: what begins waits for what ends. */
  #work: Promise<unknown> = Promise.resolve()

  /** Listens in the sandbox's directory, and puts the program there. */
  static async open(parts: HostParts): Promise<ExtensionHost> {
    const host: ExtensionHost = new ExtensionHost(
      parts,
      await openExtensionLink(parts.directory, parts.program, {
        side: parts.gate,
        call: (call) => host.#hear(call),
        log: () => parts.log.openExtension(),
      }),
    )
    return host
  }

  private constructor(parts: HostParts, link: ExtensionLink) {
    this.#parts = parts
    this.#link = link
    this.#telemetry = this.#listen()
  }

  startProcess(runtime: ProcessSpec): void {
    this.#then(async () => {
      if (await this.#finish('failure')) this.#begin(runtime)
    })
  }

  killProcesses(reason: ShutdownReason = 'timeout'): void {
    this.#then(async () => {
      const end = await this.#finish(reason)
      if (end) this.#parts.exited(end.exit, end.kills)
    })
  }

  memoryPeak(): Promise<number> {
    return this.#parts.channel.memoryPeak()
  }

  async close(): Promise<void> {
    this.#telemetry.close()
    this.#parts.gate.end()
    await Promise.all([this.#link.close(), this.#parts.channel.close()])
  }

  /** hearth-init says that hearth-extensions has ended, and with it whatever it ran. */
  processExited(exit: RuntimeExit, kills: number): void {
    const life = this.#life
    this.#life = undefined
    if (!life) return
    this.#parts.gate.end()
    life.gone.resolve({ exit, kills })
    if (life.isEnding) return
    this.#renew()
    this.#parts.exited(exit, kills)
  }

  /** The sandbox goes: whoever wants to hear of it does, and has its time. */
  async shutDown(reason: ShutdownReason): Promise<void> {
    await this.#then(async () => {
      const life = this.#life
      if (!life) return
      await this.#parts.thaw().catch(() => {})
      await this.#shutDown(life, reason)
    })
    this.#parts.gate.end()
  }

  #then(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work, work)
    this.#work = done.catch(() => {})
    return done
  }

  /** What follows has nothing of what was. */
  #renew(): void {
    this.#link.hangUp()
    this.#telemetry.close()
    this.#telemetry = this.#listen()
  }

  /** Hears the log from now on, for whoever will subscribe. */
  #listen(): Telemetry {
    const { log, isJson } = this.#parts
    const telemetry = new Telemetry({ isJson, dial: (port) => this.#link.dial(port) })
    log.tap = telemetry
    return telemetry
  }

  #begin(runtime: ProcessSpec): void {
    const { gate, names, channel } = this.#parts
    const changed = () => this.#advance()
    const extensions = gate.begin(names, { telemetry: this.#telemetry, changed })
    this.#life = {
      extensions,
      runtime,
      running: new Set(),
      hasBegun: false,
      hasRuntime: false,
      isEnding: false,
      gone: Promise.withResolvers(),
      ended() {},
    }
    channel.startProcess({
      directory: '/',
      search: '',
      arguments: [this.#link.program],
      environment: {},
    })
  }

  /**
   * Ends what runs, if anything does. @returns how it ended; undefined when it has not, and then
   * nothing may begin beside it: the environment's limit ends the sandbox.
   */
  async #finish(reason: ShutdownReason): Promise<End | undefined> {
    const life = this.#life
    if (!life) return { exit: { signal: 9 }, kills: 0 }
    await this.#shutDown(life, reason)
    if (this.#life === life) this.#parts.channel.killProcesses()
    const end = await Promise.race([life.gone.promise, after(GONE_MS)])
    if (end) this.#renew()
    return end
  }

  #hear(call: Call): void {
    const life = this.#life
    if (!life) return
    if (call.name === 'ready') {
      // Said once: whoever says it again is not hearth-extensions.
      if (life.hasBegun || life.isEnding) return
      life.hasBegun = true
      return this.#startExtensions(life)
    }
    if (call.name === 'gone') {
      life.running.clear()
      return life.ended()
    }
    const { process: name, exit, kills } = call
    life.running.delete(name)
    const extension = name === RUNTIME ? undefined : life.extensions.find(name)
    const wasEnding = life.isEnding
    this.#close(life)
    if (extension && !wasEnding) {
      const fault = faultOf(extension, exit)
      this.#tellFault(extension, fault)
      this.#parts.exited(fault, kills)
    }
    if (extension) life.extensions.ended(extension, 'Exited')
    if (name === RUNTIME && !wasEnding) this.#parts.exited(exit, kills)
    life.ended()
  }

  #startExtensions(life: Life): void {
    const [surplus] = life.extensions.surplus
    if (surplus) {
      this.#close(life)
      const fault = launchFault('TooManyExtensions')
      this.#tellFault(surplus, fault)
      return this.#parts.exited(fault, 0)
    }
    const { environment } = this.#parts
    for (const name of this.#parts.names) {
      life.running.add(name)
      const program = `${FOLDER}/${name}`
      this.#link.start(name, { directory: '/', search: '', arguments: [program], environment })
    }
    this.#advance()
  }

  /** The runtime starts when every extension has registered. */
  #advance(): void {
    const life = this.#life
    if (!life || life.hasRuntime || life.isEnding || life.running.size === 0) return
    if (!life.extensions.areRegistered) return
    life.hasRuntime = true
    life.running.add(RUNTIME)
    this.#link.start(RUNTIME, life.runtime)
  }

  /** All that runs is to end: none of it is given work any more. */
  #close(life: Life): void {
    life.isEnding = true
    this.#parts.gate.close()
  }

  async #shutDown(life: Life, reason: ShutdownReason): Promise<void> {
    this.#close(life)
    if (life.running.size === 0) return
    await Promise.race([this.#telemetry.flush(), after(FLUSH_MS)])
    const deadlineMs = Date.now() + SHUTDOWN_MS
    if (life.running.has(RUNTIME)) {
      this.#link.signal(RUNTIME, 'T')
      await this.#gone(life, [RUNTIME], RUNTIME_MS)
    }
    const { extensions } = life
    extensions.shutDown({ eventType: 'SHUTDOWN', shutdownReason: reason, deadlineMs })
    const waits = extensions.all.filter(
      ({ isExternal, events }) => isExternal && events.includes('SHUTDOWN'),
    )
    const graceful = waits.map(({ name }) => name)
    for (const name of life.running) if (!graceful.includes(name)) this.#link.signal(name, 'K')
    await this.#gone(life, graceful, deadlineMs - Date.now())
    for (const name of life.running) this.#link.signal(name, 'K')
  }

  /** Resolves when these processes have ended, or had their time. */
  async #gone(life: Life, names: readonly string[], ms: number): Promise<void> {
    const areGone = () => !names.some((name) => life.running.has(name))
    if (areGone()) return
    const gone = new Promise<void>((resolve) => {
      life.ended = () => areGone() && resolve()
      void life.gone.promise.then(() => resolve())
    })
    await Promise.race([gone, after(ms)])
    life.ended = () => {}
  }

  #tellFault(extension: Extension, fault: ExtensionFault): void {
    const { log, platform } = this.#parts
    const { name, events, state } = extension
    const errorType = extension.errorType ?? fault.extension
    const told = fault.extension === 'Extension.LaunchError' ? 'LaunchError' : state
    log.note(platform.extension({ name, state: told, events: [...events].sort(), errorType }))
  }
}

type ExtensionFault = Extract<RuntimeExit, { extension: string }>

const launchFault = (words: string): ExtensionFault => ({
  extension: 'Extension.LaunchError',
  cause: { words },
})

/** What an extension's end means, by what it said before. */
function faultOf({ state }: Extension, cause: ExtensionEnd): ExtensionFault {
  if ('unstartable' in cause) return { extension: 'Extension.LaunchError', cause }
  if (state === 'InitError') return { extension: 'Extension.InitError', cause }
  return { extension: state === 'ExitError' ? 'Extension.ExitError' : 'Extension.Crash', cause }
}

const after = (ms: number) =>
  new Promise<undefined>((resolve) => setTimeout(resolve, Math.max(ms, 0), undefined))
