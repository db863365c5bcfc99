// Files that are either there and whole or not there at all, whatever happens in between: written
// beside, forced onto the disk, then given their name. Knows nothing of what is in them.

import { link, mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Resolves once the disk has them all. @throws when the file is there already. */
export async function writeThrough(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o644)
  try {
    await file.writeFile(pieces)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Gives a whole file its name, in the place of what had it; resolves once the disk knows. */
export async function moveDurably(from: string, to: string): Promise<void> {
  const made = await mkdir(dirname(to), { recursive: true })
  await rename(from, to)
  await syncFolder(dirname(to))
  if (made) await syncFolder(dirname(made))
}

/** Gives a whole file a second name unless that is taken; resolves once the disk knows. */
export async function linkDurably(from: string, to: string): Promise<void> {
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  // Whoever finds it taken relies on it, too.
  await syncFolder(dirname(to))
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(unlessAbsent)) !== undefined
}

/** For `catch`: a file that is not there is undefined, anything else is thrown. */
export function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}
