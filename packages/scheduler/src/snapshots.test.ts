// What is kept of SnapStart's caches, and for how long, in a real folder with an engine that is
// played: the sweep forgets what nobody uses or will finish, and nothing else.

import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChannelOwner } from './sandbox-channel.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'
import { Snapshots } from './snapshots.ts'

const DAY_MS = 24 * 3600 * 1000
const FILES = 300
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hearth-snapshots-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const version = () => ({ ...makeVersion({ snapStart: 'PublishedVersions' }), version: '1' })
const placeOf = (one: ReturnType<typeof version>) => ({ ...makeMessage(one), version: one })
const kept = () => readdir(join(root, 'snapshots'))
const unfinished = () => readdir(join(root, 'snapshots/.unfinished')).catch(() => [])

/** One life of a scheduler, whose sandboxes load the function at once and leave a small cache. */
function open(schedulerId: string): Snapshots {
  const owners = new Map<string, ChannelOwner>()
  const channel = { startProcess() {}, killProcesses() {}, memoryPeak: async () => 0 }
  return new Snapshots({
    schedulerId,
    snapshotsDirectory: join(root, 'snapshots'),
    runDirectory: join(root, 'run'),
    region: 'us-east-1',
    codeDirectory: async () => join(root, 'code'),
    layersDirectory: async () => join(root, 'layers'),
    publishLogs() {},
    report() {},
    openChannel: async (directory, owner) => {
      await mkdir(directory, { recursive: true })
      owners.set(directory, owner)
      return { ...channel, close: async () => {} }
    },
    driver: {
      start: async ({ socketDirectory, cacheDirectory = '' }) => {
        await writeFile(join(cacheDirectory, 'compiled'), 'compiled')
        owners.get(socketDirectory)?.events.exited({ status: 0 }, 0)
      },
      stop: async () => {},
    },
  })
}

async function writeCode(): Promise<void> {
  await mkdir(join(root, 'code'))
  for (let n = 0; n < FILES; n += 1) await writeFile(join(root, 'code', `${n}.js`), '')
}

async function age(folder: string, ageMs: number): Promise<void> {
  const then = new Date(Date.now() - ageMs)
  await mkdir(folder, { recursive: true })
  await utimes(folder, then, then)
}

test('what nobody has used for fourteen days goes, and what was used stays', async () => {
  const snapshots = open('one')
  const [used, idle, recent] = [version(), version(), version()]
  for (const one of [used, idle]) await age(join(root, 'snapshots', one.deploymentId), 15 * DAY_MS)
  await age(join(root, 'snapshots', recent.deploymentId), 13 * DAY_MS)
  expect(await snapshots.codeDirectory(placeOf(used))).toBe(
    join(root, 'snapshots', used.deploymentId),
  )
  await snapshots.sweep()
  const stays = ['.unfinished', used.deploymentId, recent.deploymentId]
  expect((await kept()).sort()).toEqual(stays.sort())
  expect(await unfinished()).toEqual([])
  await snapshots.sweep(Date.now() + 15 * DAY_MS)
  expect(await kept()).toEqual(['.unfinished'])
})

test('an init that finds no cache runs on the code alone, and has one filled for the next', async () => {
  const snapshots = open('one')
  const [place, other] = [placeOf(version()), placeOf(version())]
  await writeCode()
  const cached = join(root, 'snapshots', place.version.deploymentId)
  expect(await snapshots.codeDirectory(place)).toBe(join(root, 'code'))
  // One fill at a time: the other's turn comes with its next init.
  expect(await snapshots.codeDirectory(other)).toBe(join(root, 'code'))
  await vi.waitFor(async () => expect(await snapshots.codeDirectory(place)).toBe(cached))
  expect(await readdir(join(cached, '.hearth-cache'))).toEqual(['compiled'])
  expect(await kept()).not.toContain(other.version.deploymentId)
})

test('it sweeps at once, and then every day', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const old = join(root, 'snapshots', 'old')
    await age(old, 15 * DAY_MS)
    const timer = open('one').sweepDaily()
    await expect.poll(kept).toEqual(['.unfinished'])
    await age(old, 15 * DAY_MS)
    vi.advanceTimersByTime(DAY_MS)
    await expect.poll(kept).toEqual(['.unfinished'])
    clearInterval(timer)
  } finally {
    vi.useRealTimers()
  }
})

test('what a dead filler left half filled goes with its scheduler’s next life', async () => {
  const at = (name: string) => join(root, 'snapshots/.unfinished', name)
  await age(at('one.0123abcd.1'), 1_000)
  await age(at('one.two.0123abcd.1'), 1_000)
  await age(at('two.0123abcd.1'), 59 * 60_000)
  await age(at('two.0123abcd.2'), 61 * 60_000)
  await open('one').sweep()
  // Of others it cannot be known at once whether they live.
  expect((await unfinished()).sort()).toEqual(['one.two.0123abcd.1', 'two.0123abcd.1'])
})

test('a sweep takes nothing away from one who fills', async () => {
  await writeCode()
  const [one, other] = [open('one'), open('other')]
  const place = makeMessage(version())
  let isFilling = true
  const filled = one
    .prepare(place, () => {})
    .finally(() => {
      isFilling = false
    })
  let seen = 0
  while (isFilling) {
    seen = Math.max(seen, (await unfinished()).length)
    await Promise.all([one.sweep(), other.sweep()])
  }
  expect(await filled).toBeUndefined()
  expect(seen).toBe(1)
  const folder = join(root, 'snapshots', place.version.deploymentId)
  expect(await readdir(folder)).toHaveLength(FILES + 1)
  expect(await readdir(join(folder, '.hearth-cache'))).toEqual(['compiled'])
  expect(await unfinished()).toEqual([])
})
