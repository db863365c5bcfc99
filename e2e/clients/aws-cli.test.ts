// The AWS CLI, unmodified, in what commands.test.ts does not ask of it: both binary formats,
// waiters of versions, failures by their exit codes, `aws logs tail`, and URLs and aliases by its
// own words. Debian's is version 2; where the machine has another besides (version 1), that is
// asked, too.

import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, KEYS, ROLE, startHearth, zip } from '../hearth.ts'

let hearth: Hearth
let folder: string
beforeAll(async () => {
  hearth = await startHearth()
  folder = await mkdtemp(join(tmpdir(), 'hearth-aws-'))
  const source = `export const handler = async (event) => {
    if (event.fail) throw new Error('no good')
    console.log('word', event.word)
    return event
  }`
  await writeFile(join(folder, 'code.zip'), zip({ 'index.mjs': source }))
})
afterAll(async () => {
  await hearth?.stop()
  await rm(folder, { recursive: true, force: true })
})

const DEBIANS = '/usr/bin/aws'

/** The program, and its version's first number. */
function programs(): [program: string, major: number][] {
  const versionOf = (program: string) => {
    const told = execFileSync(program, ['--version'], { stdio: 'pipe' }).toString()
    return Number(/aws-cli\/(\d+)/.exec(told)?.[1])
  }
  const debians: [string, number] = [DEBIANS, versionOf(DEBIANS)]
  try {
    const other = versionOf('aws')
    return other === debians[1] ? [debians] : [debians, ['aws', other]]
  } catch {
    return [debians]
  }
}

describe.each(programs())('%s, version %i', (program, major) => {
  const FunctionName = `cli-${major}`
  const run = (...args: string[]) => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      // Where shims choose among versions of Python.
      ...(process.env.PYENV_ROOT && { PYENV_ROOT: process.env.PYENV_ROOT }),
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_PAGER: '',
    }
    const all = ['--endpoint-url', hearth.endpoint, ...args]
    return new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(program, all, { env, cwd: folder }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      )
    })
  }
  const lambda = (operation: string, ...args: string[]) =>
    run('lambda', operation, '--function-name', FunctionName, ...args)
  const wait = (waiter: string, ...args: string[]) =>
    run('lambda', 'wait', waiter, '--function-name', FunctionName, ...args)
  const answer = async () => JSON.parse(await readFile(join(folder, 'answer.json'), 'utf8'))

  test('creates, waits, publishes and waits for the version', async () => {
    const program = ['--runtime', 'nodejs24.x', '--handler', 'index.handler', '--role', ROLE]
    const made = await lambda('create-function', ...program, '--zip-file', 'fileb://code.zip')
    expect(made).toMatchObject({ code: 0, err: '' })
    // Each command takes Python a second to start: what can go together does.
    const waited = await Promise.all(['function-exists', 'function-active'].map((one) => wait(one)))
    for (const one of waited) expect(one).toMatchObject({ code: 0, err: '' })
    await lambda('update-function-configuration', '--environment', 'Variables={ONE=b,TWO=d}')
    expect((await wait('function-updated')).code).toBe(0)
    const { out } = await lambda('publish-version', '--description', 'first')
    expect(JSON.parse(out)).toMatchObject({
      Version: '1',
      Environment: { Variables: { ONE: 'b', TWO: 'd' } },
    })
    const published = await wait('published-version-active', '--qualifier', '1')
    expect(published).toMatchObject({ code: 0, err: '' })
  })

  test('takes payloads in each format that it has', async () => {
    const text = '{"word":"raw"}'
    // Version 1 takes text as it is; version 2 wants base64 unless it is told otherwise.
    const raw = major === 1 ? [] : ['--cli-binary-format', 'raw-in-base64-out']
    expect((await lambda('invoke', ...raw, '--payload', text, 'answer.json')).code).toBe(0)
    expect(await answer()).toEqual({ word: 'raw' })
    await writeFile(join(folder, 'event.json'), '{"word":"file"}')
    await lambda('invoke', '--payload', 'fileb://event.json', 'answer.json')
    expect(await answer()).toEqual({ word: 'file' })
    if (major === 1) return
    const encoded = Buffer.from('{"word":"base64"}').toString('base64')
    await lambda('invoke', '--payload', encoded, 'answer.json')
    expect(await answer()).toEqual({ word: 'base64' })
  })

  test('shows function errors, events and dry runs', async () => {
    await writeFile(join(folder, 'bad.json'), '{"fail":true}')
    const failed = await lambda('invoke', '--payload', 'fileb://bad.json', 'answer.json')
    expect(JSON.parse(failed.out)).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' })
    expect((await answer()).errorMessage).toBe('no good')
    const [event, dryRun] = await Promise.all(
      ['Event', 'DryRun'].map((type) =>
        lambda('invoke', '--invocation-type', type, `${type}.json`),
      ),
    )
    expect(JSON.parse(event?.out ?? '')).toEqual({ StatusCode: 202 })
    expect(JSON.parse(dryRun?.out ?? '')).toEqual({ StatusCode: 204 })
  })

  test('tails its log', async () => {
    const group = `/aws/lambda/${FunctionName}`
    if (major === 1) {
      const args = ['--log-group-name', group, '--filter-pattern', '"word raw"']
      const found = JSON.parse((await run('logs', 'filter-log-events', ...args)).out)
      expect(found.events[0].message).toMatch(/INFO\tword raw$/)
      return
    }
    const tail = await run('logs', 'tail', group, '--since', '10m', '--format', 'short')
    expect(tail).toMatchObject({ code: 0, err: '' })
    expect(tail.out).toMatch(/^\S+ START RequestId: /m)
    expect(tail.out).toMatch(/INFO\tword raw$/m)
  })

  test('has aliases, URLs and permissions by its own words, and deletes', async () => {
    const permission = ['--statement-id', 'url', '--action', 'lambda:InvokeFunctionUrl']
    const everybody = ['--principal', '*', '--function-url-auth-type', 'NONE']
    const [alias, url, added, refused] = await Promise.all([
      lambda('create-alias', '--name', 'live', '--function-version', '1'),
      lambda('create-function-url-config', '--auth-type', 'NONE'),
      lambda('add-permission', ...permission, ...everybody),
      lambda('delete-function', '--qualifier', '$LATEST'),
    ])
    expect([alias.code, added.code]).toEqual([0, 0])
    expect(JSON.parse(url.out).FunctionUrl).toMatch(/^http:\/\/[a-z0-9]{32}\.lambda-url\./)
    expect(refused.code).toBeGreaterThan(250)
    expect(refused.err).toContain('$LATEST version cannot be deleted without deleting the function')
    expect(await lambda('delete-function')).toMatchObject({ code: 0 })
    const gone = await lambda('get-function')
    expect(gone.err).toContain('(ResourceNotFoundException) when calling the GetFunction operation')
  })
})
