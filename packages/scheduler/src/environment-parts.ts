// What an execution environment is made of and whom it tells: everything it may do to the world
// outside its own states. launch.ts puts the parts together; the pool listens.

import type { Attempt } from './attempt.ts'
import type { Environment } from './environment.ts'
import type { InitFailure } from './init-failure.ts'
import type { LogStream } from './log-stream.ts'
import type { Platform, PlatformEvent } from './platform-log.ts'
import type { LaunchReason } from './pool.ts'
import type { ProcessSpec, SandboxChannel } from './sandbox-channel.ts'

/** The last events of an invocation, as they are at the moment of asking. */
export type Closing = (extensionsMs?: number) => PlatformEvent[]

export interface EnvironmentParts {
  id: string
  memoryMb: number
  timeoutSeconds: number
  why: LaunchReason
  /** Whose it is alone, where the function keeps its tenants apart. */
  tenantId?: string
  process: ProcessSpec
  /** What is started when an init has failed: without what may have been the reason. */
  processAgain: ProcessSpec
  log: LogStream
  platform: Platform
  /** Opens the channel, has it adopted, and starts the sandbox; or takes one that is ready. */
  startSandbox(environment: Environment): Promise<unknown>
  /** Idle for so long, it is frozen. */
  freezeAfterMs: number
  freeze(): void
  /** Resolves when the sandbox's processes run again. */
  thaw(): Promise<void>
  /** Resolves when the sandbox is gone; never rejects. */
  stopSandbox(channel: SandboxChannel | undefined): Promise<void>
  /** The first init went well. */
  initialised(): void
  /**
   * An attempt has its answer; `closing` makes its last events. @returns when its
   * extensions are done with it, and after how many milliseconds; undefined where there are none.
   */
  settled?(requestId: string, closing: Closing): Promise<number> | undefined
  events: EnvironmentEvents
}

/** What the pool hears; each is called before the environment does anything else. */
export interface EnvironmentEvents {
  /** Its sandbox runs, and loads the function next; not before the first time. */
  booted(environment: Environment): void
  /** It waits for an invocation. */
  ready(environment: Environment): void
  /**
   * It could not load the function. @returns the invocation that it is to try once more for; it
   * stops next when there is none.
   */
  initFailed(environment: Environment, failure: InitFailure): Attempt | undefined
  stopping(environment: Environment, reason: string): void
  stopped(environment: Environment): void
}
