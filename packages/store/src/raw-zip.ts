// Zips made by hand, for tests: every field can be wrong on purpose, because the libraries that
// make zips refuse to make bad ones. Product code must never import it.

import { crc32, deflateRawSync } from 'node:zlib'

export interface RawEntry {
  name: string | Buffer
  data?: string | Uint8Array
  /** 8 is deflate, 0 is stored. */
  method?: number
  /** Unix mode with its type bits; 0 for a zip that was not made on Unix. */
  mode?: number
  flags?: number
  /** What the headers say in the place of the truth. */
  crc?: number
  declared?: number
  packedDeclared?: number
  packed?: Uint8Array
  /** The entry's content is that of the earlier entry with this index. */
  sameAs?: number
  offset?: number
  extra?: Buffer
}

const FILE = 0o100644
const UTF8 = 0x800
const UNIX = 3

/** The bytes of a zip with these entries. */
export function rawZip(
  entries: readonly RawEntry[],
  { count = entries.length, comment = '' }: { count?: number; comment?: string } = {},
): Buffer {
  const parts: Buffer[] = []
  const rows: Buffer[] = []
  const offsets: number[] = []
  let at = 0
  for (const entry of entries) {
    const fields = fieldsOf(entry)
    if (entry.sameAs === undefined) {
      offsets.push(at)
      const local = Buffer.concat([localHeader(fields), fields.name, fields.packed])
      parts.push(local)
      at += local.length
    } else {
      offsets.push(offsets[entry.sameAs] ?? 0)
    }
    const offset = entry.offset ?? offsets.at(-1) ?? 0
    rows.push(Buffer.concat([row(fields, offset), fields.name, fields.extra]))
  }
  const directory = Buffer.concat(rows)
  return Buffer.concat([...parts, directory, end(directory.length, at, { count, comment })])
}

function fieldsOf(entry: RawEntry) {
  const data = Buffer.from(entry.data ?? '')
  const method = entry.method ?? 8
  const packed = Buffer.from(entry.packed ?? (method === 8 ? deflateRawSync(data) : data))
  return {
    name: Buffer.from(entry.name),
    packed,
    method,
    flags: entry.flags ?? UTF8,
    mode: entry.mode ?? FILE,
    crc: entry.crc ?? crc32(data),
    declared: entry.declared ?? data.length,
    packedDeclared: entry.packedDeclared ?? packed.length,
    extra: entry.extra ?? Buffer.alloc(0),
  }
}

type Fields = ReturnType<typeof fieldsOf>

function localHeader(fields: Fields): Buffer {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(fields.flags, 6)
  header.writeUInt16LE(fields.method, 8)
  header.writeUInt32LE(fields.crc, 14)
  header.writeUInt32LE(fields.packedDeclared, 18)
  header.writeUInt32LE(fields.declared, 22)
  header.writeUInt16LE(fields.name.length, 26)
  return header
}

function row(fields: Fields, offset: number): Buffer {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  header.writeUInt16LE(fields.mode === 0 ? 20 : (UNIX << 8) | 20, 4)
  header.writeUInt16LE(20, 6)
  header.writeUInt16LE(fields.flags, 8)
  header.writeUInt16LE(fields.method, 10)
  header.writeUInt32LE(fields.crc, 16)
  header.writeUInt32LE(fields.packedDeclared, 20)
  header.writeUInt32LE(fields.declared, 24)
  header.writeUInt16LE(fields.name.length, 28)
  header.writeUInt16LE(fields.extra.length, 30)
  header.writeUInt32LE((fields.mode << 16) >>> 0, 38)
  header.writeUInt32LE(offset, 42)
  return header
}

function end(
  bytes: number,
  offset: number,
  { count, comment }: { count: number; comment: string },
): Buffer {
  const header = Buffer.alloc(22)
  header.writeUInt32LE(0x06054b50, 0)
  header.writeUInt16LE(Math.min(count, 0xffff), 8)
  header.writeUInt16LE(Math.min(count, 0xffff), 10)
  header.writeUInt32LE(bytes, 12)
  header.writeUInt32LE(offset, 16)
  header.writeUInt16LE(comment.length, 20)
  const last = Buffer.concat([header, Buffer.from(comment)])
  return count > 0xffff ? Buffer.concat([end64(bytes, offset, count), last]) : last
}

/** The end records of the 64-bit extension, which can count further. */
function end64(bytes: number, offset: number, count: number): Buffer {
  const header = Buffer.alloc(76)
  header.writeUInt32LE(0x06064b50, 0)
  header.writeBigUInt64LE(44n, 4)
  header.writeUInt16LE(45, 12)
  header.writeUInt16LE(45, 14)
  header.writeBigUInt64LE(BigInt(count), 24)
  header.writeBigUInt64LE(BigInt(count), 32)
  header.writeBigUInt64LE(BigInt(bytes), 40)
  header.writeBigUInt64LE(BigInt(offset), 48)
  header.writeUInt32LE(0x07064b50, 56)
  header.writeBigUInt64LE(BigInt(offset + bytes), 64)
  header.writeUInt32LE(1, 72)
  return header
}
