// The images: present, pulled, or built from Debian and npm alone; the same tags whichever way. An
// image that is present with the sources of this checkout is left alone, so a second run takes a
// moment. Which images there are is image-list.ts's business.

import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RUNTIMES } from '@hearth/core/runtime'
import { IMAGES, type Image, imagesOf, isPulledOnly, ROOT, STANDARD_IMAGES } from './image-list.ts'
import { Registries, refusal } from './image-registry.ts'
import { type Report, step } from './progress.ts'
import { inherited } from './settings.ts'
import { attempt, run, succeeds } from './shell.ts'

const LABEL = 'hearth.sources'

/** Makes sure of images, in their order. @throws Error that says which one failed, and how. */
export async function ensureImages(
  report: Report,
  images: readonly Image[] = STANDARD_IMAGES,
  registries = new Registries(),
): Promise<void> {
  const stamps = new Map<string, string>()
  for (const image of images) {
    const stamp = await stampOf(image, stamps)
    stamps.set(image.tag, stamp)
    const have = await labelOf(image.tag)
    if (have === stamp || (have !== undefined && isPulled(image, have))) continue
    if (await registries.bring(image, report)) continue
    if (isPulledOnly(image)) throw refusal(image)
    report(`building ${image.tag}`)
    await build(image, stamp, report)
  }
}

/**
 * Makes sure of every image that can be had here. @returns a sentence about each that cannot, and
 * that some runtime needs.
 */
export async function ensureAllImages(report: Report): Promise<string[]> {
  const registries = new Registries()
  const refused = new Map<string, string>()
  for (const image of IMAGES.filter(isPulledOnly)) {
    await ensureImages(report, [image], registries).catch((error: Error) => {
      refused.set(image.tag, error.message)
    })
  }
  const lacking = new Set(refused.keys())
  const possible = IMAGES.filter(({ tag, from }) => {
    if (from.some((base) => lacking.has(base))) lacking.add(tag)
    return !lacking.has(tag)
  })
  await ensureImages(report, possible, registries)
  return [...refused.values()]
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
