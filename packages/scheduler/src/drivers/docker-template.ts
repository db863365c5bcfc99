// The sandbox template: what a function may do, and nothing more. Nothing of a user's reaches it
// but numbers, paths and an image, and no environment variable of a function ever reaches Docker.

import type Docker from 'dockerode'
import { HOST_NAME, type SandboxNetwork } from './docker-network.ts'
import type { SandboxSpec } from './driver.ts'
import type { NetworkKind } from './namespace-pool.ts'
import { seccompProfile } from './seccomp-profile.ts'

export interface TemplateParts {
  spec: SandboxSpec
  /** How the engine knows a path of ours. */
  toHost(path: string): string
  /** What the sandbox sees at /var/task. */
  codeDirectory: string
  /** What it sees at /opt, if it is not what its image has there. */
  layersDirectory?: string
  /** What it sees at /tmp; memory when there is none. */
  tmpDirectory?: string
  /** Whether code that is mounted there later is to appear in the sandbox. */
  awaitsCode: boolean
  /** The one of sandboxes that have one. */
  network: SandboxNetwork
  /** Id of the container whose network namespace it joins, made ahead under the same rules. */
  holder?: string
  /** Files of the socket directory as `name:place`: who its user is. */
  accounts: readonly string[]
  /** The engine's default when there is none. */
  runtime?: string
}

export const SECCOMP = `seccomp=${seccompProfile()}`
const BYTES_PER_MB = 1024 * 1024
/**
 * Short periods, so that a small CPU share stalls for milliseconds rather than a tenth of a second.
 */
const CPU_PERIOD_US = 20_000
const CPU_SHARE_US_MIN = 1_000
/** hearth-init reads its own group's figures; whole hierarchies hold none. The types lack it. */
const OWN_CGROUPS = { CgroupnsMode: 'private' }
/** What extensions call their own sandbox, as on Lambda. */
const OWN_NAMES = ['sandbox.localdomain:127.0.0.1', 'sandbox:127.0.0.1']
const PIDS_MAX = 1024
const FILES_MAX = 1024

export function hostConfig(parts: TemplateParts): Docker.HostConfig {
  const { spec, toHost, codeDirectory, layersDirectory, tmpDirectory, runtime, holder } = parts
  const forReading = parts.awaitsCode ? 'ro,rslave' : 'ro'
  // Memory-backed, where nothing can mount: what a function writes to /tmp is then its memory.
  const tmpfs = { '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${spec.tmpMb}m` }
  return {
    ...(holder
      ? { NetworkMode: `container:${holder}` }
      : networkOf(spec.network ?? 'internet', parts.network)),
    ...(runtime && { Runtime: runtime }),
    ...OWN_CGROUPS,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges', SECCOMP],
    ...memoryLimits(spec.memoryMb),
    ...cpuLimits(spec.cpus),
    PidsLimit: PIDS_MAX,
    Ulimits: [
      { Name: 'nofile', Soft: FILES_MAX, Hard: FILES_MAX },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    OomScoreAdj: 500,
    ...(!tmpDirectory && { Tmpfs: tmpfs }),
    Binds: [
      `${toHost(spec.socketDirectory)}:/run/hearth:ro`,
      ...parts.accounts.map((file) => `${toHost(spec.socketDirectory)}/${file}:ro`),
      `${toHost(codeDirectory)}:/var/task:${forReading}`,
      ...(layersDirectory ? [`${toHost(layersDirectory)}:/opt:${forReading}`] : []),
      ...(tmpDirectory ? [`${toHost(tmpDirectory)}:/tmp:rw,rslave`] : []),
      ...(spec.cacheDirectory ? [`${toHost(spec.cacheDirectory)}:/var/task/.hearth-cache`] : []),
    ],
    LogConfig: { Type: 'none', Config: {} },
    IpcMode: 'private',
    RestartPolicy: { Name: 'no' },
  }
}

/** Its own loopback and nothing else, or the bridge, on which the host has a name. */
export function networkOf(kind: NetworkKind, network: SandboxNetwork): Docker.HostConfig {
  if (kind === 'none') return { NetworkMode: 'none', ExtraHosts: OWN_NAMES }
  const names = [...OWN_NAMES, `${HOST_NAME}:${network.gateway}`]
  return { NetworkMode: network.id, ExtraHosts: names }
}

/** In bytes; swap is off. */
export function memoryLimits(memoryMb: number) {
  return { Memory: memoryMb * BYTES_PER_MB, MemorySwap: memoryMb * BYTES_PER_MB }
}

export function cpuLimits(cpus: number) {
  const share = Math.max(Math.round(cpus * CPU_PERIOD_US), CPU_SHARE_US_MIN)
  return { CpuPeriod: CPU_PERIOD_US, CpuQuota: share }
}
