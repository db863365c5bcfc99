// Sandboxes as Docker containers. Every container is started from one constant template; what
// Docker does slowly or not at all, a helper beside it does (docker-hands.ts), unless it cannot
// work here or is turned off: then everything goes through Docker's API.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { explain, hostPaths, isGone, requireRuntime } from './docker-engine.ts'
import { DockerHands, HANDS_IMAGE } from './docker-hands.ts'
import { createOwn, findImage, initFile } from './docker-images.ts'
import { type Destination, openNetwork, type SandboxNetwork } from './docker-network.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { hostConfig } from './docker-template.ts'
import { openUsers, type SandboxUsers, settleIn, USER_LABEL } from './docker-users.ts'
import type { SandboxDriver, SandboxListing, SandboxSpec } from './driver.ts'

export interface DockerDriverOptions {
  /** Tells sandboxes of several Hearths on one engine apart. */
  owner: string
  schedulerId: string
  epoch: string
  /** The data directory as this process sees it. */
  dataDirectory: string
  /** Whether to work with hearth-hands where that is possible, or never. */
  hands: 'auto' | 'off'
  isolation: Isolation
  report(problem: string): void
}

export interface Isolation {
  /** Destinations within private networks that sandboxes may reach all the same. */
  allow: readonly Destination[]
  /** The engine's name for what runs sandboxes, such as `runsc`; its default without one. */
  runtime?: string
}

const LABELS = {
  owner: 'hearth.owner',
  scheduler: 'hearth.scheduler',
  epoch: 'hearth.epoch',
  hands: 'hearth.hands',
}

/**
 * hearth-hands freezes and thaws in a millisecond, but what a function has written to its log
 * should be read first. Docker takes ten to forty times as long.
 */
const FREEZE_AFTER_MS = 1_000
const FREEZE_BY_DOCKER_AFTER_MS = 10_000

export async function openDockerDriver(options: DockerDriverOptions): Promise<SandboxDriver> {
  const docker = new Docker()
  const { allow, runtime } = options.isolation
  await requireRuntime(docker, runtime)
  const network = await openNetwork(docker, allow, options.report)
  const users = await openUsers(docker)
  const toHost = await hostPaths(docker, options.dataDirectory)
  const mountsDirectory = join(options.dataDirectory, 'mounts', options.schedulerId)
  await mkdir(mountsDirectory, { recursive: true, mode: 0o700 })
  const sandboxes = new Map<string, DockerSandbox>()
  const init = once(async () => toHost(await initFile(docker, options.dataDirectory)))
  const own = { docker, network, users, mountsDirectory, toHost, labels: labelsOf(options), init }
  const parts = { ...options, ...own }
  const hands = await openHands(parts, sandboxes)
  await emptyMounts(mountsDirectory)
  const sandboxOf = (id: string) =>
    new DockerSandbox({ ...options, id, hands, ...whereabouts(docker, mountsDirectory, id) })
  const known = (id: string) => sandboxes.get(id) ?? sandboxOf(id)
  return {
    findImage: (name) => findImage(docker, name),

    async start(spec) {
      const sandbox = sandboxOf(spec.id)
      sandboxes.set(spec.id, sandbox)
      await sandbox.prepare(spec)
      const isStem = !spec.codeDirectory && !spec.ownImage
      await startContainer(parts, sandbox, spec, hands !== undefined && isStem)
      sandbox.started()
    },
    async stop(id) {
      const sandbox = known(id)
      sandboxes.delete(id)
      await sandbox.stop()
      users.giveBack(id)
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
    close: async () => hands?.close(),
  }
}

interface Parts extends DockerDriverOptions {
  docker: Docker
  network: SandboxNetwork
  users: SandboxUsers
  mountsDirectory: string
  labels: Record<string, string>
  toHost(path: string): string
  /** Where the engine finds hearth-init as a file. */
  init(): Promise<string>
}

const containerName = (id: string) => `hearth-${id}`

const whereabouts = (docker: Docker, mountsDirectory: string, id: string) => ({
  container: docker.getContainer(containerName(id)),
  directory: join(mountsDirectory, id),
})

const labelsOf = ({ owner, schedulerId, epoch }: DockerDriverOptions) => ({
  [LABELS.owner]: owner,
  [LABELS.scheduler]: schedulerId,
  [LABELS.epoch]: epoch,
})

async function startContainer(
  { docker, toHost, labels, network, users, isolation, init }: Parts,
  sandbox: DockerSandbox,
  spec: SandboxSpec,
  awaitsCode: boolean,
): Promise<void> {
  const { tmpDirectory } = sandbox
  const user = users.take(spec.id)
  const accounts = await settleIn(spec.socketDirectory, user)
  try {
    const template = {
      name: containerName(spec.id),
      Image: spec.image,
      Labels: { ...labels, [USER_LABEL]: String(user) },
      User: `${user}:${user}`,
      HostConfig: hostConfig({
        spec,
        toHost,
        codeDirectory: spec.codeDirectory ?? sandbox.codeDirectory,
        ...(tmpDirectory && { tmpDirectory }),
        awaitsCode,
        network,
        accounts,
        ...(isolation.runtime && { runtime: isolation.runtime }),
      }),
    }
    const { ownImage } = spec
    const container = ownImage
      ? await createOwn(docker, template, { ...ownImage, hostInitFile: await init() })
      : await docker.createContainer(template)
    await container.start()
  } catch (error) {
    throw new Error(explain(error, spec.image), { cause: error })
  }
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
