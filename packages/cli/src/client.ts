// The command as a client of Hearth: the AWS SDK, as anybody would use it, and one signed request
// for what AWS has no API for. It knows no private door.

import { createHash, createHmac } from 'node:crypto'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import { fallbackKey } from './credentials.ts'
import { CommandError, EXIT, usageError } from './failures.ts'
import { endpointUrl, type Key, region } from './settings.ts'

export interface ClientOptions {
  endpointUrl?: string
  region?: string
  /** Only for whoever knows the key better than the environment does. */
  credentials?: Key
}

const HEALTH_MS = 5_000
const NATIVE_MS = 10_000

/** Where the API is. @throws CommandError when that is no http address. */
export function endpointOf(options: ClientOptions): string {
  const endpoint = options.endpointUrl ?? endpointUrl()
  if (/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) return endpoint.replace(/\/+$/, '')
  throw usageError(`${endpoint} is no endpoint. Write http://localhost:4574 or its like.`)
}

async function configOf(options: ClientOptions) {
  const endpoint = endpointOf(options)
  const credentials = options.credentials ?? (await fallbackKey(endpoint))
  return {
    endpoint,
    region: options.region ?? region(),
    // A retry of an invocation that was accepted would run the function twice.
    maxAttempts: 1,
    ...(credentials && { credentials }),
  }
}

export async function lambdaClient(options: ClientOptions): Promise<LambdaClient> {
  const { LambdaClient } = await import('@aws-sdk/client-lambda')
  return new LambdaClient(await configOf(options))
}

export async function logsClient(options: ClientOptions): Promise<CloudWatchLogsClient> {
  const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs')
  return new CloudWatchLogsClient(await configOf(options))
}

export interface Health {
  status: string
  version: string
  roles: string[]
  nats: boolean
  schedulers: {
    schedulerId: string
    environments: number
    running: number
    memoryMbFree: number
  }[]
}

/**
 * What the API says of itself, and the time that it has. @throws like fetch when nobody answers.
 */
export async function fetchHealth(
  options: ClientOptions,
  withinMs = HEALTH_MS,
): Promise<Health & { date: number }> {
  const endpoint = endpointOf(options)
  const answer = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(withinMs) })
  const health = (await answer.json().catch(() => undefined)) as Health | undefined
  if (typeof health?.version !== 'string' || !Array.isArray(health.schedulers)) {
    throw new CommandError(
      `What answers at ${endpoint} is not Hearth. Name Hearth's address by --endpoint-url.`,
      EXIT.unreachable,
    )
  }
  return { ...health, date: Date.parse(answer.headers.get('date') ?? '') }
}

/**
 * A native route's JSON, asked for with the same credentials as everything else; with a body it is
 * a POST, unless it says otherwise.
 */
export async function fetchNative<T>(
  options: ClientOptions,
  path: string,
  asked: { query?: Record<string, string>; body?: object; method?: 'DELETE' | 'PUT' } = {},
): Promise<T> {
  const { query = {}, body: sent, method = sent ? 'POST' : 'GET' } = asked
  const content = sent && { body: JSON.stringify(sent) }
  const [{ SignatureV4 }, client] = await Promise.all([
    import('@smithy/signature-v4'),
    lambdaClient(options),
  ])
  const url = new URL(path, `${endpointOf(options)}/`)
  const { credentials, region } = client.config
  const signer = new SignatureV4({ credentials, region, service: 'lambda', sha256: Sha256 })
  const { headers } = await signer.sign({
    method,
    ...content,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query,
    headers: { host: url.host },
  })
  // As it is signed: a blank is %20 there, and no plus.
  url.search = Object.entries(query)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&')
  const answer = await fetch(url, {
    method,
    ...content,
    headers,
    signal: AbortSignal.timeout(NATIVE_MS),
  })
  const body = (await answer.json().catch(() => ({}))) as T & NativeRefusal
  if (answer.ok) return body
  const message = body.message ?? body.Message ?? `Hearth answered ${answer.status}.`
  throw Object.assign(new Error(message), {
    name: answer.headers.get('x-amzn-errortype') ?? 'Error',
  })
}

/** Some of AWS's refusals write it large. */
interface NativeRefusal {
  message?: string
  Message?: string
}

/** What the SDK's signer needs of a hash, from Node's own. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret ? createHmac('sha256', toBytes(secret)) : createHash('sha256')
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return new Uint8Array(data)
}
