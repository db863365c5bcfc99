// How an execution environment comes to be: code unpacked, sockets opened, sandbox started, full
// CPU until its init is over. The only place where environments, channels and the driver meet.

import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { InvokeMessage, LogBatch } from '@hearth/bus/messages'
import type { ColdReason } from '@hearth/core/invocation'
import { requireRuntime } from '@hearth/core/runtime'
import type { SandboxDriver } from './drivers/driver.ts'
import { Environment, type EnvironmentEvents } from './environment.ts'
import { LogStream, logStreamName } from './log-stream.ts'
import { platformLog } from './platform-log.ts'
import { type FunctionCredentials, runtimeEnvironment } from './runtime-environment.ts'
import type { OpenChannel, ProcessSpec, SandboxChannel } from './sandbox-channel.ts'

export interface LaunchParts {
  driver: SandboxDriver
  openChannel: OpenChannel
  runDirectory: string
  region: string
  credentials?: FunctionCredentials
  codeDirectory(sha256: string): Promise<string>
  publishLogs(account: string, group: string, batch: LogBatch): void
  report(problem: string): void
}

/** AWS gives a function one vCPU for each of these megabytes. */
const MB_PER_CPU = 1769
/** During init a function has at least one whole CPU, whatever its memory. */
const INIT_CPUS_MIN = 1

/** A sandbox that will not go is tried again after each of these, and then reported. */
const STOP_AGAIN_MS = [500, 2_000, 8_000]

/**
 * Makes an environment for a function version; the caller starts it. @throws for an unknown
 * runtime.
 */
export function launch(
  parts: LaunchParts,
  message: InvokeMessage,
  options: { coldReason: ColdReason; events: EnvironmentEvents },
): Environment {
  const { configuration } = message.version
  const id = randomBytes(8).toString('hex')
  const cpus = configuration.memoryMb / MB_PER_CPU
  const { log, platform, process } = describe(parts, message)
  const environment: Environment = new Environment({
    id,
    memoryMb: configuration.memoryMb,
    timeoutSeconds: configuration.timeoutSeconds,
    coldReason: options.coldReason,
    process,
    log,
    platform,
    startSandbox: (self) => startSandbox(parts, { id, cpus, message, environment: self, log }),
    stopSandbox: (channel) => stopSandbox(parts, id, channel),
    initialised() {
      if (cpus >= INIT_CPUS_MIN) return
      parts.driver.setCpus(id, cpus).catch((error) => {
        // One that has ended meanwhile needs no share.
        if (environment.isEnding) return
        parts.report(`the CPU share of ${id} could not be set: ${error}`)
      })
    },
    events: options.events,
  })
  return environment
}

async function stopSandbox(
  parts: LaunchParts,
  id: string,
  channel: SandboxChannel | undefined,
): Promise<void> {
  for (const againMs of [...STOP_AGAIN_MS, undefined]) {
    try {
      await parts.driver.stop(id)
      break
    } catch (error) {
      parts.report(`sandbox ${id} could not be removed: ${error}`)
      if (againMs === undefined) break
      await new Promise((resolve) => setTimeout(resolve, againMs))
    }
  }
  await channel?.close().catch((error) => parts.report(`the sockets of ${id} remain: ${error}`))
}

/** The log and the process of one environment. */
function describe(parts: LaunchParts, message: InvokeMessage) {
  const { version, account, functionName } = message
  const { configuration } = version
  const stream = logStreamName(version.version, new Date())
  const { group } = configuration.logging
  const platform = platformLog({
    logging: configuration.logging,
    version: version.version,
    memoryMb: configuration.memoryMb,
    runtime: configuration.runtime,
    runtimeArn: runtimeArn(parts.region, configuration.runtime),
  })
  const log = new LogStream(platform, (events) =>
    parts.publishLogs(account, group, { stream, events }),
  )
  const process: ProcessSpec = {
    directory: '/var/task',
    arguments: ['/var/runtime/bootstrap'],
    environment: runtimeEnvironment({
      functionName,
      version,
      region: parts.region,
      logStream: stream,
      ...(parts.credentials && { credentials: parts.credentials }),
    }),
  }
  return { log, platform, process }
}

async function startSandbox(
  parts: LaunchParts,
  sandbox: {
    id: string
    cpus: number
    message: InvokeMessage
    environment: Environment
    log: LogStream
  },
): Promise<SandboxChannel> {
  const { id, cpus, environment, log } = sandbox
  const { configuration, code } = sandbox.message.version
  const socketDirectory = join(parts.runDirectory, id)
  const [codeDirectory, channel] = await Promise.all([
    parts.codeDirectory(code.sha256),
    parts.openChannel(socketDirectory, environment, {
      ready: () => environment.sandboxReady(),
      exited: (exit, kills) => environment.processExited(exit, kills),
      output: (chunk) => log.take(chunk),
      outputEnded: () => log.cut(),
      lost: () => environment.sandboxLost(),
    }),
  ])
  environment.adopt(channel)
  await parts.driver.start({
    id,
    image: requireRuntime(configuration.runtime).image,
    memoryMb: configuration.memoryMb,
    cpus: Math.max(cpus, INIT_CPUS_MIN),
    tmpMb: configuration.ephemeralStorageMb,
    socketDirectory,
    codeDirectory,
  })
  return channel
}

function runtimeArn(region: string, runtime: string): string {
  const digest = createHash('sha256').update(runtime).digest('hex')
  return `arn:aws:lambda:${region}::runtime:${digest}`
}
