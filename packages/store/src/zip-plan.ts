// The law of zips: what a zip's directory may say, and what will therefore be written. Pure: it
// sees names, sizes and attributes, never a byte of content, so unpack.ts can refuse a hostile zip
// before it has written anything. It must never let a name or a link lead outside the folder.

import { posix } from 'node:path'

/** Why a zip was refused: `broken` for all that AWS calls a zip it could not unzip. */
export type Refusal = 'broken' | 'too large'

/** A zip that is at fault; a host that is at fault (a full disk) is any other error. */
export class RefusedZip extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal, detail: string) {
    super(detail)
    this.refusal = refusal
  }
}

/** One row of the zip's directory, with yauzl's names; sizes and offsets in bytes. */
export interface ZipEntry {
  fileName: string
  fileNameLength: number
  generalPurposeBitFlag: number
  versionMadeBy: number
  externalFileAttributes: number
  relativeOffsetOfLocalHeader: number
  compressedSize: number
  uncompressedSize: number
}

/** What to write: folders first (parents before children), then files, then links. */
export interface ZipPlan<E extends ZipEntry> {
  folders: string[]
  files: { name: string; mode: number; entry: E }[]
  links: { name: string; entry: E }[]
}

/** Lambda's limit for unzipped code, in bytes. */
export const UNZIPPED_BYTES_MAX = 262_144_000
/** What a zip without the 64-bit extension can count to. */
export const ENTRIES_MAX = 65_535
const NAME_BYTES_MAX = 1024
/** As many links as Linux follows in one path. */
const HOPS_MAX = 40
/** A zip of links upon links must not keep us busy. */
const STEPS_MAX = 1_000_000
const FILE_TYPE = 0o170000
const FOLDER = 0o040000
const REGULAR = 0o100000
const LINK = 0o120000
const ENCRYPTED = 1
const MADE_ON_UNIX = 3
const LOCAL_HEADER_BYTES = 30

/** The plan for a zip with these entries. @throws RefusedZip at the first rule that is broken. */
export function planOf<E extends ZipEntry>(entries: readonly E[]): ZipPlan<E> {
  if (entries.length === 0) throw broken('no entries')
  if (entries.length > ENTRIES_MAX) throw broken('too many entries')
  requireApart(entries)
  const declared = entries.reduce((bytes, entry) => bytes + entry.uncompressedSize, 0)
  if (declared > UNZIPPED_BYTES_MAX) throw new RefusedZip('too large', `${declared} bytes`)
  const plan: ZipPlan<E> = { folders: [], files: [], links: [] }
  const folders = new Set<string>()
  const names = new Map<string, 'folder' | 'other'>()
  for (const entry of entries) {
    const name = requireName(entry.fileName)
    const mode = entry.versionMadeBy >> 8 === MADE_ON_UNIX ? entry.externalFileAttributes >>> 16 : 0
    const kind = kindOf(entry, mode)
    requireNew(names, { name, kind: kind === 'folder' ? 'folder' : 'other' })
    addFolders(folders, kind === 'folder' ? name : posix.dirname(name))
    // Set-user-id and its kin are dropped; what is left can be read by the function's user.
    if (kind === 'file') plan.files.push({ name, mode: mode & 0o111 ? 0o755 : 0o644, entry })
    if (kind === 'link') plan.links.push({ name, entry })
  }
  for (const folder of folders) {
    if (names.get(fold(folder)) === 'other') throw broken(`a file and a folder: ${folder}`)
  }
  plan.folders = [...folders].sort()
  return plan
}

/**
 * Checks where links lead, through one another too: two that look harmless alone can leave
 * together. A link to nothing is allowed, as it is by unzip.
 * @throws RefusedZip when one leads outside, in a circle, or nowhere that can be named.
 */
export function requireInside(links: ReadonlyMap<string, string>): void {
  let stepsLeft = STEPS_MAX
  for (const [name, first] of links) {
    const outside = broken(`a link that leads outside, or in a circle: ${name}`)
    const place = name.split('/').slice(0, -1)
    const ahead = partsOf(first, outside)
    let hopsLeft = HOPS_MAX
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      stepsLeft -= 1
      if (stepsLeft < 0) throw broken('too many links')
      if (part === '..') {
        if (place.pop() === undefined) throw outside
        continue
      }
      place.push(part)
      const target = links.get(place.join('/'))
      if (target === undefined) continue
      hopsLeft -= 1
      if (hopsLeft < 0) throw outside
      place.pop()
      ahead.push(...partsOf(target, outside))
    }
  }
}

/** The parts of a link's target, last one first. */
function partsOf(target: string, outside: RefusedZip): string[] {
  if (target === '' || target.startsWith('/') || target.includes('\0')) throw outside
  return target
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reverse()
}

/** A relative path that stays inside, in its shortest form. */
function requireName(name: string): string {
  const plain = posix.normalize(name).replace(/\/$/, '')
  const bad =
    name === '' ||
    Buffer.byteLength(name) > NAME_BYTES_MAX ||
    name.startsWith('/') ||
    /[\\\0]|^[a-zA-Z]:/.test(name) ||
    name.split('/').includes('..') ||
    (plain === '.' && !name.endsWith('/'))
  if (bad) throw broken(`a bad name: ${JSON.stringify(name)}`)
  return plain
}

function kindOf(entry: ZipEntry, mode: number): 'file' | 'folder' | 'link' {
  if (entry.generalPurposeBitFlag & ENCRYPTED) throw broken(`encrypted: ${entry.fileName}`)
  const isFolderName = entry.fileName.endsWith('/')
  switch (mode & FILE_TYPE) {
    case FOLDER:
      return 'folder'
    case LINK:
      if (isFolderName) throw broken(`a link with a folder's name: ${entry.fileName}`)
      return 'link'
    // A zip that was not made on Unix says nothing about kinds.
    case 0:
    case REGULAR:
      return isFolderName ? 'folder' : 'file'
    default:
      throw broken(`neither a file, a folder nor a link: ${entry.fileName}`)
  }
}

/** Two names that some file system takes for the same one are the same one. */
const fold = (name: string) => name.normalize('NFC').toLowerCase()

/** Only a folder may be listed again, since making it again changes nothing. */
function requireNew(
  names: Map<string, 'folder' | 'other'>,
  { name, kind }: { name: string; kind: 'folder' | 'other' },
): void {
  const known = names.get(fold(name))
  if (known && (known === 'other' || kind === 'other')) throw broken(`twice: ${name}`)
  names.set(fold(name), kind)
}

function addFolders(folders: Set<string>, name: string): void {
  for (let at = name; at !== '.' && !folders.has(at); at = posix.dirname(at)) folders.add(at)
}

/** Entries that lie on one another are how a small zip holds terabytes. */
function requireApart(entries: readonly ZipEntry[]): void {
  const ranges = entries
    .map((entry) => {
      const start = entry.relativeOffsetOfLocalHeader
      return [start, start + LOCAL_HEADER_BYTES + entry.fileNameLength + entry.compressedSize]
    })
    .sort(([a = 0], [b = 0]) => a - b)
  let end = 0
  for (const [start = 0, until = 0] of ranges) {
    if (start < end) throw broken('entries lie on one another')
    end = until
  }
}

const broken = (detail: string) => new RefusedZip('broken', detail)
