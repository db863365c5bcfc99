// What an environment has beside its runtime: the gate before it, and, where its layers or its
// image hold external extensions, the host of their processes. Who hears the sandbox is decided
// here.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RuntimeExit } from '@hearth/core/invocation'
import type { Place } from './deployment.ts'
import type { SandboxDriver } from './drivers/driver.ts'
import type { Environment } from './environment.ts'
import { ExtensionGate } from './extension-gate.ts'
import { ExtensionHost } from './extension-host.ts'
import type { LogStream } from './log-stream.ts'
import type { Platform } from './platform-log.ts'
import { extensionEnvironment } from './runtime-environment.ts'
import type { ChannelOwner, SandboxChannel } from './sandbox-channel.ts'

export interface ExtendedParts {
  driver: Pick<SandboxDriver, 'extensionsProgram'>
  place: Place
  log: LogStream
  platform: Platform
  environment: Environment
  /** The runtime's own environment variables. */
  variables: Readonly<Record<string, string>>
  thaw(): Promise<void>
  extensionsMeasured?(ms: number): void
}

/** Where the extensions are among a function's layers. */
const FOLDER = 'extensions'

export class Extended {
  readonly gate: ExtensionGate
  readonly owner: ChannelOwner
  readonly #parts: ExtendedParts
  #names: readonly string[]
  #host: ExtensionHost | undefined

  constructor(parts: ExtendedParts) {
    const { place, log, environment } = parts
    const { version } = place
    this.#parts = parts
    this.#names = version.image?.facts?.extensions ?? []
    this.gate = new ExtensionGate(environment, {
      ...parts,
      ...place,
      version: version.version,
      handler: version.configuration.handler,
      measured: (ms) => parts.extensionsMeasured?.(ms),
    })
    this.owner = {
      side: this.gate,
      events: {
        ready: () => environment.sandboxReady(),
        exited: (exit, kills) => this.#exited(exit, kills),
        output: (chunk) => log.take(chunk),
        outputEnded: () => log.cut(),
        lost: () => environment.sandboxLost(),
      },
    }
  }

  get hasExternal(): boolean {
    return this.#names.length > 0
  }

  /** Looks for external extensions among the layers, if there are any. */
  async find(layersDirectory: string | undefined): Promise<void> {
    if (layersDirectory === undefined) return
    const folder = join(layersDirectory, FOLDER)
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const files = entries.filter((entry) => !entry.isDirectory())
    this.#names = files.map(({ name }) => name).sort()
  }

  /** The channel through which the environment runs its processes, extensions and all. */
  async host(channel: SandboxChannel, directory: string): Promise<SandboxChannel> {
    if (!this.hasExternal) return channel
    const { driver, environment, place, variables } = this.#parts
    this.#host = await ExtensionHost.open({
      ...this.#parts,
      names: this.#names,
      channel,
      directory,
      program: await driver.extensionsProgram(),
      gate: this.gate,
      isJson: place.version.configuration.logging.format === 'JSON',
      environment: extensionEnvironment(variables),
      exited: (exit, kills) => environment.processExited(exit, kills),
    })
    return this.#host
  }

  /** The sandbox is about to go. */
  async shutDown(): Promise<void> {
    await this.#host?.shutDown('spindown')
    this.gate.end()
  }

  #exited(exit: RuntimeExit, kills: number): void {
    if (this.#host) return this.#host.processExited(exit, kills)
    this.gate.end()
    this.#parts.environment.processExited(exit, kills)
  }
}
