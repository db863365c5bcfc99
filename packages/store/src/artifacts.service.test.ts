// Artifacts on a real disk: what is refused leaves nothing behind, what is good comes out as it
// went in, and neither kill -9, nor a sweep, nor another process takes away what was promised.

import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Artifacts, openArtifacts } from './artifacts.ts'
import { BOMBS, BROKEN_ZIPS } from './bad-zips.ts'
import { rawZip } from './raw-zip.ts'

const DAY_MS = 24 * 3_600_000
const BAD_ZIP = 'Could not unzip uploaded file. Please check your file, then try to upload again.'

const BROKEN = BROKEN_ZIPS.flatMap(([reason, zips]) =>
  Object.entries(zips).map(([name, make]) => ({ name, make, reason })),
)

let outside: string
let directory: string
let artifacts: Artifacts

beforeAll(async () => {
  outside = mkdtempSync(join(tmpdir(), 'hearth-artifacts-'))
  directory = join(outside, 'a/b/c/artifacts')
  mkdirSync(directory, { recursive: true })
  artifacts = await openArtifacts(directory)
})

afterAll(() => rmSync(outside, { recursive: true, force: true }))

/** Every path below, with what it is. */
function tree(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => `${join(entry.parentPath, entry.name)} ${entry.isFile() ? 'file' : 'other'}`)
    .sort()
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function unpacked(zip: Uint8Array): Promise<string> {
  const { sha256: hash, size } = await artifacts.put(zip)
  expect([hash, size]).toEqual([sha256(zip), zip.length])
  expect(await artifacts.zip(hash)).toEqual(Buffer.from(zip))
  return artifacts.codeDirectory(hash)
}

describe('a bad zip is refused and leaves nothing behind', () => {
  test('there are enough ways to be bad', () => {
    expect(BROKEN.length + Object.keys(BOMBS).length).toBeGreaterThanOrEqual(40)
  })

  test.for(BROKEN)('$name', async ({ make, reason }) => {
    const before = tree(outside)
    const refusal = await artifacts.put(make()).catch((error) => error)
    expect(refusal).toMatchObject({ code: 'InvalidParameterValueException', message: BAD_ZIP })
    expect(refusal.cause.message).toMatch(reason)
    expect(tree(outside)).toEqual(before)
  })

  test.for(Object.entries(BOMBS))('%s', async ([, make]) => {
    const before = tree(outside)
    await expect(artifacts.put(make())).rejects.toMatchObject({
      code: 'InvalidParameterValueException',
      message: 'Unzipped size must be smaller than 262144000 bytes',
    })
    expect(tree(outside)).toEqual(before)
  })

  test('more than 50 MB zipped', async () => {
    const before = tree(outside)
    await expect(artifacts.put(new Uint8Array(52_428_801))).rejects.toMatchObject({
      code: 'RequestEntityTooLargeException',
      message: 'Zipped size must be smaller than 52428800 bytes',
    })
    expect(tree(outside)).toEqual(before)
  })
})

describe('a good zip comes out as it went in', () => {
  const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
  const modeOf = (path: string) => lstatSync(path).mode & 0o7777

  test('deflated, stored, empty and nested files', async () => {
    const folder = await unpacked(
      rawZip([
        { name: 'index.mjs', data: 'export const a = 1\n'.repeat(999) },
        { name: 'stored.bin', data: 'as it is', method: 0 },
        { name: 'empty', method: 0 },
        { name: 'empty-deflated' },
        { name: './lib//deep/er/x.js', data: 'deep' },
        { name: 'assets/', data: '', mode: 0o040755 },
        { name: 'assets/', data: '', mode: 0o040755 },
      ]),
    )
    expect(read(folder, 'index.mjs')).toBe('export const a = 1\n'.repeat(999))
    expect(read(folder, 'stored.bin')).toBe('as it is')
    expect(read(folder, 'empty') + read(folder, 'empty-deflated')).toBe('')
    expect(read(folder, 'lib/deep/er/x.js')).toBe('deep')
    expect(readdirSync(join(folder, 'assets'))).toEqual([])
  })

  test('names in any script', async () => {
    const names = [
      'größe.txt',
      '関数.js',
      'emoji-🔥.md',
      'with space',
      'quote\'"$(x)',
      'новый/файл',
    ]
    const folder = await unpacked(rawZip(names.map((name) => ({ name, data: name }))))
    for (const name of names) expect(read(folder, name)).toBe(name)
  })

  test('modes are those of code, whatever the zip says', async () => {
    const umask = process.umask(0o077)
    const folder = await unpacked(
      rawZip([
        { name: 'bin/bootstrap', data: '#!/bin/sh', mode: 0o100700 },
        { name: 'setuid', data: 'x', mode: 0o106755 },
        { name: 'secret', data: 'x', mode: 0o100600 },
        { name: 'windows.txt', data: 'x', mode: 0 },
      ]),
    ).finally(() => process.umask(umask))
    const modes = ['.', 'bin', 'bin/bootstrap', 'setuid', 'secret', 'windows.txt']
    expect(modes.map((name) => modeOf(join(folder, name)).toString(8))).toEqual([
      '755',
      '755',
      '755',
      '755',
      '644',
      '644',
    ])
  })

  test('links that stay inside', async () => {
    const mode = 0o120777
    const folder = await unpacked(
      rawZip([
        { name: 'lib/libx.so.1.2', data: 'ELF' },
        { name: 'lib/libx.so.1', data: 'libx.so.1.2', mode },
        { name: 'lib/libx.so', data: 'libx.so.1', mode },
        { name: 'current', data: 'lib/../lib', mode },
        { name: 'later', data: 'not/there/yet', mode },
      ]),
    )
    expect(readlinkSync(join(folder, 'lib/libx.so'))).toBe('libx.so.1')
    expect(read(folder, 'current/libx.so')).toBe('ELF')
  })

  test('what another tool made', async () => {
    const folder = await unpacked(
      zipSync({ 'a.txt': Buffer.from('a'), d: { 'b.txt': [Buffer.from('b'), { level: 0 }] } }),
    )
    expect(read(folder, 'a.txt') + read(folder, 'd/b.txt')).toBe('ab')
  })

  test('exactly 250 MB', async () => {
    const bytes = 262_144_000
    const packed = deflateRawSync(Buffer.alloc(bytes))
    const data = Buffer.alloc(bytes)
    const folder = await unpacked(rawZip([{ name: 'zeros', data, packed }]))
    expect(lstatSync(join(folder, 'zeros')).size).toBe(bytes)
    rmSync(folder, { recursive: true })
  })

  test('6 MB of two thousand files', async () => {
    const files = Array.from({ length: 2000 }, (_, at) => {
      const noise = createHash('shake256', { outputLength: 3000 }).update(String(at)).digest()
      return [`node_modules/p${at % 40}/f${at}.js`, noise] as const
    })
    const zip = zipSync(Object.fromEntries(files), { level: 0 })
    const folder = await unpacked(zip)
    for (const [name, noise] of files) expect(readFileSync(join(folder, name))).toEqual(noise)
  })
})

describe('stored code', () => {
  const zipOf = (text: string) => rawZip([{ name: 'x', data: text }])
  const zipPath = (hash: string) => join(directory, 'zips', hash.slice(0, 2), `${hash}.zip`)

  test('many at once unpack it once', async () => {
    const zip = zipOf('once')
    const stored = await Promise.all(Array.from({ length: 8 }, () => artifacts.put(zip)))
    expect(new Set(stored.map((one) => one.sha256)).size).toBe(1)
    const other = await openArtifacts(directory)
    const folders = await Promise.all(
      [artifacts, other, artifacts].map((one) => one.codeDirectory(sha256(zip))),
    )
    expect(new Set(folders).size).toBe(1)
    expect(readdirSync(join(directory, 'fresh'))).toEqual([])
  })

  test('that was damaged is not unpacked, and can be put again', async () => {
    const zip = zipOf('damaged')
    rmSync(await unpacked(zip), { recursive: true })
    writeFileSync(zipPath(sha256(zip)), zipOf('something else'))
    await expect(artifacts.codeDirectory(sha256(zip))).rejects.toThrow(/damaged/)
    expect(readFileSync(join(await unpacked(zip), 'x'), 'utf8')).toBe('damaged')
  })

  test('that is not here is an error, and its name is never a path', async () => {
    const hash = 'a'.repeat(64)
    expect(await artifacts.zip(hash)).toBeUndefined()
    expect(await artifacts.zip('../../../etc/passwd')).toBeUndefined()
    await expect(artifacts.codeDirectory(hash)).rejects.not.toHaveProperty('code')
    await expect(artifacts.codeDirectory('../x')).rejects.toThrow(/not the name/)
  })

  test('of an earlier boot is unpacked anew', async () => {
    const earlier = join(directory, 'code', '00000000-0000-4000-8000-000000000000')
    mkdirSync(join(earlier, 'f'.repeat(64)), { recursive: true })
    await openArtifacts(directory)
    expect(readdirSync(join(directory, 'code'))).not.toContain(
      '00000000-0000-4000-8000-000000000000',
    )
  })

  test('goes a day after nobody wanted it any more', async () => {
    const own = join(outside, 'swept')
    const swept = await openArtifacts(own)
    const [kept, gone, again] = (await Promise.all(
      ['kept', 'gone', 'again'].map(async (text) => (await swept.put(zipOf(text))).sha256),
    )) as [string, string, string]
    const keep = new Set([kept])
    const now = Date.now()
    expect(await swept.sweep(keep, now)).toEqual([])
    expect(await swept.sweep(keep, now + DAY_MS - 1_000)).toEqual([])
    await swept.put(zipOf('again'))
    expect(await swept.sweep(keep, now + DAY_MS + 1_000)).toEqual([gone])
    expect(await swept.zip(gone)).toBeUndefined()
    await expect(swept.codeDirectory(gone)).rejects.toThrow()
    for (const hash of [kept, again]) expect(await swept.zip(hash)).toBeDefined()
    expect(await swept.sweep(new Set([kept, again]), now + 9 * DAY_MS)).toEqual([])
    expect(readdirSync(join(own, 'unwanted'))).toEqual([])
  })

  test('of layers lies over that of earlier ones, in one folder, as long as all of it is kept', async () => {
    const own = join(outside, 'layers')
    const store = await openArtifacts(own)
    const put = async (files: Record<string, string>) => {
      const entries = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])
      return (await store.put(zipSync(Object.fromEntries(entries)))).sha256
    }
    const first = await put({ 'bin/a': 'one', 'bin/b': 'one', deep: 'file' })
    const second = await put({ 'bin/b': 'two!', 'deep/c': 'two!' })
    const read = async (hashes: string[], name: string) =>
      readFileSync(join(await store.layersDirectory(hashes), name), 'utf8')
    expect(await read([first, second], 'bin/a')).toBe('one')
    expect(await read([first, second], 'bin/b')).toBe('two!')
    expect(await read([first, second], 'deep/c')).toBe('two!')
    expect(await read([second, first], 'bin/b')).toBe('one')
    expect(await read([second, first], 'deep')).toBe('file')
    // What lies over it changes no layer.
    expect(await read([first], 'bin/b')).toBe('one')
    expect(await store.layersDirectory([first])).toBe(await store.codeDirectory(first))
    expect(await store.unpackedBytes([first, second])).toBe(3 + 3 + 4 + 4 + 4)
    const both = await store.layersDirectory([first, second])
    expect(await store.layersDirectory([first, second])).toBe(both)
    const now = Date.now()
    await store.sweep(new Set([first, second]), now)
    await store.sweep(new Set([first]), now)
    expect(readFileSync(join(both, 'bin/a'), 'utf8')).toBe('one')
    expect(await store.sweep(new Set([first]), now + DAY_MS + 1_000)).toEqual([second])
    expect(readdirSync(join(both, '../..'))).toEqual([])
    expect(await read([first], 'bin/b')).toBe('one')
  })

  test('that is put while it is swept is there afterwards', async () => {
    const swept = await openArtifacts(join(outside, 'raced'))
    const zip = zipOf('raced')
    const { sha256: hash } = await swept.put(zip)
    for (let round = 1; round <= 40; round += 1) {
      const now = Date.now() + round * 10 * DAY_MS
      await swept.sweep(new Set(), now)
      const later = new Promise((resolve) => setTimeout(resolve, (round % 8) * 4))
      const putting = round % 2 ? swept.put(zip) : later.then(() => swept.put(zip))
      const sweeping =
        round % 2
          ? later.then(() => swept.sweep(new Set(), now + 2 * DAY_MS))
          : swept.sweep(new Set(), now + 2 * DAY_MS)
      await Promise.all([putting, sweeping])
      expect(readFileSync(join(await swept.codeDirectory(hash), 'x'), 'utf8')).toBe('raced')
      expect(await swept.zip(hash)).toEqual(zip)
    }
  })

  test('survives kill -9 at any moment: whole or not there', async () => {
    const own = join(outside, 'killed')
    const files = Array.from({ length: 400 }, (_, at) => [`d${at % 9}/f${at}`, `${at}`.repeat(900)])
    const zip = zipSync(Object.fromEntries(files.map(([n, t]) => [n, Buffer.from(t ?? '')])))
    const path = join(outside, 'killed.zip')
    writeFileSync(path, zip)
    const program = `
      import { readFileSync } from 'node:fs'
      import { openArtifacts } from ${JSON.stringify(new URL('./artifacts.ts', import.meta.url))}
      const artifacts = await openArtifacts(${JSON.stringify(own)})
      process.stdout.write('open')
      await artifacts.put(readFileSync(${JSON.stringify(path)}))
      process.stdout.write('put')`
    for (let round = 0; round < 10; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program])
      let said = ''
      const opened = new Promise<void>((resolve) =>
        child.stdout.on('data', (chunk) => {
          said += chunk
          resolve()
        }),
      )
      const ended = new Promise((resolve) => child.on('exit', resolve))
      await Promise.race([opened, ended])
      await new Promise((resolve) => setTimeout(resolve, round * 20))
      child.kill('SIGKILL')
      await ended
      const after = await openArtifacts(own)
      const found = await after.zip(sha256(zip))
      if (said.includes('put')) expect(found).toBeDefined()
      if (found) expect(sha256(found)).toBe(sha256(zip))
      if (round % 3 === 2) {
        const { sha256: hash } = await after.put(zip)
        const folder = await after.codeDirectory(hash)
        for (const [name = '', text] of files) {
          expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
        }
        rmSync(join(own, 'zips'), { recursive: true })
        rmSync(folder, { recursive: true })
        mkdirSync(join(own, 'zips'))
      }
    }
  })

  test('does not blame the zip for a full disk', async () => {
    const mount = join(outside, 'small')
    mkdirSync(mount)
    const run = promisify(execFile)
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount]).then(
      () => true,
      () => false,
    )
    // Only root may mount; elsewhere there is nothing to see.
    if (!mounted) return
    try {
      const small = await openArtifacts(mount)
      const zip = rawZip([{ name: 'x', data: Buffer.alloc(6_000_000) }])
      const refusal = await small.put(zip).catch((error) => error)
      expect(refusal).toBeInstanceOf(Error)
      expect(refusal).not.toHaveProperty('members')
      expect(refusal.message).toMatch(/ENOSPC/)
      expect(readdirSync(join(mount, 'fresh'))).toEqual([])
    } finally {
      await run('umount', [mount])
    }
  })
})
