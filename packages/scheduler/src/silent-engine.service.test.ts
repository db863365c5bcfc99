// A scheduler whose engine falls silent ends all the same, before it would be killed.

import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openHarness } from './scheduler-harness.ts'

const ENGINE = '/var/run/docker.sock'

/** A way to the engine that can be blocked: what is asked then arrives nowhere. */
async function openWay() {
  const directory = await mkdtemp(join(tmpdir(), 'engine-'))
  const path = join(directory, 'docker.sock')
  const sockets = new Set<Socket>()
  let isBlocked = false
  const server = createServer((near) => {
    const far = connect(ENGINE)
    sockets.add(near.on('error', () => far.destroy()))
    sockets.add(far.on('error', () => near.destroy()))
    near.on('data', (chunk) => isBlocked || far.write(chunk))
    near.on('end', () => far.end())
    far.pipe(near)
  })
  await new Promise<void>((listening) => server.listen(path, listening))
  return {
    path,
    block: () => {
      isBlocked = true
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((closed) => server.close(closed))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

test('a scheduler ends in time when its engine answers no more, and the next one tidies up', async () => {
  const way = await openWay()
  const schedulerId = 'silent-engine'
  const files = { 'index.js': 'exports.handler = async () => 1' }
  const options = { files, schedulerId, hands: 'off' } as const
  vi.stubEnv('DOCKER_HOST', `unix://${way.path}`)
  const stems = { max: 1, standing: ['nodejs24.x'] }
  const harness = await openHarness({ ...options, stems })
  vi.unstubAllEnvs()
  expect((await harness.invoke()).body).toBe('1')
  // One at work, and one that waits.
  await expect.poll(() => harness.scheduler.stems, { timeout: 30_000 }).toBe(1)
  way.block()
  const asked = performance.now()
  await harness.close()
  expect(performance.now() - asked).toBeLessThan(40_000)
  expect(await harness.sandboxes()).not.toEqual([])
  await way.close()
  const next = await openHarness(options)
  await next.close()
  expect(await next.sandboxes()).toEqual([])
})
