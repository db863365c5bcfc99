// What commands.test.ts leaves out of our own command line: following a log while it grows, kinds
// of events, zips and Python by the look of the files, credentials, and what status and doctor see.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, MAIN, NODE, startHearth, zip } from './hearth.ts'

let hearth: Hearth
let folder: string

beforeAll(async () => {
  hearth = await startHearth()
  folder = await mkdtemp(join(tmpdir(), 'hearth-cli-'))
  await mkdir(join(folder, 'talker'))
  await writeFile(
    join(folder, 'talker', 'index.mjs'),
    'export const handler = async (event) => { console.log("said", event.n); return event }',
  )
  await call(['deploy', 'talker'])
})
afterAll(async () => {
  await hearth?.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Ran {
  code: number
  out: string
  err: string
}

/** Nothing is configured but the endpoint, unless the test says so. */
const environment = (more: Record<string, string> = {}) => ({
  PATH: '/usr/bin:/bin',
  HOME: folder,
  AWS_ENDPOINT_URL: hearth.endpoint,
  ...more,
})

function call(args: string[], more?: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: environment(more), cwd: folder }
    execFile(NODE, [MAIN, ...args], options, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

test('events come as a file, as JSON, as a payload, or not at all', async () => {
  await writeFile(join(folder, 'event.json'), '{"n":1}')
  expect((await call(['invoke', 'talker', '-e', 'event.json'])).out).toBe('{"n":1}\n')
  expect((await call(['invoke', 'talker', '-e', '{"n":2}'])).out).toBe('{"n":2}\n')
  expect((await call(['invoke', 'talker', '--payload', '[3]'])).out).toBe('[3]\n')
  expect((await call(['invoke', 'talker'])).out).toBe('{}\n')
  expect(await call(['invoke', 'talker', '--type', 'DryRun'])).toMatchObject({ code: 0, out: '' })
  const queued = await call(['invoke', 'talker', '--type', 'Event', '-e', '{"n":4}'])
  expect(queued).toMatchObject({ code: 0, out: '' })
  expect(queued.err).toMatch(/^Queued as [0-9a-f-]{36}; `hearth logs talker` shows it run\.\n$/)
  expect(await call(['invoke', 'nobody', '--type', 'DryRun'])).toMatchObject({ code: 1, out: '' })
})

test('a follower sees each line once, and is there before the first', async () => {
  await call(['deploy', 'talker', '--name', 'followed'])
  const follower: ChildProcess = spawn(NODE, [MAIN, 'logs', 'followed', '-f', '--filter', 'said'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let seen = ''
  follower.stdout?.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
  })
  try {
    for (let n = 0; n < 5; n += 1) {
      await hearth.invoke('followed', { n })
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    await eventually('the last line is seen', () => seen.includes('said 4'))
    // Two more rounds of asking, in which nothing may come again.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect([...seen.matchAll(/said \d/g)].map(([text]) => text)).toEqual(
      [0, 1, 2, 3, 4].map((n) => `said ${n}`),
    )
    expect(follower.exitCode).toBeNull()
  } finally {
    follower.kill()
  }
})

test('a zip and a Python folder show what they are', async () => {
  await writeFile(
    join(folder, 'zipped.zip'),
    zip({ 'app.mjs': 'export const handler = async () => "from a zip"' }),
  )
  const made = await call(['deploy', 'zipped.zip', '--description', 'from a zip'])
  expect(made.out).toMatch(/function:zipped \(nodejs24\.x, \d+ B\): created in \d+\.\d s\n$/)
  expect((await call(['invoke', 'zipped'])).out).toBe('"from a zip"\n')
  await mkdir(join(folder, 'snake'))
  await writeFile(
    join(folder, 'snake', 'app.py'),
    'def lambda_handler(event, context):\n    return "from Python"\n',
  )
  expect((await call(['deploy', 'snake'])).out).toContain('(python3.13, ')
  expect((await call(['invoke', 'snake'])).out).toBe('"from Python"\n')
})

test('an update keeps what it does not name, and replaces what it does', async () => {
  await call(['deploy', 'talker', '--name', 'kept', '--memory', '256', '--env', 'AA=1', 'BB=2'])
  const again = await call(['-o', 'json', 'deploy', 'talker', '--name', 'kept', '--env', 'AA=3'])
  expect(JSON.parse(again.out)).toMatchObject({ MemorySize: 256, outcome: 'updated' })
  expect(JSON.parse(again.out).Environment).toEqual({ Variables: { AA: '3' } })
  const same = await call(['deploy', 'talker', '--name', 'kept', '--env', 'AA=3'])
  expect(same.out).toMatch(/: unchanged\n$/)
})

test('configured credentials are used, and refused ones are explained', async () => {
  const wrong = { AWS_ACCESS_KEY_ID: 'AKIAWRONG', AWS_SECRET_ACCESS_KEY: 'wrong' }
  const refused = await call(['ls'], wrong)
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('does not accept these credentials')
  expect((await call(['bill'], wrong)).err).toContain('does not accept these credentials')
  await mkdir(join(folder, 'home', '.aws'), { recursive: true })
  const profile = (id: string) => `[default]\naws_access_key_id=${id}\naws_secret_access_key=test\n`
  await writeFile(join(folder, 'home', '.aws', 'credentials'), profile('test'))
  expect((await call(['ls'], { HOME: join(folder, 'home') })).code).toBe(0)
  await writeFile(join(folder, 'home', '.aws', 'credentials'), profile('nobody'))
  expect((await call(['ls'], { HOME: join(folder, 'home') })).code).toBe(1)
})

test('status and doctor see a Hearth that is well', async () => {
  const status = await call(['-o', 'json', 'status'])
  expect(JSON.parse(status.out)).toMatchObject({ status: 'ok', nats: true })
  expect((await call(['status'])).out).toMatch(/scheduler +environments +running +memory free\n/)
  const { out } = await call(['doctor'])
  expect(out).toContain(`ok    Hearth at ${hearth.endpoint}`)
  expect(out).toMatch(/ok {4}clock, \d s from Hearth's\nok {4}credentials of hearth\n/)
})

test('what is not Hearth is told from Hearth', async () => {
  const other = createServer((_, response) => response.end('<html>hello</html>'))
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening))
  try {
    const endpoint = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    for (const verb of ['status', 'ls']) {
      const { code, err } = await call(['--endpoint-url', endpoint, verb])
      expect(err).toContain('is not Hearth')
      expect(code).toBe(3)
    }
  } finally {
    other.close()
  }
})
