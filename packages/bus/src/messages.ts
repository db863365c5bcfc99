// THE table of what travels on NATS: subjects, streams, buckets and the bodies on each. A subject
// token is only ever an id that we made or a validated name; nothing of a caller's reaches one raw.

import type { AsyncEvent } from '@hearth/core/async-event'
import type { ImageFacts, ImageFault } from '@hearth/core/container-image'
import type { ErrorCode, ThrottleReason } from '@hearth/core/error'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { Architecture, FunctionVersion, SnapshotFault } from '@hearth/core/function'
import type {
  InvocationKind,
  InvocationRecord,
  InvocationResult,
  Start,
} from '@hearth/core/invocation'

/** Request/reply and hints over core NATS. */
export const SUBJECTS = {
  /** Invocations for one scheduler: InvokeMessage, answered by Acceptance and then InvokeReply. */
  invoke: (schedulerId: string) => `hearth.invoke.${schedulerId}`,
  /** Images for functions: ImageQuestion, answered by Acceptance and then ImageAnswer. */
  images: (schedulerId: string) => `hearth.images.${schedulerId}`,
  /** SnapStart: SnapshotQuestion, answered by Acceptance and then SnapshotAnswer. */
  snapshots: (schedulerId: string) => `hearth.snapshots.${schedulerId}`,
  /** Heartbeats of schedulers: SchedulerHeartbeat, every second and when one starts or drains. */
  schedulers: 'hearth.schedulers',
  /** A new gateway asks all schedulers to say hello at once. */
  schedulersWanted: 'hearth.schedulers.wanted',
  /** What one scheduler holds at this moment: no question, answered by SchedulerCensus. */
  environments: (schedulerId: string) => `hearth.environments.${schedulerId}`,
  /** What one scheduler counted in the last hour: HistoryQuestion, answered by SchedulerHistory. */
  history: (schedulerId: string) => `hearth.history.${schedulerId}`,
  /** How far mappings are: all pollers are asked, and each tells PollerProgress. */
  progressWanted: 'hearth.progress.wanted',
  progress: 'hearth.progress',
  /** Throttles of the last hour: ThrottleQuestion to all doors, and each tells DoorThrottles. */
  throttlesWanted: 'hearth.throttles.wanted',
  throttles: 'hearth.throttles',
  /** Work was enqueued: Bell. Whoever misses it looks at the queue a little later. */
  bell: 'hearth.bell',
  /** Whether a source can be read: SourceQuestion, answered by Acceptance and then SourceAnswer. */
  sources: 'hearth.sources',
  /** Heartbeats of pollers: PollerHeartbeat, every second and when one starts or leaves. */
  pollers: 'hearth.pollers',
  /** A new poller asks all others to say hello at once. */
  pollersWanted: 'hearth.pollers.wanted',
  /** Bills: BillQuestion (bill-messages), answered by BillWord and then a Bill as body. */
  bill: 'hearth.bill',
  /** Whether ledger and totals agree: ReconcileQuestion, answered by Reconciliation. */
  reconciliation: 'hearth.reconciliation',
} as const

/** JetStream streams and the subjects that each keeps. */
export const STREAMS = {
  ledger: { name: 'METER', subjects: 'meter.>' },
  logs: { name: 'LOGS', subjects: 'logs.>' },
  /** Asynchronous events that wait, one stream of several. */
  events: (shard: number) => ({ name: `ASYNC_${shard}`, subjects: `aq.${shard}.>` }),
  /** What became of events, on its way to destinations and dead-letter queues. */
  deliveries: { name: 'DELIVERIES', subjects: 'dq.>' },
  /** What is to be put on a queue when its time has come. */
  timers: { name: 'TIMERS', subjects: 'tm.>' },
  /** Events that were given up and have no other place. */
  deadLetters: { name: 'DEAD', subjects: 'dead.>' },
} as const

/** Whether a stream is Hearth's own, or a bucket's: none of them is a source of events. */
export const isOwnStream = (name: string) =>
  /^(KV_|OBJ_|ASYNC_\d+$)/.test(name) ||
  Object.values(STREAMS).some((stream) => typeof stream === 'object' && stream.name === name)

/** `aq.<shard>.<lane>`: the events of one function. */
export const eventSubject = (shard: number, lane: string) => `aq.${shard}.${lane}`

/** `dq.<lane>`: deliveries to one destination. */
export const deliverySubject = (lane: string) => `dq.${lane}`

/** `tm.<shard>.<id>`: one timer, stored if absent. */
export const timerSubject = (shard: number, id: string) => `tm.${shard}.${id}`

/** `dead.<lane>.<id>`: one event that was given up, stored if absent. */
export const deadLetterSubject = (lane: string, id: string) => `dead.${lane}.${id}`

/** `meter.<scheduler>.<epoch>.<segment>`: one segment of invocation records, stored if absent. */
export const ledgerSubject = (schedulerId: string, epoch: string, segment: number) =>
  `meter.${schedulerId}.${epoch}.${segment}`

/**
 * `meter._provisioned.<configuration>.<period>`, stored if absent: one period of one configuration
 * of provisioned concurrency. No scheduler is called so.
 */
export const provisionedSubject = (configuration: string, period: number | '*') =>
  `${PROVISIONED}${configuration}.${period}`

/** Which period a segment of the ledger is, if it is one of provisioned concurrency. */
export function readProvisionedSubject(subject: string): ProvisionedPeriod | undefined {
  if (!subject.startsWith(PROVISIONED)) return undefined
  const [configuration = '', period] = subject.slice(PROVISIONED.length).split('.')
  return { configuration, period: Number(period) }
}
const PROVISIONED = 'meter._provisioned.'

export interface ProvisionedPeriod {
  configuration: string
  /** Counted from 0. */
  period: number
}

/** `logs.<account>.<group>.<stream>`, both in base64url: lines of one log stream. */
export const logSubject = (account: string, group: string, stream: string) =>
  `logs.${account}.${logToken(group)}.${logToken(stream)}`

/** Every log stream of a group. */
export const logGroupSubjects = (account: string, group: string) =>
  `logs.${account}.${logToken(group)}.*`

/** A group's or a log stream's name as a token of subjects and keys. */
export const logToken = (name: string) => Buffer.from(name).toString('base64url')

/** KV buckets. */
export const BUCKETS = {
  accessKeys: 'access-keys',
  checkpoints: 'checkpoints',
  codeSigningConfigs: 'code-signing-configs',
  customerPolicies: 'customer-policies',
  eventSourceMappings: 'event-source-mappings',
  budgets: 'budgets',
  claims: 'claims',
  functions: 'functions',
  layers: 'layers',
  logGroups: 'log-groups',
  roles: 'roles',
  roster: 'roster',
  useTotals: 'use-totals',
} as const

/** What a gateway sends to a scheduler beside the payload. */
export interface InvokeMessage {
  requestId: string
  /** For the metrics; `sync` where it is absent. */
  kind?: InvocationKind
  account: string
  functionName: string
  invokedArn: string
  version: FunctionVersion
  /** By which the version was asked for, if by one. */
  alias?: string
  clientContext?: string
  traceId?: string
  /** Whose environments it may have, where the function keeps its tenants apart. */
  tenantId?: string
  wantsLogTail: boolean
  /** The caller takes the answer as it comes, if the function streams it. */
  takesStream?: boolean
  /** Only in an environment that was provisioned; others are asked before anything starts cold. */
  onlyProvisioned?: true
  /** Which attempt at an asynchronous event this is, from 1. */
  attempt?: number
  /** An attempt that may have run before, at this time or later: whoever had it died. */
  againSince?: number
  /** Milliseconds since the epoch after which the scheduler must not start any more. */
  startBy: number
}

/** Where work waits. */
export interface Bell {
  stream: string
  subject: string
}

/** A scheduler's first word: it has a place for the invocation, or why not. */
export type Acceptance = { accepted: true } | Rejection

export interface Rejection {
  accepted: false
  /**
   * `busy`: no room on this host, try the next. `throttled`: a limit is reached. `late`: startBy
   * has passed.
   */
  rejected: 'busy' | 'draining' | 'late' | 'throttled'
  throttleReason?: ThrottleReason
}

/** What a scheduler says when the function begins to stream; the bytes travel beside it. */
export interface StreamHead extends Start {
  contentType: string
  executedVersion: string
}

/** A scheduler's last word; the payload travels beside it, unless a stream carried it. */
export type InvokeReply =
  | Omit<InvocationResult, 'payload'>
  /** The platform failed: the caller gets AWS's 500 ServiceException. */
  | { platformError: string }

/** Which image a function wants, and for which machines. */
export interface ImageQuestion {
  uri: string
  architecture: Architecture
}

/** What a scheduler found out; `unknown` when it could not ask, and somebody should again. */
export type ImageAnswer = ImageFacts | ImageFault | { unknown: string }

/** Which version is to be loaded ahead of its invocations. */
export type SnapshotQuestion = Pick<InvokeMessage, 'account' | 'functionName' | 'version'>

/** What came of it; `unknown` when it could not be tried, and should be again. */
export type SnapshotAnswer = { prepared: true } | SnapshotFault | { unknown: string }

/** A mapping that is not stored yet, or not with these settings. */
export interface SourceQuestion {
  mapping: EventSourceMapping
}

/** What a poller found out; `unknown` when the source does not answer. */
export type SourceAnswer =
  | { usable: true }
  | { code: ErrorCode; message: string }
  | { unknown: string }

/** What a scheduler says of itself every second. */
export interface SchedulerHeartbeat {
  schedulerId: string
  /** A number that grows with each start of the same scheduler. */
  epoch: string
  draining: boolean
  memoryMbFree: number
  environments: number
  running: number
  /** What this scheduler keeps initialised ahead, if anything. */
  provisioned?: ProvisionedShare[]
}

/** What a poller says of itself every second. */
export interface PollerHeartbeat {
  pollerId: string
  /** It hands its work on and is not to be counted with. */
  leaving: boolean
}

/** One scheduler's part of a version's provisioned concurrency. */
export interface ProvisionedShare {
  account: string
  functionName: string
  version: string
  /** Tells which configuration it is a part of. */
  modifiedAt: number
  /** Environments that have loaded the function, busy ones included. */
  initialised: number
  /** AWS's StatusReason, where they cannot be initialised. */
  failed?: string
}

/** What one scheduler holds at a moment. */
export interface SchedulerCensus {
  schedulerId: string
  /** MiB for functions' sandboxes together, and how many of them no environment has. */
  memoryMb: number
  memoryMbFree: number
  functions: FunctionCensus[]
  stems: StemCensus[]
  /** How invocations of the last minute found their environments. */
  starts: StartCount[]
}

/** The environments of one function version, whichever deployments they are of. */
export interface FunctionCensus {
  account: string
  functionName: string
  version: string
  /** Environments by the name of their state, as ARCHITECTURE.md draws them; no zeros. */
  states: Record<string, number>
  /** Accepted invocations that wait for an environment, and those that run. */
  waiting: number
  running: number
  /** MiB of all its environments. */
  memoryMb: number
}

/** Sandboxes that wait for a function, or come to that or to an end, of one kind and state. */
export interface StemCensus {
  kind: string
  state: string
  count: number
}

export interface StartCount extends Start {
  count: number
}

/** Something to be told to a destination or a dead-letter queue, until it is told. */
export interface Delivery {
  /** The same each time it is tried. */
  id: string
  account: string
  /** An ARN or an address. */
  target: string
  as: 'dead letter' | 'destination'
  condition: 'Failure' | 'Success'
  functionName: string
  /** Qualified, of the function that ran. */
  functionArn: string
  /** The record as JSON; for a dead letter the event as it came. */
  body: string
  requestId: string
  /** Of a dead letter. */
  errorCode?: number
  errorMessage?: string
  /** Of a stream's batch that was given up: where it came from. */
  batch?: { mapping: string; shard: string }
  traceId?: string
  /** Of the event that is told of. */
  tenantId?: string
  /** Milliseconds since the epoch. */
  createdAt: number
}

/** What was given up; the event's payload, or the delivery's body, travels beside it. */
export interface DeadLetter {
  event: AsyncEvent
  /** Present where not the event failed, but what was to be told of it. */
  delivery?: Omit<Delivery, 'body'>
  reason: string
  /** Milliseconds since the epoch. */
  at: number
}

/** A segment of the ledger: at most 500 records, or a period of provisioned concurrency. */
export interface LedgerSegment {
  records: InvocationRecord[]
  provisioned?: ProvisionedRecord[]
}

/** So much of a version was configured to be initialised ahead, for so long; paid in advance. */
export interface ProvisionedRecord {
  account: string
  functionName: string
  version: string
  alias?: string
  architecture: Architecture
  memoryMb: number
  count: number
  /** Milliseconds since the epoch, and how many of them. */
  startedAt: number
  durationMs: number
}

/** Lines of one log stream, oldest first. */
export interface LogBatch {
  stream: string
  events: LogEvent[]
}

/** One log event; `timestamp` in milliseconds since the epoch. */
export interface LogEvent {
  timestamp: number
  message: string
}
