// The images: present, pulled, or built from Debian and npm alone; the same tags whichever way. An
// image that is present with the sources of this checkout is left alone, so a second run takes a
// moment.

import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareDebian, prepareHearth, prepareNode } from './image-contexts.ts'
import type { Report } from './progress.ts'
import { inherited, registry } from './settings.ts'
import { attempt, run, succeeds } from './shell.ts'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Image {
  tag: string
  /** Folder of its Dockerfile, under images/; absent when it is not built by one. */
  folder?: string
  /** Tags that it is built from. */
  from: string[]
  /** What a registry may offer in its place. */
  upstream?: string
  /** Files and folders, beside its own folder, that go into it. */
  sources?: string[]
  /** Makes the build context; the folder itself is one when this is absent. */
  prepare?(context: string): Promise<void>
  /** Makes the image without a Dockerfile. */
  make?(): Promise<void>
}

const DEBIAN = 'hearth/debian:trixie-slim'
const BASE = 'hearth/base:trixie'
const LABEL = 'hearth.sources'
/** A registry that has not answered by then is taken for absent. */
const REGISTRY_ANSWER_MS = 8_000
/** A pull that makes no progress for this long is given up for a build. */
const PULL_SILENCE_MS = 60_000

const node = (major: string): Image => ({
  tag: `hearth/nodejs${major}.x`,
  folder: 'nodejs',
  from: [BASE],
  prepare: (context) => prepareNode(join(ROOT, 'images', 'nodejs'), major, context),
})

/** In the order in which they must be made. */
export const IMAGES: readonly Image[] = [
  {
    tag: DEBIAN,
    from: [],
    upstream: 'debian:trixie-slim',
    make: () => prepareDebian(DEBIAN),
  },
  { tag: BASE, folder: 'base', from: [DEBIAN] },
  { tag: 'hearth/hands:trixie', folder: 'hands', from: [DEBIAN] },
  { tag: 'hearth/nats:2.15.1', folder: 'nats', from: [DEBIAN], upstream: 'nats:2.15.1' },
  { tag: 'hearth/valkey:8.1', folder: 'valkey', from: [DEBIAN], upstream: 'valkey/valkey:8.1' },
  node('20'),
  node('22'),
  node('24'),
  node('26'),
  { tag: 'hearth/python3.13', folder: 'python', from: [BASE] },
  { tag: 'hearth/provided', folder: 'provided', from: [BASE] },
  {
    tag: 'hearth/hearth:latest',
    folder: 'hearth',
    from: [DEBIAN],
    sources: ['package.json', 'package-lock.json', '.npmrc', 'packages'],
    prepare: (context) => prepareHearth(ROOT, context),
  },
]

/** Makes sure of images, in their order. @throws Error that says which one failed, and how. */
export async function ensureImages(
  report: Report,
  images: readonly Image[] = IMAGES,
): Promise<void> {
  const online = once(registryAnswers)
  const stamps = new Map<string, string>()
  for (const image of images) {
    const stamp = await stampOf(image, stamps)
    stamps.set(image.tag, stamp)
    const have = await labelOf(image.tag)
    if (have === stamp || (have !== undefined && isPulled(image, have))) continue
    if (image.upstream && (await online(report)) && (await pull(image, report))) continue
    report(`building ${image.tag}`)
    await build(image, stamp, report)
  }
}

/** The label of an image's sources; '' when it has none, undefined when it is not there. */
async function labelOf(tag: string): Promise<string | undefined> {
  const format = `{{index .Config.Labels "${LABEL}"}}`
  const { status, stdout } = await attempt('docker', ['image', 'inspect', '-f', format, tag], {})
  return status === 0 ? stdout.trim() : undefined
}

/** A pulled image has no label of ours, and its tag names its version. */
const isPulled = (image: Image, label: string) => image.upstream !== undefined && label === ''

async function registryAnswers(report: Report): Promise<boolean> {
  const host = registry()
  const url = host ? `http://${host}` : await registryOfEngine()
  try {
    await fetch(new URL('/v2/', url), { signal: AbortSignal.timeout(REGISTRY_ANSWER_MS) })
    return true
  } catch {
    report('no image registry answers: images are built from Debian and npm')
    return false
  }
}

/** Where the engine itself would pull from: its first mirror, else its default registry. */
async function registryOfEngine(): Promise<string> {
  const format = '{{range .RegistryConfig.Mirrors}}{{.}} {{end}}{{.IndexServerAddress}}'
  const { stdout } = await attempt('docker', ['info', '-f', format], {})
  return stdout.trim().split(' ')[0] ?? ''
}

/**
 * @returns whether the image is here now; a failed pull is followed by a build, not by an error.
 */
async function pull(image: Image, report: Report): Promise<boolean> {
  const host = registry()
  const name = host ? `${host}/${image.upstream}` : (image.upstream ?? '')
  report(`pulling ${name}`)
  const pulled = await attempt('docker', ['pull', name], {
    silenceMs: PULL_SILENCE_MS,
    onLine: (line) => report(line.slice(0, 100)),
  })
  if (pulled.status !== 0) {
    report(`${name} could not be pulled; building it instead`)
    return false
  }
  return succeeds('docker', ['tag', name, image.tag])
}

async function build(image: Image, stamp: string, report: Report): Promise<void> {
  if (image.make) {
    await image.make()
    return
  }
  const folder = join(ROOT, 'images', image.folder ?? '')
  const context = join(ROOT, '.cache', 'contexts', image.tag.replaceAll(/[/:]/g, '-'))
  await rm(context, { recursive: true, force: true })
  if (image.prepare) await image.prepare(context)
  const args = [
    'build',
    '--tag',
    image.tag,
    '--label',
    `${LABEL}=${stamp}`,
    image.prepare ? context : folder,
  ]
  // The classic builder is everywhere and keeps local images as bases; newer engines ignore the
  // wish.
  const env = { ...inherited(), DOCKER_BUILDKIT: '0' }
  await run('docker', args, { env, onLine: (line) => report(line.slice(0, 100)) })
  await rm(context, { recursive: true, force: true })
}

/** A hash of everything that goes into an image, its bases included. */
async function stampOf(image: Image, stamps: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash('sha256').update(image.tag)
  for (const base of image.from) hash.update(stamps.get(base) ?? '')
  const roots = [...(image.folder ? [join('images', image.folder)] : []), ...(image.sources ?? [])]
  for (const root of roots) await addToHash(hash, join(ROOT, root))
  return image.make ? '' : hash.digest('hex')
}

async function addToHash(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
  if (!entries) {
    hash.update(await readFile(path))
    return
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'node_modules' || /\.test\.ts$|\.md$/.test(entry.name)) continue
    hash.update(entry.name)
    await addToHash(hash, join(path, entry.name))
  }
}

function once<A, T>(work: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  let result: Promise<T> | undefined
  return (argument) => {
    result ??= work(argument)
    return result
  }
}
