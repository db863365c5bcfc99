// A folder as a zip, the same bytes for the same content: sorted names, one fixed date, permissions
// kept. What is never code (version control, caches) is left out, and `.hearthignore` names more.
// It never writes to the folder.

import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { type Zippable, zipSync } from 'fflate'
import { CommandError, usageError } from './failures.ts'

/** Names that are never code, wherever they are. */
const NEVER = [
  '.git',
  '.hg',
  '.svn',
  '.DS_Store',
  'Thumbs.db',
  '.hearthignore',
  '__pycache__',
  '*.pyc',
  '.venv',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.idea',
  '.vscode',
  '**/node_modules/.cache',
]
export const SETTINGS_FILE = 'hearth.json'
/** The first date that a zip can hold, by the local clock, as zips count. */
const DATE = new Date(1980, 0, 1)
const UNIX = 3
const LINK_MODE = 0o120777
const FILE_MODE = 0o100000
const MODE_SHIFT = 16
/** Lambda's limits: a zip that is sent in a request, and all that it unpacks to. */
const ZIP_BYTES_MAX = 50 * 1024 * 1024
const UNZIPPED_BYTES_MAX = 250 * 1024 * 1024

interface Walk {
  root: string
  ignored: string[]
  files: Zippable
  bytes: number
}

/**
 * A zip of a folder, or the zip itself. @throws CommandError when there is neither, or it is too
 * large.
 */
export async function packageCode(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined)
  if (!found) throw usageError(`There is no ${path}. Name a folder with code, or a zip.`)
  const zip = found.isFile() ? await readZip(path) : await zipFolder(path)
  if (zip.length <= ZIP_BYTES_MAX) return zip
  throw new CommandError(
    `${path} makes a zip of ${megabytes(zip.length)}; a request may hold ` +
      `${megabytes(ZIP_BYTES_MAX)}. Leave files out with .hearthignore.`,
  )
}

async function readZip(path: string): Promise<Uint8Array> {
  const content = await readFile(path)
  if (content.subarray(0, 2).toString() === 'PK') return content
  throw usageError(`${path} is no zip. Name a zip, or the folder that the code is in.`)
}

async function zipFolder(path: string): Promise<Uint8Array> {
  const root = await realpath(path)
  const walk: Walk = { root, ignored: await readIgnored(root), files: {}, bytes: 0 }
  await collect(walk, '', [root])
  if (Object.keys(walk.files).length === 0) throw usageError(`${path} holds no code.`)
  return zipSync(walk.files, { level: 6, mtime: DATE })
}

/** @param above real paths of the folders that lead here, against links in circles. */
async function collect(walk: Walk, folder: string, above: string[]): Promise<void> {
  const names = await readdir(join(walk.root, folder))
  for (const name of names.sort()) {
    const entry = folder === '' ? name : `${folder}/${name}`
    if (entry === SETTINGS_FILE || isIgnored(entry, walk.ignored)) continue
    const path = join(walk.root, entry)
    const link = await readlink(path).catch(() => undefined)
    if (link !== undefined && (await staysInside(walk.root, entry, link))) {
      add(walk, entry, { content: Buffer.from(link), mode: LINK_MODE })
      continue
    }
    // A link that leads outside (npm workspaces make them) is replaced by what it leads to.
    const real = await realpath(path).catch(() => undefined)
    if (!real) throw new CommandError(`${path} is a link to nothing. Repair or remove it.`)
    const found = await stat(real)
    if (found.isDirectory()) {
      if (above.includes(real)) throw new CommandError(`${path} is a link in a circle. Remove it.`)
      await collect(walk, entry, [...above, real])
    } else if (found.isFile()) {
      const permissions = found.mode & 0o111 ? 0o755 : 0o644
      add(walk, entry, { content: await readFile(real), mode: FILE_MODE | permissions })
    }
  }
}

function add(walk: Walk, entry: string, { content, mode }: { content: Buffer; mode: number }) {
  walk.bytes += content.length
  if (walk.bytes > UNZIPPED_BYTES_MAX) {
    throw new CommandError(
      `${walk.root} holds more than ${megabytes(UNZIPPED_BYTES_MAX)}, which is all that Lambda ` +
        'unpacks. Leave files out with .hearthignore.',
    )
  }
  // Unix permissions ride in the upper half of a zip entry's attributes.
  walk.files[entry] = [content, { os: UNIX, attrs: (mode << MODE_SHIFT) >>> 0 }]
}

/** Whether a link, unpacked elsewhere, would still lead to what it leads to here. */
async function staysInside(root: string, entry: string, link: string): Promise<boolean> {
  const target = posix.normalize(posix.join(posix.dirname(entry), link))
  if (posix.isAbsolute(link) || target === '..' || target.startsWith('../')) return false
  const [there, here] = await Promise.all(
    [join(root, target), join(root, entry)].map((path) => realpath(path).catch(() => undefined)),
  )
  return there !== undefined && there === here
}

/**
 * Whether a path is to be left out. A pattern with a slash is about the whole path, one that begins
 * with a slash
 * about the top folder, any other about names in every folder.
 */
export function isIgnored(entry: string, patterns: readonly string[]): boolean {
  return [...NEVER, ...patterns].some((pattern) => {
    if (pattern.startsWith('/')) return posix.matchesGlob(`/${entry}`, pattern)
    return posix.matchesGlob(pattern.includes('/') ? entry : posix.basename(entry), pattern)
  })
}

async function readIgnored(root: string): Promise<string[]> {
  const text = await readFile(join(root, '.hearthignore'), 'utf8').catch(() => '')
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/\/$/, ''))
}

const megabytes = (size: number) => `${(size / 1024 / 1024).toFixed(0)} MB`
