// What the engine is asked before the first sandbox: how it knows the paths of our data directory.
// Also the words in which its failures are told.

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { sep } from 'node:path'
import type Docker from 'dockerode'

export interface DockerError extends Error {
  statusCode?: number
  code?: string
}

const NOT_FOUND = 404
const CONFLICT = 409

export const isGone = (error: unknown) => (error as DockerError).statusCode === NOT_FOUND
export const isConflict = (error: unknown) => (error as DockerError).statusCode === CONFLICT

/**
 * How to name a path of the data directory to the engine. When Hearth itself runs in a container
 * its data directory is a mount, and the engine knows it by the mount's source.
 */
export async function hostPaths(
  docker: Docker,
  dataDirectory: string,
): Promise<(path: string) => string> {
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
export function explain(error: unknown, image: string): string {
  const { statusCode, code, message } = error as DockerError
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES') {
    return 'The Docker engine does not answer. Start it (`hearth doctor` says how).'
  }
  if (statusCode === NOT_FOUND && image) {
    // A runtime's image has the runtime's name, and is made when somebody wants it.
    const [, runtime] = /^hearth\/([^:]+)$/.exec(image) ?? []
    const command = runtime ? `hearth images ${runtime}` : 'hearth images'
    return `The image ${image} is missing. \`${command}\` builds or pulls it.`
  }
  return `Docker refused to start a sandbox: ${message}`
}
