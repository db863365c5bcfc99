// Files inside images, for which a container is created and never started: programs that sandboxes
// need, as files of this host, and the names of the external extensions that an image holds.

import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type Docker from 'dockerode'
import { isGone } from './docker-engine.ts'

const TAR_BLOCK = 512
const TAR_NAME_LENGTH = 100
const TAR_SIZE_AT = 124
const TAR_SIZE_LENGTH = 12
const TAR_TYPE_AT = 156
/** Files and links, as tar names them; extensions are either. */
const TAR_FILES = ['0', '\0', '2']
/** Where Lambda looks for external extensions. */
const EXTENSIONS = '/opt/extensions'

/** A program out of an image of ours; taken once for each version of it. */
export async function programFile(
  docker: Docker,
  dataDirectory: string,
  { image, path }: { image: string; path: string },
): Promise<string> {
  const { Id } = await docker.getImage(image).inspect()
  const folder = join(dataDirectory, basename(path))
  const file = join(folder, Id.replace(/^sha256:/, '').slice(0, 12))
  if (await stat(file).catch(() => undefined)) return file
  await mkdir(folder, { recursive: true, mode: 0o755 })
  await inContainer(docker, Id, async (container) => {
    const archive = await bytesOf(await container.getArchive({ path }))
    const size = sizeIn(archive)
    const fresh = `${file}.${process.pid}`
    await writeFile(fresh, archive.subarray(TAR_BLOCK, TAR_BLOCK + size), { mode: 0o755 })
    await rename(fresh, file)
  })
  return file
}

/** The names of what an image would start as external extensions, in their order. */
export async function listExtensions(docker: Docker, image: string): Promise<string[]> {
  const names: string[] = []
  await inContainer(docker, image, async (container) => {
    let rest = Buffer.alloc(0)
    let skip = 0
    for await (const chunk of await container.getArchive({ path: EXTENSIONS })) {
      rest = Buffer.concat([rest, chunk as Buffer])
      for (;;) {
        const skipped = Math.min(skip, rest.length)
        rest = rest.subarray(skipped)
        skip -= skipped
        if (skip > 0 || rest.length < TAR_BLOCK) break
        const name = nameIn(rest)
        if (name !== undefined) names.push(name)
        skip = TAR_BLOCK * (1 + Math.ceil(sizeIn(rest) / TAR_BLOCK))
      }
    }
  }).catch((error: unknown) => {
    // Most images have no such folder.
    if (!isGone(error)) throw error
  })
  return names.sort()
}

async function inContainer(
  docker: Docker,
  image: string,
  work: (container: Docker.Container) => Promise<void>,
): Promise<void> {
  const container = await docker.createContainer({ Image: image, Entrypoint: ['/none'] })
  try {
    await work(container)
  } finally {
    await container.remove({ force: true, v: true })
  }
}

function sizeIn(header: Buffer): number {
  const size = header.toString('latin1', TAR_SIZE_AT, TAR_SIZE_AT + TAR_SIZE_LENGTH)
  return Number.parseInt(size, 8) || 0
}

/** The name of a file right in the folder that the archive is of. */
function nameIn(header: Buffer): string | undefined {
  const path = header.toString('utf8', 0, TAR_NAME_LENGTH).replace(/\0.*$/s, '')
  const [, name, ...deeper] = path.split('/')
  const isFile = TAR_FILES.includes(header.toString('latin1', TAR_TYPE_AT, TAR_TYPE_AT + 1))
  return isFile && name && deeper.length === 0 ? name : undefined
}

async function bytesOf(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
