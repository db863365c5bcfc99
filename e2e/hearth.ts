// A whole Hearth for tests: real NATS and Valkey, and `hearth serve` as processes of their own with
// a data directory of their own, so that they can be killed like any process.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Sha256 } from '@aws-crypto/sha256-js'
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  CreateFunctionUrlConfigCommand,
  InvokeCommand,
  type InvokeCommandInput,
  type InvokeMode,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda'
import type { Bill } from '@hearth/core/bill'
import { SignatureV4 } from '@smithy/signature-v4'
import { strToU8, type Zippable, zipSync } from 'fflate'
import { freePort, type Nats, type Server, startNats, startValkey } from './servers.ts'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))
export const NODE = join(ROOT, 'node_modules/.bin/node')
export const MAIN = join(ROOT, 'packages/cli/src/main.ts')
export const ROLE = 'arn:aws:iam::000000000000:role/test'
export const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' }
/** Generous: a scheduler first removes what its last life left, and the machine may be busy. */
const READY_MS = 90_000

const docker = promisify(execFile)

/** One `hearth serve` process. */
export interface Part {
  process: ChildProcess
  output(): string
  /** kill -9, and it is gone when this resolves. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export interface Hearth {
  endpoint: string
  lambda: LambdaClient
  nats: Nats
  valkey: Server
  dataDirectory: string
  owner: string
  /** Starts a process with these roles; the gateway listens at `endpoint`. */
  serve(roles?: string, env?: Record<string, string>): Promise<Part>
  /** The first process, with every role unless asked otherwise. */
  main: Part
  create(
    input: Partial<CreateFunctionCommandInput> & { files: Record<string, string | Uint8Array> },
  ): Promise<string>
  invoke(name: string, payload?: unknown, extra?: Partial<InvokeCommandInput>): Promise<Answer>
  /** This month's bill. @throws Error while metering does not answer. */
  bill(): Promise<Bill>
  /** A route of Hearth's own, signed. @throws Error unless it answers 200. */
  native<T>(path: string): Promise<T>
  sandboxes(): Promise<string[]>
  stop(): Promise<void>
}

export interface Answer {
  status: number
  error: string | undefined
  log: string
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  json: any
  requestId: string
  version: string | undefined
}

type Env = Record<string, string>

export async function startHearth(
  options: { roles?: string; env?: Env | ((port: number) => Env) } = {},
): Promise<Hearth> {
  const [nats, valkey] = await Promise.all([startNats(), startValkey()])
  const dataDirectory = await mkdtemp(join(tmpdir(), 'hearth-e2e-'))
  const owner = `e2e-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const parts: Part[] = []
  const serve = async (roles?: string, env: Record<string, string> = {}) => {
    const part = await startPart({
      HEARTH_PORT: String(port),
      HEARTH_METRICS_PORT: '0',
      HEARTH_DATA_DIR: dataDirectory,
      HEARTH_OWNER: owner,
      HEARTH_NATS_URL: nats.url,
      HEARTH_NATS_MONITOR_URL: nats.monitorUrl,
      HEARTH_VALKEY_URL: valkey.url,
      ...(roles && { HEARTH_ROLES: roles }),
      ...(typeof options.env === 'function' ? options.env(port) : options.env),
      ...env,
    })
    parts.push(part)
    return part
  }
  const main = await serve(options.roles).catch(async (error) => {
    const forgotten = rm(dataDirectory, { recursive: true, force: true })
    await Promise.all([nats.stop(), valkey.stop(), forgotten])
    throw error
  })
  const lambda = clientOf(endpoint)
  const hearth: Hearth = {
    endpoint,
    lambda,
    nats,
    valkey,
    dataDirectory,
    owner,
    serve,
    main,
    create: (input) => create(lambda, input),
    invoke: (name, payload, extra) => invoke(lambda, name, payload, extra),
    bill: () => fetchNative<Bill>(endpoint, '/hearth/bill'),
    native: (path) => fetchNative(endpoint, path),
    sandboxes: () => sandboxesOf(owner),
    async stop() {
      await Promise.all(parts.map((part) => part.stop()))
      const left = await sandboxesOf(owner)
      if (left.length > 0) await docker('docker', ['rm', '--force', ...left])
      await Promise.all([nats.stop(), valkey.stop()])
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
  return hearth
}

export function clientOf(endpoint: string): LambdaClient {
  return new LambdaClient({ endpoint, region: 'us-east-1', credentials: KEYS, maxAttempts: 1 })
}

async function startPart(env: Record<string, string>): Promise<Part> {
  const child = spawn(NODE, [MAIN, 'serve'], {
    env: { ...fromOutside(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('Ready.')) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void gone.then(() => reject(new Error(`hearth serve ended early:\n${output}`)))
    setTimeout(() => reject(new Error(`hearth serve was not ready:\n${output}`)), READY_MS).unref()
  })
  await ready
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await gone
  }
  return {
    process: child,
    output: () => output,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

/** Where programs are, and which engine to use where it is not the usual one; nothing else. */
function fromOutside(): NodeJS.ProcessEnv {
  const { PATH, DOCKER_HOST } = process.env
  return { PATH, ...(DOCKER_HOST && { DOCKER_HOST }) }
}

/** Made on Unix, and to be executed. */
const EXECUTABLE = { os: 3, attrs: 0o100755 << 16 }

/** A zip of text or bytes by name, with a `bootstrap` that can be executed; the same bytes whenever it is made. */
export function zip(files: Record<string, string | Uint8Array>): Uint8Array {
  const entries: Zippable = {}
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === 'string' ? strToU8(content) : content
    entries[name] = name === 'bootstrap' ? [bytes, EXECUTABLE] : bytes
  }
  return zipSync(entries, { mtime: new Date(1980, 0, 1) })
}

/**
 * Creates a function (Node.js unless it says otherwise) and waits until it is active. @returns its
 * name.
 */
export async function create(
  lambda: LambdaClient,
  {
    files,
    ...input
  }: Partial<CreateFunctionCommandInput> & { files: Record<string, string | Uint8Array> },
): Promise<string> {
  const name = input.FunctionName ?? `f-${Math.random().toString(36).slice(2, 10)}`
  await lambda.send(
    new CreateFunctionCommand({
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: ROLE,
      Timeout: 10,
      ...input,
      FunctionName: name,
      Code: { ZipFile: zip(files) },
    }),
  )
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
    { FunctionName: name },
  )
  return name
}

export async function invoke(
  lambda: LambdaClient,
  name: string,
  payload: unknown = {},
  extra: Partial<InvokeCommandInput> = {},
): Promise<Answer> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload), ...extra }),
  )
  const text = Buffer.from(answer.Payload ?? []).toString()
  return {
    status: answer.StatusCode ?? 0,
    error: answer.FunctionError,
    log: answer.LogResult ? Buffer.from(answer.LogResult, 'base64').toString() : '',
    text,
    json: text === '' ? undefined : JSON.parse(text),
    requestId: answer.$metadata.requestId ?? '',
    version: answer.ExecutedVersion,
  }
}

/** A function URL for everybody, with the two permissions that it takes. @returns its address. */
export async function publicUrl(
  lambda: LambdaClient,
  FunctionName: string,
  config: { InvokeMode?: InvokeMode; Qualifier?: string } = {},
): Promise<URL> {
  const { Qualifier } = config
  const everybody = { FunctionName, Qualifier, Principal: '*' }
  await lambda.send(
    new AddPermissionCommand({
      ...everybody,
      StatementId: 'url',
      Action: 'lambda:InvokeFunctionUrl',
      FunctionUrlAuthType: 'NONE',
    }),
  )
  await lambda.send(
    new AddPermissionCommand({
      ...everybody,
      StatementId: 'invoke-by-url',
      Action: 'lambda:InvokeFunction',
      InvokedViaFunctionUrl: true,
    }),
  )
  const { FunctionUrl = '' } = await lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', ...config }),
  )
  return new URL(FunctionUrl)
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** A plain HTTP request, with any Host header. */
export function http(
  url: string,
  options: {
    method?: string
    headers?: Record<string, string | string[]>
    body?: Uint8Array | string
  } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options
    const request = httpRequest(url, { agent: false, ...rest }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

const signer = new SignatureV4({
  credentials: KEYS,
  region: 'us-east-1',
  service: 'lambda',
  sha256: Sha256,
})

async function fetchNative<T>(endpoint: string, path: string): Promise<T> {
  const { host, hostname, pathname, searchParams } = new URL(path, endpoint)
  const { headers } = await signer.sign({
    method: 'GET',
    protocol: 'http:',
    hostname,
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: { host },
  })
  const answer = await fetch(`${endpoint}${path}`, { headers })
  if (!answer.ok) throw new Error(`${path} is not to be had: ${answer.status}`)
  return (await answer.json()) as T
}

async function sandboxesOf(owner: string): Promise<string[]> {
  const { stdout } = await docker('docker', [
    'ps',
    '-aq',
    '--filter',
    `label=hearth.owner=${owner}`,
    '--filter',
    // Only sandboxes name their scheduler.
    'label=hearth.scheduler',
  ])
  return stdout.split('\n').filter((id) => id !== '')
}

/** Waits until a condition holds. @throws Error that says what it waited for. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 15_000,
): Promise<void> {
  const until = performance.now() + withinMs
  while (performance.now() < until) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`within ${withinMs} ms it did not happen that ${what}`)
}
