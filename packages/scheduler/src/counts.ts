// What a scheduler counts, put together: what it holds when somebody asks, and each invocation as
// it ends, for `hearth top`, for Prometheus and for the console. It never delays an answer, and
// decides nothing.

import type { HistoryQuestion, SchedulerHistory } from '@hearth/bus/figures'
import { type SchedulerCensus, SUBJECTS } from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import { type Holdings, takeCensus } from './census.ts'
import { History } from './history.ts'
import { createMetrics, type SchedulerMetrics } from './metrics.ts'
import type { Provisioned } from './provisioned.ts'
import { StartCounts } from './start-counts.ts'
import type { HeldTokens } from './take.ts'

export interface Counts extends SchedulerMetrics {
  /** It holds a token from now on, until it has ended, whatever became of it. */
  began(functionName: string): void
  ended(functionName: string): void
  /** Now and then, for what runs on. */
  tick(): void
  census(): SchedulerCensus
  history(question: HistoryQuestion): SchedulerHistory
}

/** Well within a minute, so that none is missed. */
const TICK_MS = 10_000

export function openCounts(
  known: { schedulerId: string; memoryMb: number },
  holdings: Omit<Holdings, 'starts'> & {
    tokens: Pick<HeldTokens, 'figures' | 'knows'>
    provisioned: Pick<Provisioned, 'figures'>
  },
): Counts {
  const { tokens, provisioned } = holdings
  const starts = new StartCounts()
  const census = () => takeCensus(known, { ...holdings, starts })
  const metrics = createMetrics({
    census,
    concurrency: () => tokens.figures(),
    provisioned: () => provisioned.figures,
    isThere: (functionName) => tokens.knows(functionName),
  })
  const history = new History(Date.now())
  const { schedulerId } = known
  return {
    ...metrics,
    census,
    began: (functionName) => history.began(functionName, Date.now()),
    ended: (functionName) => history.ended(functionName),
    tick: () => history.tick(Date.now()),
    history: (question) => ({ schedulerId, ...history.answer(question, Date.now()) }),
    finished(message, report) {
      starts.add(report, performance.now())
      history.finished(message.functionName, report, Date.now())
      metrics.finished(message, report)
    },
  }
}

/** Tells whoever asks what is held at that moment, and what was counted in the last hour. */
export function answerCounts(
  requests: Requests,
  schedulerId: string,
  { census, history, tick }: Pick<Counts, 'census' | 'history' | 'tick'>,
): Subscription {
  const timer = setInterval(tick, TICK_MS)
  const answers = [
    requests.answer<unknown, SchedulerCensus, never>(
      SUBJECTS.environments(schedulerId),
      (_, respond) => respond.first(census()),
    ),
    requests.answer<HistoryQuestion, SchedulerHistory, never>(
      SUBJECTS.history(schedulerId),
      ({ meta }, respond) => respond.first(history(meta)),
    ),
  ]
  return {
    close: () => {
      clearInterval(timer)
      for (const answer of answers) answer.close()
    },
  }
}
