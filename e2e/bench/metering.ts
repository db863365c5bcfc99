// What metering costs: warm throughput of one process with every role beside one without metering,
// in alternating rounds. What it costs schedulers to write records down is in both.

import { type Hearth, startHearth } from '../hearth.ts'
import { type Effort, measure, pair } from './rounds.ts'
import { type Row, row } from './table.ts'
import { invokeTarget } from './warm.ts'

const CALLERS = [1, 16]
/** Under 3 %. */
const THROUGHPUT = { must: 1.03, moonshot: 1.01 }

export async function metering(
  metered: Hearth,
  options: Effort & {
    functionName: string
    env: Record<string, string>
    create(hearth: Hearth): Promise<unknown>
  },
): Promise<Row[]> {
  const { functionName, env, create, ...effort } = options
  const hearth = await startHearth({ roles: 'gateway,scheduler,poller', env })
  try {
    await create(hearth)
    const paths = {
      floor: invokeTarget(hearth, functionName),
      metered: invokeTarget(metered, functionName),
    }
    const rows: Row[] = []
    for (const callers of CALLERS) {
      const seen = await measure(paths, callers, effort)
      const title = `metered, beside not, ${callers} at a time`
      rows.push(
        row(`${title}, p50`, pair('p50', seen.floor, seen.metered)),
        row(
          `${title}, throughput`,
          pair('requestsPerSecond', seen.floor, seen.metered),
          THROUGHPUT,
        ),
      )
    }
    return rows
  } finally {
    await hearth.stop()
  }
}
