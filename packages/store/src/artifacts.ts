// Code by its content: a zip is stored under its SHA-256 and unpacked once a host, into a folder
// that nobody changes. A bad zip leaves nothing behind, and a crash half-way is done again,
// because a folder or file has its final name only when it is complete. Several processes of a
// host share it.

import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '@hearth/core/error'
import { sweepArtifacts } from './artifact-sweep.ts'
import { exists, moveDurably, unlessAbsent, writeThrough } from './durable-files.ts'
import { forgetTrees, mergeTrees, treeBytes } from './layer-trees.ts'
import { unpackApart } from './unpacking.ts'

export interface Artifact {
  /** Hex. */
  sha256: string
  /** Of the zip, in bytes. */
  size: number
}

export interface Artifacts {
  /**
   * Stores a zip, whole or as it arrives, unpacked and judged. `bytesMax` is Lambda's limit for a
   * zip in a request, unless it is said. @throws ServiceError when it is too large or no good, and
   * whatever the arrival throws.
   */
  put(zip: ZipSource, bytesMax?: number): Promise<Artifact>
  /** The folder with the unpacked code; made if this host does not have it yet. */
  codeDirectory(sha256: string): Promise<string>
  /** The folder with these artifacts laid one over the other, in their order; made likewise. */
  layersDirectory(hashes: readonly string[]): Promise<string>
  /** What the files of these take together once they are unpacked. */
  unpackedBytes(hashes: readonly string[]): Promise<number>
  /** The zip's bytes, or undefined when it is not here. */
  zip(sha256: string): Promise<Buffer | undefined>
  /**
   * Marks what `keep` does not name, and removes what has been marked for a day: so long, a sandbox
   * may still run the code of a function that is gone. Code of functions and of layer versions is
   * to be kept, and of layers that functions use. `now` in milliseconds since the epoch.
   * @returns the hashes that were removed.
   */
  sweep(keep: ReadonlySet<string>, now?: number): Promise<string[]>
}

type ZipSource = Uint8Array | AsyncIterable<Uint8Array>

/** Where the parts of an artifact are, by its hash. */
export interface Places {
  zips: string
  code: string
  /** Layers laid one over the other. */
  merged: string
  marks: string
  zipOf(sha256: string): string
  codeOf(sha256: string): string
  markOf(sha256: string): string
  /** A path that nobody else has, on the same disk. */
  fresh(): string
}

/** Lambda's limit for a zip in a request, in bytes. */
const ZIPPED_BYTES_MAX = 52_428_800
/** Hashed in one go: a millisecond or two, in which nothing else happens. */
const PIECE_BYTES = 1024 * 1024
/** No unpacking takes this long: what is older was left by a crash. */
const LEFTOVER_MS = 3_600_000
const SHA256 = /^[0-9a-f]{64}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const BOOT_ID = '/proc/sys/kernel/random/boot_id'

export async function openArtifacts(directory: string): Promise<Artifacts> {
  const places = await openPlaces(directory)
  const once = openOnce()
  const unpackOnce = (sha256: string, zip: string) =>
    once(sha256, () => unpack(places, sha256, zip))
  const codeDirectory = async (sha256: string) => {
    if (!SHA256.test(sha256)) throw new Error(`${sha256} is not the name of an artifact`)
    return unpackOnce(sha256, places.zipOf(sha256))
  }
  return {
    async put(zip, bytesMax = ZIPPED_BYTES_MAX) {
      if (zip instanceof Uint8Array) requireSize(zip.length, bytesMax)
      const fresh = places.fresh()
      try {
        const { sha256, size } = await writeHashed(fresh, zip, bytesMax)
        // From here on, a sweep that is under way gives back what it has taken.
        await rm(places.markOf(sha256), { force: true })
        await unpackOnce(sha256, fresh)
        await moveDurably(fresh, places.zipOf(sha256))
        return { sha256, size }
      } finally {
        await rm(fresh, { force: true })
      }
    },
    codeDirectory,
    layersDirectory: (hashes) => {
      const [only] = hashes
      if (only !== undefined && hashes.length === 1) return codeDirectory(only)
      return once(hashes.join(), () => mergeTrees(places, hashes, codeDirectory))
    },
    async unpackedBytes(hashes) {
      const folders = await Promise.all(hashes.map(codeDirectory))
      const sizes = await Promise.all(folders.map(treeBytes))
      return sizes.reduce((sum, bytes) => sum + bytes, 0)
    },
    async zip(sha256) {
      if (!SHA256.test(sha256)) return undefined
      return readFile(places.zipOf(sha256)).catch(unlessAbsent)
    },
    async sweep(keep, now = Date.now()) {
      const removed = await sweepArtifacts(places, keep, now)
      await forgetTrees(places, new Set(removed))
      return removed
    },
  }
}

/** Writes and hashes piece by piece, so that whoever invokes need not wait for all of it. */
async function writeHashed(path: string, zip: ZipSource, bytesMax: number): Promise<Artifact> {
  const hash = createHash('sha256')
  let size = 0
  async function* hashed() {
    for await (const piece of zip instanceof Uint8Array ? piecesOf(zip) : zip) {
      size += piece.length
      requireSize(size, bytesMax)
      hash.update(piece)
      yield piece
    }
  }
  await writeThrough(path, hashed())
  return { sha256: hash.digest('hex'), size }
}

function* piecesOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

function requireSize(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return
  throw new ServiceError(
    'RequestEntityTooLargeException',
    `Zipped size must be smaller than ${bytesMax} bytes`,
  )
}

/** For several who want the same folder at the same time. */
function openOnce() {
  const underWay = new Map<string, Promise<string>>()
  return (name: string, make: () => Promise<string>): Promise<string> => {
    const running = underWay.get(name)
    if (running) return running
    const work = make()
    underWay.set(name, work)
    const done = () => underWay.delete(name)
    work.then(done, done)
    return work
  }
}

/** Unpacks beside, in a process of its own, and moves into place when all is well. */
async function unpack(places: Places, sha256: string, zip: string): Promise<string> {
  const target = places.codeOf(sha256)
  if (await exists(target)) return target
  const folder = places.fresh()
  try {
    await mkdir(folder)
    await chmod(folder, 0o755)
    await unpackApart({ zip, sha256, folder })
    await rename(folder, target).catch(async (error) => {
      // Another process of this host was quicker, with the same content.
      if (!(await exists(target))) throw error
    })
    return target
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function openPlaces(directory: string): Promise<Places> {
  const [zips, fresh, marks, unpacked, laid] = ['zips', 'fresh', 'unwanted', 'code', 'merged'].map(
    (name) => join(directory, name),
  ) as [string, string, string, string, string]
  // Unpacked files are not forced onto the disk one by one. They are whole as long as the machine
  // runs, so each boot has a folder of its own, which begins empty.
  const boot = (await readFile(BOOT_ID, 'utf8').catch(() => 'any')).trim()
  const [code, merged] = [join(unpacked, boot), join(laid, boot)]
  await Promise.all(
    [zips, fresh, marks, code, merged].map((path) => mkdir(path, { recursive: true })),
  )
  const newPath = () => join(fresh, randomUUID())
  for (const former of await ofOtherBoots([unpacked, laid], boot)) {
    // Another process that starts at the same time may have taken it away already.
    await rename(former, newPath()).catch(unlessAbsent)
  }
  await removeLeftovers(fresh)
  return {
    zips,
    code,
    merged,
    marks,
    zipOf: (sha256) => join(zips, sha256.slice(0, 2), `${sha256}.zip`),
    codeOf: (sha256) => join(code, sha256),
    markOf: (sha256) => join(marks, sha256),
    fresh: newPath,
  }
}

async function ofOtherBoots(folders: readonly string[], boot: string): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => ({ folder, name }))),
  )
  return found
    .flat()
    .filter(({ name }) => UUID.test(name) && name !== boot)
    .map(({ folder, name }) => join(folder, name))
}

/** Others may be at work there: only what is old belongs to nobody. */
async function removeLeftovers(fresh: string): Promise<void> {
  const oldest = Date.now() - LEFTOVER_MS
  for (const name of await readdir(fresh)) {
    const found = await stat(join(fresh, name)).catch(unlessAbsent)
    if (found && found.mtimeMs < oldest)
      await rm(join(fresh, name), { recursive: true, force: true })
  }
}
