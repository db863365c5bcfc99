// A folder as a zip, the same bytes for the same content: sorted names, one fixed date, permissions kept. What is
// never code (version control, caches) is left out, and `.hearthignore` names more.

import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Zippable, zipSync } from 'fflate'
import { CommandError } from './client.ts'

const NEVER = new Set(['.git', '.DS_Store', '.hearthignore', '__pycache__', '.venv'])
const CONFIG = 'hearth.json'
/** The first date that a zip can hold. */
const DATE = new Date(1980, 0, 1)
const UNIX = 3
const LINK_MODE = 0o120777
const FILE_MODE = 0o100000
const MODE_SHIFT = 16

/** A zip of a folder, or the zip itself. @throws CommandError when there is neither. */
export async function packageCode(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined)
  if (!found) throw new CommandError(`There is no ${path}. Name a folder with code, or a zip.`)
  if (found.isFile()) return readFile(path)
  const ignored = await readIgnored(path)
  const files: Zippable = {}
  await collect(path, '', { files, ignored })
  if (Object.keys(files).length === 0) throw new CommandError(`${path} holds no files.`)
  return zipSync(files, { level: 6, mtime: DATE })
}

async function collect(
  root: string,
  folder: string,
  into: { files: Zippable; ignored: Set<string> },
): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (NEVER.has(entry.name) || into.ignored.has(name) || name === CONFIG) continue
    const path = join(root, name)
    if (entry.isDirectory()) {
      await collect(root, name, into)
    } else if (entry.isSymbolicLink()) {
      into.files[name] = [Buffer.from(await readlink(path)), attributes(LINK_MODE)]
    } else if (entry.isFile()) {
      const { mode } = await stat(path)
      const permissions = mode & 0o111 ? 0o755 : 0o644
      into.files[name] = [await readFile(path), attributes(FILE_MODE | permissions)]
    }
  }
}

/** Unix permissions ride in the upper half of a zip entry's attributes. */
const attributes = (mode: number) => ({ os: UNIX, attrs: (mode << MODE_SHIFT) >>> 0 })

async function readIgnored(root: string): Promise<Set<string>> {
  const text = await readFile(join(root, '.hearthignore'), 'utf8').catch(() => '')
  const lines = text.split('\n').map((line) => line.trim().replace(/\/$/, ''))
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')))
}
