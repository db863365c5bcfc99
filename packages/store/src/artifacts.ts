// Code by its content: a zip is stored under its SHA-256 and unpacked once a host, into a folder
// that nobody changes. A bad zip leaves nothing behind, and a crash half-way is done again, because
// a folder or file has its final name only when it is complete.

import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ServiceError } from '@hearth/core/error'
import { UNZIPPED_BYTES_MAX } from './unpack.ts'

export interface Artifact {
  /** Hex. */
  sha256: string
  /** Of the zip, in bytes. */
  size: number
}

export interface Artifacts {
  /** Stores a zip, unpacked and judged. @throws ServiceError when it is too large or no good. */
  put(zip: Uint8Array): Promise<Artifact>
  /** The folder with the unpacked code; made if this host does not have it yet. */
  codeDirectory(sha256: string): Promise<string>
  /** The zip's bytes, or undefined when it is not here. */
  zip(sha256: string): Promise<Buffer | undefined>
}

/** Lambda's limit for a zip in a request, in bytes. */
const ZIPPED_BYTES_MAX = 52_428_800
const UNPACK_MS_MAX = 120_000
const UNPACK_HEAP_MB = 256
const UNPACK = fileURLToPath(new URL('./unpack.ts', import.meta.url))
const run = promisify(execFile)

export async function openArtifacts(directory: string): Promise<Artifacts> {
  const zips = join(directory, 'zips')
  const code = join(directory, 'code')
  const fresh = join(directory, 'fresh')
  // What a crash left half done is nobody's any more.
  await rm(fresh, { recursive: true, force: true })
  await Promise.all([zips, code, fresh].map((path) => mkdir(path, { recursive: true })))
  const zipPath = (sha256: string) => join(zips, sha256.slice(0, 2), `${sha256}.zip`)
  const codePath = (sha256: string) => join(code, sha256)
  const unpacking = new Map<string, Promise<string>>()

  const unpackOnce = (sha256: string, zip: () => Promise<Uint8Array>): Promise<string> => {
    const target = codePath(sha256)
    const running = unpacking.get(sha256)
    if (running) return running
    const work = (async () => {
      if (await exists(target)) return target
      await unpackInto(join(fresh, randomUUID()), await zip(), target)
      return target
    })()
    unpacking.set(sha256, work)
    const done = () => unpacking.delete(sha256)
    work.then(done, done)
    return work
  }

  return {
    async put(zip) {
      if (zip.length > ZIPPED_BYTES_MAX) {
        throw new ServiceError(
          'RequestEntityTooLargeException',
          `Zipped size must be smaller than ${ZIPPED_BYTES_MAX} bytes`,
        )
      }
      const sha256 = createHash('sha256').update(zip).digest('hex')
      await unpackOnce(sha256, async () => zip)
      if (!(await exists(zipPath(sha256)))) await writeDurably(zipPath(sha256), zip)
      return { sha256, size: zip.length }
    },
    codeDirectory: (sha256) =>
      unpackOnce(sha256, async () => {
        const zip = await readFile(zipPath(sha256))
        const actual = createHash('sha256').update(zip).digest('hex')
        if (actual !== sha256) throw new Error(`the stored code ${sha256} has been damaged`)
        return zip
      }),
    zip: (sha256) => readFile(zipPath(sha256)).catch(() => undefined),
  }
}

/** Unpacks beside, in a process of its own, and moves into place when all is well. */
async function unpackInto(workspace: string, zip: Uint8Array, target: string): Promise<void> {
  const source = join(workspace, 'code.zip')
  const folder = join(workspace, 'code')
  try {
    await mkdir(folder, { recursive: true })
    await writeDurably(source, zip)
    await run(
      process.execPath,
      [`--max-old-space-size=${UNPACK_HEAP_MB}`, UNPACK, source, folder],
      {
        timeout: UNPACK_MS_MAX,
        env: {},
      },
    )
    await rename(folder, target).catch(async (error) => {
      // Another process of this host was quicker, with the same content.
      if (!(await exists(target))) throw error
    })
  } catch (error) {
    throw refusal(error)
  } finally {
    await rm(workspace, { recursive: true, force: true })
  }
}

function refusal(error: unknown): unknown {
  const { stdout } = error as { stdout?: string }
  if (stdout === undefined) return error
  if (stdout.startsWith('too large')) {
    return new ServiceError(
      'InvalidParameterValueException',
      `Unzipped size must be smaller than ${UNZIPPED_BYTES_MAX} bytes`,
    )
  }
  return new ServiceError(
    'InvalidParameterValueException',
    'Could not unzip uploaded file. Please check your file, then try to upload again.',
    { cause: new Error(stdout) },
  )
}

/** On disk under its final name, or not at all. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}`
  const file = await open(temporary, 'wx', 0o644)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
