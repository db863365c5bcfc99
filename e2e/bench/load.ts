// A load generator that is not the bottleneck: keep-alive connections, one request at a time on
// each, bytes prepared beforehand. Latencies in milliseconds.

import { connect, type Socket } from 'node:net'

export interface Target {
  host: string
  port: number
  /** From `port` on; callers share them out. One where absent. */
  ports?: number
  /** The whole request, or a maker of one for requests that are signed by the second. */
  request: () => Buffer
}

export interface Measured {
  p50: number
  p99: number
  requestsPerSecond: number
  failures: number
}

/** Runs `callers` connections for a while. */
export async function load(target: Target, callers: number, seconds: number): Promise<Measured> {
  const latencies: number[] = []
  const failures = { count: 0 }
  const startedAt = performance.now()
  const until = startedAt + seconds * 1000
  await Promise.all(
    Array.from({ length: callers }, (_, at) =>
      caller(portOf(target, at), { until, latencies, failures }),
    ),
  )
  const elapsed = (performance.now() - startedAt) / 1000
  latencies.sort((a, b) => a - b)
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    requestsPerSecond: latencies.length / elapsed,
    failures: failures.count,
  }
}

/** Milliseconds of one request on a connection of its own. @throws Error unless it is answered. */
export async function once({ host, port, request }: Target): Promise<number> {
  const startedAt = performance.now()
  const socket = connect({ host, port, noDelay: true })
  const receive = answers(socket)
  socket.write(request())
  const status = await receive()
  socket.destroy()
  if (status !== 200) throw new Error(`a request was answered with ${status}`)
  return performance.now() - startedAt
}

export const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(Math.floor(sorted.length * q), sorted.length - 1)] ?? Number.NaN

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

const portOf = (target: Target, caller: number): Target => ({
  ...target,
  port: target.port + (caller % (target.ports ?? 1)),
})

async function caller(
  target: Target,
  run: { until: number; latencies: number[]; failures: { count: number } },
): Promise<void> {
  const socket = connect({ host: target.host, port: target.port, noDelay: true })
  const receive = answers(socket)
  while (performance.now() < run.until) {
    const sentAt = performance.now()
    socket.write(target.request())
    const status = await receive()
    if (status === 200 || status === 202) run.latencies.push(performance.now() - sentAt)
    else run.failures.count += 1
    if (socket.destroyed) break
  }
  socket.destroy()
}

const HEAD_END = '\r\n\r\n'
const LENGTH = '\r\ncontent-length:'

/** Waits for one whole answer on a connection; gives its status. Spends as little as it can. */
function answers(socket: Socket): () => Promise<number> {
  let rest: Buffer = Buffer.alloc(0)
  let wake: ((status: number) => void) | undefined
  const look = () => {
    const end = rest.indexOf(HEAD_END)
    if (end < 0 || !wake) return
    const head = rest.toString('latin1', 0, end).toLowerCase()
    const at = head.indexOf(LENGTH)
    const length = at < 0 ? 0 : Number.parseInt(head.slice(at + LENGTH.length), 10)
    const whole = end + HEAD_END.length + length
    if (rest.length < whole) return
    rest = rest.subarray(whole)
    const done = wake
    wake = undefined
    done(Number(head.slice(9, 12)))
  }
  socket.on('data', (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    look()
  })
  socket.on('error', () => wake?.(0))
  socket.on('close', () => wake?.(0))
  return () =>
    new Promise((resolve) => {
      wake = resolve
      look()
    })
}
