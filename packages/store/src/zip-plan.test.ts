// The law of zips: what a plan may hold, and that no set of links that is accepted ever leaves the
// folder, with the kernel itself as the judge.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ENTRIES_MAX, planOf, RefusedZip, requireInside, type ZipEntry } from './zip-plan.ts'

const UNIX = 3 << 8

function entry(fileName: string, at: number, extra: Partial<ZipEntry> & { mode?: number } = {}) {
  return {
    fileName,
    fileNameLength: Buffer.byteLength(fileName),
    generalPurposeBitFlag: 0,
    versionMadeBy: UNIX,
    externalFileAttributes: ((extra.mode ?? 0o100644) << 16) >>> 0,
    relativeOffsetOfLocalHeader: at * 1_000_000,
    compressedSize: 10,
    uncompressedSize: 20,
    ...extra,
  }
}

const namesOf = (names: string[]) => planOf(names.map((name, at) => entry(name, at)))

describe('a plan', () => {
  test('makes parents before children, each once', () => {
    const { folders, files } = namesOf(['a/b/c/d.js', 'a/b/', 'a/b/c/e.js', 'f.js'])
    expect(folders).toEqual(['a', 'a/b', 'a/b/c'])
    expect(files.map(({ name }) => name)).toEqual(['a/b/c/d.js', 'a/b/c/e.js', 'f.js'])
  })

  test('takes as many entries as a zip can count, and not one more', () => {
    const many = Array.from({ length: ENTRIES_MAX }, (_, at) => entry(`f${at}`, at, {}))
    expect(planOf(many).files).toHaveLength(65_535)
    expect(() => planOf([...many, entry('f', ENTRIES_MAX)])).toThrow('too many entries')
  })

  test('takes 262144000 bytes, and not one more', () => {
    const half = { uncompressedSize: 131_072_000 }
    expect(planOf([entry('a', 0, half), entry('b', 1, half)]).files).toHaveLength(2)
    const over = [entry('a', 0, half), entry('b', 1, half), entry('c', 2, { uncompressedSize: 1 })]
    expect(() => planOf(over)).toThrow(expect.objectContaining({ refusal: 'too large' }))
  })

  test('keeps of a mode whether it can be run', () => {
    const modes = [0o100644, 0o100755, 0o100600, 0o104711, 0o106644, 0]
    const { files } = planOf(modes.map((mode, at) => entry(`f${at}`, at, { mode })))
    expect(files.map(({ mode }) => mode)).toEqual([0o644, 0o755, 0o644, 0o755, 0o644, 0o644])
  })

  test('believes nothing about modes from a zip that was not made on Unix', () => {
    const made = { versionMadeBy: 20, mode: 0o120777 }
    expect(planOf([entry('a', 0, made)]).files).toMatchObject([{ name: 'a', mode: 0o644 }])
  })

  test('names only paths below the folder, whatever the names are', () => {
    const part = fc.constantFrom('a', 'B', '..', '.', '', 'c:', '\\', '\0', 'é', '...')
    const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
        const plan = planned(names)
        if (!plan) return
        const written = [...plan.folders, ...plan.files.map((file) => file.name)]
        expect(new Set(written).size).toBe(written.length)
        for (const path of written) expect(path).toMatch(/^(?!\/|\.\.?(\/|$))[^\\\0]+$/)
        for (const path of written) expect(path.split('/')).not.toContain('..')
      }),
      { numRuns: 2_000 },
    )
  })
})

function planned(names: string[]) {
  try {
    return namesOf(names)
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedZip)
    return undefined
  }
}

describe('links', () => {
  const accepts = (links: Record<string, string>) => {
    try {
      requireInside(new Map(Object.entries(links)))
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(RefusedZip)
      return false
    }
  }

  test.for<[boolean, Record<string, string>]>([
    [true, { a: 'b' }],
    [true, { 'd/a': '../b' }],
    [true, { 'd/a': '../d/./b//c' }],
    [true, { a: 'b', b: 'c', c: 'd' }],
    [true, { 'node_modules/.bin/x': '../x/cli.js' }],
    [false, { a: '/b' }],
    [false, { a: '../b' }],
    [false, { 'd/a': 'e/../../../b' }],
    [false, { 'a/b/s': '../..', 'a/b/t': 's/..' }],
    [false, { a: 'b', b: 'a' }],
  ])('%s: %o', ([expected, links]) => expect(accepts(links)).toBe(expected))

  test('that were accepted never lead outside, says the kernel', () => {
    const folders = ['', 'd', 'd/e', 'd/e/f']
    const name = fc.tuple(fc.constantFrom(...folders), fc.constantFrom('l', 'm', 'n', 'o'))
    const step = fc.constantFrom('..', '.', 'd', 'e', 'f', 'l', 'm', 'n', 'o')
    const target = fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => steps.join('/'))
    const link = fc.tuple(
      name.map(([folder, leaf]) => join(folder, leaf)),
      target,
    )
    let accepted = 0
    fc.assert(
      fc.property(fc.uniqueArray(link, { selector: ([at]) => at, maxLength: 8 }), (pairs) => {
        const links = Object.fromEntries(pairs)
        if (!accepts(links)) return
        accepted += 1
        for (const place of placesOf(links, folders)) expect(place).not.toBe('outside')
      }),
      { numRuns: 400 },
    )
    expect(accepted).toBeGreaterThan(50)
  })
})

/** Makes the links for real, and asks where each leads. */
function placesOf(links: Record<string, string>, folders: string[]): string[] {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'hearth-links-')))
  try {
    for (const folder of folders) mkdirSync(join(root, 'code', folder), { recursive: true })
    for (const [name, target] of Object.entries(links)) {
      symlinkSync(target, join(root, 'code', name))
    }
    return Object.keys(links).map((name) => {
      try {
        return `${realpathSync(join(root, 'code', name))}/`.startsWith(`${root}/code/`)
          ? 'inside'
          : 'outside'
      } catch {
        return 'nowhere'
      }
    })
  } finally {
    rmSync(root, { recursive: true })
  }
}
