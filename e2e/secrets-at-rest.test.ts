// What functions are told in confidence is sealed wherever it is kept: nothing of it can be read in
// NATS's files, and without the master key Hearth says what is missing and starts nothing.

import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'

const docker = promisify(execFile)
const SECRET = 'correct-horse-battery-staple'
const NEWER = 'incorrect-donkey-charger-paperclip'
const PLAIN = 'as-plain-as-day'
const files = { 'index.mjs': 'export const handler = async () => process.env.PASSWORD' }
let hearth: Hearth

beforeAll(async () => {
  hearth = await startHearth()
  await hearth.create({
    FunctionName: 'f',
    files,
    Description: PLAIN,
    Environment: { Variables: { PASSWORD: SECRET } },
  })
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'f' }))
  await waitUntilFunctionActiveV2(
    { client: hearth.lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
    { FunctionName: 'f', Qualifier: '1' },
  )
})
afterAll(() => hearth?.stop())

/** All that NATS has on its disk, as one archive. */
async function kept(): Promise<Buffer> {
  const { port } = new URL(hearth.nats.url)
  const { stdout: id } = await docker('docker', ['ps', '-q', '--filter', `publish=${port}`])
  const { stdout } = await docker('docker', ['cp', `${id.trim()}:/data`, '-'], {
    encoding: 'buffer',
    maxBuffer: 1024 * 1024 * 1024,
  })
  return stdout
}

test('variables cannot be read in what NATS keeps', async () => {
  expect((await hearth.invoke('f')).json).toBe(SECRET)
  expect((await hearth.invoke('f', {}, { Qualifier: '1' })).json).toBe(SECRET)
  await hearth.lambda.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: 'f',
      Environment: { Variables: { PASSWORD: NEWER } },
    }),
  )
  const { Environment } = await hearth.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: 'f' }),
  )
  expect(Environment).toEqual({ Variables: { PASSWORD: NEWER } })
  const disk = await kept()
  expect(disk.includes(PLAIN)).toBe(true)
  for (const secret of [SECRET, NEWER]) expect(disk.includes(secret), secret).toBe(false)
})

test('without its master key Hearth says what to do, and with it goes on', async () => {
  await hearth.main.stop()
  const path = join(hearth.dataDirectory, 'master-key')
  const key = await readFile(path, 'utf8')
  const other = 'ab'.repeat(32)
  await writeFile(path, `${other}\n`)
  await expect(hearth.serve()).rejects.toThrow(
    /secrets of 000000000000\.f cannot be read: This was sealed with master key [0-9a-f]{8}, which is not here\. Add the master key that sealed them, as a line of its own, to the file that HEARTH_MASTER_KEY_FILE names/,
  )
  await writeFile(path, `${other}\n${key}`)
  await hearth.serve()
  expect((await hearth.invoke('f', {}, { Qualifier: '1' })).json).toBe(SECRET)
})
