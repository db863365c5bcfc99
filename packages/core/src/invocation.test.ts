// The bodies that answer for a runtime that ended or never began, word for word as AWS has them.

import { expect, test } from 'vitest'
import { type RuntimeExit, runtimeExited } from './invocation.ts'

const CASES: readonly [RuntimeExit, string, string][] = [
  [{ status: 0 }, 'Runtime.ExitError', 'Runtime exited without providing a reason'],
  [{ status: 127 }, 'Runtime.ExitError', 'Runtime exited with error: exit status 127'],
  [{ signal: 9 }, 'Runtime.ExitError', 'Runtime exited with error: signal: killed'],
  [
    { unstartable: 'find', path: 'bootstrap', errno: 2 },
    'Runtime.InvalidEntrypoint',
    "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
  ],
  [
    { unstartable: 'exec', path: '/var/task/bootstrap', errno: 13 },
    'Runtime.InvalidEntrypoint',
    'fork/exec /var/task/bootstrap: permission denied',
  ],
  [
    { unstartable: 'exec', path: '/var/task/bootstrap', errno: 8 },
    'Runtime.InvalidEntrypoint',
    'fork/exec /var/task/bootstrap: exec format error',
  ],
  [
    { unstartable: 'find', path: 'app.handler', errno: 2 },
    'Runtime.InvalidEntrypoint',
    'exec: "app.handler": executable file not found in $PATH',
  ],
  [
    { unstartable: 'chdir', path: '/nowhere', errno: 2 },
    'Runtime.InvalidWorkingDir',
    'chdir /nowhere: no such file or directory',
  ],
]

test.each(CASES)('%j', (exit, errorType, words) => {
  expect(runtimeExited('an-id', exit)).toEqual({
    errorType,
    errorMessage: `RequestId: an-id Error: ${words}`,
  })
})
