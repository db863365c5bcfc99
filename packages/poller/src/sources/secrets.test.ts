// Which file a secret's URI names, and which it must never name.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSecretIn } from './secrets.ts'

let root = ''
let folder = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'secrets-'))
  folder = join(root, 'inside')
  await mkdir(join(folder, 'team'), { recursive: true })
  await writeFile(join(folder, 'kafka'), 'text of kafka')
  await writeFile(join(folder, 'team', 'kafka-AbCdEf'), 'text of team')
  await writeFile(join(folder, '.hidden'), 'hidden')
  await writeFile(join(root, 'outside'), 'outside')
})
afterAll(() => rm(root, { recursive: true }))

const arn = (name: string) => `arn:aws:secretsmanager:eu-central-1:000000000000:secret:${name}`

test.each([
  ['kafka', 'text of kafka'],
  [arn('kafka'), 'text of kafka'],
  [arn('team/kafka-AbCdEf'), 'text of team'],
])('%s is read', async (uri, text) => {
  expect(await readSecretIn(folder, uri)).toBe(text)
})

test.each([
  'none',
  '../outside',
  arn('../outside'),
  'team/../../outside',
  '.hidden',
  'team',
  '/etc/hostname',
  '',
])('%j is no secret', async (uri) => {
  await expect(readSecretIn(folder, uri)).rejects.toThrow(`there is no secret ${uri}`)
})

test('without a folder there are no secrets', async () => {
  await expect(readSecretIn(undefined, 'kafka')).rejects.toThrow('there is no secret kafka')
})
