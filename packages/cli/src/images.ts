// The images: present, pulled, or built from Debian and npm alone; the same tags whichever way. An
// image that is present with the sources of this checkout is left alone, so a second run takes a
// moment. Which images there are is image-list.ts's business.

import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RUNTIMES } from '@hearth/core/runtime'
import { type Image, imagesOf, ROOT, STANDARD_IMAGES } from './image-list.ts'
import { type Report, step } from './progress.ts'
import { inherited, registry } from './settings.ts'
import { attempt, run, succeeds } from './shell.ts'

const LABEL = 'hearth.sources'
/** A registry that has not answered by then is taken for absent. */
const REGISTRY_ANSWER_MS = 8_000
/** A pull that makes no progress for this long is given up for a build. */
const PULL_SILENCE_MS = 60_000

/** Makes sure of images, in their order. @throws Error that says which one failed, and how. */
export async function ensureImages(
  report: Report,
  images: readonly Image[] = STANDARD_IMAGES,
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

/**
 * Makes sure of a runtime's image when an engine is at hand; does nothing for a runtime that the
 * API will refuse, or where Hearth's engine can only be elsewhere.
 */
export async function ensureRuntime(runtime: string): Promise<void> {
  const image = RUNTIMES[runtime]?.image
  if (!image || (await labelOf(image)) !== undefined) return
  if (!(await succeeds('docker', ['info']))) return
  await step(`Image: ${runtime} is wanted for the first time here.`, (report) =>
    ensureImages(report, imagesOf([runtime])),
  )
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
    ...Object.entries(image.arguments ?? {}).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]),
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
  hash.update(JSON.stringify(image.arguments ?? {}))
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
