// Asynchronous events: how many are accepted in a second beside JetStream storing one by one, how
// long an event takes to its function beside a warm call, and what a flood of one function costs a
// quiet one. Functions tell when they began through a side channel.

import { setTimeout as sleep } from 'node:timers/promises'
import { InvokeCommand, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda'
import { connectBus } from '@hearth/bus/connect'
import { createStreams } from '@hearth/bus/streams'
import { type Hearth, startHearth } from '../hearth.ts'
import { hostAddress, type Listener, startListener } from '../listener.ts'
import { load, quantile } from './load.ts'
import { BODY, signedInvoke } from './requests.ts'
import type { Effort } from './rounds.ts'
import { type Row, row } from './table.ts'

/** A whole CPU and more, so that no CPU share shows in the figures. */
const MEMORY_MB = 1792
const CALLERS = 64
const ACCEPTS = { must: 1 / 5, moonshot: 1 / 20 }
const FLOOD_P99 = { must: 2, moonshot: 1.2 }
const TIMED = 150
const FLOOD = 3_000
const EVENT_WITHIN_MS = 60_000
const APART_MS = 20

const SINK = 'export const handler = async () => null'
const TIMER = `
  export const handler = async ({ id }) => {
    const at = performance.timeOrigin + performance.now()
    await fetch(process.env.LISTENER + '/' + id + ' ' + at)
  }`
const BUSY = `
  export const handler = () => new Promise((resolve) => setTimeout(resolve, 20))`

export async function events(effort: Effort): Promise<Row[]> {
  const listener = await startListener()
  const hearth = await startHearth({ env: { HEARTH_SANDBOX_ALLOW: hostAddress() } })
  try {
    const Environment = { Variables: { LISTENER: listener.url } }
    const functions = { sink: SINK, timer: TIMER, busy: BUSY }
    for (const [FunctionName, code] of Object.entries(functions)) {
      const files = { 'index.mjs': code }
      await hearth.create({ FunctionName, Environment, MemorySize: MEMORY_MB, files })
    }
    const accepts = await acceptance(hearth, effort)
    const quiet = await delays(hearth, listener, 'quiet')
    const flooded = await underFlood(hearth, listener)
    const call = await warmCall(hearth)
    return [
      accepts,
      row('event to its function, p50', { floor: call.p50, value: at(quiet, 0.5), unit: 'ms' }),
      row('event to its function, p99', { floor: call.p99, value: at(quiet, 0.99), unit: 'ms' }),
      row(
        'quiet function beside a flood, p99',
        { floor: at(quiet, 0.99), value: at(flooded, 0.99), unit: 'ms' },
        FLOOD_P99,
      ),
    ]
  } finally {
    await hearth.stop()
    await listener.close()
  }
}

/** Accepted events beside single publishes, as many in flight, to a stream of the same server. */
async function acceptance(hearth: Hearth, { seconds }: Effort): Promise<Row> {
  const { hostname, port } = new URL(hearth.endpoint)
  // Off, so that only the accepting is measured.
  await reserve(hearth, 'sink', 0)
  const request = signedInvoke(`${hostname}:${port}`, 'sink', true)
  const target = { host: hostname, port: Number(port), request }
  await load(target, CALLERS, 1)
  const seen = await load(target, CALLERS, seconds)
  if (seen.failures > 0) throw new Error(`${seen.failures} events were refused`)
  const floor = await storedOneByOne(hearth.nats, seconds)
  const pair = { floor, value: seen.requestsPerSecond, unit: '/s' } as const
  return row(`events accepted, ${CALLERS} at a time`, pair, ACCEPTS)
}

async function storedOneByOne(
  { url, monitorUrl }: Hearth['nats'],
  seconds: number,
): Promise<number> {
  const bus = await connectBus({ url, monitorUrl })
  const streams = await createStreams(bus)
  const limits = { bytesMax: 1024 * 1024 * 1024, ageSecondsMax: 3_600 }
  await streams.open({ name: 'FLOOR', subjects: 'floor', ...limits })
  const until = performance.now() + seconds * 1000
  let stored = 0
  const body = Buffer.from(BODY)
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (; performance.now() < until; stored += 1) await streams.append('floor', body)
    }),
  )
  await bus.close()
  return stored / seconds
}

/** Milliseconds from sending to the function's first line, of events some way apart, sorted. */
async function delays(hearth: Hearth, listener: Listener, name: string): Promise<number[]> {
  const sentAt = new Map<string, number>()
  const send = async (id: string) => {
    sentAt.set(id, performance.timeOrigin + performance.now())
    await invokeEvent(hearth, 'timer', { id })
  }
  const told = () => {
    const mine = listener.heard.filter((what) => what.startsWith(`${name}-`))
    return mine.map((what) => what.split(' ') as [string, string])
  }
  for (let count = -10; count < TIMED; count += 1) {
    await send(`${name}-${count}`)
    await sleep(APART_MS)
  }
  const until = performance.now() + EVENT_WITHIN_MS
  while (told().length < sentAt.size && performance.now() < until) await sleep(50)
  if (told().length < sentAt.size) throw new Error('some events did not arrive')
  return told()
    .filter(([id]) => !id.includes('--'))
    .map(([id, began]) => Number(began) - (sentAt.get(id) ?? Number.NaN))
    .sort((a, b) => a - b)
}

/** The same while thousands of events of another function wait for its few places. */
async function underFlood(hearth: Hearth, listener: Listener): Promise<number[]> {
  await reserve(hearth, 'busy', 2)
  const sending = Array.from({ length: CALLERS }, async () => {
    for (let count = 0; count < FLOOD / CALLERS; count += 1) await invokeEvent(hearth, 'busy', {})
  })
  await Promise.all(sending)
  return delays(hearth, listener, 'beside')
}

async function warmCall(hearth: Hearth): Promise<{ p50: number; p99: number }> {
  const { hostname, port } = new URL(hearth.endpoint)
  await reserve(hearth, 'sink', 1)
  const request = signedInvoke(`${hostname}:${port}`, 'echo')
  await hearth.create({
    FunctionName: 'echo',
    MemorySize: MEMORY_MB,
    files: { 'index.mjs': 'export const handler = async (event) => event' },
  })
  const target = { host: hostname, port: Number(port), request }
  await load(target, 1, 1)
  return load(target, 1, 2)
}

const invokeEvent = (hearth: Hearth, FunctionName: string, event: object) =>
  hearth.lambda.send(
    new InvokeCommand({
      FunctionName,
      InvocationType: 'Event',
      Payload: JSON.stringify(event),
    }),
  )

const reserve = (hearth: Hearth, FunctionName: string, ReservedConcurrentExecutions: number) =>
  hearth.lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }),
  )

const at = (sorted: readonly number[], q: number) => quantile(sorted, q)
