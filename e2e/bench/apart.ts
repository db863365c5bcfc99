// The price of a hop: gateway and scheduler as processes of their own, over NATS, beside one
// process with every role, in the same rounds. Here the one process is the floor.

import { type Hearth, startHearth } from '../hearth.ts'
import { type Effort, measure, pair } from './rounds.ts'
import { type Row, row } from './table.ts'
import { invokeTarget } from './warm.ts'

const CALLERS = [1, 16]
const ONE_CALLER_P50 = { must: 3, moonshot: 2 }

export async function apart(
  together: Hearth,
  options: Effort & {
    functionName: string
    env: Record<string, string>
    create(hearth: Hearth): Promise<unknown>
  },
): Promise<Row[]> {
  const { functionName, env, create, ...effort } = options
  const hearth = await startHearth({ roles: 'gateway,metering', env })
  try {
    await hearth.serve('scheduler')
    await create(hearth)
    const paths = {
      floor: invokeTarget(together, functionName),
      apart: invokeTarget(hearth, functionName),
    }
    const rows: Row[] = []
    for (const callers of CALLERS) {
      const seen = await measure(paths, callers, effort)
      const title = `roles apart over NATS, ${callers} at a time`
      rows.push(
        row(
          `${title}, p50`,
          pair('p50', seen.floor, seen.apart),
          callers === 1 ? ONE_CALLER_P50 : undefined,
        ),
        row(`${title}, p99`, pair('p99', seen.floor, seen.apart)),
        row(`${title}, throughput`, pair('requestsPerSecond', seen.floor, seen.apart)),
      )
    }
    return rows
  } finally {
    await hearth.stop()
  }
}
