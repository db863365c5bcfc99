// The README's first command, for real: `make up` twice, `make down`, `make up` again, `make
// clean`, as a project of its own beside whatever else runs. Data survives everything but clean.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  GetAccountSettingsCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientOf, eventually, ROOT } from './hearth.ts'
import { freePort } from './servers.ts'

const run = promisify(execFile)
const project = `hearth-test-${process.pid}`
let port: number

let folder: string

beforeAll(async () => {
  port = await freePort()
  folder = await mkdtemp(join(tmpdir(), 'hearth-up-'))
  await writeFile(join(folder, 'env'), 'HEARTH_CONCURRENCY=77\n')
})
afterAll(async () => {
  await make('clean', 'CLEAN=--yes').catch(() => {})
  await rm(folder, { recursive: true, force: true })
})

async function make(target: string, ...more: string[]): Promise<string> {
  const any = ['METRICS', 'PROMETHEUS', 'GRAFANA'].map((name) => [`HEARTH_${name}_PORT`, '0'])
  const ports = { HEARTH_PORT: String(port), ...Object.fromEntries(any) }
  const kept = { HEARTH_ENV_FILE: join(folder, 'env') }
  const env = { ...process.env, HEARTH_PROJECT: project, ...ports, ...kept }
  const { stdout } = await run('make', [target, ...more], { cwd: ROOT, env, maxBuffer: 1 << 24 })
  return stdout
}

const client = () => clientOf(`http://localhost:${port}`)
const hello = { FunctionName: 'hello' }
const revision = async () => {
  const { RevisionId } = await client().send(new GetFunctionConfigurationCommand(hello))
  return RevisionId
}
const concurrency = async () => {
  const { AccountLimit } = await client().send(new GetAccountSettingsCommand({}))
  return AccountLimit?.ConcurrentExecutions
}
const volumes = async () => {
  const { stdout } = await run('docker', ['volume', 'ls', '-q', '--filter', `name=${project}`])
  return stdout.trim().split('\n').filter(Boolean).length
}
const containers = async () => {
  const { stdout } = await run('docker', ['ps', '-aq', '--filter', `name=${project}`])
  const sandboxes = await run('docker', ['ps', '-aq', '--filter', `label=hearth.owner=${project}`])
  return `${stdout}${sandboxes.stdout}`.trim()
}

/** How many helpers of the scheduler's there are. */
const helpers = async () => {
  const filters = ['label=hearth.hands', `label=hearth.owner=${project}`]
  const { stdout } = await run('docker', ['ps', '-q', ...filters.flatMap((f) => ['--filter', f])])
  return stdout.trim().split('\n').filter(Boolean).length
}

test('make up brings everything up and prints a function that answers', async () => {
  const said = await make('up')
  expect(said).toContain('Hello, Hearth!')
  expect(said).toContain(`http://localhost:${port}`)
  expect(await helpers()).toBe(1)
  expect(await concurrency()).toBe(77)
  const curl = /^ +curl (.*)$/m.exec(said)?.[1] ?? ''
  const { stdout } = await run('sh', ['-c', `curl -s ${curl}`])
  expect(stdout).toContain('Hello, you!')
  const aws = /aws --endpoint[\s\S]*?\/dev\/stdout/.exec(said)?.[0] ?? ''
  // A pipe, because a program can't open the socket that Node.js would give it for /dev/stdout.
  const keys = 'AWS_ACCESS_KEY_ID=hearth AWS_SECRET_ACCESS_KEY=hearth AWS_REGION=us-east-1'
  const called = await run('sh', ['-c', `export ${keys}; /usr/bin/${aws} | cat`])
  expect(called.stdout).toContain('Hello, Hearth!')
})

test('a second make up is quick and changes nothing', async () => {
  const before = await revision()
  const startedAt = performance.now()
  expect(await make('up')).toContain('Hello, Hearth!')
  expect(performance.now() - startedAt).toBeLessThan(30_000)
  expect(await revision()).toBe(before)
})

test('with UP=--observability Prometheus scrapes it, and Grafana is there or excused', async () => {
  const said = await make('up', 'UP=--observability')
  expect(said).toMatch(/Grafana +http:\/\/localhost:\d+|Prometheus runs without Grafana\. /)
  const address = /Prometheus +(http:\S+)/.exec(said)?.[1] ?? ''
  await eventually(
    'it is scraped',
    async () => {
      const answer = await fetch(`${address}/api/v1/query?query=up{job="hearth"}`)
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
      return data.result[0]?.value[1] === '1'
    },
    40_000,
  )
})

test('make down leaves nothing running and keeps the data', async () => {
  await client().send(new UpdateFunctionConfigurationCommand({ ...hello, Description: 'kept' }))
  await waitUntilFunctionUpdatedV2({ client: client(), maxWaitTime: 20 }, hello)
  await make('down')
  expect(await containers()).toBe('')
  await make('up')
  const kept = await client().send(new GetFunctionConfigurationCommand(hello))
  expect(kept.Description).toBe('kept')
  expect(await concurrency()).toBe(77)
  const answer = await client().send(new InvokeCommand({ ...hello, Payload: '{}' }))
  expect(Buffer.from(answer.Payload ?? []).toString()).toContain('Hello, world!')
})

test('make clean forgets nothing where nobody can be asked', async () => {
  const before = await volumes()
  expect(before).toBeGreaterThan(0)
  await expect(make('clean')).rejects.toThrow('Add --yes')
  await expect(
    run('sh', ['-c', `cd ${ROOT}; yes n | HEARTH_PROJECT=${project} make clean`]),
  ).rejects.toThrow('Add --yes')
  expect(await volumes()).toBe(before)
  expect(await containers()).not.toBe('')
})

test('make clean with a yes forgets it all', async () => {
  await make('clean', 'CLEAN=--yes')
  expect(await containers()).toBe('')
  expect(await volumes()).toBe(0)
})
