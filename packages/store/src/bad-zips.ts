// The zips that must be refused, for tests: each by its name, made when it is asked for. One list,
// so that "how many ways are refused" is a number that can be read. Product code must never import
// it.

import { randomBytes } from 'node:crypto'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { type RawEntry, rawZip } from './raw-zip.ts'

const LINK = 0o120777
const link = (name: string, target: string): RawEntry => ({ name, data: target, mode: LINK })
const one = (entry: RawEntry) => () => rawZip([{ data: 'x', ...entry }])
const some =
  (...entries: RawEntry[]) =>
  () =>
    rawZip(entries.map((entry) => ({ data: 'x', ...entry })))
const good = () => rawZip([{ name: 'index.mjs', data: 'export {}'.repeat(50) }])
const zeros = (bytes: number) => deflateRawSync(Buffer.alloc(bytes))

/** An Info-ZIP Unicode path field, which renames its entry. */
function unicodePath(rawNameCrc: number, name: string): Buffer {
  const head = Buffer.alloc(9)
  head.writeUInt16LE(0x7075, 0)
  head.writeUInt16LE(5 + Buffer.byteLength(name), 2)
  head.writeUInt8(1, 4)
  head.writeUInt32LE(rawNameCrc, 5)
  return Buffer.concat([head, Buffer.from(name)])
}

const NOT_ZIPS: Record<string, () => Buffer> = {
  'no bytes': () => Buffer.alloc(0),
  'random bytes': () => randomBytes(4096),
  text: () => Buffer.from('exports.handler = () => 1\n'.repeat(40)),
  'a gzip file': () => gzipSync('exports.handler = () => 1'),
  'an end record alone': () => rawZip([]),
  'half a zip': () => good().subarray(0, good().length >> 1),
  'a zip without its last byte': () => good().subarray(0, -1),
  'a zip without its first bytes': () => good().subarray(20),
  'a directory that is counted too long': () => rawZip([{ name: 'a', data: 'x' }], { count: 9 }),
  'a directory with a broken signature': () => flip(good(), 0x02014b50),
  'a local header with a broken signature': () => flip(good(), 0x04034b50),
}

const BAD_NAMES: Record<string, () => Buffer> = {
  'a name that climbs': one({ name: '../x' }),
  'a name that climbs twice': one({ name: '../../etc/cron.d/x' }),
  'a name that climbs in the middle': one({ name: 'a/../../x' }),
  'a name that climbs and comes back': one({ name: 'a/../x' }),
  'a name that is its parent': one({ name: '..' }),
  'a name that ends in its parent': one({ name: 'a/..' }),
  'a folder that climbs': one({ name: '../x/', data: '' }),
  'an absolute name': one({ name: '/etc/passwd' }),
  'an absolute name with two slashes': one({ name: '//x' }),
  'a drive': one({ name: 'C:/x' }),
  'a drive without a slash': one({ name: 'c:x' }),
  'backslashes that climb': one({ name: '..\\x' }),
  'backslashes inside': one({ name: 'a\\b' }),
  'a share': one({ name: '\\\\host\\x' }),
  'a zero byte': one({ name: 'a\0b' }),
  'no name': one({ name: '' }),
  'a dot as a file': one({ name: '.' }),
  'a name of 1025 bytes': one({ name: `${'a/'.repeat(512)}b` }),
  'a part of 300 bytes': one({ name: 'a'.repeat(300) }),
  'a second name that climbs': () =>
    rawZip([{ name: 'a', data: 'x', extra: unicodePath(0xe8b7be43, '../x') }]),
}

const CONFLICTS: Record<string, () => Buffer> = {
  'one name twice': some({ name: 'a' }, { name: 'a', data: 'y' }),
  'names that differ in case': some({ name: 'Readme' }, { name: 'README' }),
  'names that differ in composition': some({ name: 'caf\u00e9' }, { name: 'cafe\u0301' }),
  'one name in two spellings': some({ name: 'a/b' }, { name: './a//b' }),
  'a file and then a folder': some({ name: 'a' }, { name: 'a/', data: '' }),
  'a folder and then a file': some({ name: 'a/', data: '' }, { name: 'a' }),
  'a file that is a folder too': some({ name: 'a' }, { name: 'a/b' }),
  'a folder that becomes a file': some({ name: 'a/b/c' }, { name: 'a/b' }),
}

const BAD_KINDS: Record<string, () => Buffer> = {
  'a character device': one({ name: 'null', mode: 0o020666 }),
  'a block device': one({ name: 'sda', mode: 0o060666 }),
  'a pipe': one({ name: 'pipe', mode: 0o010644 }),
  'a socket': one({ name: 'socket', mode: 0o140644 }),
  'an encrypted file': one({ name: 'a', flags: 0x801, packed: randomBytes(32) }),
  'a strongly encrypted file': one({ name: 'a', flags: 0x841, packed: randomBytes(32) }),
}

const BAD_LINKS: Record<string, () => Buffer> = {
  'an absolute link': () => rawZip([link('a', '/etc/passwd')]),
  'a link to the parent': () => rawZip([link('a', '..')]),
  'a link that climbs': () => rawZip([link('d/a', '../../x')]),
  'a link that goes down and climbs': () => rawZip([link('a', 'b/c/../../../x')]),
  'two links that leave together': () => rawZip([link('a/b/s', '../..'), link('a/b/t', 's/../..')]),
  'three links that leave together': () =>
    rawZip([link('d/up', '..'), link('d/e/far', '../up'), link('d/e/out', 'far/../x')]),
  'a link to itself': () => rawZip([link('a', 'a')]),
  'links in a circle': () => rawZip([link('a', 'b'), link('b', 'c'), link('c', 'a')]),
  'a link to nothing that can be named': () => rawZip([link('a', '')]),
  'a link with a zero byte': () => rawZip([link('a', 'b\0c')]),
  'a link that is too long': () => rawZip([link('a', 'b/'.repeat(4000))]),
  'a file behind a link': () => rawZip([link('d', '..'), { name: 'd/x', data: 'x' }]),
  'a link over a file': () => rawZip([{ name: 'd', data: 'x' }, link('d', 'e')]),
  'a link with a name of a folder': () => rawZip([link('d/', 'e')]),
}

const BAD_CONTENT: Record<string, () => Buffer> = {
  'a wrong checksum, deflated': one({ name: 'a', crc: 1 }),
  'a wrong checksum, stored': one({ name: 'a', method: 0, crc: 1 }),
  'a wrong checksum in a large file': one({ name: 'a', data: Buffer.alloc(9_000_000), crc: 1 }),
  'more content than declared': one({ name: 'a', data: 'x'.repeat(99), declared: 9 }),
  'less content than declared': one({ name: 'a', declared: 99 }),
  'a stored file of another size': one({ name: 'a', method: 0, declared: 99 }),
  'a damaged stream': one({ name: 'a', packed: Buffer.alloc(64, 0xff) }),
  'a stream cut short': one({ name: 'a', packed: zeros(99_999).subarray(0, 40), declared: 99_999 }),
  'an unknown method': one({ name: 'a', method: 12 }),
  'a place outside the zip': one({ name: 'a', offset: 1_000_000 }),
  'a place inside the directory': one({ name: 'a', offset: 40 }),
  'content beyond the end of the zip': one({ name: 'a', packedDeclared: 1_000_000 }),
  'two entries in one place': some({ name: 'a' }, { name: 'b', sameAs: 0 }),
  'an entry inside another': some(
    { name: 'a', method: 0, data: good() },
    { name: 'b', offset: 31 },
  ),
  'a size that lies about a bomb': one({ name: 'a', packed: zeros(300_000_000), declared: 9 }),
  'a large size that lies about a bomb': () =>
    rawZip([{ name: 'a', packed: zeros(300_000_000), declared: 9_000_000 }]),
  'more entries than a zip may have': () =>
    rawZip(Array.from({ length: 65_536 }, (_, at) => ({ name: `f${at}`, method: 0 }))),
}

/** Zips that AWS could not unzip either; by what is wrong with them, as the refusal's cause says it. */
export const BROKEN_ZIPS: [RegExp, Record<string, () => Buffer>][] = [
  [
    /no entries|signature|Too few bytes|multi-disk|end of central directory|expected|EOF/i,
    NOT_ZIPS,
  ],
  [/bad name|relative path|absolute path|invalid characters|ENAMETOOLONG/, BAD_NAMES],
  [/^(twice|a file and a folder)/, CONFLICTS],
  [/^(neither a file|encrypted)|strong encryption/, BAD_KINDS],
  [/^(a link|a file and a folder|twice)/, BAD_LINKS],
  [
    /^(damaged|not what was|entries lie|too many entries)|size mismatch|too many bytes|Cannot create a Buffer larger|unexpected e|invalid|beyond|overflow|local file header/i,
    BAD_CONTENT,
  ],
]

/** Zips that hold more than Lambda's 250 MB. */
export const BOMBS: Record<string, () => Buffer> = {
  'one file of 300 MB': () =>
    rawZip([{ name: 'a', packed: zeros(300_000_000), declared: 300_000_000 }]),
  'many files of 9 MB': () => {
    const packed = zeros(9_000_000)
    const entry = { packed, declared: 9_000_000 }
    return rawZip(Array.from({ length: 30 }, (_, at) => ({ name: `f${at}`, ...entry })))
  },
  'one byte more than the limit': () =>
    rawZip([{ name: 'a', packed: zeros(262_144_001), declared: 262_144_001 }]),
}

/** Turns one bit of the first four bytes that spell this signature. */
function flip(zip: Buffer, signature: number): Buffer {
  const wanted = Buffer.alloc(4)
  wanted.writeUInt32LE(signature)
  const at = zip.indexOf(wanted)
  zip[at] = (zip[at] ?? 0) ^ 1
  return zip
}
