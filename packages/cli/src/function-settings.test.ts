// Laws of a function's settings: what hearth.json may say, how its faults are told, and who wins.

import { describe, expect, test } from 'vitest'
import { differs } from './deploy.ts'
import { mergeSettings, parseSettings } from './function-settings.ts'

const faultsOf = (value: unknown) => {
  try {
    parseSettings(typeof value === 'string' ? value : JSON.stringify(value), 'greeter/hearth.json')
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

describe('parseSettings', () => {
  test('takes every field', () => {
    const all = {
      name: 'greeter',
      runtime: 'nodejs24.x',
      handler: 'index.handler',
      role: 'arn:aws:iam::000000000000:role/x',
      description: 'Greets',
      memory: 256,
      timeout: 10,
      ephemeralStorage: 512,
      environment: { WORD: 'Hello' },
      architecture: 'arm64',
      logFormat: 'JSON',
      url: true,
    }
    expect(parseSettings(JSON.stringify(all), 'x')).toEqual(all)
  })

  test.each([
    [{ memory: '256' }, 'memory: it must be a number'],
    [{ memory: 64 }, 'memory: it must be megabytes, at least 128'],
    [{ timeout: 1.5 }, 'timeout: it must be whole seconds'],
    [{ environment: { COUNT: 3 } }, 'environment.COUNT: it must be a string'],
    [{ environment: [] }, 'environment: it must be an object of strings'],
    [{ architecture: 'x86' }, 'architecture: it must be x86_64 or arm64'],
    [{ name: 'no good' }, 'name: it must be 1 to 64 of letters, digits, - and _'],
    [{ memroy: 256 }, 'memroy: there is no such field; there are name, runtime, handler'],
    [[], 'it must be an object'],
    ['{', 'greeter/hearth.json is not JSON'],
  ])('tells file, field and what is allowed of %j', (value, told) => {
    expect(faultsOf(value)).toContain('greeter/hearth.json')
    expect(faultsOf(value)).toContain(told)
  })

  test('tells all faults at once', () => {
    expect(faultsOf({ memory: 1, url: 'yes' }).split('\n')).toHaveLength(3)
  })
})

test('the later settings win, and environment variables are put together', () => {
  expect(
    mergeSettings(
      { runtime: 'nodejs24.x', handler: 'index.handler' },
      { handler: 'app.handler', environment: { A1: 'file', B1: 'file' } },
      { environment: { B1: 'line' } },
    ),
  ).toEqual({
    runtime: 'nodejs24.x',
    handler: 'app.handler',
    environment: { A1: 'file', B1: 'line' },
  })
  expect(mergeSettings({ memory: 128 })).toEqual({ memory: 128 })
})

describe('differs', () => {
  const existing = {
    MemorySize: 128,
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/x' },
    Environment: { Variables: { WORD: 'Hello' } },
  }
  test.each([
    [{}, false],
    [{ MemorySize: 128 }, false],
    [{ MemorySize: 256 }, true],
    [{ LoggingConfig: { LogFormat: 'Text' } }, false],
    [{ LoggingConfig: { LogFormat: 'JSON' } }, true],
    [{ Environment: { Variables: { WORD: 'Hello' } } }, false],
    [{ Environment: { Variables: { WORD: 'Hello', MORE: '' } } }, true],
    [{ Environment: { Variables: {} } }, true],
    [{ EphemeralStorage: { Size: 512 } }, true],
  ])('of %j is %s', (wished, expected) => {
    expect(differs(wished, existing)).toBe(expected)
  })
})
