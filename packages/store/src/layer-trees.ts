// Layers as one folder: what a function with several layers sees at /opt. Each combination is made
// once a host, of hard links into the layers' own unpacked folders, and named by its layers in
// their order. Where two have the same path, the later one's is there.

import { createHash } from 'node:crypto'
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import type { Places } from './artifacts.ts'
import { exists, unlessAbsent } from './durable-files.ts'

/** In a combination's folder: the tree itself, and which layers it is made of. */
const TREE = 'tree'
const PARTS = 'parts'

/** The folder of a combination; made if this host does not have it yet. */
export async function mergeTrees(
  places: Places,
  hashes: readonly string[],
  unpacked: (sha256: string) => Promise<string>,
): Promise<string> {
  const name = createHash('sha256').update(hashes.join('\n')).digest('hex')
  const target = join(places.merged, name)
  const tree = join(target, TREE)
  if (await exists(tree)) return tree
  const fresh = places.fresh()
  try {
    await mkdir(join(fresh, TREE), { recursive: true })
    await chmod(join(fresh, TREE), 0o755)
    await writeFile(join(fresh, PARTS), hashes.join('\n'))
    for (const sha256 of hashes) await layOver(await unpacked(sha256), join(fresh, TREE))
    await rename(fresh, target).catch(async (error) => {
      // Another process of this host was quicker, with the same content.
      if (!(await exists(tree))) throw error
    })
    return tree
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** Removes combinations that have one of these layers in them. */
export async function forgetTrees(places: Places, gone: ReadonlySet<string>): Promise<void> {
  if (gone.size === 0) return
  for (const name of await readdir(places.merged)) {
    const folder = join(places.merged, name)
    const parts = await readFile(join(folder, PARTS), 'utf8').catch(unlessAbsent)
    if (!parts?.split('\n').some((sha256) => gone.has(sha256))) continue
    const leaving = places.fresh()
    await rename(folder, leaving).catch(unlessAbsent)
    await rm(leaving, { recursive: true, force: true })
  }
}

/** What the files of a folder take, in bytes. */
export async function treeBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    bytes += entry.isDirectory() ? await treeBytes(path) : (await lstat(path)).size
  }
  return bytes
}

async function layOver(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    const there = await lstat(target).catch(unlessAbsent)
    if (there && !(entry.isDirectory() && there.isDirectory())) {
      await rm(target, { recursive: true })
    }
    if (entry.isDirectory()) {
      await mkdir(target, { recursive: true, mode: 0o755 })
      await layOver(source, target)
    } else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else await link(source, target).catch(() => copyFile(source, target))
  }
}
