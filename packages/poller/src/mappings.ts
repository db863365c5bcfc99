// The event source mappings of this poller: watches those that are stored, takes part in sharing
// out each that has something to be done for it, tends those that it owns, answers whether a source
// can be read, and gives the figures for metrics. What one mapping needs is in mapping-run.ts.

import { randomUUID } from 'node:crypto'
import type { PollerProgress } from '@hearth/bus/figures'
import {
  type Acceptance,
  type SourceAnswer,
  type SourceQuestion,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import type { Checkpoints } from '@hearth/store/checkpoints'
import type { Claims } from '@hearth/store/claims'
import type { EventSourceMappings } from '@hearth/store/event-source-mappings'
import { followProgress, type MappingFigures, type MappingProgress } from './mapping-progress.ts'
import { type LoopRun, sourceOptions, tendMapping, workOf } from './mapping-run.ts'
import type { Shared, Shares } from './shares.ts'
import { queueOf } from './sources/queues.ts'
import type { AwsAccess, SourceOptions } from './sources/source.ts'

export interface MappingsParts {
  region: string
  requests: Requests
  shares: Shares
  claims: Claims
  mappings: EventSourceMappings
  checkpoints: Checkpoints
  /** The one door. */
  invoke(request: InvocationRequest): Promise<InvocationResult>
  aws: AwsAccess
  /** Hearth's own servers, for sources that live on them. */
  natsUrl: string
  valkeyUrl: string
  /** Batches at a time for a queue whose mapping does not say how many. */
  batchesMax: number
  report(problem: string): void
  /** The loop of a source that is read by position. */
  runStream(run: LoopRun): Promise<void>
  /** Whether such a source can be read. */
  judgeStream(options: SourceOptions): Promise<SourceAnswer>
}

export interface Mappings {
  /** Of the mappings that this poller has worked for and that still exist. */
  figures(): MappingFigures[]
  /** Hands everything on, and closes the shares: resolves when what runs has ended. */
  close(): Promise<void>
}

/** Between two looks at what is stored; the cache costs nothing. */
const LOOK_MS = 500
/** Mappings in one message about how far they are: some hundred kilobytes. */
const TOLD_MAX = 2_000

interface Tended {
  shared: Shared
  progress: MappingProgress
}

export function startMappings(parts: MappingsParts): Mappings {
  const tended = new Map<string, Tended>()
  const leaving = new Set<Promise<void>>()
  const take = (mapping: EventSourceMapping) => {
    const { account, uuid } = mapping
    const progress = followProgress(mapping)
    const shared = parts.shares.share(workOf(uuid), (grant) =>
      tendMapping(parts, { account, uuid, grant, progress }),
    )
    tended.set(uuid, { shared, progress })
  }
  const letGo = (uuid: string) => {
    const gone = tended.get(uuid)?.shared.close()
    tended.delete(uuid)
    const ended = gone?.finally(() => leaving.delete(ended as Promise<void>))
    if (ended) leaving.add(ended)
  }
  const look = () => {
    const wanted = new Map(
      parts.mappings.all().flatMap((one) => (isIdle(one) ? [] : [[one.uuid, one] as const])),
    )
    for (const uuid of tended.keys()) if (!wanted.has(uuid)) letGo(uuid)
    for (const mapping of wanted.values()) if (!tended.has(mapping.uuid)) take(mapping)
  }
  const timer = setInterval(look, LOOK_MS)
  const answers = parts.requests.answer<SourceQuestion, Acceptance, SourceAnswer>(
    SUBJECTS.sources,
    ({ meta }, respond) => {
      respond.first({ accepted: true })
      void judge(parts, meta).then((answer) => respond.last(answer))
    },
  )
  const figures = () =>
    [...tended.values()].map(({ shared, progress }) => {
      const figures = progress.figures()
      // Only whoever reads knows how far behind that is.
      return shared.held() ? figures : { ...figures, lag: {} }
    })
  const pollerId = randomUUID()
  const asked = parts.requests.subscribe(SUBJECTS.progressWanted, () => {
    const mappings = figures().slice(0, TOLD_MAX).map(progressOf)
    const told: PollerProgress = { pollerId, mappings }
    parts.requests.publish(SUBJECTS.progress, told)
  })
  look()
  return {
    figures,
    async close() {
      clearInterval(timer)
      answers.close()
      asked.close()
      // Others must not wait for a poller that is there and takes no part any more.
      await parts.shares.close()
      for (const uuid of [...tended.keys()]) letGo(uuid)
      await Promise.all(leaving)
    },
  }
}

function progressOf(figures: MappingFigures): PollerProgress['mappings'][number] {
  const { uuid, received, filteredOut, invoked, failed, lag } = figures
  return { uuid, received, filteredOut, invoked, failed, lag }
}

/** Nobody needs to do anything for it. */
const isIdle = ({ state }: EventSourceMapping) => state === 'Disabled'

async function judge(parts: MappingsParts, question: SourceQuestion): Promise<SourceAnswer> {
  const options = sourceOptions(parts, question.mapping)
  const judgeIt = queueOf(question.mapping.kind)?.judge ?? parts.judgeStream
  return judgeIt(options).catch((error) => ({ unknown: String(error) }))
}
