// Functions that bring their own program: OS-only runtimes, whose `bootstrap` speaks the Runtime
// API over TCP as AWS documents it and knows nothing of Hearth; and wrapper scripts around ours.

import { afterEach, expect, test } from 'vitest'
import { type Harness, openHarness } from './scheduler-harness.ts'

/** The Runtime API in a shell: one connection a request, as the simplest clients have it. */
const BOOTSTRAP = `#!/bin/bash
host=\${AWS_LAMBDA_RUNTIME_API%:*} port=\${AWS_LAMBDA_RUNTIME_API#*:}
api=/2018-06-01/runtime/invocation calls=0
while true; do
  exec 3<>/dev/tcp/$host/$port
  printf 'GET %s/next HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' $api $host >&3
  while IFS= read -r -u 3 line; do
    line=\${line%$'\\r'}
    case "$line" in
      '') break ;;
      Lambda-Runtime-Aws-Request-Id:*) id=\${line#*: } ;;
      Content-Length:*) length=\${line#*: } ;;
    esac
  done
  read -r -u 3 -N "$length" event
  exec 3>&-
  calls=$((calls + 1))
  echo "event $event"
  case "$event" in
    *fail*) where=error body='{"errorType":"Own","errorMessage":"as asked"}' ;;
    *exit*) exit 3 ;;
    *) where=response
      printf -v body '{"calls":%d,"handler":"%s","folder":"%s","at":"%s","event":%s}' \\
        $calls "$_HANDLER" "$PWD" "$0" "$event" ;;
  esac
  exec 3<>/dev/tcp/$host/$port
  printf 'POST %s/%s/%s HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
    $api $id $where $host \${#body} "$body" >&3
  cat <&3 >/dev/null
  exec 3>&-
done
`
const OS_ONLY = { runtime: 'provided.al2023', handler: 'whatever-it-likes' }

let harness: Harness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})
const open = async (files: Record<string, string>, configuration = {}) => {
  harness = await openHarness({ files, configuration: { ...OS_ONLY, ...configuration } })
  return harness
}
const parse = (text: string) => JSON.parse(text)

test('a bootstrap of the function’s own answers, logs and fails as a runtime does', async () => {
  const { invoke, log } = await open({ bootstrap: BOOTSTRAP })
  const first = await invoke({ a: 1 }, { wantsLogTail: true })
  expect(parse(first.body)).toEqual({
    calls: 1,
    handler: OS_ONLY.handler,
    folder: '/var/task',
    at: '/var/task/bootstrap',
    event: { a: 1 },
  })
  expect(first.logTail).toMatch(/^START .*\nevent \{"a":1\}\nEND .*\nREPORT .*\n$/)
  const second = await invoke({ a: 2 })
  expect([parse(second.body).calls, second.report?.start]).toEqual([2, 'warm'])
  const failed = await invoke({ do: 'fail' })
  expect(failed.functionError).toBe('Unhandled')
  expect(parse(failed.body)).toEqual({ errorType: 'Own', errorMessage: 'as asked' })
  const requestId = crypto.randomUUID()
  const gone = await invoke({ do: 'exit' }, { requestId })
  expect(parse(gone.body)).toEqual({
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: exit status 3`,
  })
  expect(parse((await invoke({ a: 3 })).body).calls).toBe(1)
  await expect.poll(() => log.filter((line) => line.startsWith('REPORT'))).toHaveLength(5)
  const order = log.filter((line) => /^(START|END|event)/.test(line)).map((line) => line[0])
  expect(order.join('')).toBe('SeE'.repeat(5))
})

test.each([
  ['is missing', {}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"],
  ['may not be executed', { bootstrap: 'x' }, 'fork/exec /var/task/bootstrap: permission denied'],
  [
    'wants an interpreter that is not there',
    { bootstrap: '#!/bin/bash\r\n' },
    'fork/exec /var/task/bootstrap: no such file or directory',
  ],
  [
    'is no program',
    { bootstrap: '\x7fELF for another machine' },
    'fork/exec /var/task/bootstrap: exec format error',
  ],
])('a bootstrap that %s is an invalid entry point', async (_, files, words) => {
  const { invoke } = await open({ 'other.txt': '', ...files })
  const requestId = crypto.randomUUID()
  const answer = await invoke({}, { requestId })
  expect(answer.functionError).toBe('Unhandled')
  expect(parse(answer.body)).toEqual({
    errorType: 'Runtime.InvalidEntrypoint',
    errorMessage: `RequestId: ${requestId} Error: ${words}`,
  })
})

const WRAPPER = '#!/bin/sh\nexport WRAPPED="$*"\nexec "$@"\n'

test.each([
  ['nodejs24.x', 'index.js', 'exports.handler = async () => process["env"].WRAPPED', 'main.cjs'],
  [
    'python3.13',
    'index.py',
    'import os\ndef handler(e, c): return os.environ["WRAPPED"]',
    'main.py',
  ],
  ['ruby3.3', 'index.rb', "def handler(event:, context:) = ENV['WRAPPED']", 'main.rb'],
])('%s is started by a wrapper script', async (runtime, file, code, end) => {
  const { invoke } = await open(
    { [file]: code, wrap: WRAPPER },
    {
      runtime,
      handler: 'index.handler',
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/wrap' },
    },
  )
  // The interpreter comes first and the program last, so that wrappers can add options.
  expect(parse((await invoke()).body)).toMatch(new RegExp(`^/var/lang/bin/.* /var/runtime/${end}$`))
})

test('a wrapper script that is not there is exit status 127', async () => {
  const { invoke, log } = await open(
    { 'index.js': '' },
    { runtime: 'nodejs24.x', environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/none' } },
  )
  const answer = await invoke()
  expect(parse(answer.body).errorMessage).toContain('Runtime exited with error: exit status 127')
  await expect.poll(() => log).toContain('/opt/none: does not exist')
})
