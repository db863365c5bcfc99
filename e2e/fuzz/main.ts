// The fuzz of `make faults`: requests by the model and mutated, payloads, raw HTTP, and bad zips,
// against one real Hearth; then everything is deleted, and nothing may be left. Prints each figure
// on a line of its own; its exit status is the verdict, and `--seed` makes the same requests again.

import { parseArgs } from 'node:util'
import { type Report, step } from '../../packages/cli/src/progress.ts'
import { type Figure, isBroken, none, render } from '../faults/figure.ts'
import { abuse } from './abuse.ts'
import { fuzzEcho } from './echo.ts'
import { fuzzModel } from './model.ts'
import { openWorld, type World } from './world.ts'
import { fuzzZips } from './zips.ts'

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    requests: { type: 'string', default: '20000' },
    from: { type: 'string', default: '0' },
    zips: { type: 'string', default: '200' },
    payloads: { type: 'string', default: '2000' },
    only: { type: 'string', default: 'model,echo,abuse,zips' },
  },
})
const [seed = 0, requests = 0, zips = 0, payloads = 0] = [
  given.seed,
  given.requests,
  given.zips,
  given.payloads,
].map(Number)

type Step = { title: string; work(world: World, tell: Report): Promise<Figure[]> }
const STEPS: Readonly<Record<string, Step>> = {
  model: {
    title: `${requests} requests by the model, most of them wrong, by seed ${seed}`,
    work: (world, tell) => fuzzModel({ seed, requests, from: Number(given.from) }, world, tell),
  },
  echo: {
    title: `${payloads} payloads, JSON and none, by seed ${seed}`,
    work: (world) => fuzzEcho({ seed, payloads }, world),
  },
  abuse: {
    title: 'Raw HTTP that no client of AWS would send',
    work: (world, tell) =>
      abuse({ idle: 1_000, bodyMb: 200, leavers: 40, patient: true }, world, tell),
  },
  zips: {
    title: `${zips} bad zips by seed ${seed}`,
    work: (world, tell) => fuzzZips({ seed, zips, quick: false }, world, tell),
  },
}

const world = await openWorld()
let broken = 0
const show = (figures: Figure[]) => {
  for (const figure of figures) console.log(render(figure))
  console.log()
  broken += figures.filter(isBroken).length
}
try {
  for (const name of given.only.split(',')) {
    const { title, work } =
      STEPS[name] ?? fail(`there is no ${name}; there are ${Object.keys(STEPS)}`)
    show(await step(title, (tell) => work(world, tell)))
  }
  show([none('things left when all was deleted', await step('Deleting all of it', world.clear))])
} finally {
  await world.stop()
}
console.log(broken === 0 ? 'Nothing broke.' : `${broken} figures are broken: --seed=${seed}.`)
process.exit(broken === 0 ? 0 : 1)

function fail(problem: string): never {
  console.error(problem)
  process.exit(2)
}
