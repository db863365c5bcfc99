// Probes from inside functions that take all they can get: each is bounded, its function hears of
// it, and neither the platform nor a neighbour's function does.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'
import { NODE, PYTHON } from './isolation/probes.ts'

const docker = promisify(execFile)
const PIDS_MAX = 1024
const FILES_MAX = 1024
/** What the engine gives a container of shared memory. */
const SHM_MB = 64

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
  await Promise.all([
    hearth.create({
      FunctionName: 'node',
      files: { 'index.mjs': NODE },
      Timeout: 60,
      MemorySize: 1024,
    }),
    hearth.create({
      FunctionName: 'python',
      Runtime: 'python3.13',
      files: { 'index.py': PYTHON },
      Timeout: 60,
      MemorySize: 256,
    }),
  ])
})
afterAll(() => hearth?.stop())

const ask = async (name: string, event: unknown) => (await hearth.invoke(name, event)).json

/** A neighbour's function answers as before. */
async function expectNeighbour(name: 'node' | 'python'): Promise<void> {
  expect((await ask(name, { do: 'me' })).ok).toBeTruthy()
}

test('processes are bounded, and the environment survives it', async () => {
  const [{ ok }] = await Promise.all([
    ask('node', { do: 'fork', count: PIDS_MAX + 200 }),
    expectNeighbour('python'),
  ])
  expect(ok.error).toBe('EAGAIN')
  expect(ok.children).toBeLessThan(PIDS_MAX)
  expect(ok.children).toBeGreaterThan(PIDS_MAX / 2)
  await expectNeighbour('node')
})

test('a shell that forks without end is stopped by its timeout', async () => {
  await hearth.create({
    FunctionName: 'bomb',
    files: { 'index.mjs': NODE },
    Timeout: 3,
    MemorySize: 512,
  })
  const answer = await hearth.invoke('bomb', {
    do: 'shell',
    script: 'f() { f | f & }; f; sleep 60',
  })
  expect(answer.error).toBe('Unhandled')
  await expectNeighbour('python')
  expect((await ask('bomb', { do: 'me' })).ok.user.username).toBe('sbx_user1051')
})

test('open files are bounded', async () => {
  const { ok } = await ask('node', { do: 'open', count: FILES_MAX * 2 })
  expect(ok.error).toBe('EMFILE')
  expect(ok.opened).toBeLessThan(FILES_MAX)
})

test('memory is bounded, and what is too much is a kill of this function alone', async () => {
  expect((await ask('python', { do: 'grow', mb: 64 })).ok).toBe(64)
  const [answer] = await Promise.all([
    hearth.invoke('python', { do: 'grow', mb: 1024 }),
    expectNeighbour('node'),
  ])
  expect(answer.json.errorMessage).toContain('signal: killed')
  await expectNeighbour('python')
})

test('/tmp is bounded', async () => {
  const { ok } = await ask('node', { do: 'fill', path: '/tmp/full', mb: 600 })
  expect(ok.error).toBe('ENOSPC')
  expect(ok.written).toBeGreaterThan(400)
  expect(ok.written).toBeLessThanOrEqual(512)
})

test('shared memory is bounded', async () => {
  const { ok } = await ask('node', { do: 'fill', path: '/dev/shm/full', mb: SHM_MB * 2 })
  expect(ok.error).toBe('ENOSPC')
  expect(ok.written).toBeLessThanOrEqual(SHM_MB)
})

test('a flood of output slows its function down, not its neighbours', async () => {
  const flood = hearth.invoke('python', { do: 'flood', mb: 4 }, { LogType: 'Tail' })
  const startedAt = performance.now()
  await expectNeighbour('node')
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  const { log } = await flood
  expect(log.length).toBeLessThanOrEqual(4096)
})

test('no two live sandboxes have the same user, whatever their functions', async () => {
  const names = ['one', 'two', 'three']
  await Promise.all(
    names.map((FunctionName) => hearth.create({ FunctionName, files: { 'index.mjs': NODE } })),
  )
  const sleep = { do: 'shell', script: 'sleep 2; id -u' }
  const asked = [...names, ...names].map((name) => ask(name, sleep))
  const users = (await Promise.all(asked)).map(({ ok }) => Number(ok))
  expect(users.every((user) => user > 1051)).toBe(true)
  expect(new Set(users).size).toBe(6)
  const ids = await hearth.sandboxes()
  const { stdout } = await docker('docker', ['inspect', '--format', '{{.Config.User}}', ...ids])
  const live = stdout.trim().split('\n')
  expect(live.length).toBeGreaterThanOrEqual(6)
  expect(new Set(live).size).toBe(live.length)
})
