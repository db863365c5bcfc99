// Which attempt a run was: the function cannot know, so each run is paired with the ledger's record
// of it by request and time. Pure. What finds no partner is told: runs and records alike.

import type { InvocationRecord } from '@hearth/core/invocation'
import type { History, Run } from './history.ts'

export interface Attempted {
  run: Run
  record: InvocationRecord
}

export interface Pairing {
  pairs: Attempted[]
  /** By request id as the client named it, in the order of the runs. */
  byRequest: Map<string, Attempted[]>
  runsAlone: Run[]
  recordsAlone: InvocationRecord[]
}

/**
 * The record is stamped before the event leaves, by another process's clock. The nearer is tried
 * first: two runs of one attempt may be closer to each other than clocks ever are apart.
 */
const CLOCKS_DIFFER_MS = [5, 50]

export function pair(history: History, records: readonly InvocationRecord[]): Pairing {
  const pairing: Pairing = { pairs: [], byRequest: new Map(), runsAlone: [], recordsAlone: [] }
  const free = new Map<string, InvocationRecord[]>()
  for (const record of [...records].sort((a, b) => a.startedAt - b.startedAt)) {
    free.set(record.requestId, [...(free.get(record.requestId) ?? []), record])
  }
  for (const run of history.runs) {
    const own = free.get(run.requestId) ?? []
    // The latest that had begun by then: one before it may have crashed before its event left.
    const before = (ms: number) => own.findLastIndex((one) => one.startedAt <= run.began + ms)
    const at = CLOCKS_DIFFER_MS.map(before).find((index) => index >= 0)
    const [record] = at === undefined ? [] : own.splice(at, 1)
    if (!record) {
      pairing.runsAlone.push(run)
      continue
    }
    pairing.pairs.push({ run, record })
    pairing.byRequest.set(run.id, [...(pairing.byRequest.get(run.id) ?? []), { run, record }])
  }
  pairing.recordsAlone = [...free.values()].flat()
  return pairing
}
