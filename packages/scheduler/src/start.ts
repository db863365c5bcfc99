// The scheduler role: takes invocations off the bus, runs them in the pool's environments, writes
// each attempt down before its answer leaves, and says once a second that it lives. One a host; the
// only role that touches the engine. It starts by removing what an earlier life left behind.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Acceptance,
  type InvokeMessage,
  type InvokeReply,
  type LogBatch,
  type SchedulerHeartbeat,
  type StreamHead,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests, Respond } from '@hearth/bus/requests'
import type { InvocationRecord } from '@hearth/core/invocation'
import type { Finished } from './attempt.ts'
import { type AttemptLog, type AttemptStart, openAttemptLog } from './attempt-log.ts'
import { answerCensus, type Counts, openCounts } from './counts.ts'
import type { Place } from './deployment.ts'
import { openDockerDriver } from './drivers/docker.ts'
import type { SandboxDriver } from './drivers/driver.ts'
import { answerImages } from './image-answers.ts'
import { launch } from './launch.ts'
import { Pool, type PoolLimits } from './pool.ts'
import { Provisioned } from './provisioned.ts'
import { ResponseStream } from './response-stream.ts'
import type { FunctionCredentials } from './runtime-environment.ts'
import { openSandboxChannel } from './sandbox-channel.ts'
import { Snapshots } from './snapshots.ts'
import { STEM_MEMORY_MB } from './stem.ts'
import { Stems, type StemsOptions } from './stems.ts'
import type { Tokens } from './tokens.ts'

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
  credentials?: FunctionCredentials
  requests: Requests
  /** Whether to work with the native helper where that is possible, or with Docker's API alone. */
  hands: 'auto' | 'off'
  /** Called once this life may hold tokens: nothing of an earlier one runs any more. */
  openTokens(own: { life: number; fence(): void }): Promise<HeldTokens>
  codeDirectory(sha256: string): Promise<string>
  publishLogs(account: string, group: string, batch: LogBatch): void
  /** Stores a ledger segment unless its subject is taken. */
  ship(subject: string, segment: { records: InvocationRecord[] }): Promise<unknown>
  report(problem: string): void
}

/** What the scheduler needs of its concurrency tokens. */
export type HeldTokens = Pick<Tokens, 'close' | 'give' | 'reasonFor' | 'take' | 'wait' | 'wishes'>

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
/** The first delivery is attempt 1; later ones come with the async queue. */
const FIRST_ATTEMPT = 1
const MICROSECONDS = 1000
const FENCED = 'The scheduler was cut off while the function ran.'
/** The most of the host's sandbox memory that stems may take. */
const STEMS_SHARE = 0.1

export async function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { schedulerId, requests } = options
  const life = Date.now()
  const epoch = String(life)
  const directory = join(options.dataDirectory, 'schedulers', schedulerId)
  const runDirectory = join(options.dataDirectory, 'run', schedulerId)
  const driver = await openDockerDriver({ ...options, epoch })
  await removeLeftovers(driver, schedulerId, runDirectory)
  const attempts = openAttemptLog({ ...options, directory: join(directory, 'attempts'), epoch })
  const { pool, stems, snapshots, memoryMb } = openPool(options, { driver, runDirectory })
  const tokens = await options.openTokens({ life, fence: () => pool.abandonAll(FENCED) })
  const provisioned = new Provisioned(pool, () => tokens.wishes())
  const counts = openCounts({ schedulerId, memoryMb }, { pool, stems })
  let draining = false
  const answering = requests.answer<InvokeMessage, Acceptance, InvokeReply, StreamHead>(
    SUBJECTS.invoke(schedulerId),
    (question, respond) => {
      if (draining) return respond.first({ accepted: false, rejected: 'draining' })
      take(question.meta, question.body, { ...options, pool, attempts, counts, tokens, respond })
    },
  )
  const images = answerImages(requests, schedulerId, driver)
  const beat = () => {
    const self = { schedulerId, epoch, draining }
    requests.publish(SUBJECTS.schedulers, heartbeat(self, pool, provisioned))
  }
  const asked = answerCensus(requests, schedulerId, counts)
  const wanted = requests.subscribe(SUBJECTS.schedulersWanted, beat)
  const sweep = () => {
    if (!draining) provisioned.turn()
    beat()
  }
  const timers = [setInterval(sweep, HEARTBEAT_MS), setInterval(() => pool.reap(), SWEEP_MS)]
  beat()
  return {
    get stems() {
      return stems.parked
    },
    get idle() {
      return countIdle(pool)
    },
    keep: (place, count) => pool.keep(place, count),
    prepare: (place) => snapshots.prepare(place, () => pool.anticipate(place)),
    metrics: counts.text,
    async close() {
      draining = true
      beat()
      const until = performance.now() + DRAIN_MS_MAX
      while (pool.running > 0 && performance.now() < until) await pause()
      for (const timer of timers) clearInterval(timer)
      await Promise.all([pool.stopAll(), stems.close()])
      await driver.close()
      await tokens.close()
      for (const answerer of [answering, images, asked, wanted]) answerer.close()
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

function countIdle(pool: Pool): number {
  const environments = [...pool.deployments].flatMap((one) => [...one.environments])
  return environments.filter(({ idleSince }) => idleSince !== undefined).length
}

/** The pool and its stems, whose memory is set aside from the host's. */
function openPool(
  options: SchedulerOptions,
  own: { driver: SandboxDriver; runDirectory: string },
): { pool: Pool; stems: Stems; snapshots: Snapshots; memoryMb: number } {
  const { limits } = options
  const max = Math.min(
    options.stems.max,
    Math.floor((limits.memoryMb * STEMS_SHARE) / STEM_MEMORY_MB),
  )
  const { stems: _, ...rest } = options
  const parts = { ...rest, ...own, openChannel: openSandboxChannel }
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

const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

interface TakeParts {
  pool: Pool
  attempts: AttemptLog
  tokens: HeldTokens
  counts: Counts
  respond: Respond<Acceptance, InvokeReply, StreamHead>
  streamedBytesMax: number
}

/** One invocation, from the question to the last word; a token in hand makes it synchronous. */
function take(message: InvokeMessage, payload: Uint8Array, parts: TakeParts): void {
  const { tokens, respond } = parts
  const { functionName, version } = message
  const { onlyProvisioned } = message
  const admission = { functionName, version: version.version, onlyProvisioned }
  const token = tokens.take(admission)
  if (token !== undefined) return run(message, payload, { ...parts, token })
  void tokens.wait(admission).then((found) => {
    if (found !== undefined) return run(message, payload, { ...parts, token: found })
    const throttleReason = tokens.reasonFor(admission)
    respond.first({ accepted: false, rejected: 'throttled', throttleReason })
  })
}

function run(
  message: InvokeMessage,
  payload: Uint8Array,
  parts: TakeParts & { token: string },
): void {
  const { pool, attempts, counts, tokens, respond, token } = parts
  const refuse = (rejection: Acceptance) => {
    tokens.give(token)
    respond.first(rejection)
  }
  if (Date.now() > message.startBy) return refuse({ accepted: false, rejected: 'late' })
  // The environment may begin within take(), and the caller must hear that it was accepted before
  // the answer.
  let start: AttemptStart | undefined
  let stream: ResponseStream | undefined
  const openStream = (contentType: string) => {
    if (stream) return undefined
    stream = new ResponseStream(parts.streamedBytesMax)
    respond.stream({ contentType, executedVersion: message.version.version }, stream.body)
    return stream
  }
  const acceptance = pool.take({
    message,
    payload,
    ...(message.takesStream && { openStream }),
    began: (leave) => {
      start = attemptStart(message)
      attempts.begin(start, leave)
    },
    finished: (finished) => {
      tokens.give(token)
      const streamed = stream && { streamedBytes: stream.bytes }
      const record = { ...toRecord(start ?? attemptStart(message), finished), ...streamed }
      attempts.end(record, () => {
        stream?.end()
        respond.last(toReply(message, finished), finished.payload)
        counts.finished(message.functionName, finished.report)
      })
    },
    // A failed attempt that had begun stays open in the log, and is recorded as crashed.
    failed: (reason) => {
      tokens.give(token)
      stream?.end()
      respond.last({ platformError: reason })
      counts.failed()
    },
  })
  if (!acceptance.accepted) return refuse(acceptance)
  respond.first(acceptance)
}

function attemptStart({ requestId, account, functionName, version }: InvokeMessage): AttemptStart {
  const { configuration } = version
  return {
    requestId,
    attempt: FIRST_ATTEMPT,
    account,
    functionName,
    version: version.version,
    architecture: version.architecture,
    memoryMb: configuration.memoryMb,
    ephemeralStorageMb: configuration.ephemeralStorageMb,
    startedAt: Date.now(),
  }
}

function toRecord(start: AttemptStart, { report }: Finished): InvocationRecord {
  return {
    ...start,
    durationMicroseconds: Math.round(report.durationMs * MICROSECONDS),
    initMicroseconds: Math.round((report.initMs ?? 0) * MICROSECONDS),
    billedMs: report.billedMs,
    start: report.start,
    outcome: report.outcome,
    ...(report.coldReason && { coldReason: report.coldReason }),
  }
}

function toReply(message: InvokeMessage, finished: Finished): InvokeReply {
  return {
    requestId: message.requestId,
    executedVersion: message.version.version,
    report: finished.report,
    ...(finished.functionError && { functionError: finished.functionError }),
    ...(finished.logTail && { logTail: finished.logTail }),
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
