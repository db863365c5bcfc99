// Laws of what `hearth up` keeps: the file's settings hold where the environment says nothing, and
// it is told which are from where, without their values.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readEnvFile, upPort } from './settings.ts'
import { describeSettings } from './up-settings.ts'

let folder: string
let path: string
const before = { ...process.env }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-settings-'))
  path = join(folder, 'env')
  vi.stubEnv('HEARTH_ENV_FILE', path)
})
afterEach(() => {
  vi.unstubAllEnvs()
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  rmSync(folder, { recursive: true, force: true })
})

test('what is in the file holds until the environment says otherwise', () => {
  writeFileSync(path, 'HEARTH_PORT=5001\nHEARTH_ACCESS_KEYS="ada:secret"\n')
  readEnvFile()
  expect(upPort()).toBe(5001)
  expect(describeSettings()).toBe(`Settings: HEARTH_ACCESS_KEYS, HEARTH_PORT from ${path}.`)
  vi.stubEnv('HEARTH_PORT', '5002')
  readEnvFile()
  expect(upPort()).toBe(5002)
  expect(describeSettings()).toBe(
    `Settings: HEARTH_ACCESS_KEYS from ${path}; HEARTH_PORT from the environment, for this time: ` +
      `in ${path} they would be kept.`,
  )
})

test('nothing is told where nothing is set', () => {
  writeFileSync(path, '# nothing yet\n')
  readEnvFile()
  expect(describeSettings()).toBeUndefined()
})

test('what nothing takes is refused, and so is a file that is not there', () => {
  writeFileSync(path, 'HEARTH_PROT=5001\n')
  expect(describeSettings).toThrow('sets HEARTH_PROT, which `hearth up` does not take')
  rmSync(path)
  expect(readEnvFile).toThrow("can't be read")
})
