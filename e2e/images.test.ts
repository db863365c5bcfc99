// Where images come from: here already, a registry that answers, or a build where none does, or
// where it is too slow or does not have them. The registry is a real one, on loopback.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Image } from '../packages/cli/src/image-list.ts'
import { ensureImages } from '../packages/cli/src/images.ts'
import { type LoopbackRegistry, startRegistry } from './registry.ts'
import { freePort } from './servers.ts'

const run = promisify(execFile)
const docker = (...args: string[]) => run('docker', args)
const TAG = 'hearth-test/thing:1'
const said: string[] = []
let folder: string
let registry: LoopbackRegistry

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-images-'))
  registry = await startRegistry()
  await writeFile(join(folder, 'content'), 'an image of one file')
  const upstream = `${registry.host}/thing:1`
  await importImage(upstream, 'pulled')
  await docker('push', upstream)
  await docker('rmi', upstream)
})
afterEach(async () => {
  said.length = 0
  await docker('rmi', '--force', TAG).catch(() => {})
})
afterAll(async () => {
  await docker('rmi', '--force', `${registry.host}/thing:1`).catch(() => {})
  await registry.stop()
  delete process.env.HEARTH_REGISTRY
  await rm(folder, { recursive: true, force: true })
})

/** The smallest image, with a label that says where it is from. */
async function importImage(tag: string, origin: string): Promise<void> {
  const archive = join(folder, `${origin}.tar`)
  await run('tar', ['-cf', archive, '-C', folder, 'content'])
  await docker('import', '--change', `LABEL origin=${origin}`, archive, tag)
}

const image = (upstream: string): Image => ({
  tag: TAG,
  from: [],
  upstream,
  make: () => importImage(TAG, 'built'),
})

async function ensure(host: string, upstream = 'thing:1'): Promise<string> {
  process.env.HEARTH_REGISTRY = host
  await ensureImages((doing) => said.push(doing), [image(upstream)])
  const { stdout } = await docker('image', 'inspect', '-f', '{{.Config.Labels.origin}}', TAG)
  return stdout.trim()
}

test('an image is pulled where a registry has it', async () => {
  expect(await ensure(registry.host)).toBe('pulled')
})

test('an image that a registry does not have is built', async () => {
  expect(await ensure(registry.host, 'nothing:1')).toBe('built')
  expect(said).toContain(`${registry.host}/nothing:1 could not be pulled; building it instead`)
})

test('an image that is here is left alone, whatever the registry', async () => {
  await importImage(TAG, 'mine')
  expect(await ensure(registry.host)).toBe('mine')
  expect(said).toEqual([])
})

test('without a registry an image is built at once', async () => {
  expect(await ensure(`localhost:${await freePort()}`)).toBe('built')
  expect(said[0]).toMatch(/^no image registry answers/)
})

test('a registry that takes the call and never answers is given up for a build', async () => {
  const silent: Server = createServer(() => {})
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
  const address = silent.address() as { port: number }
  const startedAt = performance.now()
  expect(await ensure(`localhost:${address.port}`)).toBe('built')
  expect(performance.now() - startedAt).toBeLessThan(20_000)
  silent.close()
})
