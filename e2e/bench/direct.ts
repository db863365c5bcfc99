// First invocations of what has no runtime to boot ahead: container images and OS-only runtimes, by
// every way in which this engine can start them, in turn and beside a plain container; and in a
// sandbox that waits for its function, as the others do when stems are on.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CreateFunctionCommand, waitUntilFunctionActiveV2 } from '@aws-sdk/client-lambda'
import { type Hearth, ROLE, startHearth } from '../hearth.ts'
import { type Container, NODE, startPlain } from './docker-floor.ts'
import { median, once } from './load.ts'
import { signedInvoke } from './requests.ts'
import { type Row, row, type Target } from './table.ts'

const run = promisify(execFile)
const STARTS = 15
/** A namespace is made within about a second; the next start must find it. */
const REFILL_MS = 1_500
const DIRECT: Target = { must: 1.15, moonshot: 0.2 }
const PROVIDED: Container = {
  image: 'hearth/provided',
  command: ['/bin/bash', '-c', 'echo ready; sleep 60'],
}
/** The Runtime API in one line of JavaScript, lean as the floor's: an image of the user's own. */
const OWN_RUNTIME =
  "const{request}=require('node:http'),b='http://127.0.0.1:9001/2018-06-01/runtime/invocation/';" +
  'const ask=(path,method,body)=>new Promise(r=>request(b+path,{method},a=>{a.resume();' +
  "a.on('end',()=>r(a.headers))}).end(body));(async()=>{for(;;){const h=await ask('next','GET');" +
  "await ask(h['lambda-runtime-aws-request-id']+'/response','POST','1')}})()"
/** The same in bash, which boots in no time. */
const BOOTSTRAP = `#!/bin/bash
a=/2018-06-01/runtime/invocation
while exec 3<>/dev/tcp/127.0.0.1/9001; do
  printf 'GET %s/next HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' $a >&3
  while IFS= read -r -u 3 line && [ "$line" != $'\\r' ]; do
    case "$line" in Lambda-Runtime-Aws-Request-Id:*) id=\${line#*: } id=\${id%$'\\r'} ;; esac
  done
  exec 3>&- 3<>/dev/tcp/127.0.0.1/9001
  printf 'POST %s/%s/response HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n' $a $id >&3
  printf 'Content-Length: 1\\r\\n\\r\\n1' >&3
  cat <&3 >/dev/null
done
`

type Kind = 'image' | 'provided'

export async function direct(): Promise<Row[]> {
  const ways = new Map<string, Hearth>()
  try {
    for (const [name, env] of Object.entries(await waysHere())) {
      ways.set(name, await startHearth({ env: { HEARTH_STEMS_MAX: '0', ...env } }))
    }
    return [
      ...(await compare('image', ways, { ...NODE, create: createImage })),
      ...(await compare('provided', ways, { ...PROVIDED, create: createProvided })),
    ]
  } finally {
    await Promise.all([...ways.values()].map((hearth) => hearth.stop()))
  }
}

/** The last one is what Hearth does by itself. */
async function waysHere(): Promise<Record<string, Record<string, string>>> {
  const { stdout } = await run('docker', ['info', '--format', '{{json .Runtimes}}'])
  const joined = { HEARTH_NAMESPACES_MAX: '4' }
  return {
    'own namespace': { HEARTH_NAMESPACES_MAX: '0', HEARTH_SANDBOX_RUNTIME: 'runc' },
    'joined namespace': { ...joined, HEARTH_SANDBOX_RUNTIME: 'runc' },
    ...('crun' in JSON.parse(stdout) && { 'joined namespace, crun': joined }),
    stem: { HEARTH_STEMS_MAX: '8', HEARTH_STEMS: '' },
  }
}

async function compare(
  kind: Kind,
  ways: ReadonlyMap<string, Hearth>,
  { create, ...container }: Container & { create(hearth: Hearth): Promise<string> },
): Promise<Row[]> {
  const floors: number[] = []
  const values = new Map<string, number[]>([...ways.keys()].map((way) => [way, []]))
  for (let count = 0; count < STARTS; count += 1) {
    floors.push(await startPlain(container))
    for (const [way, hearth] of ways) {
      const name = await create(hearth)
      await new Promise((resolve) => setTimeout(resolve, REFILL_MS))
      values.get(way)?.push(await invoke(hearth, name))
    }
  }
  return [...values].map(([way, times]) => {
    const figures = { floor: median(floors), value: median(times), unit: 'ms' } as const
    return row(`first invocation, ${kind}, ${way}`, figures, DIRECT)
  })
}

async function createImage({ lambda }: Hearth): Promise<string> {
  const FunctionName = `image-${Math.random().toString(36).slice(2, 10)}`
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role: ROLE,
      PackageType: 'Image',
      Code: { ImageUri: NODE.image },
      ImageConfig: { EntryPoint: ['/var/lang/bin/node', '-e', OWN_RUNTIME] },
    }),
  )
  const patience = { client: lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }
  await waitUntilFunctionActiveV2(patience, { FunctionName })
  return FunctionName
}

const createProvided = (hearth: Hearth) =>
  hearth.create({ Runtime: 'provided.al2023', files: { bootstrap: BOOTSTRAP } })

/** Milliseconds of one signed Invoke, the connection included. */
async function invoke(hearth: Hearth, name: string): Promise<number> {
  const { host, hostname, port } = new URL(hearth.endpoint)
  return once({ host: hostname, port: Number(port), request: signedInvoke(host, name) })
}
