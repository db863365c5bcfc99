// How an execution environment comes to be: a stem is specialised, or code unpacked, sockets
// opened and a sandbox started; full CPU until its init is over. The only place where
// environments, stems, channels and the driver meet.

import { strict as assert } from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { LogBatch } from '@hearth/bus/messages'
import { type FunctionVersion, hasSnapshot } from '@hearth/core/function'
import { requireRuntime } from '@hearth/core/runtime'
import type { Place } from './deployment.ts'
import type { SandboxDriver, SandboxSpec } from './drivers/driver.ts'
import { Environment } from './environment.ts'
import type { EnvironmentEvents } from './environment-parts.ts'
import { Extended } from './extended.ts'
import { LogStream, logStreamName } from './log-stream.ts'
import { platformLog } from './platform-log.ts'
import type { LaunchReason } from './pool.ts'
import { processOf } from './process-of.ts'
import {
  type FunctionCredentials,
  type InitialisationType,
  runtimeEnvironment,
} from './runtime-environment.ts'
import type { OpenChannel } from './sandbox-channel.ts'
import type { Snapshots } from './snapshots.ts'
import type { Stems, TakenStem } from './stems.ts'
import { stopSandbox } from './stop-sandbox.ts'

export interface LaunchParts {
  driver: SandboxDriver
  openChannel: OpenChannel
  runDirectory: string
  /** Absent where none are held. */
  stems?: Stems
  /** Absent where none are kept. */
  snapshots?: Snapshots
  region: string
  /** Where functions reach Hearth, if they may. */
  endpoint?: string
  /** Those of a new environment. */
  credentialsOf?(place: Place): FunctionCredentials
  codeDirectory(sha256: string): Promise<string>
  /** The layers of a function as one folder, by their hashes in order. */
  layersDirectory(hashes: readonly string[]): Promise<string>
  publishLogs(account: string, group: string, batch: LogBatch): void
  /** Extensions of a function worked on for so long after its answer. */
  extensionsMeasured?(ms: number): void
  report(problem: string): void
}

/** AWS gives a function one vCPU for each of these megabytes. */
const MB_PER_CPU = 1769
/** During init a function has at least one whole CPU, whatever its memory. */
const INIT_CPUS_MIN = 1

/**
 * Makes an environment for a function version; the caller starts it. @throws for an unknown
 * runtime.
 */
export function launch(
  parts: LaunchParts,
  place: Place,
  options: { why: LaunchReason; events: EnvironmentEvents },
): Environment {
  const { configuration } = place.version
  const id = randomBytes(8).toString('hex')
  const cpus = configuration.memoryMb / MB_PER_CPU
  const { log, platform, ...processes } = describe(parts, place, options.why)
  const sandbox = { id }
  const thaw = () => parts.driver.thaw(sandbox.id)
  const complain = (what: string, error: unknown) => {
    // One that has ended meanwhile needs nothing any more.
    if (!environment.isEnding) parts.report(`sandbox ${sandbox.id} ${what}: ${error}`)
  }
  const environment: Environment = new Environment({
    id,
    memoryMb: configuration.memoryMb,
    timeoutSeconds: configuration.timeoutSeconds,
    why: options.why,
    ...tenantOf(place),
    ...processes,
    log,
    platform,
    startSandbox: (self) => startSandbox(parts, { place, environment: self, extended, sandbox }),
    stopSandbox: async (channel) => {
      await extended.shutDown()
      await stopSandbox(parts, sandbox.id, channel)
    },
    freezeAfterMs: parts.driver.freezeAfterMs,
    freeze: () => {
      // One that cannot be frozen only costs idle CPU.
      parts.driver.freeze(sandbox.id).catch((error) => complain('could not be frozen', error))
    },
    thaw,
    settled: (requestId, closing) => extended.gate.settled(requestId, closing),
    initialised() {
      if (cpus >= INIT_CPUS_MIN) return
      parts.driver
        .setCpus(sandbox.id, cpus)
        .catch((error) => complain('has no CPU share of its own', error))
    },
    events: options.events,
  })
  const { environment: variables } = processes.process
  const own = { place, log, platform, environment, variables, thaw }
  const extended: Extended = new Extended({ ...parts, ...own })
  return environment
}

/** At least one whole CPU until the function is loaded. */
export const sandboxCpus = (memoryMb: number) => Math.max(memoryMb / MB_PER_CPU, INIT_CPUS_MIN)

const tenantOf = ({ tenantId }: Place) => tenantId !== undefined && { tenantId }

/** The log and the process of one environment. */
export function describe(
  parts: Pick<LaunchParts, 'credentialsOf' | 'endpoint' | 'publishLogs' | 'region'>,
  place: Place,
  why: LaunchReason,
) {
  const { version, account, functionName } = place
  const { configuration } = version
  const { group } = configuration.logging
  const stream = logStreamName({ functionName, version: version.version, group }, new Date())
  const platform = platformLog({
    logging: configuration.logging,
    functionName,
    version: version.version,
    initializationType: initialisationOf(version, why),
    logStream: stream,
    memoryMb: configuration.memoryMb,
    runtime: configuration.runtime,
    runtimeArn: runtimeArn(parts.region, configuration.runtime),
    ...tenantOf(place),
  })
  const log = new LogStream(platform, (events) =>
    parts.publishLogs(account, group, { stream, events }),
  )
  const environment = runtimeEnvironment({
    functionName,
    version,
    region: parts.region,
    logStream: stream,
    initialisation: initialisationOf(version, why),
    ...(parts.credentialsOf && { credentials: parts.credentialsOf(place) }),
    ...(parts.endpoint !== undefined && { endpoint: parts.endpoint }),
  })
  // A cache that spoils an init must not spoil the next one, too.
  const { HEARTH_CACHE: _, ...uncached } = environment
  return {
    log,
    platform,
    process: processOf(version, environment),
    processAgain: processOf(version, uncached),
  }
}

/** One environment on its way to a sandbox. */
interface Launching {
  place: Place
  environment: Environment
  extended: Extended
  /** Its id: the environment's own, unless a stem becomes the environment. */
  sandbox: { id: string }
}

/** By a stem where one waits, else from nothing. */
async function startSandbox(parts: LaunchParts, launching: Launching): Promise<void> {
  const taken = parts.stems?.take(launching.place.version)
  if (taken && (await specialise(parts, taken, launching))) return
  await startFresh(parts, launching)
}

/** @returns false when the stem turned out to be of no use; it is gone then. */
async function specialise(
  parts: LaunchParts,
  { stem, isFit }: TakenStem,
  { place, environment, extended, sandbox }: Launching,
): Promise<boolean> {
  const { configuration } = place.version
  const ownId = sandbox.id
  sandbox.id = stem.id
  try {
    const { codeDirectory, layersDirectory } = await sourceOf(parts, place)
    await extended.find(layersDirectory)
    // Extensions come before the runtime, which therefore boots anew.
    const isKept = isFit && !extended.hasExternal
    const specialised = parts.driver.specialise(stem.id, {
      ...(codeDirectory !== undefined && { codeDirectory }),
      ...(layersDirectory !== undefined && { layersDirectory }),
      memoryMb: configuration.memoryMb,
      cpus: sandboxCpus(configuration.memoryMb),
      tmpMb: configuration.ephemeralStorageMb,
    })
    await Promise.all([specialised, isKept ? undefined : stem.empty()])
    const channel = stem.give(extended.owner)
    environment.adopt(await extended.host(channel, join(parts.runDirectory, stem.id)), 'stem')
  } catch (error) {
    parts.report(`a stem could not be used: ${error}`)
    await stopSandbox(parts, stem.id, await stem.abandon())
    sandbox.id = ownId
    return false
  }
  environment.sandboxReady()
  return true
}

async function startFresh(
  parts: LaunchParts,
  { place, environment, extended, sandbox }: Launching,
): Promise<void> {
  const { configuration, network } = place.version
  const { id } = sandbox
  const socketDirectory = join(parts.runDirectory, id)
  const opening = parts.openChannel(socketDirectory, extended.owner)
  const source = await sourceOf(parts, place)
    .then(async (found) => {
      await extended.find(found.layersDirectory)
      environment.adopt(await extended.host(await opening, socketDirectory), 'cold')
      return found
    })
    .catch(async (error) => {
      // Nobody has the channel yet who would close it.
      await opening.then((channel) => channel.close()).catch(() => {})
      throw error
    })
  await parts.driver.start({
    id,
    ...source,
    memoryMb: configuration.memoryMb,
    cpus: sandboxCpus(configuration.memoryMb),
    tmpMb: configuration.ephemeralStorageMb,
    socketDirectory,
    ...(network && { network }),
  })
}

function initialisationOf(version: FunctionVersion, why: LaunchReason): InitialisationType {
  if (hasSnapshot(version)) return 'snap-start'
  return why === 'provisioned' ? 'provisioned-concurrency' : 'on-demand'
}

function codeOf(parts: LaunchParts, place: Place): Promise<string> {
  return parts.snapshots?.codeDirectory(place) ?? parts.codeDirectory(place.version.code.sha256)
}

/** What a version finds at /opt, if it has layers. */
export async function layersOf(
  parts: Pick<LaunchParts, 'layersDirectory'>,
  { configuration: { layers } }: FunctionVersion,
): Promise<Pick<SandboxSpec, 'layersDirectory'>> {
  if (!layers) return {}
  return { layersDirectory: await parts.layersDirectory(layers.map(({ code }) => code.sha256)) }
}

/** The image that a version runs in, and its code and layers if they are not in the image. */
async function sourceOf(
  parts: LaunchParts,
  place: Place,
): Promise<Pick<SandboxSpec, 'codeDirectory' | 'image' | 'layersDirectory' | 'ownImage'>> {
  const { image, configuration } = place.version
  if (!image) {
    const [codeDirectory, layers] = await Promise.all([
      codeOf(parts, place),
      layersOf(parts, place.version),
    ])
    return { image: requireRuntime(configuration.runtime).image, codeDirectory, ...layers }
  }
  assert(image.facts, 'an image that was not found cannot run')
  const { id, resolvedUri: pullName, volumes } = image.facts
  return { image: id, ownImage: { pullName, volumes } }
}

function runtimeArn(region: string, runtime: string): string {
  const digest = createHash('sha256').update(runtime).digest('hex')
  return `arn:aws:lambda:${region}::runtime:${digest}`
}
