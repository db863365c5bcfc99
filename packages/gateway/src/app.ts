// The control API and Hearth's own few routes, on Hono. A request is matched against the contract,
// verified, parsed, validated, routed and rendered; each step is another file's. Invoke and
// function URLs never come here.

import { randomUUID } from 'node:crypto'
import type { Requests } from '@hearth/bus/requests'
import { ServiceError } from '@hearth/core/error'
import type { Logs } from '@hearth/store/logs'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import {
  type Asker,
  requireAccess,
  requireOperation,
  requireRoot,
  requireTarget,
} from './access.ts'
import { addBillRoutes } from './bill-routes.ts'
import { gatherEnvironments } from './census.ts'
import { CODE_PATH, type CodeLinks } from './code-links.ts'
import { CONSOLE_PATH } from './console/guard.ts'
import { match, parse, render, type WireAnswer } from './contract.ts'
import { isLarge, readBody } from './http.ts'
import { answerTarget, readTarget } from './json-target.ts'
import { readReset } from './mapping-wish.ts'
import { isQuery, renderQueryError } from './query-protocol.ts'
import {
  createKey,
  deleteKey,
  type KeyParts,
  type KeyWish,
  listKeys,
} from './routes/access-keys.ts'
import type { BudgetParts } from './routes/budgets.ts'
import {
  countDeadLetters,
  type DeadLetterParts,
  listDeadLetters,
  type Redrive,
  redriveDeadLetters,
} from './routes/dead-letters.ts'
import { resetEventSourceMapping } from './routes/event-source-mappings.ts'
import { answerQuery } from './routes/identity-queries.ts'
import type { InvokeParts } from './routes/invoke.ts'
import { answerLogs } from './routes/logs/operations.ts'
import { forgetRole, listOwnRoles, setRole } from './routes/own-roles.ts'
import type { IamParts } from './routes/query-form.ts'
import { answerScaling } from './routes/scaling.ts'
import { ROUTES } from './routes/table.ts'
import { validate } from './validation.ts'
import { renderError, renderTargetError } from './wire-errors.ts'

export interface AppParts
  extends InvokeParts,
    KeyParts,
    IamParts,
    BudgetParts,
    Omit<DeadLetterParts, 'functions'> {
  version: string
  roles: readonly string[]
  requests: Requests
  logs: Logs
  links: CodeLinks
  /** Whether NATS is within reach. */
  connected(): boolean
}

/** AWS's own limit for a control request, a 50 MB zip in base64 and then some. */
const REQUEST_BYTES_MAX = 70_167_211
const MAPPINGS_PATH = '/hearth/event-source-mappings/'
/** Services by the name that X-Amz-Target has for them. */
const LOGS = 'Logs_20140328'
const SCALING = 'AnyScaleFrontendService'
/** As IAM calls them. */
const SERVICES: ReadonlyMap<string, string> = new Map([
  [LOGS, 'logs'],
  [SCALING, 'application-autoscaling'],
])

/** @param pages for people, where there are any. */
export function createApp(parts: AppParts, pages?: Hono): Hono {
  const app = new Hono()
  if (pages) {
    app.route(CONSOLE_PATH, pages)
    // A person at the front door; programs go on to the API.
    app.get('/', (c, next) => (isPerson(c) ? Promise.resolve(c.redirect(CONSOLE_PATH)) : next()))
  }
  for (const path of ['/health', '/_localstack/health']) app.get(path, (c) => health(c, parts))
  app.get(`${CODE_PATH}:sha256`, (c) => code(c, parts))
  addOwnRoutes(app, parts)
  addIdentityRoutes(app, parts)
  app.post('/', (c) =>
    isQuery(c.req.header('content-type'))
      ? guarded(c, parts, (signed) => answerQuery(signed, parts))
      : guarded(c, parts, (signed) => targeted(c, signed, parts)),
  )
  app.all('*', (c) => guarded(c, parts, (signed) => control(c, signed, parts)))
  return app
}

/** What AWS has no API for: each an action that a policy may allow. */
function addOwnRoutes(app: Hono, parts: AppParts): void {
  const own = (action: string, work: Work) => (c: Context) =>
    guarded(c, parts, (signed) => {
      requireAccess(signed.asker, { action: `hearth:${action}`, resource: '*' })
      return work(signed, c)
    })
  addBillRoutes(app, parts, own)
  app.get(
    '/hearth/environments',
    own('ListEnvironments', () => environments(parts)),
  )
  const deadLetters = '/hearth/dead-letters'
  app.get(
    deadLetters,
    own('ListDeadLetters', (_, c) => deadLettersOf(c, parts)),
  )
  app.post(
    deadLetters,
    own('RedriveDeadLetters', async ({ body }) =>
      json(200, await redriveDeadLetters(parts, readObject<Redrive>(body))),
    ),
  )
  app.post(
    `${MAPPINGS_PATH}:uuid/reset`,
    own('ResetEventSourceMapping', (signed, c) => reset(c, signed, parts)),
  )
}

/** Who may do what is for the operator alone to say. */
function addIdentityRoutes(app: Hono, parts: AppParts): void {
  const operators = (action: string, work: Work) => (c: Context) =>
    guarded(c, parts, (signed) => {
      requireRoot(signed.asker, `hearth:${action}`)
      return work(signed, c)
    })
  app.get(
    '/hearth/keys',
    operators('ListAccessKeys', () => json(200, listKeys(parts))),
  )
  app.post(
    '/hearth/keys',
    operators('CreateAccessKey', async ({ body }) =>
      json(200, await createKey(parts, readObject<KeyWish>(body))),
    ),
  )
  app.delete(
    '/hearth/keys/:id',
    operators('DeleteAccessKey', async (_, c) => json(200, await deleteKey(parts, idOf(c)))),
  )
  app.get(
    '/hearth/roles',
    operators('ListRoles', () => json(200, listOwnRoles(parts))),
  )
  app.put(
    '/hearth/roles/:id',
    operators('SetRole', async ({ body }, c) =>
      json(200, await setRole(parts, { ...readObject<object>(body), name: idOf(c) })),
    ),
  )
  app.delete(
    '/hearth/roles/:id',
    operators('DeleteRole', async (_, c) => json(200, await forgetRole(parts, idOf(c)))),
  )
}

/** A request whose signature was good. */
interface Signed {
  body: Uint8Array
  requestId: string
  asker: Asker
}

export type Work = (signed: Signed, c: Context) => WireAnswer | Promise<WireAnswer>

/** Verifies the caller, runs the work, and turns whatever goes wrong into AWS's error. */
async function guarded(
  c: Context,
  parts: AppParts,
  work: (signed: Signed) => WireAnswer | Promise<WireAnswer>,
): Promise<Response> {
  const requestId = randomUUID()
  const render = isQuery(c.req.header('content-type')) ? renderQueryError : renderError
  try {
    const { path, query } = addressOf(c)
    const headers = Object.fromEntries(c.req.raw.headers)
    const head = { method: c.req.method, path, query, headers }
    const { incoming: request } = c.env as HttpBindings
    if (isLarge(request)) parts.verify.head(head, Date.now())
    const body = await bodyOf(c, parts)
    const identity = parts.verify({ ...head, body }, Date.now())
    const place = { account: parts.account, region: parts.region }
    const answer = await work({ body, requestId, asker: { identity, place, request } })
    return toResponse({ ...answer, headers: { ...answer.headers, 'x-amzn-requestid': requestId } })
  } catch (error) {
    return toResponse(render(error, requestId))
  }
}

/** From node's own request: Hono would take a body of any size. */
async function bodyOf(c: Context, { bodies }: AppParts): Promise<Uint8Array> {
  const { incoming } = c.env as HttpBindings
  const body = await readBody(incoming, REQUEST_BYTES_MAX, bodies.signed)
  if (body) return body
  const { path, query } = addressOf(c)
  const name = match(c.req.method, path, new URLSearchParams(query))?.operation.name
  throw new ServiceError(
    'RequestEntityTooLargeException',
    `Request must be smaller than ${REQUEST_BYTES_MAX} bytes for the ${name} operation`,
  )
}

/** One operation of the contract. */
async function control(
  c: Context,
  { body, requestId, asker }: Signed,
  parts: AppParts,
): Promise<WireAnswer> {
  const { path, query: text, origin } = addressOf(c)
  const query = new URLSearchParams(text)
  const matched = match(c.req.method, path, query)
  if (!matched) {
    throw new ServiceError('UnknownOperationException', `No operation has ${c.req.method} ${path}.`)
  }
  const { operation, labels } = matched
  const route = ROUTES.get(operation.name)
  if (!route) {
    throw new ServiceError(
      'NotImplementedException',
      `Hearth does not have ${operation.name} yet; nothing was changed.`,
    )
  }
  const headers = Object.fromEntries(c.req.raw.headers)
  const input = parse(operation, { labels, query, headers, body })
  validate(operation, input, parts.limits)
  requireOperation(asker, operation.name, { ...parts, input })
  const { place } = asker
  const output = await route(input as never, { place, requestId, origin }, parts)
  return render(operation, output as Record<string, unknown>)
}

/** One operation of the services that share a path. */
async function targeted(
  c: Context,
  { body, requestId, asker }: Signed,
  parts: AppParts,
): Promise<WireAnswer> {
  const { account, region } = parts
  const target = c.req.header('x-amz-target') ?? ''
  try {
    const { service, operation, input } = readTarget(target, body)
    requireTarget(asker, { service: SERVICES.get(service), operation, input })
    if (service === LOGS) {
      if (!parts.connected()) {
        const text = 'Service is unavailable: NATS is out of reach.'
        throw new ServiceError('ServiceUnavailableException', text)
      }
      const caller = { place: { account, region }, requestId, logs: parts.logs }
      return await answerLogs({ operation, input }, caller)
    }
    if (service === SCALING) {
      const caller = { place: { account, region }, requestId, origin: addressOf(c).origin }
      return answerTarget(await answerScaling({ operation, input }, caller, parts))
    }
  } catch (error) {
    return renderTargetError(error, requestId)
  }
  throw new ServiceError('UnknownOperationException', `No operation is called ${target}.`)
}

/** `{ "position": "LATEST" | "TRIM_HORIZON" }`, `{ "timestamp": <ms> }`, or `{}` for as before. */
async function reset(
  c: Context,
  { body, requestId, asker: { place } }: Signed,
  parts: AppParts,
): Promise<WireAnswer> {
  const caller = { place, requestId, origin: addressOf(c).origin }
  const uuid = c.req.param('uuid') ?? ''
  return json(200, await resetEventSourceMapping(uuid, readReset(readObject(body)), caller, parts))
}

async function environments({ requests, schedulers }: AppParts): Promise<WireAnswer> {
  return json(200, await gatherEnvironments(requests, schedulers.live()))
}

async function deadLettersOf(c: Context, parts: AppParts): Promise<WireAnswer> {
  const functionName = c.req.query('function')
  if (functionName === undefined) return json(200, await countDeadLetters(parts))
  const from = c.req.query('from')
  const fromSequence = from === undefined ? {} : { fromSequence: Number(from) }
  return json(200, await listDeadLetters(parts, { functionName, ...fromSequence }))
}

export const idOf = (c: Context) => c.req.param('id') ?? ''

/** @throws ServiceError for what is no JSON object. */
export function readObject<T extends object>(body: Uint8Array): T {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString())
    if (typeof value === 'object' && value !== null) return value as T
  } catch {}
  throw new ServiceError('SerializationException', 'The body must be a JSON object.')
}

async function code(c: Context, parts: AppParts): Promise<Response> {
  const query = new URLSearchParams(addressOf(c).query)
  const sha256 = parts.links.check(c.req.param('sha256') ?? '', query, Date.now())
  if (!sha256) return c.json({ message: 'This link is not valid, or has expired.' }, 403)
  const zip = await parts.artifacts.zip(sha256)
  if (!zip) return c.json({ message: 'This code is gone.' }, 404)
  return new Response(new Uint8Array(zip), { headers: { 'content-type': 'application/zip' } })
}

function health(c: Context, parts: AppParts): Response {
  const nats = parts.connected()
  const schedulers = parts.schedulers.live().map(({ lost: _, ...heartbeat }) => heartbeat)
  const ready = nats && schedulers.length > 0
  const body = {
    status: ready ? 'ok' : 'unavailable',
    version: parts.version,
    roles: parts.roles,
    nats,
    schedulers,
    services: { lambda: ready ? 'running' : 'error' },
  }
  return c.json(body, ready ? 200 : 503)
}

const isPerson = (c: Context) =>
  c.req.header('authorization') === undefined &&
  (c.req.header('accept') ?? '').includes('text/html')

/** The address as it came: Hono decodes what a signature needs encoded. */
function addressOf(c: Context): { path: string; query: string; origin: string } {
  const url = c.req.url
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const rest = start < 0 ? '/' : url.slice(start)
  const mark = rest.indexOf('?')
  const host = c.req.header('host') ?? 'localhost'
  const path = mark < 0 ? rest : rest.slice(0, mark)
  return { path, query: mark < 0 ? '' : rest.slice(mark + 1), origin: `http://${host}` }
}

export function json(status: number, body: unknown): WireAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function toResponse({ status, headers, body, stream }: WireAnswer): Response {
  if (stream) return new Response(ReadableStream.from(stream), { status, headers })
  const bodiless = status === 204
  return new Response(bodiless ? null : Buffer.from(body), { status, headers })
}
