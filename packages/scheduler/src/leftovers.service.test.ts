// A scheduler that is killed in the midst of an invocation, and the one that comes after it: no
// sandbox and no socket of the dead one is left, and the attempt that it was running is in the
// ledger, once, as crashed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openDockerDriver } from './drivers/docker.ts'
import { openHarness } from './scheduler-harness.ts'

const files = {
  'index.js': `exports.handler = (event) => {
    console.log('runs for', event.ms)
    return new Promise((resolve) => setTimeout(resolve, event.ms, event))
  }`,
}
const schedulerId = `left-${process.pid}`
let dataDirectory: string
let child: ChildProcess

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'hearth-left-'))
})
afterAll(async () => {
  child?.kill('SIGKILL')
  await rm(dataDirectory, { recursive: true, force: true })
})

test('what a killed scheduler leaves is removed and recorded', async () => {
  await runAndKill()
  const driver = await openDockerDriver({
    owner: schedulerId,
    schedulerId,
    epoch: '0',
    dataDirectory,
    hands: 'off',
    namespacesMax: 0,
    isolation: { allow: [] },
    report: () => {},
  })
  expect(await driver.list()).toHaveLength(1)
  const next = await openHarness({ files, schedulerId, dataDirectory })
  try {
    expect(await driver.list()).toEqual([])
    expect(await readdir(join(dataDirectory, 'run', schedulerId))).toEqual([])
    await expect
      .poll(() => next.records.map((record) => `${record.requestId} ${record.outcome}`).sort(), {
        // A segment waits for a second before it leaves.
        timeout: 20_000,
      })
      .toEqual(['first success', 'running crashed', 'second success'])
    expect(next.records.find((record) => record.outcome === 'crashed')?.billedMs).toBe(0)
    expect((await next.invoke({ ms: 1 })).body).toBe('{"ms":1}')
  } finally {
    await next.close()
  }
  expect(await driver.list()).toEqual([])
})

test('a clock that was set back makes no earlier life, which nobody would give tokens', async () => {
  const first = await openHarness({ files, schedulerId, dataDirectory })
  await first.scheduler.close()
  const hourAgo = Date.now() - 3_600_000
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => hourAgo)
  const second = await openHarness({ files, schedulerId, dataDirectory })
  clock.mockRestore()
  expect(second.life).toBeGreaterThan(first.life)
  await second.close()
})

/**
 * Two invocations answered, one that its function has begun, then the end; the ledger was away all
 * the time.
 */
async function runAndKill(): Promise<void> {
  const harness = pathToFileURL(join(import.meta.dirname, 'scheduler-harness.ts')).href
  const script = join(dataDirectory, 'victim.ts')
  const configuration = { timeoutSeconds: 30 }
  const parts = { files, configuration, schedulerId, dataDirectory, isLedgerAway: true }
  const options = JSON.stringify(parts)
  await writeFile(
    script,
    `import { openHarness } from '${harness}'
     const harness = await openHarness(${options})
     await harness.invoke({ ms: 1 }, { requestId: 'first' })
     await harness.invoke({ ms: 1 }, { requestId: 'second' })
     void harness.invoke({ ms: 20000 }, { requestId: 'running' })
     const begun = () => harness.log.some((line) => line.includes('runs for 20000'))
     while (!begun()) await new Promise((resolve) => setTimeout(resolve, 10))
     console.log('running')`,
  )
  child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (!child.stdout) throw new Error('the child has no output')
  await once(createInterface(child.stdout), 'line')
  child.kill('SIGKILL')
  await once(child, 'exit')
}
