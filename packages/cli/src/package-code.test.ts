// Laws of packing: the same bytes for the same content, modes and links kept, junk left out, and
// nothing outside the folder unless a link says so.

import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { strFromU8, unzipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isIgnored, packageCode } from './package-code.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-code-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(name: string, text = name): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

const namesIn = (zip: Uint8Array) => Object.keys(unzipSync(zip))

/** Unix mode by name, from the zip's central directory. */
function modes(zip: Uint8Array): Record<string, string> {
  const buffer = Buffer.from(zip)
  const found: Record<string, string> = {}
  for (let at = buffer.indexOf('PK\x01\x02'); at >= 0; at = buffer.indexOf('PK\x01\x02', at + 4)) {
    const length = buffer.readUInt16LE(at + 28)
    const name = buffer.toString('utf8', at + 46, at + 46 + length)
    found[name] = (buffer.readUInt32LE(at + 38) >>> 16).toString(8)
  }
  return found
}

describe('packageCode', () => {
  test('makes the same bytes whatever the order, the dates and the group permissions', async () => {
    await put('b/two.mjs')
    await put('a.mjs')
    await put('b.mjs')
    const first = await packageCode(folder)
    await rm(folder, { recursive: true })
    await put('b.mjs')
    await put('a.mjs')
    await chmod(await put('b/two.mjs'), 0o600)
    await utimes(join(folder, 'a.mjs'), new Date(0), new Date(86_400_000))
    expect(Buffer.from(await packageCode(folder)).equals(Buffer.from(first))).toBe(true)
    expect(namesIn(first)).toEqual(['a.mjs', 'b/two.mjs', 'b.mjs'])
  })

  test('makes other bytes for another content or mode', async () => {
    const path = await put('run.sh')
    const first = await packageCode(folder)
    await chmod(path, 0o755)
    const second = await packageCode(folder)
    expect(modes(first)).toEqual({ 'run.sh': '100644' })
    expect(modes(second)).toEqual({ 'run.sh': '100755' })
    expect(second).not.toEqual(first)
  })

  test('keeps links that stay inside, and follows those that lead out', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'hearth-outside-'))
    try {
      await mkdir(join(outside, 'lib'))
      await writeFile(join(outside, 'lib', 'x.js'), 'out')
      await symlink('x.js', join(outside, 'lib', 'same.js'))
      await writeFile(join(outside, 'beside.js'), 'beside')
      await symlink('../beside.js', join(outside, 'lib', 'up.js'))
      await put('real.js', 'in')
      await put('beside.js', 'another')
      await symlink('real.js', join(folder, 'link.js'))
      await symlink(join(folder, 'real.js'), join(folder, 'absolute.js'))
      await symlink(join(outside, 'lib'), join(folder, 'lib'))
      const zip = await packageCode(folder)
      const content = Object.entries(unzipSync(zip)).map(([name, data]) => [name, strFromU8(data)])
      expect(Object.fromEntries(content)).toEqual({
        'absolute.js': 'in',
        'beside.js': 'another',
        'lib/same.js': 'x.js',
        // Unpacked, this link would have led to another file of that name.
        'lib/up.js': 'beside',
        'lib/x.js': 'out',
        'link.js': 'real.js',
        'real.js': 'in',
      })
      expect(modes(zip)).toMatchObject({ 'link.js': '120777', 'lib/up.js': '100644' })
    } finally {
      await rm(outside, { recursive: true })
    }
  })

  test('refuses links to nothing and in circles', async () => {
    await put('index.mjs')
    await symlink('nothing', join(folder, 'dangling'))
    await expect(packageCode(folder)).rejects.toThrow(/dangling is a link to nothing/)
    await rm(join(folder, 'dangling'))
    await symlink(folder, join(folder, 'round'))
    await expect(packageCode(folder)).rejects.toThrow(/round is a link in a circle/)
  })

  test('leaves out what is never code, and what .hearthignore names', async () => {
    for (const name of [
      'index.mjs',
      '.git/config',
      '__pycache__/a.pyc',
      'hearth.json',
      'deep/hearth.json',
      'test/a.js',
      'deep/test/b.js',
      'notes.md',
      'deep/more.md',
      'dist/keep.js',
      'deep/dist/keep.js',
    ]) {
      await put(name)
    }
    await put('.hearthignore', '# comment\n\n*.md\n/dist/\ntest\n')
    expect(namesIn(await packageCode(folder))).toEqual([
      'deep/dist/keep.js',
      'deep/hearth.json',
      'index.mjs',
    ])
  })

  test('takes a zip as it is, and says what it cannot take', async () => {
    const path = await put('code.zip', 'PK\x03\x04 and so on')
    expect(Buffer.from(await packageCode(path)).toString()).toContain('and so on')
    await expect(packageCode(await put('index.mjs'))).rejects.toThrow(/is no zip/)
    await expect(packageCode(join(folder, 'nowhere'))).rejects.toThrow(/There is no/)
    await rm(folder, { recursive: true })
    await put('.git/HEAD')
    await expect(packageCode(folder)).rejects.toThrow(/holds no code/)
  })
})

test.each([
  ['a/b.pyc', [], true],
  ['node_modules/.cache', [], true],
  ['a/node_modules/.cache', [], true],
  ['.cache', [], false],
  ['.gitkeep', [], false],
  ['a/b.md', ['*.md'], true],
  ['a/b.md', ['a/*.md'], true],
  ['x/a/b.md', ['a/*.md'], false],
  ['x/a/b.md', ['**/a/*.md'], true],
  ['a/dist', ['/dist'], false],
  ['dist', ['/dist'], true],
])('isIgnored(%s, %j) is %s', (entry, patterns, expected) => {
  expect(isIgnored(entry, patterns)).toBe(expected)
})
