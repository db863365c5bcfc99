// Unpacks one zip into a folder: the hostile part of taking code in, run in a process of its own by
// artifacts.ts. Everything is counted while it is inflated, every name is judged before it is used,
// and nothing is written outside the folder. Exit status 0 is success; a refusal is one line on
// standard output.

import { createWriteStream } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join, normalize, posix } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Entry, fromBuffer, type ZipFile } from 'yauzl'

/** Why a zip was refused: `broken` for all that AWS calls a zip it could not unzip. */
export type Refusal = 'broken' | 'too large'

/** Lambda's limit for unzipped code, in bytes. */
export const UNZIPPED_BYTES_MAX = 262_144_000
const ENTRIES_MAX = 65_535
const NAME_BYTES_MAX = 1024
const LINK_BYTES_MAX = 4096
const FILE_TYPE = 0o170000
const DIRECTORY = 0o040000
const LINK = 0o120000
const REGULAR = 0o100000
const ENCRYPTED = 1
const UNIX = 3

class RefusedZip extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal, detail: string) {
    super(detail)
    this.refusal = refusal
  }
}

/** Unpacks; resolves with the bytes written. @throws RefusedZip. */
export async function unpack(zip: Buffer, folder: string): Promise<number> {
  const file = await open(zip)
  const seen = new Set<string>()
  const links: { path: string; target: string }[] = []
  let left = UNZIPPED_BYTES_MAX
  if (file.entryCount > ENTRIES_MAX) throw new RefusedZip('broken', 'too many entries')
  for await (const entry of entriesOf(file)) {
    const name = checkName(entry.fileName, seen)
    const mode = entry.versionMadeBy >> 8 === UNIX ? entry.externalFileAttributes >>> 16 : 0
    const type = mode & FILE_TYPE
    if (entry.generalPurposeBitFlag & ENCRYPTED) throw new RefusedZip('broken', 'encrypted')
    const path = join(folder, name)
    if (entry.fileName.endsWith('/') || type === DIRECTORY) {
      await mkdir(path, { recursive: true })
    } else if (type === LINK) {
      links.push({ path, target: await linkTarget(file, entry, name) })
    } else if (type === REGULAR || type === 0) {
      await mkdir(dirname(path), { recursive: true })
      left -= await writeFile(file, entry, { path, mode, bytesMax: left })
    } else {
      throw new RefusedZip('broken', 'neither a file, a folder nor a link')
    }
  }
  // Links come last, so that no entry is ever written through one.
  for (const { path, target } of links) {
    await mkdir(dirname(path), { recursive: true })
    await symlink(target, path)
  }
  return UNZIPPED_BYTES_MAX - left
}

function open(zip: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true, strictFileNames: true }, (error, file) => {
      if (error) reject(new RefusedZip('broken', error.message))
      else resolve(file)
    })
  })
}

async function* entriesOf(file: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      const settle = (value: Entry | undefined, error?: Error) => {
        file.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error')
        if (error) reject(new RefusedZip('broken', error.message))
        else resolve(value)
      }
      file.once('entry', (found: Entry) => settle(found))
      file.once('end', () => settle(undefined))
      file.once('error', (error: Error) => settle(undefined, error))
      file.readEntry()
    })
    if (!entry) return
    yield entry
  }
}

/** A relative path that stays inside, and that no other entry has. */
function checkName(name: string, seen: Set<string>): string {
  const plain = normalize(name).replace(/\/$/, '')
  const parts = name.split('/')
  const bad =
    name === '' ||
    Buffer.byteLength(name) > NAME_BYTES_MAX ||
    name.startsWith('/') ||
    /[\\\0]|^[a-zA-Z]:/.test(name) ||
    parts.includes('..')
  if (bad) throw new RefusedZip('broken', `bad name: ${JSON.stringify(name)}`)
  if (seen.has(plain) && !name.endsWith('/')) throw new RefusedZip('broken', `twice: ${name}`)
  seen.add(plain)
  return plain
}

async function linkTarget(file: ZipFile, entry: Entry, name: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of await openEntry(file, entry)) {
    bytes += (chunk as Buffer).length
    if (bytes > LINK_BYTES_MAX) throw new RefusedZip('broken', 'a link that is too long')
    chunks.push(chunk as Buffer)
  }
  const target = Buffer.concat(chunks).toString('utf8')
  const resolved = posix.normalize(posix.join(posix.dirname(name), target))
  const inside = !posix.isAbsolute(target) && resolved !== '..' && !resolved.startsWith('../')
  if (!inside || target === '' || target.includes('\0')) {
    throw new RefusedZip('broken', `a link that leads outside: ${name}`)
  }
  return target
}

async function writeFile(
  file: ZipFile,
  entry: Entry,
  { path, mode, bytesMax }: { path: string; mode: number; bytesMax: number },
): Promise<number> {
  let bytes = 0
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes > bytesMax) done(new RefusedZip('too large', 'unzipped size'))
      else done(null, chunk)
    },
  })
  // Set-user-id and its kin are dropped; what is left is readable by the function's user.
  const permissions = mode & 0o111 ? 0o755 : 0o644
  const target = createWriteStream(path, { mode: permissions, flags: 'wx' })
  await pipeline(await openEntry(file, entry), count, target).catch((error: Error) => {
    throw error instanceof RefusedZip ? error : new RefusedZip('broken', error.message)
  })
  return bytes
}

function openEntry(file: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, stream) => {
      if (error) reject(new RefusedZip('broken', error.message))
      else resolve(stream)
    })
  })
}

if (import.meta.main) {
  const [, , zipPath = '', folder = ''] = process.argv
  try {
    await unpack(await readFile(zipPath), folder)
  } catch (error) {
    const refusal = error instanceof RefusedZip ? error.refusal : 'broken'
    process.stdout.write(`${refusal}\n${error}\n`)
    process.exitCode = 1
  }
}
