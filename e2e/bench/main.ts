// `make bench`: Hearth beside its floors, in one run, as ratios, because absolute figures are the
// machine's. Each group of rows is a file; `--only=warm,cold` runs some, `--seconds` and `--rounds`
// make it quicker and less sure.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Hearth, ROOT, startHearth } from '../hearth.ts'
import { apart } from './apart.ts'
import { bill } from './bill.ts'
import { cold } from './cold.ts'
import { direct } from './direct.ts'
import { events } from './events.ts'
import { startFloor } from './floor.ts'
import { java } from './java.ts'
import { many } from './many.ts'
import { mappings } from './mappings.ts'
import { metering } from './metering.ts'
import { records } from './records.ts'
import { print, type Row } from './table.ts'
import { warm } from './warm.ts'

/** A whole CPU and more, so that no CPU share shows in the figures. */
const MEMORY_MB = 1792
/** Limits are not use: 64 environments of this size stay far below what the machine has. */
const ENV = { HEARTH_MEMORY_MB: '160000' }
const FUNCTION = 'export const handler = async (event) => event'

const GROUPS = 'warm,metering,apart,cold,direct,java,many,events,mappings,records,bill'

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', default: GROUPS },
    /** How many the month of the bill has. */
    records: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
  },
})
const effort = { seconds: Number(given.seconds), rounds: Number(given.rounds) }
const functionName = 'echo'
const files = { 'index.mjs': FUNCTION }
const create = (hearth: Hearth) =>
  hearth.create({ FunctionName: functionName, MemorySize: MEMORY_MB, files })

const hearth = await startHearth({ env: ENV })
const floor = await startFloor()
const groups: Record<string, () => Promise<Row[]>> = {
  warm: () => warm(hearth, floor, { functionName, ...effort }),
  apart: () => apart(hearth, { functionName, env: ENV, create, ...effort }),
  bill: () => bill(Number(given.records)),
  cold,
  direct,
  java,
  metering: () => metering(hearth, { functionName, env: ENV, create, ...effort }),
  many: () => many(hearth, functionName),
  events: () => events(effort),
  mappings,
  records: () => records(hearth, functionName),
}
try {
  await create(hearth)
  const rows: Row[] = []
  for (const name of given.only.split(',')) rows.push(...((await groups[name]?.()) ?? []))
  print(rows)
  const report = `${JSON.stringify({ at: new Date(), rows }, null, 2)}\n`
  await writeFile(join(ROOT, 'e2e/bench/latest.json'), report)
} finally {
  await floor.stop()
  await hearth.stop()
}
