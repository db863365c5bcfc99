// Raw HTTP against the gateway's port: each case by itself, then what only hurts in numbers (idle
// connections, slow ones, endless bodies, clients that leave), while good invocations go on beside
// it. At the end the process holds what it held before.

import { connect, type Socket } from 'node:net'
import { type Figure, none } from '../faults/figure.ts'
import { eventually } from '../hearth.ts'
import { ABUSES, type AbuseCase, urlAbuses } from './abuse-cases.ts'
import { KEEPER, REGION } from './pools.ts'
import { type Asked, sign } from './requests.ts'
import type { World } from './world.ts'

export interface AbuseOptions {
  idle: number
  /** Megabytes of a body that never ends. */
  bodyMb: number
  leavers: number
  /** Whether to wait until slow clients are sent away, which takes Node's half minute. */
  patient: boolean
}

const SILENT_MS_MAX = 15_000
const GOOD_MS_MAX = 5_000
const GOOD_EVERY_MS = 200
const SLOW_CLIENTS = 50
const SLOW_MS_MAX = 60_000
const RELEASED_MS_MAX = 90_000
/** Connections to NATS and Valkey, log segments: what a working process opens and closes. */
const HANDLES_SLACK = 12
const GROWTH_MB_MAX = 250
const CHUNK = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`)
const CHUNK_MB = 1 / 16

export async function abuse(
  options: AbuseOptions,
  world: World,
  tell: (doing: string) => void,
): Promise<Figure[]> {
  const port = Number(new URL(world.hearth.endpoint).port)
  const before = { handles: world.process.handles(), memoryMb: world.process.memoryMb() }
  const good = goOn(world)
  const faults: string[] = []
  const cases = Object.entries({ ...ABUSES, ...urlAbuses(world.urlId) })
  for (const [name, one] of cases) {
    faults.push(...(await tryCase(port, one)).map((what) => `${name}: ${what}`))
  }
  tell(`${cases.length} kinds of bad requests; now many at a time`)
  faults.push(...(await crowd(port, options, world)))
  const memoryMb = world.process.memoryMb() - before.memoryMb
  tell('waiting until what was opened is closed')
  const held = () => world.process.handles() - before.handles
  await eventually('all is closed', () => held() <= HANDLES_SLACK, RELEASED_MS_MAX).catch(() => {})
  return [
    none('abuses that went wrong', faults, `of ${cases.length} kinds`),
    none('good invocations that suffered', await good()),
    { what: 'connections and files left open', found: Math.max(0, held()), allowed: HANDLES_SLACK },
    { what: 'megabytes grown', found: Math.max(0, Math.round(memoryMb)), allowed: GROWTH_MB_MAX },
    none('deaths', world.process.alive() ? [] : [world.hearth.main.output().slice(-2_000)]),
  ]
}

/** Good invocations without end. @returns what ends them, and tells which were bad. */
function goOn(world: World): () => Promise<string[]> {
  const problems: string[] = []
  let isOver = false
  const work = (async () => {
    while (!isOver) {
      const ms = await world.ask().catch((error: Error) => error.message)
      if (typeof ms === 'string' || ms > GOOD_MS_MAX) problems.push(String(ms))
      await new Promise((resolve) => setTimeout(resolve, GOOD_EVERY_MS))
    }
  })()
  return async () => {
    isOver = true
    await work
    return problems
  }
}

/** What is wrong with how a server takes one case. */
export async function tryCase(
  port: number,
  one: AbuseCase,
  silentMs = SILENT_MS_MAX,
): Promise<string[]> {
  const heard = await talk(port, one, silentMs)
  if (heard.isSilent) return [`neither an answer nor an end; heard ${heard.text.slice(0, 80)}`]
  const statuses = [...heard.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))
  const failed = statuses.find((status) => status >= 500 && ![501, 503, 505].includes(status))
  const [first] = statuses
  const isExpected = !one.statuses || (first !== undefined && one.statuses.includes(first))
  return [
    ...(failed === undefined ? [] : [`status ${failed}`]),
    ...(isExpected ? [] : [`status ${first} in the place of ${one.statuses}`]),
    ...(one.answers === undefined || statuses.length === one.answers
      ? []
      : [`${statuses.length} answers in the place of ${one.answers}`]),
    ...(/\bat .*\.ts:\d|node:internal/.test(heard.text) ? ['it tells of its inside'] : []),
  ]
}

interface Heard {
  text: string
  isSilent: boolean
}

/** Sends bytes, and hears until there is an answer for each request, or an end. */
function talk(
  port: number,
  { bytes, leaves, answers = 1 }: AbuseCase,
  silentMs = SILENT_MS_MAX,
): Promise<Heard> {
  return new Promise((resolve) => {
    let text = ''
    const end = (isSilent: boolean) => {
      resolve({ text, isSilent })
      socket.destroy()
    }
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes)
      if (leaves) setTimeout(() => end(false), 50)
    })
    socket.setTimeout(silentMs, () => end(true))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.split('HTTP/1.1 ').length > answers) setTimeout(() => end(false), 50)
    })
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
  })
}

async function crowd(port: number, options: AbuseOptions, world: World): Promise<string[]> {
  const slow = await openAll(port, SLOW_CLIENTS)
  const drips = setInterval(() => {
    for (const socket of slow) socket.write('X')
  }, 1_000)
  for (const socket of slow) socket.write('GET /health HTTP/1.1\r\n')
  const idle = await openAll(port, options.idle)
  const faults: string[] = []
  try {
    await world.ask()
    faults.push(...(await floods(port, options, world)))
    await leave(world, options.leavers)
    if (options.patient) {
      const sentAway = () => slow.every((socket) => socket.closed)
      await eventually('slow clients are sent away', sentAway, SLOW_MS_MAX).catch((error) => {
        faults.push((error as Error).message)
      })
    }
  } finally {
    clearInterval(drips)
    for (const socket of [...slow, ...idle]) socket.destroy()
  }
  return faults
}

function openAll(port: number, count: number): Promise<Socket[]> {
  const opened = Array.from(
    { length: count },
    () =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket))
        socket.once('error', reject)
        socket.on('error', () => {})
      }),
  )
  return Promise.all(opened)
}

const FLOODED = ['/2015-03-31/functions', `/2015-03-31/functions/${KEEPER}/invocations`]
/** Of nobody whom we know, all at once. */
const STRANGERS = 20

/** Endless bodies: strangers' are refused at once, and those of others as soon as they are too large. */
async function floods(port: number, { bodyMb }: AbuseOptions, world: World): Promise<string[]> {
  const strangers = Array.from({ length: STRANGERS }, async (_, at) => {
    const heard = await flood(port, FLOODED[at % 2] ?? '', bodyMb)
    return / 403 /.test(heard) ? [] : [`a stranger's endless body: ${heard}`]
  })
  const faults = (await Promise.all(strangers)).flat()
  for (const path of FLOODED) {
    const empty = { ...STREAMING, operation: 'endless', path, body: Buffer.alloc(0) }
    const { headers } = await sign(empty, world.hearth.endpoint)
    const heard = await flood(port, path, bodyMb, headers)
    if (!/ 413 /.test(heard)) faults.push(`an endless body to ${path}: ${heard}`)
  }
  return faults
}

/** A body in chunks, for as long as it is taken. @returns the first line of the answer. */
function flood(
  port: number,
  path: string,
  megabytes: number,
  headers: Record<string, string> = { host: 'a' },
): Promise<string> {
  return new Promise((resolve) => {
    let left = megabytes / CHUNK_MB
    let text = ''
    const end = () => {
      resolve(text.split('\r\n')[0] ?? '')
      socket.destroy()
    }
    const pour = () => {
      while (left > 0 && !socket.destroyed) {
        left -= 1
        if (!socket.write(CHUNK)) return void socket.once('drain', pour)
      }
      socket.write('0\r\n\r\n')
    }
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(headOf('POST', path, { ...headers, 'transfer-encoding': 'chunked' }))
      pour()
    })
    socket.setTimeout(SILENT_MS_MAX, end)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      end()
    })
    socket.on('error', end)
    socket.on('close', end)
  })
}

const STREAMING: Asked = {
  service: 'lambda',
  operation: 'InvokeWithResponseStream',
  method: 'POST',
  path: `/2021-11-15/functions/${KEEPER}/response-streaming-invocations`,
  query: [],
  headers: {},
  body: Buffer.from('{}'),
}
const LIVE_TAIL = {
  logGroupIdentifiers: [`arn:aws:logs:${REGION}:000000000000:log-group:/aws/lambda/${KEEPER}`],
}

/** Clients of streams that hang up when they have begun. */
async function leave(world: World, count: number): Promise<void> {
  const tail: Asked = {
    ...STREAMING,
    service: 'logs',
    path: '/',
    headers: { 'x-amz-target': 'Logs_20140328.StartLiveTail' },
    body: Buffer.from(JSON.stringify(LIVE_TAIL)),
  }
  const port = Number(new URL(world.hearth.endpoint).port)
  for (let at = 0; at < count; at += 1) {
    const asked = at % 2 ? tail : STREAMING
    const { method, url, headers, body } = await sign(asked, world.hearth.endpoint)
    const all = { ...headers, 'content-length': String(body.length) }
    await talk(port, { bytes: `${headOf(method, url, all)}${body}` })
  }
}

function headOf(method: string, url: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return `${[`${method} ${url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`
}
