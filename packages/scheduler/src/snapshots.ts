// What SnapStart prepares on this host: a version's code beside the cache that its first init left
// (compiled modules, class archives), so that later inits have less to do. The cache is filled by
// one run of the init in a sandbox of its own, and is never written again. The environment that
// waits initialised, and is restored for an invocation, is the pool's.

import { randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type FunctionVersion, hasSnapshot } from '@hearth/core/function'
import { requireRuntime } from '@hearth/core/runtime'
import type { Place } from './deployment.ts'
import type { SandboxDriver } from './drivers/driver.ts'
import { linkTree } from './drivers/link-tree.ts'
import { INIT_TIMED_OUT, type InitFailure } from './init-failure.ts'
import { describe, type LaunchParts, layersOf, sandboxCpus } from './launch.ts'
import { NOBODY, type RuntimeSide } from './runtime-side.ts'
import type { ChannelOwner, SandboxChannel } from './sandbox-channel.ts'

export interface SnapshotsParts extends Omit<LaunchParts, 'driver' | 'snapshots' | 'stems'> {
  driver: Pick<SandboxDriver, 'start' | 'stop'>
  /** Holds one folder a prepared deployment; the host's schedulers may share it. */
  snapshotsDirectory: string
  schedulerId: string
}

/** Beside the code, so that one mount carries both. */
const CACHE = '.hearth-cache'
/** Tells the bootstrap to load the function, leave its cache where it will find it, and end. */
const FILL = { HEARTH_SNAPSHOT: 'fill' }
/** Lambda gives the init of a snapshot at least so long. */
const FILL_MS_MIN = 130_000
const CACHE_BYTES_MAX = 512 * 1024 * 1024
const CACHE_FILES_MAX = 50_000
/** Where folders are while they are filled, or on their way out: nobody mounts from there. */
const UNFINISHED = '.unfinished'
/** Linking and copying what a fill left takes seconds; whoever took so long has died. */
const UNFINISHED_MS_MAX = 3600 * 1000
const DAY_MS = 24 * 3600 * 1000
const CLOSED = 'The scheduler ends.'
/** Lambda forgets a snapshot that nobody has used for so long. */
const UNUSED_MS_MAX = 14 * DAY_MS

export class Snapshots {
  readonly #parts: SnapshotsParts
  /** Tells what this life has not finished from what earlier ones never will. */
  readonly #life = randomBytes(4).toString('hex')
  readonly #filling = new Map<string, Promise<InitFailure | undefined>>()
  /** Deployments whose cache was tried to be filled unasked, and is not there. */
  readonly #tried = new Set<string>()
  readonly #runs = new Set<FillingRun>()
  #isClosed = false

  constructor(parts: SnapshotsParts) {
    this.#parts = parts
  }

  /**
   * What to mount as a version's code: with its cache, where there is one. Where there is none, on
   * a host that did not prepare the version or has swept it, it is filled for later inits.
   */
  async codeDirectory(place: Place): Promise<string> {
    const { version } = place
    if (hasSnapshot(version)) {
      const prepared = this.#folderOf(version)
      if (await touch(prepared)) return prepared
      this.#fillMeanwhile(place)
    }
    return this.#parts.codeDirectory(version.code.sha256)
  }

  /** Fills the cache, once. @returns how the init failed, if it did. @throws when the host does. */
  async prepare(place: Place, prepared: () => void): Promise<InitFailure | undefined> {
    const { deploymentId } = place.version
    const filling =
      this.#filling.get(deploymentId) ??
      this.#prepare(place).finally(() => this.#filling.delete(deploymentId))
    this.#filling.set(deploymentId, filling)
    const failure = await filling
    if (!failure) prepared()
    return failure
  }

  /** Ends what is being filled, and resolves when nothing of it is left; no other begins. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const run of this.#runs) run.abandon()
    await Promise.allSettled(this.#filling.values())
  }

  /** Sweeps now and then once a day. @returns what stops it; a process need not live for it. */
  sweepDaily(): NodeJS.Timeout {
    const sweep = () => {
      this.sweep().catch((error) => this.#parts.report(`old snapshots remain: ${error}`))
    }
    sweep()
    return setInterval(sweep, DAY_MS).unref()
  }

  /**
   * Forgets what nobody has used for long, and what nobody will finish: at once what earlier lives
   * of this scheduler left, and what another scheduler has not touched for an hour.
   */
  async sweep(now = Date.now()): Promise<void> {
    const { snapshotsDirectory } = this.#parts
    const unfinished = join(snapshotsDirectory, UNFINISHED)
    for (const name of await list(snapshotsDirectory)) {
      const folder = join(snapshotsDirectory, name)
      if (name === UNFINISHED || (await ageMs(folder, now)) <= UNUSED_MS_MAX) continue
      const leaving = this.#unfinished()
      await mkdir(unfinished, { recursive: true })
      // In one step, so that nobody mounts half of it; another scheduler may have been quicker.
      await rename(folder, leaving).catch(() => {})
      await remove(leaving)
    }
    for (const name of await list(unfinished)) {
      if (await this.#isAbandoned(unfinished, name, now)) await remove(join(unfinished, name))
    }
  }

  /** One at a time, because inits take a whole CPU; what fails once is not tried again. */
  #fillMeanwhile(place: Place): void {
    const { deploymentId } = place.version
    if (this.#isClosed || this.#filling.size > 0 || this.#tried.has(deploymentId)) return
    this.#tried.add(deploymentId)
    const filled = this.prepare(place, () => this.#tried.delete(deploymentId))
    // How an init failed is in the function's log, and its own environments fail likewise.
    filled.catch((error) => this.#parts.report(`a snapshot's cache is not filled: ${error}`))
  }

  /** A place of this life's own, on the same file system as what is prepared. */
  #unfinished(): string {
    const { snapshotsDirectory, schedulerId } = this.#parts
    const parent = join(snapshotsDirectory, UNFINISHED)
    return join(parent, `${schedulerId}.${this.#life}.${randomBytes(8).toString('hex')}`)
  }

  async #isAbandoned(parent: string, name: string, now: number): Promise<boolean> {
    const [, owner, life] = /^(.+)\.(.+)\..+$/.exec(name) ?? []
    if (owner === this.#parts.schedulerId) return life !== this.#life
    return (await ageMs(join(parent, name), now)) > UNFINISHED_MS_MAX
  }

  #folderOf({ deploymentId }: FunctionVersion): string {
    // A colon parts the halves of a mount.
    return join(this.#parts.snapshotsDirectory, deploymentId.replaceAll(':', '-'))
  }

  async #prepare(place: Place): Promise<InitFailure | undefined> {
    if (this.#isClosed) throw new Error(CLOSED)
    const { version } = place
    const prepared = this.#folderOf(version)
    // Those without a cache have the environment that waits.
    if (!cacheOf(version) || (await exists(prepared))) return undefined
    const id = randomBytes(8).toString('hex')
    const code = await this.#parts.codeDirectory(version.code.sha256)
    const fresh = this.#unfinished()
    try {
      await mkdir(fresh, { recursive: true })
      await linkTree(code, fresh)
      // A function may bring a folder of that name, and nobody else's cache is wanted.
      await remove(join(fresh, CACHE))
      await mkdir(join(fresh, CACHE))
      const run = await startFilling(this.#parts, { place, id, code: fresh })
      this.#runs.add(run)
      try {
        if (this.#isClosed) run.abandon()
        const failure = await run.ended
        if (failure) return failure
        // Nothing of the function's may run any more when its files are read.
        await this.#parts.driver.stop(id)
        await copyBounded(run.cache, join(fresh, CACHE))
      } finally {
        this.#runs.delete(run)
        await run.close()
      }
      await rename(fresh, prepared)
      return undefined
    } finally {
      await remove(fresh)
    }
  }
}

/** Whoever brings an image brings a runtime, and only some of ours know how. */
function cacheOf({ image, configuration }: FunctionVersion) {
  return image ? undefined : requireRuntime(configuration.runtime).cache
}

/** One run of the init whose process ends when it is done. */
interface FillingRun {
  cache: string
  /** How the init failed, if it did; rejects when it was abandoned. */
  ended: Promise<InitFailure | undefined>
  abandon(): void
  close(): Promise<void>
}

async function startFilling(
  parts: SnapshotsParts,
  { place, id, code }: { place: Place; id: string; code: string },
): Promise<FillingRun> {
  const { configuration, network } = place.version
  const { log, process } = describe(parts, place, 'snapshot')
  const startedAt = performance.now()
  const { promise: ended, resolve, reject } = Promise.withResolvers<InitFailure | undefined>()
  const fail = (failure: Omit<InitFailure, 'initMs'>) =>
    resolve({ ...failure, initMs: performance.now() - startedAt })
  const limitMs = Math.max(FILL_MS_MIN, configuration.timeoutSeconds * 1000)
  const timer = setTimeout(() => fail({ reason: INIT_TIMED_OUT }), limitMs)
  const owner: ChannelOwner = {
    side: loadsOnly((body) => fail({ reason: 'init error', body })),
    events: {
      ready: () =>
        channel.startProcess({
          ...process,
          environment: { ...process.environment, ...FILL },
        }),
      exited: (exit) => {
        if ('status' in exit && exit.status === 0) resolve(undefined)
        else fail({ reason: 'exited', exit })
      },
      output: (chunk) => log.take(chunk),
      outputEnded: () => log.cut(),
      lost: () => fail({ reason: 'the sandbox ended before the function was loaded' }),
    },
  }
  const socketDirectory = join(parts.runDirectory, id)
  const channel: SandboxChannel = await parts.openChannel(socketDirectory, owner)
  const cache = join(socketDirectory, 'cache')
  const close = async () => {
    clearTimeout(timer)
    await parts.driver.stop(id)
    await channel.close()
    log.end()
  }
  try {
    await mkdir(cache)
    await chmod(cache, 0o777)
    await parts.driver.start({
      id,
      image: requireRuntime(configuration.runtime).image,
      memoryMb: Math.max(configuration.memoryMb, cacheOf(place.version)?.fillMemoryMb ?? 0),
      cpus: sandboxCpus(configuration.memoryMb),
      tmpMb: configuration.ephemeralStorageMb,
      socketDirectory,
      codeDirectory: code,
      ...(await layersOf(parts, place.version)),
      cacheDirectory: cache,
      ...(network && { network }),
    })
  } catch (error) {
    await close()
    throw error
  }
  const abandon = () => reject(new Error(CLOSED))
  return { cache, ended, abandon, close }
}

/** Who answers a runtime that is to load its function and nothing else. */
function loadsOnly(failed: (body: Uint8Array) => void): RuntimeSide {
  return {
    ...NOBODY,
    initFailed: (body) => {
      failed(body)
      return true
    },
  }
}

/**
 * Copies files and folders, and nothing else, into a folder: what is read here was written by a
 * function.
 */
async function copyBounded(from: string, to: string): Promise<void> {
  let [bytes, files] = [0, 0]
  const copy = async (source: string, target: string): Promise<void> => {
    for (const entry of await readdir(source, { withFileTypes: true })) {
      const [path, copied] = [join(source, entry.name), join(target, entry.name)]
      files += 1
      if (files > CACHE_FILES_MAX) throw new Error('the init left too many files')
      if (entry.isDirectory()) {
        await mkdir(copied)
        await copy(path, copied)
      }
      if (!entry.isFile()) continue
      const { size, mtime } = await stat(path)
      bytes += size
      if (bytes > CACHE_BYTES_MAX) throw new Error('the init left too many bytes')
      await copyFile(path, copied)
      await chmod(copied, 0o644)
      // A Java machine knows the jars of its archive by their size and time.
      await utimes(copied, mtime, mtime)
    }
  }
  await copy(from, to)
}

const isDone = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  )

const exists = (path: string) => isDone(stat(path))

/** Marks as used now. @returns whether it is there. */
const touch = (path: string) => isDone(utimes(path, new Date(), new Date()))

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

const remove = (folder: string) => rm(folder, { recursive: true, force: true })

/** Since it was used last; 0 for one that has just gone. */
const ageMs = (folder: string, now: number): Promise<number> =>
  stat(folder).then(
    ({ mtimeMs }) => now - mtimeMs,
    () => 0,
  )
