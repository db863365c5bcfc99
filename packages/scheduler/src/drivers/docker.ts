// Sandboxes as Docker containers. Every container is started from one constant template; what
// Docker does slowly or not at all, a helper beside it does (docker-hands.ts), unless it cannot
// work here or is turned off: then everything goes through Docker's API.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { explain, hostPaths, isGone, openEngine } from './docker-engine.ts'
import { programFile } from './docker-files.ts'
import { DockerHands, HANDS_IMAGE } from './docker-hands.ts'
import { openHolders } from './docker-holders.ts'
import { findImage, initFile } from './docker-images.ts'
import { type Destination, openNetwork, type SandboxNetwork } from './docker-network.ts'
import { chooseRuntime, type SandboxRuntime, tryRuntime } from './docker-runtime.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { containerName, isStem, type StartParts, startContainer } from './docker-start.ts'
import { openUsers } from './docker-users.ts'
import type { SandboxDriver, SandboxListing } from './driver.ts'
import { NamespacePool } from './namespace-pool.ts'

export interface DockerDriverOptions {
  /** Tells sandboxes of several Hearths on one engine apart. */
  owner: string
  schedulerId: string
  epoch: string
  /** The data directory as this process sees it. */
  dataDirectory: string
  /** Whether to work with hearth-hands where that is possible, or never. */
  hands: 'auto' | 'off'
  /** Network namespaces that wait for sandboxes which start directly: at most so many. */
  namespacesMax: number
  isolation: Isolation
  report(problem: string): void
}

export interface Isolation {
  /** Destinations within private networks that sandboxes may reach all the same. */
  allow: readonly Destination[]
  /** The engine's name for what runs sandboxes, such as `runsc`; the fastest that works, unsaid. */
  runtime?: string
}

const LABELS = {
  owner: 'hearth.owner',
  scheduler: 'hearth.scheduler',
  epoch: 'hearth.epoch',
  hands: 'hearth.hands',
  holder: 'hearth.holder',
}

/** What functions with extensions need beside their image. */
const EXTENSIONS = {
  image: 'hearth/extensions:trixie',
  path: '/usr/local/bin/hearth-extensions',
}
/**
 * hearth-hands freezes and thaws in a millisecond, but what a function has written to its log
 * should be read first. Docker takes ten to forty times as long.
 */
const FREEZE_AFTER_MS = 1_000
const FREEZE_BY_DOCKER_AFTER_MS = 10_000

export async function openDockerDriver(options: DockerDriverOptions): Promise<SandboxDriver> {
  const docker = openEngine()
  const toHost = await hostPaths(docker, options.dataDirectory)
  const mountsDirectory = join(options.dataDirectory, 'mounts', options.schedulerId)
  await mkdir(mountsDirectory, { recursive: true, mode: 0o700 })
  const own = { ...options, docker, mountsDirectory, toHost }
  const runtime = await openRuntime(own)
  const network = await openNetwork(docker, options.isolation.allow, options.report)
  const users = await openUsers(docker)
  const sandboxes = new Map<string, DockerSandbox>()
  const hands = await openHands(own, sandboxes)
  const { namespaces, closeNamespaces } = await openNamespaces(
    { ...own, sandboxes },
    network,
    runtime,
  )
  const parts = startParts(own, runtime, { network, users, namespaces })
  await emptyMounts(mountsDirectory)
  const sandboxOf = (id: string) =>
    new DockerSandbox({ ...options, id, hands, ...whereabouts(docker, mountsDirectory, id) })
  return {
    findImage: (name) => findImage(docker, name),
    extensionsProgram: once(() => extensionsProgram(docker, options.dataDirectory)),

    async start(spec) {
      const sandbox = sandboxOf(spec.id)
      sandboxes.set(spec.id, sandbox)
      await sandbox.prepare(spec)
      const { codeDirectory, layersDirectory, tmpDirectory } = sandbox
      const awaitsCode = hands !== undefined && isStem(spec)
      const places = { codeDirectory, layersDirectory, tmpDirectory, awaitsCode }
      await startContainer(parts, spec, places)
      sandbox.started()
    },
    async stop(id) {
      const sandbox = sandboxes.get(id) ?? sandboxOf(id)
      sandboxes.delete(id)
      await sandbox.stop()
      users.giveBack(id)
      await namespaces.giveBack(id)
    },
    list: () => list(docker, options.owner),
    async specialise(id, specialisation) {
      const sandbox = sandboxes.get(id)
      if (!sandbox) throw new Error(`there is no stem ${id}`)
      await sandbox.specialise(specialisation)
    },
    get canResizeTmp() {
      return hands?.isAtHand === true && hands.canMountTmp
    },
    get freezeAfterMs() {
      return hands?.isAtHand ? FREEZE_AFTER_MS : FREEZE_BY_DOCKER_AFTER_MS
    },
    freeze: async (id) => sandboxes.get(id)?.freeze(),
    thaw: async (id) => sandboxes.get(id)?.thaw(),
    setCpus: async (id, cpus) => sandboxes.get(id)?.setCpus(cpus),
    close: async () => void (await Promise.all([hands?.close(), closeNamespaces()])),
  }
}

/** @throws Error with a sentence that says what to do. */
async function extensionsProgram(docker: Docker, dataDirectory: string): Promise<string> {
  try {
    return await programFile(docker, dataDirectory, EXTENSIONS)
  } catch (error) {
    throw new Error(explain(error, EXTENSIONS.image), { cause: error })
  }
}

interface Parts extends DockerDriverOptions {
  docker: Docker
  mountsDirectory: string
  toHost(path: string): string
}

const whereabouts = (docker: Docker, mountsDirectory: string, id: string) => ({
  container: docker.getContainer(containerName(id)),
  directory: join(mountsDirectory, id),
})

const labelsOf = ({ owner, schedulerId, epoch }: DockerDriverOptions) => ({
  [LABELS.owner]: owner,
  [LABELS.scheduler]: schedulerId,
  [LABELS.epoch]: epoch,
})

function startParts(
  own: Parts,
  { name }: SandboxRuntime,
  opened: Pick<StartParts, 'namespaces' | 'network' | 'users'>,
): StartParts {
  const { docker, dataDirectory, toHost, report } = own
  return {
    ...{ docker, toHost, report, ...opened },
    ...(name && { runtime: name }),
    labels: labelsOf(own),
    init: once(async () => toHost(await initFile(docker, dataDirectory))),
  }
}

function openRuntime(parts: Parts): Promise<SandboxRuntime> {
  const { docker, mountsDirectory, toHost, report } = parts
  const directory = join(mountsDirectory, 'trial-runtime')
  const attempt = (name: string) => tryRuntime(docker, name, { directory, toHost })
  return chooseRuntime(docker, parts.isolation.runtime, { attempt, report })
}

async function openNamespaces(
  parts: Parts & { sandboxes: ReadonlyMap<string, DockerSandbox> },
  network: SandboxNetwork,
  runtime: SandboxRuntime,
) {
  const { docker, report, owner, schedulerId, sandboxes } = parts
  const holders = await openHolders({
    ...parts,
    ...{ network, labels: { [LABELS.owner]: owner, [LABELS.holder]: schedulerId } },
    ...(runtime.name && { runtime: runtime.name }),
    ended: (holder) => namespaces.holderEnded(holder),
  })
  const namespaces: NamespacePool = new NamespacePool({
    holders,
    max: runtime.joins ? parts.namespacesMax : 0,
    report,
    lost(id) {
      report(`sandbox ${id} is ended: its network namespace has gone`)
      const kill = () => docker.getContainer(containerName(id)).kill()
      // A frozen one would not die.
      sandboxes
        .get(id)
        ?.thaw()
        .then(kill)
        .catch(() => {})
    },
  })
  const closeNamespaces = async () => {
    await namespaces.close()
    await holders.close()
  }
  return { namespaces, closeNamespaces }
}

/** Does it when it is wanted first, and again if it failed. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= work().catch((error) => {
      result = undefined
      throw error
    })
    return result
  }
}

async function openHands(
  parts: Parts,
  sandboxes: Map<string, DockerSandbox>,
): Promise<DockerHands | undefined> {
  await removeOldHands(parts)
  if (parts.hands === 'off') return undefined
  try {
    return await DockerHands.open({
      ...parts,
      labels: { [LABELS.owner]: parts.owner, [LABELS.hands]: parts.schedulerId },
      introduce: (hands) =>
        Promise.all([...sandboxes.values()].map((sandbox) => sandbox.introduce(hands))),
    })
  } catch (error) {
    const reason = isGone(error) ? explain(error, HANDS_IMAGE) : (error as Error).message
    parts.report(
      `hearth-hands does not work here (${reason}), so Docker's API does its work: first ` +
        'invocations and idle environments cost more, and /tmp counts as memory',
    )
    return undefined
  }
}

/** Helpers of this scheduler's earlier lives; they end by themselves, but perhaps not yet. */
async function removeOldHands({ docker, owner, schedulerId }: Parts): Promise<void> {
  const label = [`${LABELS.owner}=${owner}`, `${LABELS.hands}=${schedulerId}`]
  const old = await docker.listContainers({ all: true, filters: { label } })
  const removals = old.map(({ Id }) => docker.getContainer(Id).remove({ force: true }))
  await Promise.allSettled(removals)
}

/** What an earlier life left; what is still mounted, because nobody here may unmount, stays. */
async function emptyMounts(mountsDirectory: string): Promise<void> {
  const names = await readdir(mountsDirectory)
  const old = names.filter((name) => !name.startsWith('.'))
  await Promise.allSettled(
    old.map((name) => rm(join(mountsDirectory, name), { recursive: true, force: true })),
  )
}

async function list(docker: Docker, owner: string): Promise<SandboxListing[]> {
  // Only sandboxes name their scheduler.
  const filters = { label: [`${LABELS.owner}=${owner}`, LABELS.scheduler] }
  const containers = await docker.listContainers({ all: true, filters })
  return containers.map((container) => ({
    id: (container.Names[0] ?? '').replace(/^\/hearth-/, ''),
    schedulerId: container.Labels[LABELS.scheduler] ?? '',
    epoch: container.Labels[LABELS.epoch] ?? '',
  }))
}
