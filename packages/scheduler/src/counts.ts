// What a scheduler counts, put together: what it holds when somebody asks, and each invocation as
// it ends, for `hearth top` and for Prometheus. It never delays an answer, and decides nothing.

import { type SchedulerCensus, SUBJECTS } from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import { type Holdings, takeCensus } from './census.ts'
import { createMetrics, type SchedulerMetrics } from './metrics.ts'
import { StartCounts } from './start-counts.ts'

export interface Counts extends SchedulerMetrics {
  census(): SchedulerCensus
}

export function openCounts(
  known: { schedulerId: string; memoryMb: number },
  holdings: Omit<Holdings, 'starts'>,
): Counts {
  const starts = new StartCounts()
  const census = () => takeCensus(known, { ...holdings, starts })
  const metrics = createMetrics(census)
  return {
    ...metrics,
    census,
    finished(functionName, report) {
      starts.add(report, performance.now())
      metrics.finished(functionName, report)
    },
  }
}

/** Tells whoever asks what is held at that moment. */
export function answerCensus(
  requests: Requests,
  schedulerId: string,
  { census }: Pick<Counts, 'census'>,
): Subscription {
  return requests.answer<unknown, SchedulerCensus, never>(
    SUBJECTS.environments(schedulerId),
    (_, respond) => respond.first(census()),
  )
}
