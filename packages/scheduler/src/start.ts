// The scheduler role: takes invocations off the bus, runs them in the pool's environments, writes
// each attempt down before its answer leaves, and says once a second that it lives. One a host; the
// only role that touches the engine. It starts by removing what an earlier life left behind.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Acceptance,
  type InvokeMessage,
  type InvokeReply,
  type LogBatch,
  type SchedulerHeartbeat,
  type StreamHead,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { Traces } from '@hearth/bus/traces'
import type { InvocationRecord } from '@hearth/core/invocation'
import { openAttemptLog } from './attempt-log.ts'
import { answerCounts, type Counts, openCounts } from './counts.ts'
import type { Place } from './deployment.ts'
import { type Isolation, openDockerDriver } from './drivers/docker.ts'
import type { SandboxDriver } from './drivers/driver.ts'
import { answerImages } from './image-answers.ts'
import { type LaunchParts, launch } from './launch.ts'
import { beginLife } from './life.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { Provisioned } from './provisioned.ts'
import type { FunctionCredentials } from './runtime-environment.ts'
import { openSandboxChannel } from './sandbox-channel.ts'
import { answerSnapshots } from './snapshot-answers.ts'
import { Snapshots } from './snapshots.ts'
import { STEM_MEMORY_MB } from './stem.ts'
import { Stems, type StemsOptions } from './stems.ts'
import { type HeldTokens, take } from './take.ts'

export { Tokens } from './tokens.ts'

export interface SchedulerOptions {
  schedulerId: string
  /** Tells sandboxes of several Hearths on one engine apart. */
  owner: string
  dataDirectory: string
  region: string
  limits: PoolLimits
  stems: Pick<StemsOptions, 'max' | 'standing'>
  /** The most bytes that one streamed response may have. */
  streamedBytesMax: number
  /** Where functions reach Hearth, if they may; `isolation` lets them. */
  endpoint?: string
  /** Those of a new environment. */
  credentialsOf?(place: Place): FunctionCredentials
  requests: Requests
  /** Whether to work with the native helper where that is possible, or with Docker's API alone. */
  hands: 'auto' | 'off'
  /** Network namespaces that are made ahead: at most so many wait. */
  namespacesMax: number
  /** Called once this life may hold tokens: nothing of an earlier one runs any more. */
  openTokens(own: { life: number; fence(): void }): Promise<HeldTokens>
  isolation: Isolation
  codeDirectory(sha256: string): Promise<string>
  layersDirectory(hashes: readonly string[]): Promise<string>
  publishLogs(account: string, group: string, batch: LogBatch): void
  /** Stores a ledger segment unless its subject is taken. */
  ship(subject: string, segment: { records: InvocationRecord[] }): Promise<unknown>
  /** Absent where nobody records spans. */
  traces?: Traces | undefined
  report(problem: string): void
}

export interface Scheduler {
  /** Stems that wait for a function at this moment. */
  readonly stems: number
  /** Environments that wait for work at this moment. */
  readonly idle: number
  /** As Pool.keep: environments of a version that are initialised before anybody asks. */
  keep: Pool['keep']
  /** As Snapshots.prepare; the version's snapshot waits some time after it has resolved. */
  prepare(place: Place): ReturnType<Snapshots['prepare']>
  /** In Prometheus's text format. */
  metrics(): Promise<string>
  /** Stops taking work, lets what runs finish for a while, then removes every sandbox. */
  close(): Promise<void>
}

const HEARTBEAT_MS = 1_000
const SWEEP_MS = 5_000
const DRAIN_MS_MAX = 10_000
/** For all that the engine is asked at the end: a silent one is not waited for. */
const END_MS_MAX = 25_000
const FENCED = 'The scheduler was cut off while the function ran.'
/** The most of the host's sandbox memory that stems may take. */
const STEMS_SHARE = 0.1
/** In whose running sandboxes a stem's code appears when it is mounted; not so in gVisor's. */
const MOUNTING_RUNTIMES = ['runc', 'crun']

export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { schedulerId, requests } = options
  const directory = join(options.dataDirectory, 'schedulers', schedulerId)
  const life = await beginLife(directory, Date.now())
  const epoch = String(life)
  const runDirectory = join(options.dataDirectory, 'run', schedulerId)
  const driver = await openDockerDriver({ ...options, epoch })
  await removeLeftovers(driver, schedulerId, runDirectory)
  const attempts = openAttemptLog({ ...options, directory: join(directory, 'attempts'), epoch })
  const own = { driver, runDirectory }
  const { pool, stems, snapshots, memoryMb } = openPool(options, own, () => counts)
  const tokens = await options.openTokens({ life, fence: () => pool.abandonAll(FENCED) })
  const provisioned = new Provisioned(pool, () => tokens.wishes())
  const counts = openCounts({ schedulerId, memoryMb }, { pool, stems, tokens, provisioned })
  let draining = false
  const answering = requests.answer<InvokeMessage, Acceptance, InvokeReply, StreamHead>(
    SUBJECTS.invoke(schedulerId),
    (question, respond) => {
      if (draining) return respond.first({ accepted: false, rejected: 'draining' })
      take(question.meta, question.body, { ...options, pool, attempts, counts, tokens, respond })
    },
  )
  const prepare = (place: Place) => snapshots.prepare(place, () => pool.anticipate(place))
  const images = answerImages(requests, schedulerId, { driver, stems })
  const loading = answerSnapshots(requests, schedulerId, prepare)
  const beat = () => {
    const self = { schedulerId, epoch, draining }
    requests.publish(SUBJECTS.schedulers, heartbeat(self, pool, provisioned))
  }
  const asked = answerCounts(requests, schedulerId, counts)
  const wanted = requests.subscribe(SUBJECTS.schedulersWanted, beat)
  const sweep = () => {
    if (!draining) provisioned.turn()
    beat()
  }
  const timers = [setInterval(sweep, HEARTBEAT_MS), reapOften(pool), snapshots.sweepDaily()]
  beat()
  return {
    get stems() {
      return stems.parked
    },
    get idle() {
      return countIdle(pool)
    },
    keep: (place, count) => pool.keep(place, count),
    prepare,
    metrics: counts.text,
    async close() {
      draining = true
      beat()
      await drain(pool)
      for (const timer of timers) clearInterval(timer)
      const stopped = Promise.all([pool.stopAll(), stems.close(), snapshots.close()])
      await Promise.race([stopped.then(() => driver.close()), sleep(END_MS_MAX)])
      await tokens.close()
      for (const answerer of [answering, images, loading, asked, wanted]) answerer.close()
      await attempts.close()
    },
  }
}

function heartbeat(
  self: Pick<SchedulerHeartbeat, 'draining' | 'epoch' | 'schedulerId'>,
  { memoryMbFree, environments, running }: Pool,
  { shares }: Provisioned,
): SchedulerHeartbeat {
  const provisioned = shares.length > 0 ? { provisioned: shares } : {}
  return { ...self, memoryMbFree, environments, running, ...provisioned }
}

const reapOften = (pool: Pool) => setInterval(() => pool.reap(), SWEEP_MS)

function countIdle(pool: Pool): number {
  const environments = [...pool.deployments].flatMap((one) => [...one.environments])
  return environments.filter(({ idleSince }) => idleSince !== undefined).length
}

/** The pool and its stems, whose memory is set aside from the host's. */
function openPool(
  options: SchedulerOptions,
  own: Pick<LaunchParts, 'driver' | 'runDirectory'>,
  counts: () => Counts,
): { pool: Pool; stems: Stems; snapshots: Snapshots; memoryMb: number } {
  const { limits } = options
  const fitting = Math.floor((limits.memoryMb * STEMS_SHARE) / STEM_MEMORY_MB)
  const { runtime } = options.isolation
  const canMount = runtime === undefined || MOUNTING_RUNTIMES.includes(runtime)
  const max = canMount ? Math.min(options.stems.max, fitting) : 0
  const { stems: _, ...rest } = options
  const extensionsMeasured = (ms: number) => counts().extensionsMeasured(ms)
  const parts = { ...rest, ...own, extensionsMeasured, openChannel: openSandboxChannel }
  const snapshotsDirectory = join(options.dataDirectory, 'snapshots')
  const snapshots = new Snapshots({ ...parts, snapshotsDirectory })
  const isBusy = () => pool.isBooting
  const { ageSecondsMax } = limits
  const memoryMb = limits.memoryMb - max * STEM_MEMORY_MB
  const pool = new Pool({
    limits: { ...limits, memoryMb },
    launch: (place, why, events) => launch({ ...parts, stems, snapshots }, place, { why, events }),
    hasStem: (version) => stems.has(version),
  })
  const stems = new Stems({ ...parts, ...options.stems, max, ageSecondsMax, isBusy })
  return { pool, stems, snapshots, memoryMb }
}

/** What runs may finish, for a while. */
async function drain(pool: Pool): Promise<void> {
  const until = performance.now() + DRAIN_MS_MAX
  while (pool.running > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Sandboxes and socket directories of an earlier life of this scheduler. */
async function removeLeftovers(
  driver: SandboxDriver,
  schedulerId: string,
  runDirectory: string,
): Promise<void> {
  const left = (await driver.list()).filter((listing) => listing.schedulerId === schedulerId)
  await Promise.all(left.map(({ id }) => driver.stop(id)))
  await rm(runDirectory, { recursive: true, force: true })
  await mkdir(runDirectory, { recursive: true, mode: 0o700 })
}
