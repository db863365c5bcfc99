// `make faults`: the proof that nothing accepted is lost, nothing is billed twice and no limit is
// passed, while everything is killed, the power goes and the disk fills up. It says what it does,
// prints each figure on a line of its own, and its exit status is the verdict. `--seed` makes the
// same trial again.

import { parseArgs } from 'node:util'
import { type Report, step } from '../../packages/cli/src/progress.ts'
import { type Figure, isBroken, render } from './figure.ts'
import { fillDisk } from './full-disk.ts'
import { cutPower } from './power-cut.ts'
import { runTrial } from './trial.ts'

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    events: { type: 'string', default: '3000' },
    calls: { type: 'string', default: '1000' },
    functions: { type: 'string', default: '20' },
    kills: { type: 'string', default: '12' },
    only: { type: 'string', default: 'kills,power,disk' },
  },
})
const { only, ...counts } = given
const numbers = Object.entries(counts).map(([name, text]) => [name, Number(text)] as const)
const options = Object.fromEntries(numbers) as Record<keyof typeof counts, number>
const { events, calls, functions, kills, seed } = options

const STEPS: Record<string, { title: string; work(report: Report): Promise<Figure[]> }> = {
  kills: {
    title:
      `${events} events and ${calls} calls to ${functions} functions; ${kills} times kill -9 ` +
      `of every role, NATS and Valkey by seed ${seed}`,
    work: async (report) => {
      const { figures, log } = await runTrial(options, report)
      if (figures.some(isBroken)) report(`what was recorded is in ${log}`)
      return figures
    },
  },
  power: { title: 'The power of NATS goes while events are accepted', work: cutPower },
  disk: { title: 'The disk of NATS fills up while events are accepted', work: fillDisk },
}

let broken = 0
for (const name of only.split(',')) {
  const { title, work } =
    STEPS[name] ?? fail(`there is no step ${name}; there are kills, power, disk`)
  const figures = await step(title, work)
  for (const figure of figures) console.log(render(figure))
  console.log()
  broken += figures.filter(isBroken).length
}
console.log(
  broken === 0
    ? 'Nothing was lost, nothing billed twice, no limit passed.'
    : `${broken} figures are broken. Try again with --seed=${seed}.`,
)
process.exit(broken === 0 ? 0 : 1)

function fail(problem: string): never {
  console.error(problem)
  process.exit(2)
}
