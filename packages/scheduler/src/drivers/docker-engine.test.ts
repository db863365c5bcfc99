// An engine that takes questions and answers none, as one does whose starts wait for one another.

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { explain, openEngine } from './docker-engine.ts'

const SILENCE_MS = 100
let directory: string
let server: Server
const sockets = new Set<Socket>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'engine-'))
  const path = join(directory, 'docker.sock')
  server = createServer((socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((listening) => server.listen(path, listening))
  vi.stubEnv('DOCKER_HOST', `unix://${path}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const socket of sockets) socket.destroy()
  await new Promise((closed) => server.close(closed))
  await rm(directory, { recursive: true })
})

test('a silent engine fails what waits for it, and says what to do', async () => {
  const docker = openEngine(SILENCE_MS)
  const failure = await docker.createContainer({ Image: 'hearth/base:trixie' }).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(sockets.size).toBe(1)
  expect(explain(failure, 'hearth/base:trixie')).toBe(
    'The Docker engine broke off, or was silent for two minutes. `hearth doctor` looks at it.',
  )
})
