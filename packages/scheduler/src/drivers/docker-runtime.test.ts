// Which runtime sandboxes get, from what an engine says of itself and how a trial of crun ends.

import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import { chooseRuntime } from './docker-runtime.ts'

const ALL = ['crun', 'runc', 'runsc']

async function choose(
  wanted: string | undefined,
  { runtimes = ALL, usual = 'runc', works = true } = {},
) {
  const tried: string[] = []
  const problems: string[] = []
  const info = {
    Runtimes: Object.fromEntries(runtimes.map((name) => [name, { path: name }])),
    DefaultRuntime: usual,
  }
  const engine = { info: async () => info } as unknown as Docker
  const runtime = await chooseRuntime(engine, wanted, {
    async attempt(name) {
      tried.push(name)
      if (!works) throw new Error('cgroups in hybrid mode not supported')
    },
    report: (problem) => problems.push(problem),
  })
  return { runtime, tried, problems }
}

test('crun is used where it works, and only where a trial says so', async () => {
  const works = await choose(undefined)
  expect(works).toEqual({ runtime: { name: 'crun', joins: true }, tried: ['crun'], problems: [] })
  const { runtime, problems } = await choose(undefined, { works: false })
  expect(runtime).toEqual({ joins: true })
  expect(problems).toEqual([expect.stringMatching(/crun .*\(cgroups in hybrid.*\), so runc does/)])
})

test('an engine that does not know crun, or whose default says more, is not asked to try', async () => {
  const nothing = { tried: [], problems: [] }
  const known = { runtime: { joins: true }, ...nothing }
  expect(await choose(undefined, { runtimes: ['runc'] })).toEqual(known)
  expect(await choose(undefined, { usual: 'crun' })).toEqual(known)
  const own = { runtime: { joins: false }, ...nothing }
  expect(await choose(undefined, { usual: 'runsc' })).toEqual(own)
})

test('what the operator names is used, or said to be unknown', async () => {
  const named = (name: string, joins: boolean) => ({
    runtime: { name, joins },
    tried: [],
    problems: [],
  })
  expect(await choose('runc')).toEqual(named('runc', true))
  expect(await choose('runsc')).toEqual(named('runsc', false))
  await expect(choose('kata')).rejects.toThrow('is kata, which this engine does not know. It knows')
})
