// Warm calls through one process with every role: a signed Invoke, a function URL, and the AWS SDK
// itself, at 1, 16 and 64 callers. Where there are several, as many bare servers are a second
// floor.

import { InvokeCommand } from '@aws-sdk/client-lambda'
import { type Hearth, publicUrl } from '../hearth.ts'
import { startFloor } from './floor.ts'
import { median, type Target } from './load.ts'
import { BODY, plain, signedInvoke } from './requests.ts'
import { type Effort, type Medians, measure, pair } from './rounds.ts'
import { type Target as RatioTarget, type Row, row } from './table.ts'

const CALLERS = [1, 16, 64]
const SDK_CALLS = 300
const SDK_WARM_UP = 50
const FIGURES = ['p50', 'p99', 'requestsPerSecond'] as const
const TITLES: Record<string, string> = { invoke: 'Invoke, signed', url: 'function URL' }

/** The design's targets; a throughput of 50 % and 75 % of the floor's is a ratio of 2 and 1.33. */
const TARGETS: Record<string, RatioTarget> = {
  'invoke 1 p50': { must: 4, moonshot: 2.5 },
  'invoke 1 p99': { must: 4, moonshot: 2 },
  'invoke 64 requestsPerSecond': { must: 1 / 0.5, moonshot: 1 / 0.75 },
}

/** The function must exist, and answer what it is sent. */
export async function warm(
  hearth: Hearth,
  floor: Target,
  { functionName, ...effort }: Effort & { functionName: string },
): Promise<Row[]> {
  const paths = {
    floor,
    invoke: invokeTarget(hearth, functionName),
    url: await urlTarget(hearth, functionName),
  }
  const rows: Row[] = []
  let least = Number.NaN
  for (const callers of CALLERS) {
    const crowd = await startFloor(callers)
    try {
      const { crowded, ...measured } = await measure({ ...paths, crowded: crowd }, callers, effort)
      if (callers === 1) least = measured.floor.p50
      for (const path of ['invoke', 'url'] as const) {
        rows.push(...FIGURES.map((figure) => compare(path, callers, { figure, ...measured })))
      }
      if (callers > 1) rows.push(...besideCrowd(callers, crowded, measured.invoke))
    } finally {
      await crowd.stop()
    }
  }
  return [...rows, await sdkRow(hearth, functionName, least)]
}

export function invokeTarget(hearth: Hearth, functionName: string): Target {
  const { hostname: host, port } = new URL(hearth.endpoint)
  return { host, port: Number(port), request: signedInvoke(`${host}:${port}`, functionName) }
}

async function urlTarget(hearth: Hearth, functionName: string): Promise<Target> {
  const { hostname: host, port } = new URL(hearth.endpoint)
  const bytes = plain((await publicUrl(hearth.lambda, functionName)).host)
  return { host, port: Number(port), request: () => bytes }
}

function compare(
  path: 'invoke' | 'url',
  callers: number,
  seen: { figure: keyof Medians; floor: Medians; invoke: Medians; url: Medians },
): Row {
  const { figure } = seen
  const shown = figure === 'requestsPerSecond' ? 'throughput' : figure
  return row(
    `${TITLES[path]}, ${callers} at a time, ${shown}`,
    pair(figure, seen.floor, seen[path]),
    TARGETS[`${path} ${callers} ${figure}`],
  )
}

/** Hearth has a process a caller, as it must: so have these, and nothing in front of them. */
const besideCrowd = (callers: number, crowded: Medians, invoke: Medians): Row[] =>
  (['p50', 'requestsPerSecond'] as const).map((figure) =>
    row(
      `Invoke, signed, beside ${callers} bare servers, ${figure === 'p50' ? figure : 'throughput'}`,
      pair(figure, crowded, invoke),
    ),
  )

/** One caller; most of it is the SDK's own work. */
async function sdkRow(hearth: Hearth, functionName: string, floor: number): Promise<Row> {
  const times: number[] = []
  for (let count = 0; count < SDK_CALLS; count += 1) {
    const startedAt = performance.now()
    await hearth.lambda.send(new InvokeCommand({ FunctionName: functionName, Payload: BODY }))
    if (count >= SDK_WARM_UP) times.push(performance.now() - startedAt)
  }
  return row('AWS SDK client, 1 at a time, p50', { floor, value: median(times), unit: 'ms' })
}
