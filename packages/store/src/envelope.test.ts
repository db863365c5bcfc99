// The envelope keeps secrets: they open under their own key and for their own purpose alone, keys
// can be changed, and the key's file is made once, for its owner only.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEnvelope, openEnvelope } from './envelope.ts'

let folder: string
const [ONE, TWO] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-envelope-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('opens what it sealed, and never seals alike', () => {
  const envelope = createEnvelope([ONE])
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, purpose) => {
      const sealed = envelope.seal(text, purpose)
      expect(envelope.open(sealed, purpose)).toBe(text)
      expect(envelope.seal(text, purpose)).not.toBe(sealed)
    }),
  )
})

test('opens nothing for another purpose, under another key, or changed', () => {
  const envelope = createEnvelope([ONE])
  const sealed = envelope.seal('secret', 'key/a')
  expect(sealed).not.toContain('secret')
  expect(() => envelope.open(sealed, 'key/b')).toThrow()
  expect(() => createEnvelope([TWO]).open(sealed, 'key/a')).toThrow('which is not here')
  const changed = sealed.replace(/.(?=.{3}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
  expect(() => envelope.open(changed, 'key/a')).toThrow()
  expect(() => envelope.open(sealed.slice(0, 20), 'key/a')).toThrow('no sealed secret')
})

test('goes on opening what a former key sealed', () => {
  const sealed = createEnvelope([ONE]).seal('secret', 'p')
  const changed = createEnvelope([TWO, ONE])
  expect(changed.open(sealed, 'p')).toBe('secret')
  expect(createEnvelope([TWO]).open(changed.seal('secret', 'p'), 'p')).toBe('secret')
})

test('makes its key once, for its owner alone, whoever starts at once', async () => {
  const path = join(folder, 'new', 'master-key')
  const all = await Promise.all(Array.from({ length: 8 }, () => openEnvelope(path)))
  const sealed = all.map((envelope) => envelope.seal('secret', 'p'))
  for (const one of sealed) expect(all[0]?.open(one, 'p')).toBe('secret')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, 'new'))).toEqual(['master-key'])
  expect(await readFile(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
})

test('refuses a file that holds no key', async () => {
  const path = join(folder, 'other')
  await writeFile(path, 'hunter2\n')
  await expect(openEnvelope(path)).rejects.toThrow('64 hex digits a line')
})
