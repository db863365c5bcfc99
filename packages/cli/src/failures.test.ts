// Laws of failing: which exit code and sentence each kind of failure has. The real command is run
// for the codes that depend on how it parses its line.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { CommandError, EXIT, explain, usageError } from './failures.ts'

const ENDPOINT = 'http://localhost:4574'
const named = (name: string, message = 'm', more: object = {}) =>
  Object.assign(new Error(message), { name, ...more })

describe('explain', () => {
  test.each([
    ['a refused connection', named('Error', '', { code: 'ECONNREFUSED' })],
    ['both address families', new AggregateError([named('Error', '', { code: 'ECONNREFUSED' })])],
    ['a cause', new TypeError('fetch failed', { cause: named('E', '', { code: 'ENOTFOUND' }) })],
    ['no code at all', new TypeError('fetch failed')],
    ['no time left', named('TimeoutError')],
  ])('tells that Hearth is out of reach by %s', (_, error) => {
    const { message, exitCode } = explain(error, ENDPOINT)
    expect(exitCode).toBe(EXIT.unreachable)
    expect(message).toContain(`${ENDPOINT}. \`hearth up\` starts it`)
  })

  test("keeps the API's own words", () => {
    const refused = named('ResourceNotFoundException', 'Function not found: x')
    expect(explain(refused, ENDPOINT)).toMatchObject({
      message: 'ResourceNotFoundException: Function not found: x',
      exitCode: EXIT.refused,
    })
  })

  test('says what to do about credentials', () => {
    const unknown = explain(named('UnrecognizedClientException'), ENDPOINT)
    expect(unknown.message).toContain('AWS_ACCESS_KEY_ID=hearth')
    expect(unknown.exitCode).toBe(EXIT.refused)
    expect(explain(named('CredentialsProviderError'), ENDPOINT).exitCode).toBe(EXIT.usage)
  })

  test('knows an answer that is not Hearth', () => {
    const error = Object.assign(new SyntaxError('Unexpected token'), { $response: {} })
    expect(explain(error, ENDPOINT)).toMatchObject({
      message: expect.stringContaining('is not Hearth'),
      exitCode: EXIT.unreachable,
    })
  })

  test('leaves our own failures as they are', () => {
    const own = usageError('no')
    expect(explain(own, ENDPOINT)).toBe(own)
    expect(own).toMatchObject({ exitCode: EXIT.usage })
    expect(new CommandError('no').exitCode).toBe(EXIT.refused)
    expect(explain(new Error('plain'), ENDPOINT)).toMatchObject({ message: 'plain', exitCode: 1 })
  })
})

describe('the command', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const hearth = (args: string[], env: Record<string, string> = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...env },
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }
  const nowhere = ['--endpoint-url', 'http://127.0.0.1:1']

  test.each<[string, number, string[], Record<string, string>?]>([
    ['help', 0, ['--help']],
    ['help of a verb', 0, ['deploy', '--help']],
    ['the version', 0, ['--version']],
    ['no verb', 2, []],
    ['an unknown verb', 2, ['frobnicate']],
    ['an unknown option', 2, ['ls', '--frobnicate']],
    ['an argument too few', 2, ['invoke']],
    ['a choice that is none', 2, ['-o', 'xml', 'ls']],
    ['a number that is none', 2, ['deploy', '.', '--memory', 'much']],
    ['a variable that is none', 2, ['deploy', '.', '--env', 'WORD']],
    ['both kinds of event', 2, ['invoke', 'x', '-e', '{}', '--payload', '{}']],
    ['an event that is none', 2, [...nowhere, 'invoke', 'x', '-e', 'no-such-file']],
    ['a time that is none', 2, [...nowhere, 'logs', 'x', '--since', 'yesterday']],
    ['a month that is none', 2, [...nowhere, 'bill', '--month', '2026-13']],
    ['an endpoint that is none', 2, ['--endpoint-url', 'junk', 'ls']],
    ['a port that is none', 2, ['ls'], { HEARTH_PORT: 'junk' }],
    ['a project that is none', 2, ['down'], { HEARTH_PROJECT: 'No Name' }],
    ['a folder that is not there', 2, [...nowhere, 'deploy', './no-such-folder']],
    ['an API out of reach', 3, [...nowhere, 'ls']],
    ['a native route out of reach', 3, [...nowhere, 'bill']],
    ['logs out of reach', 3, [...nowhere, 'logs', 'x']],
  ])('ends as documented on %s', (_, status, args, env) => {
    const ran = hearth(args, env)
    expect(ran, ran.stderr).toMatchObject({ status })
    if (status > 0) expect(ran.stderr).not.toMatch(/\n\s+at |undefined/)
  })

  test('documents its exit codes', () => {
    expect(hearth(['--help']).stdout).toMatch(/0 {2}done\n.*1 .*\n.*2 .*\n.*3 .*out of reach/)
  })
})
