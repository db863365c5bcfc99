// Two command lines against one Hearth: Debian's AWS CLI, unmodified, and our own.

import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, http, MAIN, NODE, ROLE, startHearth, zip } from './hearth.ts'

let hearth: Hearth
let folder: string

beforeAll(async () => {
  hearth = await startHearth()
  folder = await mkdtemp(join(tmpdir(), 'hearth-commands-'))
})
afterAll(async () => {
  await hearth?.stop()
  await rm(folder, { recursive: true, force: true })
})

const KEY = { AWS_ACCESS_KEY_ID: 'hearth', AWS_SECRET_ACCESS_KEY: 'hearth' }

interface Ran {
  code: number
  out: string
  err: string
}

function run(command: string, args: string[], input?: string): Promise<Ran> {
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    ...KEY,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_PAGER: '',
    AWS_ENDPOINT_URL_LAMBDA: hearth.endpoint,
  }
  return new Promise((resolve) => {
    const child = execFile(command, args, { env, cwd: folder }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
    child.stdin?.end(input)
  })
}

describe('the AWS CLI', () => {
  const aws = (...args: string[]) =>
    run('/usr/bin/aws', ['--endpoint-url', hearth.endpoint, ...args])
  const lambda = (...args: string[]) => aws('lambda', ...args)

  test('creates, waits, invokes, tails, updates, lists and deletes', async () => {
    const source = (text: string) =>
      zip({ 'index.mjs': `export const handler = async (e) => ({ text: '${text}', e })` })
    await writeFile(join(folder, 'one.zip'), source('one'))
    await writeFile(join(folder, 'two.zip'), source('two'))
    const made = await lambda(
      'create-function',
      '--function-name',
      'cli',
      '--runtime',
      'nodejs24.x',
      '--handler',
      'index.handler',
      '--role',
      ROLE,
      '--zip-file',
      'fileb://one.zip',
    )
    expect(JSON.parse(made.out)).toMatchObject({ FunctionName: 'cli', State: 'Pending' })
    expect((await lambda('wait', 'function-active-v2', '--function-name', 'cli')).code).toBe(0)
    const invoked = await lambda(
      'invoke',
      '--function-name',
      'cli',
      '--log-type',
      'Tail',
      '--cli-binary-format',
      'raw-in-base64-out',
      '--payload',
      '{"a":1}',
      'answer.json',
    )
    const { LogResult, ...rest } = JSON.parse(invoked.out)
    expect(rest).toEqual({ StatusCode: 200, ExecutedVersion: '$LATEST' })
    expect(Buffer.from(LogResult, 'base64').toString()).toMatch(/^START RequestId: /)
    expect(JSON.parse(await readFile(join(folder, 'answer.json'), 'utf8'))).toEqual({
      text: 'one',
      e: { a: 1 },
    })
    await lambda('update-function-code', '--function-name', 'cli', '--zip-file', 'fileb://two.zip')
    expect((await lambda('wait', 'function-updated-v2', '--function-name', 'cli')).code).toBe(0)
    await lambda('invoke', '--function-name', 'cli', 'answer.json')
    expect(JSON.parse(await readFile(join(folder, 'answer.json'), 'utf8'))).toEqual({
      text: 'two',
      e: {},
    })
    const listed = JSON.parse((await lambda('list-functions')).out)
    expect(listed.Functions.map((one: { FunctionName: string }) => one.FunctionName)).toEqual([
      'cli',
    ])
    expect(await lambda('delete-function', '--function-name', 'cli')).toMatchObject({ code: 0 })
  })

  test('shows refusals as it shows AWS', async () => {
    const { code, err } = await lambda('get-function', '--function-name', 'nope')
    expect(code).toBe(254)
    expect(err.trim()).toBe(
      'An error occurred (ResourceNotFoundException) when calling the GetFunction operation: ' +
        'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope',
    )
  })
})

describe('hearth', () => {
  const call = (...args: string[]) => run(NODE, [MAIN, ...args])

  test('deploys a folder once, and again only what has changed', async () => {
    await mkdir(join(folder, 'greeter'))
    await writeFile(
      join(folder, 'greeter/index.mjs'),
      `export const handler = async (event) => {
         if (event.fail) throw new Error('no good')
         console.log('greeting', event.name)
         return \`\${process.env.WORD}, \${event.name}\`
       }`,
    )
    await writeFile(
      join(folder, 'greeter/hearth.json'),
      JSON.stringify({ memory: 256, environment: { WORD: 'Hello' }, url: true }),
    )
    const first = await call('deploy', 'greeter')
    expect(first).toMatchObject({ code: 0 })
    expect(first.out).toMatch(
      /^arn:aws:lambda:us-east-1:000000000000:function:greeter \(nodejs24\.x, /,
    )
    const [urlId] = new URL(first.out.trim().split('\n')[1] ?? '').host.split('.')
    const web = await http(`${hearth.endpoint}/function-urls/${urlId}/`)
    expect(web.body.toString()).toBe('Hello, undefined')
    expect((await call('deploy', 'greeter')).out).toContain(': unchanged\n')
    const shown = await call(
      '-o',
      'json',
      'deploy',
      'greeter',
      '--env',
      'WORD=Hi',
      '--timeout',
      '7',
    )
    expect(JSON.parse(shown.out)).toMatchObject({
      MemorySize: 256,
      Timeout: 7,
      Environment: { Variables: { WORD: 'Hi' } },
    })
  })

  test('invokes: answers on standard output, failures with exit code 1', async () => {
    const first = await call('invoke', 'greeter', '-e', '{"name":"Ada"}')
    expect(first).toMatchObject({ code: 0, out: '"Hi, Ada"\n' })
    expect(first.err).toMatch(/^(Cold start|Started on a stem): configuration changed\.\n$/)
    const piped = await run(NODE, [MAIN, 'invoke', 'greeter', '-e', '-', '--tail'], '{"name":"Bo"}')
    expect(piped.out).toBe('"Hi, Bo"\n')
    expect(piped.err).toMatch(/^START RequestId: .*\n.*\tINFO\tgreeting Bo\nEND RequestId/)
    const failed = await call('invoke', 'greeter', '-e', '{"fail":true}')
    expect(failed).toMatchObject({ code: 1, out: '' })
    expect(failed.err).toContain('"errorMessage": "no good"')
    expect(await call('invoke', 'nope')).toMatchObject({
      code: 1,
      err: 'ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope:$LATEST\n',
    })
  })

  test('shows logs, functions and the bill', async () => {
    await eventually('the log arrives', async () =>
      (await call('logs', 'greeter', '--filter', '"greeting Bo"')).out.includes('greeting Bo'),
    )
    const lines = (await call('logs', 'greeter')).out.trim().split('\n')
    expect(lines.filter((line) => line.startsWith('START '))).toHaveLength(4)
    expect((await call('ls')).out).toMatch(/greeter\s+nodejs24\.x\s+256 MB\s+7 s\s+Active/)
    await eventually('the bill is rolled up', async () =>
      (await call('bill')).out.includes('6 of 1000000 requests'),
    )
    const bill = JSON.parse((await call('-o', 'json', 'bill')).out)
    expect(bill.rows).toContainEqual(
      expect.objectContaining({ functionName: 'greeter', requests: 4 }),
    )
    expect(bill.gbSeconds).toBeGreaterThan(0)
  })

  test('shows live environments by state, and how invocations began', async () => {
    const shown = await call('top')
    expect(shown).toMatchObject({ code: 0, err: '' })
    expect(shown.out).toMatch(/^greeter +0 +0 +0 +[01] +[01] +256 MB$/m)
    const found = JSON.parse((await call('-o', 'json', 'top')).out)
    expect(found.silent).toEqual([])
    const [{ functions, memoryMb, memoryMbFree, starts }] = found.schedulers
    expect(functions).toContainEqual(
      expect.objectContaining({ functionName: 'greeter', running: 0, waiting: 0, memoryMb: 256 }),
    )
    const held = functions.reduce((sum: number, one: { memoryMb: number }) => sum + one.memoryMb, 0)
    expect(memoryMb - memoryMbFree).toBe(held)
    expect(starts.map(({ start }: { start: string }) => start)).toContain('warm')
    expect((await call('top', '--sort', 'colour')).code).toBe(2)
  })

  test.each([
    ['top', /greeter +0 +0/],
    ['bill --watch', /greeter +\S+ +\d/],
  ])('redraws %s in place on a terminal, and gives it back as it was', async (verb, row) => {
    const command = `${NODE} ${MAIN} --endpoint-url ${hearth.endpoint} ${verb}`
    const watched = ['-qefc', command, '/dev/null']
    // Debian's script runs a command in a terminal of its own.
    const child = spawn('script', watched, {
      env: { PATH: '/usr/bin:/bin', HOME: folder, TERM: 'xterm', ...KEY },
    })
    let shown = ''
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const [enter, home, leave] = ['\x1b[?1049h\x1b[?25l', '\x1b[H', '\x1b[?25h\x1b[?1049l']
    await eventually('it is drawn three times', () => shown.split(home).length > 3)
    child.stdin.write('q')
    expect(await ended).toBe(0)
    expect(shown.startsWith(enter)).toBe(true)
    expect(shown.trimEnd().endsWith(leave)).toBe(true)
    expect(shown).toMatch(row)
    expect(shown).not.toContain('\x1b[2J')
  })

  test('leaves nothing behind of a first deploy that fails', async () => {
    const failed = await call('deploy', '--image', 'localhost:1/team/broken:1')
    expect(failed).toMatchObject({ code: 1, out: '' })
    expect(failed.err).toMatch(/^broken did not become ready: /m)
    expect(failed.err).toContain('function broken, which this deploy had made, is removed again.')
    expect((await call('rm', 'broken')).err).toContain('Function not found')
    expect((await call('ls')).out).not.toContain('broken')
  })

  test('puts back what was given up of functions that were there, and names others', async () => {
    expect(await call('dlq', 'redrive', 'greeter')).toMatchObject({
      code: 0,
      out: '0 of greeter are on their way again.\n',
    })
    const unknown = await call('dlq', 'redrive', 'greter')
    expect(unknown).toMatchObject({ code: 1, out: '' })
    expect(unknown.err).toContain('There is no function greter, and nothing of one was given up.')
  })

  test('removes, and tells usage and reach from refusals', async () => {
    expect(await call('rm', 'greeter')).toMatchObject({ code: 0 })
    expect((await call('ls')).out).toContain('No functions yet')
    expect((await call('rm', 'greeter')).code).toBe(1)
    expect((await call('frobnicate')).code).toBe(2)
    expect((await call('logs', 'x', '--since', 'yesterday')).code).toBe(2)
    const lost = await call('--endpoint-url', 'http://127.0.0.1:1', 'ls')
    expect(lost.code).toBe(3)
    expect(lost.err).toContain('`hearth up` starts it')
  })
})
