// The seam to whatever runs sandboxes: Docker now, Kubernetes later. A sandbox is a container that
// runs hearth-init (images/README.md); what happens inside it is environment.ts's affair, not the
// driver's. Drivers know no function, no invocation and no billing: numbers, paths and images are
// all they see.

import type { ImageFacts, ImageFault } from '@hearth/core/container-image'

/**
 * Everything a driver needs to start one sandbox; nothing of a user's reaches it but numbers and
 * paths.
 */
export interface SandboxSpec {
  /** Our id: lower-case letters, digits and dashes. It names the container. */
  id: string
  image: string
  /** Memory limit in MiB; swap is off. */
  memoryMb: number
  /** CPU share in cores. */
  cpus: number
  /** Size of /tmp in MiB. */
  tmpMb: number
  /** The sandbox's private directory, holding its three sockets; mounted at /run/hearth. */
  socketDirectory: string
  /**
   * The unpacked code, mounted read-only at /var/task; absent for a stem, which gets it by
   * `specialise`.
   */
  codeDirectory?: string
  /** The layers, mounted read-only at /opt; absent where there are none. */
  layersDirectory?: string
  /**
   * A folder that the function may fill, mounted at /var/task/.hearth-cache, which is a folder of
   * the code then; absent but for snapshots.
   */
  cacheDirectory?: string
  /** Present when `image` is a user's own: it brings its code and does not have hearth-init. */
  ownImage?: OwnImage
  /** Set for one that is to have no network. */
  network?: 'none'
  /** Set for a stem of a user's own image, whose code is there from the start. */
  isStem?: true
}

/** A user's image in place of one of ours. */
export interface OwnImage {
  /** What to pull when the engine does not have it any more, or never had. */
  pullName: string
  /** Folders that it declares as volumes; a sandbox may only read them. */
  volumes: readonly string[]
}

/**
 * What a stem becomes: the same figures as a sandbox that starts with them. Without a code
 * directory where the code is in the image.
 */
export type Specialisation = Pick<
  SandboxSpec,
  'codeDirectory' | 'cpus' | 'layersDirectory' | 'memoryMb' | 'tmpMb'
>

/** A sandbox found running, perhaps of an earlier scheduler. */
export interface SandboxListing {
  id: string
  /** Which scheduler started it, and in which of its lives. */
  schedulerId: string
  epoch: string
}

export interface SandboxDriver {
  /**
   * The image that a name means at this moment, pulled if it has to be. @returns why it cannot be
   * had. @throws Error when the engine itself does not answer.
   */
  findImage(name: string): Promise<ImageFacts | ImageFault>
  /** hearth-extensions, which runs in sandboxes of functions with extensions, as a file here. */
  extensionsProgram(): Promise<string>
  /** Resolves once the sandbox runs; rejects with a sentence that says what to do. */
  start(spec: SandboxSpec): Promise<void>
  /**
   * Kills and removes; harmless when the sandbox is gone. Resolves when its memory is free again.
   */
  stop(id: string): Promise<void>
  /** Sandboxes of this Hearth on this host, of any epoch. */
  list(): Promise<SandboxListing[]>
  /**
   * Gives a running stem its code and its limits; all of them hold when this resolves. Once a
   * sandbox. One for which it rejects is good for nothing but `stop`: that is so when `tmpMb` is
   * not what the stem was started with, and cannot be changed.
   */
  specialise(id: string, specialisation: Specialisation): Promise<void>
  /** Whether `specialise` can change the size of a stem's /tmp at this moment. */
  readonly canResizeTmp: boolean
  /** Sets the CPU share of a running sandbox. */
  setCpus(id: string, cpus: number): Promise<void>
  /** Idle for so long, a sandbox is worth freezing: what it costs to thaw it decides. */
  readonly freezeAfterMs: number
  /**
   * Halts every process of a sandbox where it is. Asked in any order with `thaw`, the last one
   * asked for holds; harmless when the sandbox is gone.
   */
  freeze(id: string): Promise<void>
  /** Resolves once its processes run again. A sandbox that is stopped need not be thawed first. */
  thaw(id: string): Promise<void>
  /** When every sandbox has been stopped: leaves nothing of the driver's own on the host. */
  close(): Promise<void>
}
