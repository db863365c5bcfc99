// Which artifacts go: those that nobody has wanted for a day. The first sweep that finds one
// unwanted marks it; a later one removes it if the mark has stayed. Another process may put the
// same code again at any moment: it takes the mark away first, so a sweep takes, looks again, and
// gives back.

import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Places } from './artifacts.ts'
import { unlessAbsent } from './durable-files.ts'

const GRACE_MS = 24 * 3_600_000

/** @returns the hashes that were removed. */
export async function sweepArtifacts(
  places: Places,
  keep: ReadonlySet<string>,
  now: number,
): Promise<string[]> {
  const removed: string[] = []
  for (const sha256 of await stored(places)) {
    const mark = places.markOf(sha256)
    if (keep.has(sha256)) {
      await rm(mark, { force: true })
      continue
    }
    const markedAt = await ageOf(mark)
    if (markedAt === undefined) await setMark(mark, now)
    else if (now - markedAt >= GRACE_MS && (await remove(places, sha256, markedAt))) {
      removed.push(sha256)
    }
  }
  return removed
}

/** Every hash of which there is a zip or a folder. */
async function stored({ zips, code }: Places): Promise<Set<string>> {
  const shelves = await Promise.all(
    (await readdir(zips)).map((shelf) => readdir(join(zips, shelf))),
  )
  const names = shelves.flat().filter((name) => name.endsWith('.zip'))
  return new Set([...names.map((name) => name.slice(0, -'.zip'.length)), ...(await readdir(code))])
}

async function ageOf(mark: string): Promise<number | undefined> {
  return (await stat(mark).catch(unlessAbsent))?.mtimeMs
}

async function setMark(mark: string, now: number): Promise<void> {
  await writeFile(mark, '')
  await utimes(mark, now / 1000, now / 1000)
}

/** @returns false when somebody put it again in the meantime. */
async function remove(places: Places, sha256: string, markedAt: number): Promise<boolean> {
  const mark = places.markOf(sha256)
  const taken: { from: string; to: string }[] = []
  for (const from of [places.codeOf(sha256), places.zipOf(sha256)]) {
    const to = places.fresh()
    const moved = await rename(from, to).then(() => true, unlessAbsent)
    if (moved) taken.push({ from, to })
  }
  const unwanted = (await ageOf(mark)) === markedAt
  if (unwanted) await rm(mark, { force: true })
  else for (const { from, to } of taken) await giveBack(to, from)
  for (const { to } of taken) await rm(to, { recursive: true, force: true })
  return unwanted
}

/** Unless it has been made anew: then the new one stays, which has the same content. */
async function giveBack(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await rename(from, to).catch(() => {})
}
