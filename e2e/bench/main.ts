// `make bench`: Hearth beside its floors, in one run, as ratios, because absolute figures are the
// machine's. The floor of a warm call is keep-alive HTTP to a bare Node server in a container on
// the same bridge; that of a cold start is `docker run` of the same runtime image until the runtime
// is ready.

import { execFile } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateFunctionUrlConfigCommand,
  InvokeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { KEYS, ROOT, startHearth } from '../hearth.ts'
import { load, type Measured, median, type Target } from './load.ts'

const run = promisify(execFile)
const BODY = '{"n":1}'
const ROUNDS = 3
const SECONDS = 3
const CALLERS = [1, 16]
const COLD_STARTS = 5
const FLOOR_PORT = 8080
/** A whole CPU and more, so that no quota shows in the figures. */
const MEMORY_MB = 1792
const FUNCTION = 'export const handler = async (event) => event'
const FLOOR =
  "require('http').createServer((q, s) => { let b = ''; q.on('data', (c) => { b += c }); q.on('end', () => { s.writeHead(200, { 'content-length': b.length }); s.end(b) }) }).listen(8080)"

interface Row {
  what: string
  floor: number
  value: number
  unit: string
  ratio: number
}

// Limits are not use: sixteen environments of this size stay far below what the machine has.
const hearth = await startHearth({ env: { HEARTH_MEMORY_MB: '40000' } })
const floor = await startFloor()
try {
  await hearth.create({
    FunctionName: 'echo',
    MemorySize: MEMORY_MB,
    files: { 'index.mjs': FUNCTION },
  })
  const rows = [...(await warm()), ...(await cold())]
  print(rows)
  await writeFile(
    join(ROOT, 'e2e/bench/latest.json'),
    `${JSON.stringify({ at: new Date(), rows }, null, 2)}\n`,
  )
} finally {
  await run('docker', ['rm', '--force', 'hearth-bench-floor'])
  await hearth.stop()
}

async function startFloor(): Promise<Target> {
  await run('docker', ['rm', '--force', 'hearth-bench-floor']).catch(() => {})
  const args = ['run', '--detach', '--name', 'hearth-bench-floor', '--network', 'hearth-sandboxes']
  const node = ['--entrypoint', '/var/lang/bin/node', 'hearth/nodejs24.x', '-e', FLOOR]
  await run('docker', [...args, ...node])
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const { stdout } = await run('docker', ['inspect', '-f', format, 'hearth-bench-floor'])
  const host = stdout.trim()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return { host, port: FLOOR_PORT, request: () => plain(host, 'POST', '/') }
}

/** The three warm paths in turn, round by round, so that the machine's moods touch each alike. */
async function warm(): Promise<Row[]> {
  const { hostname: host, port } = new URL(hearth.endpoint)
  const at = { host, port: Number(port) }
  const { FunctionUrl = '' } = await hearth.lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: 'echo', AuthType: 'NONE' }),
  )
  const urlHost = new URL(FunctionUrl).host
  const paths: Record<string, Target> = {
    floor,
    invoke: { ...at, request: signedInvoke(new URL(hearth.endpoint).host) },
    url: { ...at, request: () => plain(urlHost, 'POST', '/') },
  }
  const rows: Row[] = []
  for (const callers of CALLERS) {
    const measured: Record<string, Measured[]> = { floor: [], invoke: [], url: [] }
    for (const target of Object.values(paths)) await load(target, callers, 2)
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, target] of Object.entries(paths)) {
        const one = await load(target, callers, SECONDS)
        if (one.failures > 0) throw new Error(`${name} failed ${one.failures} times`)
        measured[name]?.push(one)
      }
    }
    for (const name of ['invoke', 'url']) rows.push(...compare(name, callers, measured))
  }
  rows.push(await sdkRow(rows))
  return rows
}

function compare(name: string, callers: number, measured: Record<string, Measured[]>): Row[] {
  const middle = (which: string, figure: keyof Measured) =>
    median((measured[which] ?? []).map((one) => one[figure]))
  const label = name === 'invoke' ? 'Invoke, signed' : 'function URL'
  return (
    [
      ['p50', 'ms'],
      ['p99', 'ms'],
      ['requestsPerSecond', '/s'],
    ] as const
  ).map(([figure, unit]) => {
    const value = middle(name, figure)
    const least = middle('floor', figure)
    const ratio = unit === 'ms' ? value / least : least / value
    const shown = figure === 'requestsPerSecond' ? 'throughput' : figure
    return { what: `${label}, ${callers} at a time, ${shown}`, floor: least, value, unit, ratio }
  })
}

/** The AWS SDK itself at one caller: most of it is the SDK's own work. */
async function sdkRow(rows: Row[]): Promise<Row> {
  const times: number[] = []
  for (let count = 0; count < 300; count += 1) {
    const startedAt = performance.now()
    await hearth.lambda.send(new InvokeCommand({ FunctionName: 'echo', Payload: BODY }))
    if (count >= 50) times.push(performance.now() - startedAt)
  }
  const least = rows[0]?.floor ?? Number.NaN
  const value = median(times)
  return {
    what: 'AWS SDK client, 1 at a time, p50',
    floor: least,
    value,
    unit: 'ms',
    ratio: value / least,
  }
}

async function cold(): Promise<Row[]> {
  const floors: number[] = []
  const values: number[] = []
  for (let count = 0; count < COLD_STARTS; count += 1) {
    floors.push(await dockerRun())
    values.push(await firstInvocation(count))
  }
  const [least, value] = [median(floors), median(values)]
  return [
    { what: 'cold start, first answer', floor: least, value, unit: 'ms', ratio: value / least },
  ]
}

/** Plain Docker: until Node has run its first line. */
async function dockerRun(): Promise<number> {
  const startedAt = performance.now()
  const node = ['--entrypoint', '/var/lang/bin/node', 'hearth/nodejs24.x', '-e', 'console.log(1)']
  await run('docker', ['run', '--rm', '--network', 'hearth-sandboxes', ...node])
  return performance.now() - startedAt
}

/** A new deployment each time, so that nothing is warm. */
async function firstInvocation(count: number): Promise<number> {
  const name = { FunctionName: 'echo' }
  await hearth.lambda.send(
    new UpdateFunctionConfigurationCommand({ ...name, Description: `cold ${count}` }),
  )
  await waitUntilFunctionUpdatedV2(
    { client: hearth.lambda, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    name,
  )
  const startedAt = performance.now()
  await hearth.lambda.send(new InvokeCommand({ ...name, Payload: BODY }))
  return performance.now() - startedAt
}

function plain(host: string, method: string, path: string): Buffer {
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
  )
}

/** A signed Invoke, made anew when the second changes: what a keep-alive client with a cached key would send. */
function signedInvoke(host: string): () => Buffer {
  const path = '/2015-03-31/functions/echo/invocations'
  let second = 0
  let bytes = Buffer.alloc(0)
  return () => {
    const now = Math.floor(Date.now() / 1000)
    if (now === second) return bytes
    second = now
    const date = `${new Date(now * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
    const scope = `${date.slice(0, 8)}/us-east-1/lambda/aws4_request`
    const canonical = [
      'POST',
      path,
      '',
      `host:${host}\nx-amz-date:${date}\n`,
      'host;x-amz-date',
      sha256(BODY),
    ].join('\n')
    const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
    const key = scope
      .split('/')
      .reduce((k: Buffer | string, part) => hmac(k, part), `AWS4${KEYS.secretAccessKey}`)
    const signature = hmac(key, toSign).toString('hex')
    const authorization = `AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`
    bytes = Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Amz-Date: ${date}\r\nAuthorization: ${authorization}\r\n` +
        `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
    )
    return bytes
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function print(rows: Row[]): void {
  const show = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2))
  console.log(
    `\n${'figure'.padEnd(44)}${'floor'.padStart(10)}${'Hearth'.padStart(10)}     ratio to floor`,
  )
  for (const { what, floor: least, value, unit, ratio } of rows) {
    console.log(
      `${what.padEnd(44)}${show(least).padStart(10)}${show(value).padStart(10)} ${unit.padEnd(3)} ${ratio.toFixed(2)} x`,
    )
  }
  console.log('\nThroughput ratios are floor / Hearth: 2 x means half of the floor.')
}
