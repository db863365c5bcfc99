// Zips that arrive piece by piece: they are stored as whole ones are, leave nothing behind when
// they break off, and hashing them holds nobody up, on a real disk.

import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Artifacts, openArtifacts } from './artifacts.ts'
import { rawZip } from './raw-zip.ts'

const MB = 1024 * 1024
const zip = rawZip([{ name: 'index.mjs', data: 'export const a = 1\n'.repeat(9_999) }])
let directory: string
let artifacts: Artifacts

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hearth-arrival-'))
  artifacts = await openArtifacts(directory)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const filesThere = () => readdirSync(directory, { recursive: true }).sort()

async function* pieces(bytes: Uint8Array, size: number, breaksOff = false) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  if (breaksOff) throw new Error('the line is dead')
}

test('a zip in pieces is the same as the whole', async () => {
  const whole = await artifacts.put(zip)
  expect(await artifacts.put(pieces(zip, 100))).toEqual(whole)
  expect(await artifacts.zip(whole.sha256)).toEqual(Buffer.from(zip))
})

test('one that breaks off or is too large leaves nothing behind', async () => {
  const before = filesThere()
  await expect(artifacts.put(pieces(zip, 100, true))).rejects.toThrow('the line is dead')
  await expect(artifacts.put(pieces(zip, 100), zip.length - 1)).rejects.toMatchObject({
    code: 'RequestEntityTooLargeException',
    message: `Zipped size must be smaller than ${zip.length - 1} bytes`,
  })
  expect(filesThere()).toEqual(before)
})

test('a large one is hashed in turns with everything else', async () => {
  const large = rawZip([{ name: 'noise', data: randomBytes(48 * MB) }])
  const whole = costOf(() => createHash('sha256').update(large).digest())
  const longest = async () => {
    let found = 0
    let last = process.threadCpuUsage()
    const turn = setInterval(() => {
      found = Math.max(found, microseconds(process.threadCpuUsage(last)))
      last = process.threadCpuUsage()
    })
    await artifacts.put(large)
    clearInterval(turn)
    return found
  }
  // A turn may have a collection of garbage in it, and not one of each put.
  const tries = [await longest(), await longest(), await longest()]
  expect(Math.min(...tries)).toBeLessThan(whole / 3)
})

function costOf(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  return microseconds(process.threadCpuUsage(before))
}

const microseconds = ({ user, system }: NodeJS.CpuUsage) => user + system
