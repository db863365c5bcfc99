// Requests by the model and mutated ones, sent to a real Hearth in rounds: each answer is judged,
// and after each round Hearth must still do its work. The seed makes the same requests again; how
// they meet each other in Hearth is the machine's.

import { Agent, request as httpRequest } from 'node:http'
import fc from 'fast-check'
import { OPERATIONS } from '../../packages/gateway/src/contract.ts'
import { type Figure, none } from '../faults/figure.ts'
import { type Answered, faultsOf } from './judge.ts'
import { anyRequest } from './operations.ts'
import { type Asked, type Signed, sign } from './requests.ts'
import type { World } from './world.ts'

export interface ModelOptions {
  seed: number
  requests: number
  /** Leaves out as many at the beginning; what went wrong late is tried again alone. */
  from?: number
}

const ROUND = 250
const AT_A_TIME = 8
/** A poller may be asked for twenty seconds whether it can read a source. */
const ANSWER_MS_MAX = 30_000
const GOOD_MS_MAX = 15_000
/** What a process of JavaScript may grow by when it has nothing more to remember. */
const GROWTH_MB_MAX = 200

export async function fuzzModel(
  { seed, requests, from: first = 0 }: ModelOptions,
  world: World,
  tell: (doing: string) => void,
): Promise<Figure[]> {
  const all = fc.sample(anyRequest(), { seed, numRuns: requests })
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME })
  const faults: string[] = []
  const slow: string[] = []
  const done = new Map<string, number>()
  let memoryMb: number | undefined
  try {
    for (let from = first; from < all.length && world.process.alive(); from += ROUND) {
      tell(`${from} of ${all.length} requests, ${faults.length} faults`)
      await world.restore()
      await inTurns(all.slice(from, from + ROUND), async (asked, index) => {
        const { answer, problems } = await ask(asked, world.hearth.endpoint, agent)
        const isDone = answer !== undefined && answer.status < 300
        if (isDone) done.set(asked.operation, (done.get(asked.operation) ?? 0) + 1)
        const cause = problems.length > 0 ? causeOf(answer, world) : ''
        faults.push(
          ...problems.map((what) => `${describe(asked)} (${from + index}): ${what}${cause}`),
        )
      })
      const ms = await world.ask()
      if (ms > GOOD_MS_MAX) slow.push(`${Math.round(ms)} ms after ${from + ROUND} requests`)
      memoryMb ??= world.process.memoryMb()
    }
  } finally {
    agent.destroy()
  }
  const grown = world.process.memoryMb() - (memoryMb ?? 0)
  const good = [...done.values()].reduce((sum, count) => sum + count, 0)
  return [
    none('bad answers', faults, `of ${all.length} requests by seed ${seed}`),
    none('slow good invocations', slow),
    {
      what: 'requests that did what they asked',
      found: good,
      least: Math.ceil((requests - first) / 20),
      note: `of ${done.size} operations`,
    },
    { what: 'megabytes grown', found: Math.max(0, Math.round(grown)), allowed: GROWTH_MB_MAX },
  ]
}

async function inTurns<T>(all: readonly T[], work: (one: T, index: number) => Promise<void>) {
  let next = 0
  const turns = Array.from({ length: AT_A_TIME }, async () => {
    for (let index = next++; index < all.length; index = next++) await work(all[index] as T, index)
  })
  await Promise.all(turns)
}

const describe = ({ operation, path, body }: Asked) =>
  `${operation} ${path.slice(0, 120)} ${body.toString().slice(0, 400)}`

/** What Hearth wrote down of a failure. */
function causeOf(answer: Answered | undefined, { hearth }: World): string {
  const output = hearth.main.output()
  const at = output.indexOf(`request ${answer?.headers['x-amzn-requestid']} failed:`)
  return at < 0
    ? ''
    : `\n      ${output
        .slice(at, at + 500)
        .split('\n')
        .slice(0, 5)
        .join('\n      ')}`
}

interface Outcome {
  answer?: Answered
  problems: string[]
}

async function ask(asked: Asked, endpoint: string, agent: Agent): Promise<Outcome> {
  try {
    const answer = await send(await sign(asked, endpoint), endpoint, agent)
    return { answer, problems: faultsOf(asked, answer, OPERATIONS.get(asked.operation)) }
  } catch (error) {
    return { problems: [`no answer: ${(error as Error).stack}`] }
  }
}

export function send(signed: Signed, endpoint: string, agent: Agent): Promise<Answered> {
  const { hostname, port } = new URL(endpoint)
  const { method, url: path, body } = signed
  const headers = { ...signed.headers, 'content-length': String(body.length) }
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: Buffer.concat(chunks) })
      })
    })
    const silent = () => request.destroy(new Error(`silent for ${ANSWER_MS_MAX} ms`))
    request.setTimeout(ANSWER_MS_MAX, silent)
    request.on('error', reject)
    request.end(body)
  })
}
