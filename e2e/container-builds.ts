// The container images and programs that tests bring along as users would: AWS's own runtime client
// for Node.js in an image of its own, and one static Go program. Built on the engine in use; what
// has not changed is not built again.

import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './hearth.ts'

const run = promisify(execFile)
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** An image with `aws-lambda-ric` from npm, unmodified; its native part is compiled in the build. */
export async function buildRic(tag: string): Promise<void> {
  await withContext('ric', async (folder) => {
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
    await run('npm', install, { cwd: folder })
    await build(folder, tag)
  })
}

/** The Go program as a `bootstrap`. @param edition what it says of itself. */
export async function buildGo(edition: string): Promise<Uint8Array> {
  return withContext('go', async (folder) => {
    await compile(folder, edition)
    return readFile(join(folder, 'bootstrap'))
  })
}

/** The Go program as an image's only file. */
export async function buildGoImage(tag: string, edition: string): Promise<void> {
  await withContext('go', async (folder) => {
    await compile(folder, edition)
    await build(folder, tag)
  })
}

/** A runtime of its user's own beside an external extension, which is a file of `extensions`. */
export async function buildExtended(tag: string, extensions: readonly string[]): Promise<void> {
  await withContext('extended', async (folder) => {
    for (const path of extensions) await cp(path, join(folder, basename(path)))
    await build(folder, tag)
  })
}

async function compile(folder: string, edition: string): Promise<void> {
  const flags = `-s -w -X main.edition=${edition}`
  await run('go', ['build', '-trimpath', '-ldflags', flags, '-o', 'bootstrap', 'main.go'], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off', GOFLAGS: '' },
  })
}

async function build(folder: string, tag: string): Promise<void> {
  // The classic builder is everywhere and keeps local images as bases.
  const env = { ...process.env, DOCKER_BUILDKIT: '0' }
  await run('docker', ['build', '--tag', tag, folder], { env, maxBuffer: OUTPUT_BYTES_MAX })
}

/** A copy of a folder of sources, to be added to. */
async function withContext<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `hearth-${name}-`))
  try {
    await cp(join(ROOT, 'e2e', 'containers', name), folder, { recursive: true })
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
