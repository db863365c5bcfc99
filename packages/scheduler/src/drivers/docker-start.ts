// How one sandbox's container comes to be: its user, its template, its network. One that starts
// directly joins a network namespace that waits for it, where there is one and the engine lets it;
// else the engine makes one, which is most of what a start costs.

import type Docker from 'dockerode'
import { explain } from './docker-engine.ts'
import { createOwn } from './docker-images.ts'
import type { SandboxNetwork } from './docker-network.ts'
import { hostConfig } from './docker-template.ts'
import { type SandboxUsers, settleIn, USER_LABEL } from './docker-users.ts'
import type { SandboxSpec } from './driver.ts'
import type { NamespacePool } from './namespace-pool.ts'

export interface StartParts {
  docker: Docker
  network: SandboxNetwork
  namespaces: NamespacePool
  users: SandboxUsers
  labels: Record<string, string>
  /** The engine's default when there is none. */
  runtime?: string
  toHost(path: string): string
  /** Where the engine finds hearth-init as a file. */
  init(): Promise<string>
  report(problem: string): void
}

/** What of a sandbox is on the host by now. */
export interface SandboxPlaces {
  codeDirectory: string
  /** A stem's alone. */
  layersDirectory: string
  tmpDirectory: string | undefined
  /** Whether code that is mounted there later is to appear in the sandbox. */
  awaitsCode: boolean
}

/** Engines tell it when they create or when they start. */
const HOLDER_GONE = /no such container|non running container/i

export const containerName = (id: string) => `hearth-${id}`

/** A sandbox that is started before its function is known. */
export const isStem = (spec: SandboxSpec) =>
  spec.isStem === true || (!spec.codeDirectory && !spec.ownImage)

/** @throws Error with a sentence that says what to do. */
export async function startContainer(
  parts: StartParts,
  spec: SandboxSpec,
  places: SandboxPlaces,
): Promise<void> {
  const { namespaces } = parts
  const user = parts.users.take(spec.id)
  const accounts = await settleIn(spec.socketDirectory, user)
  const wish = { spec, places, user, accounts }
  // Nobody waits for a stem: what is made ahead is for those who do.
  const holder = isStem(spec) ? undefined : namespaces.take(spec.id, spec.network ?? 'internet')
  try {
    await namespaces.whileStarting(async () => {
      if (holder && (await join(parts, wish, holder))) return
      const container = await create(parts, wish)
      await container.start()
    })
  } catch (error) {
    await namespaces.giveBack(spec.id)
    throw new Error(explain(error, spec.image), { cause: error })
  }
}

interface Wish {
  spec: SandboxSpec
  places: SandboxPlaces
  user: number
  accounts: readonly string[]
}

/** @returns whether it runs; nothing of it is left when it does not. */
async function join(parts: StartParts, wish: Wish, holder: string): Promise<boolean> {
  const { id } = wish.spec
  let container: Docker.Container | undefined
  try {
    container = await create(parts, wish, holder)
    await container.start()
    parts.namespaces.accepted()
    return true
  } catch (error) {
    const reason = (error as Error).message
    // An image that is missing is missing without a holder, too.
    if (!container && !HOLDER_GONE.test(reason)) throw error
    parts.report(`sandbox ${id} could not join a network namespace, and has its own: ${reason}`)
    await container?.remove({ force: true, v: true })
    await parts.namespaces.refused(id, reason)
    return false
  }
}

async function create(parts: StartParts, wish: Wish, holder?: string): Promise<Docker.Container> {
  const { docker, toHost, labels, network, runtime } = parts
  const { spec, user, accounts } = wish
  const { codeDirectory, tmpDirectory, awaitsCode } = wish.places
  const stemLayers = isStem(spec) ? wish.places.layersDirectory : undefined
  const layersDirectory = spec.layersDirectory ?? stemLayers
  const template = {
    name: containerName(spec.id),
    Image: spec.image,
    Labels: { ...labels, [USER_LABEL]: String(user) },
    User: `${user}:${user}`,
    HostConfig: hostConfig({
      spec,
      toHost,
      codeDirectory: spec.codeDirectory ?? codeDirectory,
      ...(layersDirectory && !spec.ownImage && { layersDirectory }),
      ...(tmpDirectory && { tmpDirectory }),
      awaitsCode,
      network,
      ...(holder && { holder }),
      accounts,
      ...(runtime && { runtime }),
    }),
  }
  const { ownImage } = spec
  if (!ownImage) return docker.createContainer(template)
  return createOwn(docker, template, { ...ownImage, hostInitFile: await parts.init() })
}
