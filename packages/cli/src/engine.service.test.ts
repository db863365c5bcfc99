// What the commands make of an engine that answers, of one that does not, and of none.

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { engineState } from './engine.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('an engine answers, hangs, or is silent', async () => {
  expect(await engineState()).toBe('answers')
  const directory = await mkdtemp(join(tmpdir(), 'engine-'))
  const path = join(directory, 'docker.sock')
  vi.stubEnv('DOCKER_HOST', `unix://${path}`)
  expect(await engineState()).toBe('silent')
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.on('error', () => {})))
  await new Promise<void>((listening) => server.listen(path, listening))
  expect(await engineState(1_000)).toBe('hangs')
  expect(sockets).not.toEqual([])
  for (const socket of sockets) socket.destroy()
  await new Promise((closed) => server.close(closed))
  await rm(directory, { recursive: true })
})
