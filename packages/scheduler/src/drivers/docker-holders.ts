// Holders: small containers (images/holder) whose network namespaces sandboxes join, since an
// engine makes a namespace for no other reason than a container. Each keeps a connection to a
// socket of ours, so that none outlives its scheduler by more than some seconds, whoever kills it.

import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { explain, isConflict, isGone } from './docker-engine.ts'
import type { SandboxNetwork } from './docker-network.ts'
import { networkOf, SECCOMP } from './docker-template.ts'
import type { Holders, NetworkKind } from './namespace-pool.ts'

export interface DockerHoldersOptions {
  docker: Docker
  dataDirectory: string
  schedulerId: string
  labels: Record<string, string>
  network: SandboxNetwork
  runtime?: string
  toHost(path: string): string
  /** One has ended that was not removed here. */
  ended(holder: string): void
}

export interface DockerHolders extends Holders {
  close(): Promise<void>
}

const IMAGE = 'hearth/holder:trixie'
const SOCKET = 'holders.sock'
/** The program needs less than one of these; what starts it needs some. */
const MEMORY_BYTES = 32 * 1024 * 1024
const PIDS_MAX = 64
/** Nobody's rights. */
const USER = '65534:65534'
/** As much of its id as an engine makes a container's host name. */
const NAME_LENGTH = 12

export async function openHolders(options: DockerHoldersOptions): Promise<DockerHolders> {
  const { docker, labels } = options
  const all = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  const directory = join(options.dataDirectory, 'holders', options.schedulerId)
  const known = new Set<string>()
  const stopListening = await listen(directory, (name) => {
    const holder = [...known].find((id) => id.startsWith(name))
    if (holder !== undefined) options.ended(holder)
  })
  const listed = await docker.listContainers({ all: true, filters: { label: all } })
  await Promise.allSettled(listed.map(({ Id }) => remove(docker, Id)))
  return {
    async make(kind) {
      const holder = await make(options, directory, kind)
      known.add(holder)
      return holder
    },
    remove(holder) {
      known.delete(holder)
      return remove(docker, holder)
    },
    close: stopListening,
  }
}

async function make(
  { docker, labels, network, runtime, toHost }: DockerHoldersOptions,
  directory: string,
  kind: NetworkKind,
): Promise<string> {
  const options: Docker.ContainerCreateOptions = {
    Image: IMAGE,
    Labels: labels,
    User: USER,
    HostConfig: {
      ...networkOf(kind, network),
      ...(runtime && { Runtime: runtime }),
      AutoRemove: true,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges', SECCOMP],
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      PidsLimit: PIDS_MAX,
      IpcMode: 'none',
      Binds: [`${toHost(directory)}:/run/hearth:ro`],
      LogConfig: { Type: 'none', Config: {} },
    },
  }
  try {
    const container = await docker.createContainer(options)
    await container.start().catch(async (error: unknown) => {
      await remove(docker, container.id).catch(() => {})
      throw error
    })
    return container.id
  } catch (error) {
    throw new Error(explain(error, IMAGE), { cause: error })
  }
}

async function remove(docker: Docker, holder: string): Promise<void> {
  await docker
    .getContainer(holder)
    .remove({ force: true, v: true })
    .catch((error: unknown) => {
      // It ends and is removed by itself, too.
      if (!isGone(error) && !isConflict(error)) throw error
    })
}

/** Each holder says its name, which is the beginning of its id. @returns what ends it. */
async function listen(
  directory: string,
  ended: (name: string) => void,
): Promise<() => Promise<void>> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(join(directory, '..'), { recursive: true, mode: 0o700 })
  await mkdir(directory, { mode: 0o755 })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let name = ''
    sockets.add(socket)
    socket.on('data', (chunk) => {
      name = (name + chunk.toString('latin1')).slice(0, NAME_LENGTH)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      if (server.listening && name.length === NAME_LENGTH) ended(name)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(join(directory, SOCKET), resolve)
  })
  server.on('error', () => {})
  await chmod(join(directory, SOCKET), 0o777)
  return async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await rm(directory, { recursive: true, force: true })
  }
}
