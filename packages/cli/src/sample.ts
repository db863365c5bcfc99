// The sample function of `hearth up`: deployed and invoked as any client would, timed, and told
// about. What it prints must work when it is pasted into a shell on this machine.

import { join } from 'node:path'
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import type { Bill } from '@hearth/core/bill'
import { fetchBill } from './bill.ts'
import type { ClientOptions } from './client.ts'
import { type Deployed, deploy } from './deploy.ts'
import { CommandError } from './failures.ts'
import { ROOT } from './image-list.ts'
import { dollars } from './output.ts'
import type { Report } from './progress.ts'
import { upConsole, upEndpoint, upKey, upRegion, upVariables } from './settings.ts'

export const SAMPLE = 'hello'
const WARM_INVOCATIONS = 10
const EVENT = '{"name":"Hearth"}'
const BILL_WITHIN_MS = 5_000
const BILL_POLL_MS = 250
const FRESH_SECRET = 'hearth'
const VERB_WIDTH = 18
const HINTS = [
  ['deploy <folder>', 'make a function of your own'],
  ['status', 'see what runs'],
  ['down', 'stop, and keep the data'],
  ['clean', 'stop, and forget the data'],
] as const

export interface Greeted {
  answer: string
  outcome: Deployed['outcome']
  functionArn: string
  url?: string
  memoryMb: number
  /** Whether the first invocation had to start an execution environment. */
  cold: boolean
  /** As the caller sees it, in milliseconds. */
  firstMs: number
  warmMs: number
  invocations: number
  /**
   * This month's bill with these invocations in it; absent when metering has not answered in time.
   */
  bill?: Bill
}

/** Deploys and invokes, once and then some more. @throws CommandError when the function fails. */
export async function greet(
  client: LambdaClient,
  options: ClientOptions,
  report: Report,
): Promise<Greeted> {
  const { configuration, outcome, url } = await deploy(client, join(ROOT, 'deploy', 'sample'), {
    given: { name: SAMPLE, url: true },
    // Whoever has changed its memory or description meant it.
    codeOnly: true,
    report,
  })
  const before = await fetchBill(options).catch(() => undefined)
  report(`invoking ${SAMPLE}, then ${WARM_INVOCATIONS} times more`)
  const first = await timed(client)
  const warm: number[] = []
  for (let count = 0; count < WARM_INVOCATIONS; count += 1) warm.push((await timed(client)).ms)
  warm.sort((a, b) => a - b)
  const invocations = 1 + WARM_INVOCATIONS
  report('waiting for the bill')
  const bill = await billed(options, (before?.requests ?? 0) + invocations)
  return {
    answer: first.answer,
    outcome,
    functionArn: configuration.FunctionArn ?? SAMPLE,
    memoryMb: configuration.MemorySize ?? 0,
    cold: first.log.includes('Init Duration'),
    firstMs: first.ms,
    warmMs: warm[warm.length >> 1] ?? first.ms,
    invocations,
    ...(url && { url }),
    ...(bill && { bill }),
  }
}

async function timed(client: LambdaClient): Promise<{ answer: string; log: string; ms: number }> {
  const startedAt = performance.now()
  const { Payload, FunctionError, LogResult } = await client.send(
    new InvokeCommand({ FunctionName: SAMPLE, Payload: EVENT, LogType: 'Tail' }),
  )
  const ms = performance.now() - startedAt
  const answer = Buffer.from(Payload ?? []).toString()
  const log = Buffer.from(LogResult ?? '', 'base64').toString()
  if (!FunctionError) return { answer, log, ms }
  throw new CommandError(
    `The sample function failed: ${answer}\n${log}\`hearth doctor\` looks closer.`,
  )
}

/** The bill as soon as it holds that many requests: metering comes a moment after the answer. */
async function billed(options: ClientOptions, requests: number): Promise<Bill | undefined> {
  const until = performance.now() + BILL_WITHIN_MS
  for (;;) {
    const bill = await fetchBill(options).catch(() => undefined)
    if (bill && bill.requests >= requests) return bill
    if (performance.now() > until) return undefined
    await new Promise((resolve) => setTimeout(resolve, BILL_POLL_MS))
  }
}

/** Everything worth knowing after `hearth up`, for people. */
export function renderGreeting(greeted: Greeted): string {
  const first = greeted.cold ? 'cold, a new execution environment' : 'already warm'
  const { accessKeyId, secretAccessKey } = upKey()
  const secret = secretAccessKey === FRESH_SECRET ? secretAccessKey : '<its secret>'
  const { firstMs, warmMs, memoryMb } = greeted
  const page = upConsole()
  return [
    '',
    greeted.answer,
    '',
    `  first answer    ${firstMs.toFixed(0)} ms (${first})`,
    `  warm answers    ${warmMs.toFixed(1)} ms (median of ${WARM_INVOCATIONS})`,
    `  memory          ${memoryMb} MB`,
    ...costs(greeted.bill),
    '',
    'Call it with the AWS CLI:',
    '',
    `  export AWS_ENDPOINT_URL_LAMBDA=${upEndpoint()}`,
    // The AWS CLI of before 2 reads the second name only, and most SDKs the first.
    `  export AWS_REGION=${upRegion()} AWS_DEFAULT_REGION=${upRegion()}`,
    `  export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secret}`,
    // Before 2.13 the AWS CLI does not know the variable, and would call AWS itself.
    `  aws --endpoint-url ${upEndpoint()} lambda invoke --function-name ${SAMPLE} \\`,
    `    --cli-binary-format raw-in-base64-out --payload '${EVENT}' /dev/stdout`,
    ...(greeted.url ? ['', 'Or by its function URL:', '', `  ${curlLine(greeted.url)}`] : []),
    ...(page ? ['', 'See it in a browser, signed in with the same key:', '', `  ${page}`] : []),
    '',
    'Go on with the hearth command:',
    '',
    `  alias hearth='${process.execPath} ${join(ROOT, 'packages', 'cli', 'src', 'main.ts')}'`,
    ...HINTS.map(([verb, what]) => `  ${upVariables()}hearth ${verb.padEnd(VERB_WIDTH)} ${what}`),
  ].join('\n')
}

function costs(bill: Bill | undefined): string[] {
  const row = bill?.rows.find(({ functionName }) => functionName === SAMPLE)
  if (!bill || !row) return []
  const use = `${row.requests} requests and ${row.gbSeconds.toFixed(3)} GB-seconds`
  return [
    `  cost here       ${dollars(row.ownCost)} for ${use} this month`,
    `  cost on AWS     ${dollars(bill.awsCharge)} for all functions, after its free tier`,
  ]
}

/** Not every machine resolves names under localhost, so the printed line works without. */
export function curlLine(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  const query = `${url.replace(/\/$/, '')}/?name=you`
  if (!hostname.endsWith('.localhost')) return `curl '${query}'`
  const host = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
  return `curl --resolve ${host}:127.0.0.1 '${query}'`
}
