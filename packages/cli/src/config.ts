// The server's configuration: HEARTH_* variables, read once, checked, and passed down as plain
// data. No other file of the server reads the environment.

import { isIPv4 } from 'node:net'
import { availableParallelism, hostname, totalmem } from 'node:os'
import { RETRY_SECONDS } from '@hearth/core/async-event'
import { STREAMED_BYTES_MAX } from '@hearth/core/invocation'
import { RUNTIMES } from '@hearth/core/runtime'
import { z } from 'zod'

export const ROLES = ['gateway', 'scheduler', 'poller', 'metering'] as const
export type Role = (typeof ROLES)[number]

const number = (fallback: number, least: number) => z.coerce.number().min(least).default(fallback)
const flag = z
  .enum(['0', '1', 'false', 'true'])
  .default('0')
  .transform((value) => value === '1' || value === 'true')

/** Compose passes on what nobody has set as an empty text. */
const unlessEmpty = z
  .string()
  .optional()
  .transform((value) => value || undefined)
const endpoint = unlessEmpty.refine(
  (value) => value === undefined || /^https?:\/\/[^\s/]+/.test(value),
  'must be an http or https address',
)

/** `id:secret,id:secret`; a fresh install accepts both of these until the operator names others. */
const DEFAULT_KEYS = 'hearth:hearth,test:test'
const BYTES_PER_MB = 1024 * 1024
const MEMORY_SHARE = 0.8
const DESTINATION = /^([A-Za-z0-9.-]+(?:\/\d{1,2})?)(?::(\d{1,5}))?$/
const PORT_MAX = 65_535

const schema = z.object({
  HEARTH_HOST: z.string().default('127.0.0.1'),
  HEARTH_PORT: number(4574, 0),
  /** Where Prometheus finds the metrics, never on the API's port; 0 for any port, '' for none. */
  HEARTH_METRICS_PORT: z
    .string()
    .regex(/^\d{0,5}$/, 'must be a port, 0 for any, or empty for none')
    .default('4580')
    .transform((text) => (text === '' ? undefined : Number(text))),
  /** Pages for people, on the API's port at /console. */
  HEARTH_CONSOLE: z.enum(['on', 'off']).default('on'),
  HEARTH_DATA_DIR: z.string().default('/var/lib/hearth'),
  HEARTH_ROLES: z.string().default(ROLES.join(',')).transform(parseRoles),
  HEARTH_NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  HEARTH_NATS_MONITOR_URL: z.string().default('http://127.0.0.1:8222'),
  HEARTH_ALLOW_UNSAFE_NATS: flag,
  HEARTH_VALKEY_URL: z.string().default('redis://127.0.0.1:6379'),
  HEARTH_ACCOUNT: z
    .string()
    .regex(/^\d{12}$/, 'must be 12 digits')
    .default('000000000000'),
  HEARTH_REGION: z.string().default('us-east-1'),
  HEARTH_ACCESS_KEYS: z.string().default(DEFAULT_KEYS).transform(parseKeys),
  /**
   * Seals secrets at rest; made where it is missing. Hosts that share NATS share it. By default in
   * the data directory.
   */
  HEARTH_MASTER_KEY_FILE: unlessEmpty,
  /**
   * Tells the sandboxes of several Hearths on one engine apart; by default the data directory does.
   */
  HEARTH_OWNER: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional(),
  HEARTH_SCHEDULER_ID: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional(),
  HEARTH_MEMORY_MB: number(Math.floor((totalmem() / BYTES_PER_MB) * MEMORY_SHARE), 128),
  HEARTH_CONCURRENCY: number(1000, 1),
  /** Request bodies that one gateway holds at a time; the largest upload fits into the least. */
  HEARTH_BODY_MEMORY_MB: number(512, 128),
  /** Asynchronous events that one poller has in hand at a time, of all functions together. */
  HEARTH_EVENTS_IN_HAND: number(50 * availableParallelism(), 1),
  /** Batches that one queue's mapping may have at work at a time, unless it says how many. */
  HEARTH_BATCHES_MAX: number(20 * availableParallelism(), 1),
  /** Seconds before a failed event is tried again, and again; AWS's, unless changed. */
  HEARTH_RETRY_SECONDS: z.string().default(RETRY_SECONDS.join(',')).transform(parseSeconds),
  HEARTH_ENVIRONMENTS_MAX: number(200 * availableParallelism(), 1),
  /** Booted runtimes that wait for a function: how many at most, and which from the start. */
  HEARTH_STEMS_MAX: number(8, 0),
  HEARTH_STEMS: z
    .string()
    .default('nodejs24.x,python3.13')
    .transform((text) => text.split(',').filter((name) => name !== ''))
    .refine((names) => names.every((name) => name in RUNTIMES), 'names a runtime that is not here'),
  HEARTH_IDLE_SECONDS: number(600, 1),
  HEARTH_AGE_SECONDS_MAX: number(4 * 3600, 1),
  /** Whether the scheduler may start its privileged helper; Docker's API does its work otherwise. */
  HEARTH_HANDS: z.enum(['auto', 'off']).default('auto'),
  /** Network namespaces that wait for sandboxes which start without a stem: at most so many. */
  HEARTH_NAMESPACES_MAX: number(4, 0),
  /** What sandboxes may reach of the host and of private networks: `10.1.0.0/16, db.lan:5432`. */
  HEARTH_SANDBOX_ALLOW: z.string().default('').transform(parseDestinations),
  /** Where functions reach the API: they are told, and let through to that very port. */
  HEARTH_FUNCTION_ENDPOINT: unlessEmpty.transform(parseFunctionEndpoint),
  /** What runs sandboxes, by the engine's name for it; unsaid, crun where it works. */
  HEARTH_SANDBOX_RUNTIME: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/)
    .optional(),
  /**
   * The longest timeout and the largest memory that a function may ask for; Lambda's, unless
   * raised.
   */
  HEARTH_TIMEOUT_SECONDS_MAX: number(900, 1),
  HEARTH_FUNCTION_MEMORY_MB_MAX: number(10_240, 128),
  /** The most bytes of one streamed response; Lambda's 200 MB, unless changed. */
  HEARTH_STREAMED_BYTES_MAX: number(STREAMED_BYTES_MAX, 1),
  /** Where large bodies between processes are collected, and the name by which others reach us. */
  HEARTH_CLAIMS_HOST: z.string().default('127.0.0.1'),
  HEARTH_CLAIMS_ADVERTISE: z.string().optional(),
  /** Credentials that every function receives, for the AWS-shaped services it calls. */
  HEARTH_FUNCTION_ACCESS_KEY_ID: z.string().optional(),
  HEARTH_FUNCTION_SECRET_ACCESS_KEY: z.string().optional(),
  HEARTH_FUNCTION_SESSION_TOKEN: z.string().optional(),
  /** Where spans of traces go, by OTLP over HTTP; its libraries read the other OTEL_* themselves. */
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_SERVICE_NAME: z.string().default('hearth'),
  /** Where AWS-shaped services are that events come from and go to, by the names of AWS's SDKs. */
  AWS_ENDPOINT_URL: endpoint,
  AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoint,
  AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
  AWS_ENDPOINT_URL_KINESIS: endpoint,
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ENDPOINT_URL_SNS: endpoint,
  AWS_ENDPOINT_URL_SQS: endpoint,
  /** Who Hearth is there; unsaid, the SDK's own chain of credentials decides. */
  AWS_ACCESS_KEY_ID: unlessEmpty,
  AWS_SECRET_ACCESS_KEY: unlessEmpty,
  AWS_SESSION_TOKEN: unlessEmpty,
  /** Prices in the place of AWS's, and what it costs here; see price-file. */
  HEARTH_PRICES_FILE: unlessEmpty,
  /** Files with the secrets of event sources, by the names that mappings give. */
  HEARTH_SECRETS_DIR: z.string().default(''),
  /** Signs webhooks as Standard Webhooks has it: `whsec_...`, several while they are changed. */
  HEARTH_WEBHOOK_SECRET: z.string().default('').transform(wordsOf),
  /** Private networks that webhooks may reach, over plain HTTP too: `10.1.0.0/16, hooks.lan`. */
  HEARTH_WEBHOOK_ALLOW: z.string().default('').transform(parseDestinations),
})

export type Config = z.output<typeof schema>

/** @throws Error that names each variable at fault and what it allows. */
export function readConfig(overrides: Record<string, string> = {}): Config {
  const parsed = schema.safeParse({ ...process.env, ...overrides })
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The configuration has faults:\n  ${faults.join('\n  ')}`)
}

/**
 * A scheduler's name must outlive its container; serve.ts keeps this suggestion in the data
 * directory.
 */
export function suggestSchedulerId(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
  return name.slice(0, 40) || 'scheduler'
}

function wordsOf(list: string): string[] {
  const words = list.split(',').map((word) => word.trim())
  return words.filter((word) => word !== '')
}

function parseRoles(text: string, context: z.RefinementCtx): Role[] {
  const roles = text.split(',').map((role) => role.trim())
  const unknown = roles.filter((role) => !ROLES.some((known) => known === role))
  if (unknown.length > 0) {
    context.addIssue(`unknown role ${unknown.join(', ')}; there are ${ROLES.join(', ')}`)
  }
  return ROLES.filter((known) => roles.includes(known))
}

function parseSeconds(text: string, context: z.RefinementCtx): number[] {
  const seconds = text.split(',').map((part) => Number(part))
  if (text === '' || seconds.some((value) => !(value >= 0))) {
    context.addIssue('must be seconds, with commas between them: 60,120')
  }
  return seconds
}

function parseDestinations(text: string, context: z.RefinementCtx) {
  return wordsOf(text).map((entry) => {
    const [, host = '', digits] = DESTINATION.exec(entry) ?? []
    const port = digits === undefined ? undefined : Number(digits)
    const [address = '', bits = '32'] = host.split('/')
    const isNumbers = /^[\d.]+$/.test(address)
    if (!host || port === 0 || (port ?? 1) > PORT_MAX || (isNumbers && !isIPv4(address))) {
      context.addIssue(`${entry} is none of address, address/bits or name, with or without :port`)
    } else if (Number(bits) > 32 || (!isNumbers && host.includes('/'))) {
      context.addIssue(`${entry} is no network: bits follow an address, and are 32 at most`)
    }
    return { host, ...(port !== undefined && { port }) }
  })
}

function parseFunctionEndpoint(text: string | undefined, context: z.RefinementCtx) {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/') {
    context.addIssue('must be an address as http://host.docker.internal:4574, without a path')
    return undefined
  }
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  return { url: url.origin, destination: { host: url.hostname, port } }
}

function parseKeys(text: string): Map<string, string> {
  const pairs = text.split(',').map((pair) => pair.trim().split(':', 2) as [string, string])
  return new Map(pairs.filter(([id, secret]) => id && secret))
}
