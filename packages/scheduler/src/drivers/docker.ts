// Sandboxes as Docker containers: the only file that speaks to the engine. Every container is
// started from one constant template, into which nothing of a user's gets but numbers, paths and an
// image; no environment variable of a function ever reaches Docker.

import { mkdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, sep } from 'node:path'
import Docker from 'dockerode'
import type { SandboxDriver, SandboxListing, SandboxSpec } from './driver.ts'
import { linkTree } from './link-tree.ts'

export interface DockerDriverOptions {
  /** Tells sandboxes of several Hearths on one engine apart. */
  owner: string
  schedulerId: string
  epoch: string
  /** The data directory as this process sees it. */
  dataDirectory: string
}

const NETWORK = 'hearth-sandboxes'
const LABELS = { owner: 'hearth.owner', scheduler: 'hearth.scheduler', epoch: 'hearth.epoch' }
const BYTES_PER_MB = 1024 * 1024
/**
 * Short periods, so that a small CPU share stalls for milliseconds rather than a tenth of a second.
 */
const CPU_PERIOD_US = 20_000
const CPU_QUOTA_US_MIN = 1_000
const SANDBOX_USER = '1051:1051'
const PIDS_MAX = 1024
const FILES_MAX = 1024
/** The engine takes a tenth of a second to pause and as long to go on. */
const FREEZE_AFTER_MS = 10_000
const NOT_FOUND = 404
const CONFLICT = 409

export async function openDockerDriver(options: DockerDriverOptions): Promise<SandboxDriver> {
  const docker = new Docker()
  const containerName = (id: string) => `hearth-${id}`
  await ensureNetwork(docker)
  const toHost = await hostPaths(docker, options.dataDirectory)
  const socketDirectories = new Map<string, string>()
  return {
    async start(spec) {
      if (!spec.codeDirectory) await mkdir(stemCode(spec.socketDirectory))
      socketDirectories.set(spec.id, spec.socketDirectory)
      try {
        const container = await docker.createContainer({
          name: containerName(spec.id),
          Image: spec.image,
          Labels: {
            [LABELS.owner]: options.owner,
            [LABELS.scheduler]: options.schedulerId,
            [LABELS.epoch]: options.epoch,
          },
          User: SANDBOX_USER,
          HostConfig: hostConfig(spec, toHost),
        })
        await container.start()
      } catch (error) {
        throw new Error(explain(error, spec.image), { cause: error })
      }
    },

    async stop(id) {
      socketDirectories.delete(id)
      const container = docker.getContainer(containerName(id))
      await container.remove({ force: true, v: true }).catch((error: DockerError) => {
        if (error.statusCode !== NOT_FOUND && error.statusCode !== CONFLICT) throw error
      })
    },

    async list() {
      const filters = { label: [`${LABELS.owner}=${options.owner}`] }
      const containers = await docker.listContainers({ all: true, filters })
      return containers.map(toListing)
    },

    async specialise(id, { codeDirectory, memoryMb, cpus }) {
      const memory = { Memory: memoryMb * BYTES_PER_MB, MemorySwap: memoryMb * BYTES_PER_MB }
      const socketDirectory = socketDirectories.get(id)
      if (!socketDirectory) throw new Error(`there is no stem ${id}`)
      await Promise.all([
        linkTree(codeDirectory, stemCode(socketDirectory)),
        docker.getContainer(containerName(id)).update({ ...memory, ...cpuLimits(cpus) }),
      ])
    },

    freezeAfterMs: FREEZE_AFTER_MS,

    async freeze(id) {
      await pausing(docker.getContainer(containerName(id)).pause())
    },

    async thaw(id) {
      await pausing(docker.getContainer(containerName(id)).unpause())
    },

    async setCpus(id, cpus) {
      const container = docker.getContainer(containerName(id))
      await container.update(cpuLimits(cpus)).catch((error: DockerError) => {
        if (error.statusCode !== NOT_FOUND) throw error
      })
    },
  }
}

interface DockerError extends Error {
  statusCode?: number
  code?: string
}

/** The sandbox template: what a function may do, and nothing more. */
function hostConfig(spec: SandboxSpec, toHost: (path: string) => string): Docker.HostConfig {
  return {
    NetworkMode: NETWORK,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Memory: spec.memoryMb * BYTES_PER_MB,
    MemorySwap: spec.memoryMb * BYTES_PER_MB,
    ...cpuLimits(spec.cpus),
    PidsLimit: PIDS_MAX,
    Ulimits: [
      { Name: 'nofile', Soft: FILES_MAX, Hard: FILES_MAX },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    OomScoreAdj: 500,
    // Memory-backed for now: what a function writes to /tmp counts as its memory.
    Tmpfs: { '/tmp': `rw,nosuid,nodev,mode=1777,size=${spec.tmpMb}m` },
    Binds: [
      `${toHost(spec.socketDirectory)}:/run/hearth`,
      `${toHost(spec.codeDirectory ?? stemCode(spec.socketDirectory))}:/var/task:ro`,
    ],
    LogConfig: { Type: 'none', Config: {} },
    IpcMode: 'private',
    RestartPolicy: { Name: 'no' },
  }
}

/** Where a stem's code is put when it is known; the sandbox sees it at /var/task. */
const stemCode = (socketDirectory: string) => join(socketDirectory, 'task')

/** A container that is gone, or already as it should be, is fine. */
async function pausing(request: Promise<unknown>): Promise<void> {
  await request.catch((error: DockerError) => {
    if (error.statusCode !== NOT_FOUND && error.statusCode !== CONFLICT) throw error
  })
}

function cpuLimits(cpus: number) {
  const quota = Math.max(Math.round(cpus * CPU_PERIOD_US), CPU_QUOTA_US_MIN)
  return { CpuPeriod: CPU_PERIOD_US, CpuQuota: quota }
}

function toListing(container: Docker.ContainerInfo): SandboxListing {
  return {
    id: (container.Names[0] ?? '').replace(/^\/hearth-/, ''),
    schedulerId: container.Labels[LABELS.scheduler] ?? '',
    epoch: container.Labels[LABELS.epoch] ?? '',
  }
}

/** A bridge on which sandboxes cannot reach one another. */
async function ensureNetwork(docker: Docker): Promise<void> {
  try {
    await docker.getNetwork(NETWORK).inspect()
    return
  } catch (error) {
    if ((error as DockerError).statusCode !== NOT_FOUND) throw new Error(explain(error, ''))
  }
  await docker
    .createNetwork({
      Name: NETWORK,
      Driver: 'bridge',
      CheckDuplicate: true,
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    })
    .catch((error: DockerError) => {
      // Another scheduler on this engine was quicker.
      if (error.statusCode !== CONFLICT) throw error
    })
}

/**
 * How to name a path of the data directory to the engine. When Hearth itself runs in a container
 * its data directory is a mount, and the engine knows it by the mount's source.
 */
async function hostPaths(docker: Docker, dataDirectory: string): Promise<(path: string) => string> {
  const mounts = await ownMounts(docker)
  const mount = mounts
    .filter(({ Destination }) => `${dataDirectory}${sep}`.startsWith(`${Destination}${sep}`))
    .sort((a, b) => b.Destination.length - a.Destination.length)[0]
  if (!mount) return (path) => path
  return (path) => mount.Source + path.slice(mount.Destination.length)
}

/** The mounts of the container we run in; none when we run on the host. */
async function ownMounts(docker: Docker): Promise<{ Source: string; Destination: string }[]> {
  const marker = await readFile('/.dockerenv').catch(() => undefined)
  if (!marker) return []
  try {
    return (await docker.getContainer(hostname()).inspect()).Mounts
  } catch {
    return []
  }
}

/** What went wrong, and what to do about it. */
function explain(error: unknown, image: string): string {
  const { statusCode, code, message } = error as DockerError
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES') {
    return 'The Docker engine does not answer. Start it (`hearth doctor` says how).'
  }
  if (statusCode === NOT_FOUND && image) {
    return `The image ${image} is missing. \`hearth images\` builds or pulls it.`
  }
  return `Docker refused to start a sandbox: ${message}`
}
