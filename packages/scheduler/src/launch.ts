// How an execution environment comes to be: code unpacked, sockets opened, sandbox started, full CPU until
// its init is over. The only place where environments, channels and the driver meet.

import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { InvokeMessage, LogBatch } from '@hearth/bus/messages'
import type { ColdReason } from '@hearth/core/invocation'
import { requireRuntime } from '@hearth/core/runtime'
import type { SandboxDriver } from './drivers/driver.ts'
import { Environment, type EnvironmentEvents } from './environment.ts'
import { LogStream, logStreamName } from './log-stream.ts'
import { platformLog } from './platform-log.ts'
import { runtimeApi } from './runtime-api.ts'
import { type FunctionCredentials, runtimeEnvironment } from './runtime-environment.ts'
import { openSandboxChannel, type ProcessSpec, type SandboxChannel } from './sandbox-channel.ts'

export interface LaunchParts {
  driver: SandboxDriver
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

/** Makes an environment for a function version; the caller starts it. */
export function launch(
  parts: LaunchParts,
  message: InvokeMessage,
  options: { coldReason: ColdReason; events: EnvironmentEvents },
): Environment {
  const { version, account } = message
  const { configuration } = version
  const id = randomBytes(8).toString('hex')
  const cpus = configuration.memoryMb / MB_PER_CPU
  const { log, platform, process } = describe(parts, message)
  return new Environment({
    id,
    deploymentId: version.deploymentId,
    memoryMb: configuration.memoryMb,
    timeoutSeconds: configuration.timeoutSeconds,
    coldReason: options.coldReason,
    process,
    log,
    platform,
    startSandbox: (environment) => startSandbox(parts, { id, cpus, message, environment, log }),
    async stopSandbox(channel) {
      await parts.driver
        .stop(id)
        .catch((error) =>
          parts.report(`sandbox ${id} of ${account} could not be removed: ${error}`),
        )
      await channel?.close()
    },
    events: {
      ...options.events,
      initialised(environment) {
        options.events.initialised(environment)
        if (cpus >= INIT_CPUS_MIN) return
        parts.driver
          .setCpus(id, cpus)
          .catch((error) => parts.report(`the CPU share of ${id} could not be set: ${error}`))
      },
    },
  })
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
    openSandboxChannel(socketDirectory, runtimeApi(environment), {
      ready: () => environment.sandboxReady(),
      exited: (exit, kills) => environment.processExited(exit, kills),
      output: (chunk) => log.take(chunk),
      outputEnded: () => log.cut(),
      lost: () => environment.stop('environment died'),
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
