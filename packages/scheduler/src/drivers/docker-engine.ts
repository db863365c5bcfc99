// The engine as its users here have it: asked with patience that ends, known by the paths that it
// gives our data directory, and its failures in words that say what to do.

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { sep } from 'node:path'
import Docker from 'dockerode'

export interface DockerError extends Error {
  statusCode?: number
  code?: string
}

const NOT_FOUND = 404
const CONFLICT = 409
/** A start is a matter of seconds; a pull tells of its progress meanwhile. */
const SILENCE_MS_MAX = 120_000

/** Where DOCKER_HOST says. What it is asked fails when it is silent for `silenceMs`. */
export const openEngine = (silenceMs = SILENCE_MS_MAX): Docker => new Docker({ timeout: silenceMs })

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
  if (code === 'ECONNRESET') {
    return 'The Docker engine broke off, or was silent for two minutes. `hearth doctor` looks at it.'
  }
  if (statusCode === NOT_FOUND && image) {
    // A runtime's image has the runtime's name, and is made when somebody wants it.
    const [, runtime] = /^hearth\/([^:]+)$/.exec(image) ?? []
    const command = runtime ? `hearth images ${runtime}` : 'hearth images'
    return `The image ${image} is missing. \`${command}\` builds or pulls it.`
  }
  return `Docker refused to start a sandbox: ${message}`
}
