// The command as a client of Hearth: the AWS SDK, as anybody would use it, and one signed request for what AWS
// has no API for. Failures become the exit codes that --help names.

import { createHash, createHmac } from 'node:crypto'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { LambdaClient } from '@aws-sdk/client-lambda'
import type { Bill } from '@hearth/core/bill'
import { SignatureV4 } from '@smithy/signature-v4'
import { endpointUrl, hasCredentials, region } from './settings.ts'

export interface ClientOptions {
  endpointUrl?: string
  region?: string
}

/** Exit codes of the command. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const

/** A failure with an exit code of its own. */
export class CommandError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = EXIT.refused) {
    super(message)
    this.exitCode = exitCode
  }
}

const LOOPBACK = /^(localhost|127\..*|\[::1\]|.*\.localhost)$/
const FIRST_KEY = { accessKeyId: 'hearth', secretAccessKey: 'hearth' }

export function endpointOf(options: ClientOptions): string {
  return options.endpointUrl ?? endpointUrl()
}

/** The SDK's own credential chain, or a fresh install's first key when nothing is configured on this machine. */
function configOf(options: ClientOptions) {
  const endpoint = endpointOf(options)
  const bare = LOOPBACK.test(new URL(endpoint).hostname) && !hasCredentials()
  return {
    endpoint,
    region: options.region ?? region(),
    maxAttempts: 2,
    ...(bare && { credentials: FIRST_KEY }),
  }
}

export const lambdaClient = (options: ClientOptions) => new LambdaClient(configOf(options))
export const logsClient = (options: ClientOptions) => new CloudWatchLogsClient(configOf(options))

/** The bill of a month, `YYYY-MM`; the current one when absent. */
export async function fetchBill(options: ClientOptions, month?: string): Promise<Bill> {
  const client = lambdaClient(options)
  const url = new URL('/hearth/bill', endpointOf(options))
  const query: Record<string, string> = month ? { month } : {}
  const signer = new SignatureV4({
    credentials: client.config.credentials,
    region: client.config.region,
    service: 'lambda',
    sha256: Sha256,
  })
  const { headers } = await signer.sign({
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query,
    headers: { host: url.host },
  })
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const answer = await fetch(url, { headers })
  const body = (await answer.json()) as Bill & { message?: string }
  if (!answer.ok) throw new CommandError(body.message ?? `Hearth answered ${answer.status}.`)
  return body
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

const CONNECTION = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EAI_AGAIN'])

/** Any failure as a sentence and an exit code. */
export function explain(error: unknown, options: ClientOptions): CommandError {
  if (error instanceof CommandError) return error
  const { code, cause, name, message } = error as NodeJS.ErrnoException
  const inner = (cause as NodeJS.ErrnoException | undefined)?.code
  if (CONNECTION.has(code ?? '') || CONNECTION.has(inner ?? '')) {
    return new CommandError(
      `Hearth does not answer at ${endpointOf(options)}. \`hearth up\` starts it; \`hearth doctor\` looks closer.`,
      EXIT.unreachable,
    )
  }
  const known = name && name !== 'Error' ? `${name}: ` : ''
  return new CommandError(`${known}${message}`)
}
