// Unpacks one zip into an empty folder: the hostile part of taking code in, run by unpacking.ts as
// a process of its own, with limits and without an environment. zip-plan.ts says what may be
// written; here everything is counted and checked while it is inflated. It writes nowhere else.
// Exit status 0 is success; else standard output says what was wrong: a Refusal or `fault`, and a
// line of detail.

import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, inflateRawSync } from 'node:zlib'
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl'
import {
  ENTRIES_MAX,
  planOf,
  RefusedZip,
  requireInside,
  UNZIPPED_BYTES_MAX,
  type ZipPlan,
} from './zip-plan.ts'

/** Larger files are inflated as a stream, so that memory stays bounded. */
const AT_ONCE_BYTES_MAX = 8 * 1024 * 1024
const LINK_BYTES_MAX = 4096
const DEFLATED = 8
/** Errors of files that are this host's fault; all others are the zip's. */
const HOST_FAULTS = /^(EACCES|EDQUOT|EIO|EMFILE|ENFILE|ENOENT|ENOMEM|ENOSPC|EPERM|EROFS)$/

/** Writes the zip's content below `folder`. @throws RefusedZip, or an error that is the host's. */
export async function unpack(zip: Buffer, folder: string): Promise<void> {
  const file = await fromBufferPromise(zip, { strictFileNames: true })
  const plan = planOf(await entriesOf(file))
  const content = openContent(file, zip)
  for (const name of plan.folders) mkdirSync(join(folder, name), { mode: 0o755 })
  for (const { name, mode, entry } of plan.files) {
    const path = join(folder, name)
    if (entry.uncompressedSize <= AT_ONCE_BYTES_MAX) {
      writeFileSync(path, await content.whole(entry), { mode, flag: 'wx' })
    } else {
      await content.into(entry, createWriteStream(path, { mode, flags: 'wx' }))
    }
  }
  // Links come last, so that nothing is ever written through one.
  const targets = await targetsOf(plan, content)
  requireInside(targets)
  for (const [name, target] of targets) symlinkSync(target, join(folder, name))
}

async function entriesOf(file: ZipFile): Promise<Entry[]> {
  if (file.entryCount > ENTRIES_MAX) throw new RefusedZip('broken', 'too many entries')
  const entries: Entry[] = []
  for await (const entry of file.eachEntry()) entries.push(entry)
  return entries
}

async function targetsOf(
  { links }: ZipPlan<Entry>,
  content: ReturnType<typeof openContent>,
): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  for (const { name, entry } of links) {
    if (entry.uncompressedSize > LINK_BYTES_MAX) {
      throw new RefusedZip('broken', `a link that is too long: ${name}`)
    }
    targets.set(name, (await content.whole(entry)).toString())
  }
  return targets
}

/** What entries contain, counted against the limit of the whole zip whatever they declare. */
function openContent(file: ZipFile, zip: Buffer) {
  let left = UNZIPPED_BYTES_MAX
  const count = (bytes: number) => {
    left -= bytes
    if (left < 0) throw new RefusedZip('too large', 'more bytes than were declared')
  }
  const requireSum = (entry: Entry, sum: number) => {
    if (sum !== entry.crc32) throw new RefusedZip('broken', `damaged: ${entry.fileName}`)
  }
  return {
    async whole(entry: Entry): Promise<Buffer> {
      const { fileDataStart } = await file.readLocalFileHeaderPromise(entry, { minimal: true })
      const packed = zip.subarray(fileDataStart, fileDataStart + entry.compressedSize)
      const bytes = entry.compressionMethod === DEFLATED ? inflate(packed, entry) : packed
      if (bytes.length !== entry.uncompressedSize || !entry.canDecodeFileData()) {
        throw new RefusedZip('broken', `not what was declared: ${entry.fileName}`)
      }
      count(bytes.length)
      requireSum(entry, crc32(bytes))
      return bytes
    },
    async into(entry: Entry, target: NodeJS.WritableStream): Promise<void> {
      let sum = 0
      const meter = new Transform({
        transform(chunk: Buffer, _, done) {
          sum = crc32(chunk, sum)
          try {
            count(chunk.length)
            done(null, chunk)
          } catch (error) {
            done(error as Error)
          }
        },
      })
      await pipeline(await file.openReadStreamPromise(entry), meter, target)
      requireSum(entry, sum)
    },
  }
}

/** Never more than was declared: zlib stops there. It wants room for one byte even for none. */
function inflate(packed: Buffer, entry: Entry): Buffer {
  return inflateRawSync(packed, { maxOutputLength: Math.max(entry.uncompressedSize, 1) })
}

/** Reads a zip, makes sure that it is the one that is meant, and unpacks it. */
async function main([zipPath = '', folder = '', sha256 = '']: string[]): Promise<void> {
  process.umask(0o022)
  const zip = readFileSync(zipPath)
  const actual = createHash('sha256').update(zip).digest('hex')
  if (actual !== sha256) throw Object.assign(new Error('the zip is damaged'), { code: 'EIO' })
  await unpack(zip, folder)
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: NodeJS.ErrnoException) => {
    const fault = HOST_FAULTS.test(error.code ?? '')
    const refusal = error instanceof RefusedZip ? error.refusal : 'broken'
    process.stdout.write(`${fault ? 'fault' : refusal}\n${error.message}\n`)
    process.exitCode = 1
  })
}
