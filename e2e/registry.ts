// A real image registry for tests: Debian's, on a loopback port of its own, with its images in a
// folder that goes when it stops.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './hearth.ts'
import { freePort } from './servers.ts'

export interface LoopbackRegistry {
  /** As it stands in the names of images: `localhost:5000`. */
  host: string
  stop(): Promise<void>
}

export async function startRegistry(): Promise<LoopbackRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-registry-'))
  const port = await freePort()
  const config = join(folder, 'registry.yml')
  const storage = `storage:\n  filesystem:\n    rootdirectory: ${folder}/store\n`
  await writeFile(config, `version: 0.1\n${storage}http:\n  addr: 127.0.0.1:${port}\n`)
  const registry = spawn('/usr/bin/docker-registry', ['serve', config], { stdio: 'ignore' })
  await eventually('the registry answers', () =>
    fetch(`http://127.0.0.1:${port}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return {
    host: `localhost:${port}`,
    async stop() {
      registry.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
