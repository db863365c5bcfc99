// Limits under fire: one gateway and three schedulers share limits of 1 and 7 while schedulers are
// killed and paused and Valkey is killed and emptied. The functions themselves report when they
// begin and end, the engine reports which sandboxes died (a fenced scheduler kills what it runs),
// and a sweep over those reports proves that no limit was ever passed.

import {
  GetProvisionedConcurrencyConfigCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Deaths, watchDeaths } from './deaths.ts'
import { eventually, type Hearth, http, type Part, startHearth } from './hearth.ts'
import { hostAddress, type Listener, startListener } from './listener.ts'
import { flush } from './servers.ts'

const LIMITS = { one: 1, seven: 7 }
type Name = keyof typeof LIMITS
const CALLERS = { one: 3, seven: 11 }
/** What a run takes at most, the reports of its beginning and end apart. */
const RUN_MS_MAX = 60
/** One run in so many takes this long at most, so that some are killed on their way. */
const LONG = { every: 20, ms: 3_000 }

let hearth: Hearth
let listener: Listener
let deaths: Deaths
const parts = new Map<string, Part>()

beforeAll(async () => {
  deaths = await watchDeaths()
  listener = await startListener()
  hearth = await startHearth({
    roles: 'gateway',
    env: { HEARTH_SANDBOX_ALLOW: hostAddress() },
  })
  await Promise.all(['a', 'b', 'c'].map(join))
  await eventually('all schedulers live', async () => (await schedulers()).length === 3)
  for (const [name, limit] of Object.entries(LIMITS)) {
    await hearth.create({
      FunctionName: name,
      Timeout: 20,
      files: {
        'index.mjs': `import { hostname } from 'node:os'
        export const handler = async ({ id, url, waitMs }) => {
          const report = (kind) => fetch(url + '/' + [kind, hostname(), id].join('%20'))
          await report('began')
          await new Promise((resolve) => setTimeout(resolve, waitMs))
          await report('ended')
        }`,
      },
    })
    await hearth.lambda.send(
      new PutFunctionConcurrencyCommand({
        FunctionName: name,
        ReservedConcurrentExecutions: limit,
      }),
    )
  }
})
afterAll(async () => {
  for (const { process } of parts.values()) process.kill('SIGCONT')
  await hearth?.stop()
  await listener?.close()
  deaths?.close()
})

async function join(id: string): Promise<void> {
  const env = { HEARTH_SCHEDULER_ID: id, HEARTH_ENVIRONMENTS_MAX: '8', HEARTH_STEMS_MAX: '0' }
  parts.set(id, await hearth.serve('scheduler', env))
}

async function schedulers(): Promise<{ schedulerId: string }[]> {
  const { body } = await http(`${hearth.endpoint}/health`)
  return JSON.parse(body.toString()).schedulers
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Invokes again and again until told to stop, through every failure. @returns what became of it. */
async function call(name: Name, caller: number, isOver: () => boolean) {
  const counts: Record<string, number> = { answered: 0, throttled: 0 }
  for (let turn = 0; !isOver(); turn += 1) {
    const id = `${name}-${caller}-${turn}`
    const mostMs = turn % LONG.every === 0 ? LONG.ms : RUN_MS_MAX
    const waitMs = Math.floor(Math.random() * mostMs)
    const outcome = await hearth.invoke(name, { id, url: listener.url, waitMs }).then(
      () => 'answered' as const,
      (error: Error) => (error.name === 'TooManyRequestsException' ? 'throttled' : error.message),
    )
    counts[outcome] = (counts[outcome] ?? 0) + 1
    if (outcome !== 'answered') await pause(30)
  }
  return counts
}

/** The most runs of a function at any one instant; a run is over by itself or with its sandbox. */
function peak(name: Name): { peak: number; runs: number; open: string[] } {
  const running = new Set<string>()
  let [most, runs] = [0, 0]
  for (const { what } of [...listener.reports, ...deaths.reports].sort((a, b) => a.at - b.at)) {
    const [kind, host, id] = what.split(' ') as [string, string, string | undefined]
    const run = `${host} ${id}`
    if (kind === 'died') for (const one of running) if (one.startsWith(host)) running.delete(one)
    if (!id?.startsWith(`${name}-`)) continue
    if (kind === 'ended') running.delete(run)
    else running.add(run)
    if (kind === 'began') runs += 1
    most = Math.max(most, running.size)
  }
  return { peak: most, runs, open: [...running] }
}

async function trouble(): Promise<void> {
  await pause(8_000)
  await parts.get('b')?.kill()
  // Its next life removes the sandboxes of the last, and with them what still runs there.
  await pause(300)
  await join('b')
  await pause(3_000)
  await flush(hearth.valkey)
  await pause(5_000)
  const { process: paused } = parts.get('c') as Part
  paused.kill('SIGSTOP')
  await pause(4_000)
  paused.kill('SIGCONT')
  await pause(3_000)
  await hearth.valkey.kill()
  await pause(3_000)
  await hearth.valkey.start()
  await pause(5_000)
  const { process: stopped } = parts.get('a') as Part
  stopped.kill('SIGSTOP')
  await pause(13_000)
  stopped.kill('SIGCONT')
  await pause(4_000)
}

test('provisioned environments are spread, and all of them serve before another starts', async () => {
  const code = `export const handler = async () => {
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    return process.env.AWS_LAMBDA_INITIALIZATION_TYPE
  }`
  const FunctionName = await hearth.create({ files: { 'index.mjs': code } })
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName }))
  const one = { FunctionName, Qualifier: '1' }
  await hearth.lambda.send(
    new PutProvisionedConcurrencyConfigCommand({ ...one, ProvisionedConcurrentExecutions: 3 }),
  )
  await eventually('three are there', async () => {
    const config = await hearth.lambda.send(new GetProvisionedConcurrencyConfigCommand(one))
    return config.Status === 'READY'
  })
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => hearth.invoke(FunctionName, {}, { Qualifier: '1' })),
  )
  const provisioned = answers.filter(({ json }) => json === 'provisioned-concurrency')
  expect(provisioned).toHaveLength(3)
})

test('no limit is passed, whatever dies', { timeout: 180_000 }, async () => {
  let isOver = false
  const calls = (Object.keys(LIMITS) as Name[]).flatMap((name) =>
    Array.from({ length: CALLERS[name] }, (_, caller) => call(name, caller, () => isOver)),
  )
  await trouble()
  isOver = true
  const counts = await Promise.all(calls)
  const answered = counts.reduce((sum, one) => sum + (one.answered ?? 0), 0)
  const open = () => [...peak('one').open, ...peak('seven').open]
  // A run whose scheduler died was answered at once, and ends with its sandbox, within ten seconds.
  await expect.poll(open, { timeout: 15_000 }).toEqual([])
  const [one, seven] = [peak('one'), peak('seven')]
  expect(one.peak).toBe(LIMITS.one)
  expect(seven.peak).toBe(LIMITS.seven)
  expect(answered).toBeGreaterThan(500)
  expect(one.runs).toBeGreaterThan(20)
})
