// boto3, unmodified: Debian's, and whichever else this machine's Python has, each through a
// function's whole life (life.py).

import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hearth, KEYS, ROOT, startHearth } from '../hearth.ts'

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
})
afterAll(() => hearth?.stop())

const DEBIANS = '/usr/bin/python3'
const SCRIPT = join(ROOT, 'e2e/clients/life.py')

/** Debian's must be there (e2e/prepare.ts); another is asked only where it has boto3. */
function pythons(): string[] {
  try {
    const program = execFileSync('python3', ['-c', 'import boto3, sys; print(sys.executable)'])
      .toString()
      .trim()
    return program === DEBIANS ? [DEBIANS] : [DEBIANS, program]
  } catch {
    return [DEBIANS]
  }
}

function live(python: string): Promise<string> {
  const env = {
    PATH: '/usr/bin:/bin',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
  }
  return new Promise((resolve, reject) => {
    execFile(python, [SCRIPT, hearth.endpoint], { env }, (error, out, problem) =>
      error ? reject(new Error(problem)) : resolve(out),
    )
  })
}

test.each(pythons())('boto3 of %s takes a function through its life', async (python) => {
  const seen = JSON.parse(await live(python))
  expect([...new Set(seen.waiters)].sort()).toEqual([
    'function_active',
    'function_active_v2',
    'function_exists',
    'function_updated',
    'function_updated_v2',
    'published_version_active',
  ])
  expect(seen.exceptions).toEqual([
    'ResourceConflictException',
    'InvalidRequestContentException',
    'ResourceNotFoundException',
    'PreconditionFailedException',
    'InvalidParameterValueException',
    'ParamValidationError',
    'ClientError',
    'ResourceNotFoundException',
    'ResourceNotFoundException',
    'WaiterError',
  ])
  expect(seen.pages).toBe(4)
  // Streams came into boto3 after Debian 12.
  const [, minor = 0, patch = 0] = seen.version.split('.').map(Number)
  expect(seen.streamed).toBe(minor > 26 || patch >= 108)
})
