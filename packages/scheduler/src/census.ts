// What this scheduler holds at a moment, counted for people: environments by function and state,
// stems by kind and state, memory, and how the last minute's invocations began. It only reads, and
// answers `hearth top` and the gauges of metrics.ts alike.

import type { FunctionCensus, SchedulerCensus, StemCensus } from '@hearth/bus/messages'
import type { Deployment } from './deployment.ts'
import type { StateName } from './environment-states.ts'
import type { StartCounts } from './start-counts.ts'
import type { Stem } from './stem.ts'

/** Where the facts are: a pool, its stems, and what was counted. */
export interface Holdings {
  pool: { deployments: Iterable<Counted>; memoryMbFree: number }
  stems: { all: Iterable<Pick<Stem, 'kind' | 'stateName'>> }
  starts: Pick<StartCounts, 'list'>
}

/** What a deployment shows of itself here. */
export type Counted = Pick<Deployment, 'functionKey' | 'waiting'> & {
  place: { account: string; functionName: string; version: { version: string } }
  environments: Iterable<{ stateName: StateName; parts: { memoryMb: number } }>
}

/** States in which an invocation runs. */
const RUNNING: readonly StateName[] = ['Busy', 'Retrying']

export function takeCensus(
  known: { schedulerId: string; memoryMb: number },
  { pool, stems, starts }: Holdings,
  now = performance.now(),
): SchedulerCensus {
  return {
    ...known,
    memoryMbFree: pool.memoryMbFree,
    functions: countFunctions(pool.deployments),
    stems: countStems(stems.all),
    starts: starts.list(now),
  }
}

function countFunctions(deployments: Iterable<Counted>): FunctionCensus[] {
  const byKey = new Map<string, FunctionCensus>()
  for (const { functionKey, place, waiting, environments } of deployments) {
    const { account, functionName, version } = place
    const census = byKey.get(functionKey) ?? {
      account,
      functionName,
      version: version.version,
      states: {},
      waiting: 0,
      running: 0,
      memoryMb: 0,
    }
    byKey.set(functionKey, census)
    census.waiting += waiting
    for (const { stateName, parts } of environments) {
      census.states[stateName] = (census.states[stateName] ?? 0) + 1
      census.memoryMb += parts.memoryMb
      if (RUNNING.includes(stateName)) census.running += 1
    }
  }
  return [...byKey.values()]
}

function countStems(stems: Iterable<Pick<Stem, 'kind' | 'stateName'>>): StemCensus[] {
  const counts = new Map<string, StemCensus>()
  for (const { kind, stateName } of stems) {
    const key = `${kind.key}/${stateName}`
    const known = counts.get(key) ?? { kind: kind.key, state: stateName, count: 0 }
    counts.set(key, { ...known, count: known.count + 1 })
  }
  return [...counts.values()]
}
