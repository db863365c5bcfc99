// Users' own images: found and pulled through the engine, and given hearth-init by a mount, since
// they do not have it. A name with a registry in it is asked there first, because its meaning may
// have changed; what the engine has is good enough where the registry does not answer.

import { createHash } from 'node:crypto'
import type { ImageFacts, ImageFault } from '@hearth/core/container-image'
import type Docker from 'dockerode'
import { listExtensions, programFile } from './docker-files.ts'
import type { OwnImage } from './driver.ts'

interface DockerError extends Error {
  statusCode?: number
  code?: string
}

const NOT_FOUND = 404
/** Where hearth-init comes from; every host that runs functions has this image. */
const BASE = 'hearth/base:trixie'
const INIT = '/usr/local/bin/hearth-init'
/** Its code is in the image, where our template would put a folder. */
const TASK_BIND = /:\/var\/task:/

/** The image that a name means now, or why it cannot be had. @throws Error without an engine. */
export async function findImage(docker: Docker, name: string): Promise<ImageFacts | ImageFault> {
  const full = withTag(name)
  const found = hasRegistry(full) ? undefined : await inspect(docker, full)
  if (found) return factsOf(docker, found, full)
  const refused = await pull(docker, full)
  const image = await inspect(docker, full)
  if (image) return factsOf(docker, image, full)
  return refused ?? invalid(`${name} was pulled, and yet the engine does not have it.`)
}

/** hearth-init as a file of this host. */
export const initFile = (docker: Docker, dataDirectory: string): Promise<string> =>
  programFile(docker, dataDirectory, { image: BASE, path: INIT })

/**
 * Creates a sandbox's container with a user's image in place of ours; the image is pulled if this
 * engine does not have it.
 */
export async function createOwn(
  docker: Docker,
  template: Docker.ContainerCreateOptions,
  { pullName, volumes, hostInitFile }: OwnImage & { hostInitFile: string },
): Promise<Docker.Container> {
  const host = template.HostConfig
  const binds = host?.Binds?.filter((bind) => !TASK_BIND.test(bind)) ?? []
  const options: Docker.ContainerCreateOptions = {
    ...template,
    Entrypoint: [INIT],
    Cmd: [],
    WorkingDir: '/',
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...host,
      Binds: [...binds, `${hostInitFile}:${INIT}:ro`],
      Mounts: volumes.map((path) => readOnlyVolume(template.Image ?? '', path)),
    },
  }
  try {
    return await docker.createContainer(options)
  } catch (error) {
    if ((error as DockerError).statusCode !== NOT_FOUND) throw error
    const refused = await pull(docker, pullName)
    if (refused) throw new Error(refused.reason)
    return docker.createContainer(options)
  }
}

/**
 * Unsaid, each volume of an image would be a folder of the host's disk that the function may fill.
 * Docker fills this one from the image when it is new; nobody writes to it, so all sandboxes of the
 * image share it.
 */
function readOnlyVolume(image: string, path: string): Docker.MountSettings {
  const name = createHash('sha256').update(`${image} ${path}`).digest('hex').slice(0, 32)
  return { Type: 'volume', Source: `hearth-image-${name}`, Target: path, ReadOnly: true }
}

/** Docker takes a name without a tag for all of its tags. */
function withTag(name: string): string {
  return /[:@][^/]*$/.test(name) ? name : `${name}:latest`
}

/** By Docker's rule: the first part is a host if it looks like one. */
function hasRegistry(name: string): boolean {
  const [first = '', ...rest] = name.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
}

async function inspect(docker: Docker, name: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await docker.getImage(name).inspect()
  } catch (error) {
    if ((error as DockerError).statusCode === NOT_FOUND) return undefined
    throw error
  }
}

/** @returns why the registry did not give it. @throws Error when the engine does not answer. */
async function pull(docker: Docker, name: string): Promise<ImageFault | undefined> {
  try {
    const progress = await docker.createImage({ fromImage: name })
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()))
    })
    return undefined
  } catch (error) {
    const { code, message } = error as DockerError
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES') throw error
    return faultOfPull(name, message)
  }
}

/** The engine tells these apart only by their words. */
function faultOfPull(name: string, words: string): ImageFault {
  const isMissing = /manifest unknown|manifest for .* not found|no such image/i.test(words)
  if (isMissing) return invalid(`Source image ${name} does not exist. Push it, then update.`)
  if (/no matching manifest/i.test(words)) {
    return invalid(`Source image ${name} has nothing for this host's architecture.`)
  }
  const reason = /denied|unauthorized|authentication|forbidden|no basic auth/i.test(words)
    ? 'its registry refuses access. `docker pull` it on the host with your credentials'
    : 'its registry does not answer. Build or `docker pull` it on the host, or name another'
  return {
    code: 'ImageAccessDenied',
    reason: `Source image ${name} cannot be pulled: ${reason}, then update. (${words.trim()})`,
  }
}

const invalid = (reason: string): ImageFault => ({ code: 'InvalidImage', reason })

async function factsOf(
  docker: Docker,
  image: Docker.ImageInspectInfo,
  name: string,
): Promise<ImageFacts> {
  const { Config: config } = image
  const extensions = await listExtensions(docker, image.Id)
  const repository = name.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
  const known = image.RepoDigests?.find((digest) => digest.startsWith(`${repository}@`))
  return {
    id: image.Id,
    // An image that no registry has given has no digest but its own.
    resolvedUri: known ?? `${repository}@${image.Id}`,
    architecture: image.Architecture === 'arm64' ? 'arm64' : 'x86_64',
    sizeBytes: image.Size,
    entryPoint: listOf(config.Entrypoint),
    command: listOf(config.Cmd),
    workingDirectory: config.WorkingDir || '/',
    environment: listOf(config.Env),
    volumes: Object.keys(config.Volumes ?? {}),
    ...(extensions.length > 0 && { extensions }),
  }
}

function listOf(value: string | string[] | null | undefined): string[] {
  if (!value) return []
  return typeof value === 'string' ? [value] : value
}
