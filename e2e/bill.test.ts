// The bill of a real Hearth: what was invoked by alias, version, tag and day, at the operator's own
// prices and at AWS's; as a table, CSV and AWS's report; budgets that tell, stop and let go; and
// the proof that bills are the ledger, which fails when somebody tampers.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateAliasCommand,
  GetProvisionedConcurrencyConfigCommand,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda'
import { connectBus } from '@hearth/bus/connect'
import { createStreams } from '@hearth/bus/streams'
import { openUseTotals } from '@hearth/store/use-totals'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchBill } from '../packages/cli/src/bill.ts'
import { fetchNative } from '../packages/cli/src/client.ts'
import { eventually, type Hearth, http, KEYS, MAIN, NODE, startHearth } from './hearth.ts'

let hearth: Hearth
let folder: string
let hook: Server
const told: Record<string, unknown>[] = []
const files = { 'index.mjs': 'export const handler = async () => 1' }
const month = new Date().toISOString().slice(0, 7)
const day = new Date().toISOString().slice(0, 10)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-bill-'))
  // A dollar a request, here and there, of which two are free.
  const prices = {
    aws: { requestsPerMillion: 1_000_000, freeRequests: 2 },
    own: { perMillionRequests: 1_000_000 },
  }
  await writeFile(join(folder, 'prices.json'), JSON.stringify(prices))
  hook = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      told.push(JSON.parse(Buffer.concat(chunks).toString()))
      response.end()
    })
  })
  await new Promise<void>((listening) => hook.listen(0, '127.0.0.1', listening))
  hearth = await startHearth({
    env: { HEARTH_PRICES_FILE: join(folder, 'prices.json'), HEARTH_WEBHOOK_ALLOW: '127.0.0.1' },
  })
  await Promise.all([
    hearth.create({ FunctionName: 'orders', Tags: { team: 'red' }, files }),
    hearth.create({ FunctionName: 'other', files }),
  ])
  const published = await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'orders' }))
  await waitUntilPublishedVersionActive(
    { client: hearth.lambda, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { FunctionName: 'orders', Qualifier: published.Version },
  )
  await hearth.lambda.send(
    new CreateAliasCommand({ FunctionName: 'orders', Name: 'live', FunctionVersion: '1' }),
  )
  for (const Qualifier of ['live', 'live', 'live', '1', undefined, undefined]) {
    await hearth.invoke('orders', {}, { Qualifier })
  }
  await hearth.invoke('other')
  await eventually('seven are billed', async () => (await billOf()).requests === 7)
}, 120_000)
afterAll(async () => {
  await hearth?.stop()
  hook?.close()
  await rm(folder, { recursive: true, force: true })
})

const client = () => ({ endpointUrl: hearth.endpoint, region: 'us-east-1', credentials: KEYS })
const billOf = (by?: string) => fetchBill(client(), undefined, by)
const requestsBy = async (by: string) =>
  Object.fromEntries(
    ((await billOf(by)).groups ?? []).map(({ keys, requests }) => [
      Object.values(keys).join('/'),
      requests,
    ]),
  )

function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_REGION: 'us-east-1',
  }
  const given = [MAIN, '--endpoint-url', hearth.endpoint, ...args]
  return new Promise((resolve) => {
    execFile(NODE, given, { env, cwd: folder }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

describe('a bill', () => {
  test('has both costs, and the free tier off the total', async () => {
    const bill = await billOf()
    expect(bill.rows.map(({ functionName, requests }) => [functionName, requests])).toEqual(
      expect.arrayContaining([
        ['orders', 6],
        ['other', 1],
      ]),
    )
    expect(bill.total).toMatchObject({ requests: 7, ownCost: 7 })
    expect(bill.total.awsListPrice).toBeCloseTo(7, 2)
    expect(bill.awsCharge).toBeCloseTo(5, 2)
    expect(bill.freeTier).toMatchObject({ requests: 2, requestsUsed: 2 })
    expect(bill.rows.find(({ functionName }) => functionName === 'orders')?.tags).toEqual({
      team: 'red',
    })
    expect(bill.books.upTo).toMatch(day)
  })

  test('is grouped by all that there is', async () => {
    expect(await requestsBy('alias')).toEqual({ '': 4, live: 3 })
    expect(await requestsBy('version')).toEqual({ $LATEST: 3, '1': 4 })
    expect(await requestsBy('function,version')).toEqual({
      'orders/$LATEST': 2,
      'orders/1': 4,
      'other/$LATEST': 1,
    })
    expect(await requestsBy('tag:team')).toEqual({ '': 1, red: 6 })
    expect(await requestsBy('day')).toEqual({ [day]: 7 })
    expect(await requestsBy('month')).toEqual({ [month]: 7 })
    expect(await requestsBy('account')).toEqual({ '000000000000': 7 })
    expect(await requestsBy('tenant')).toEqual({ '': 7 })
  })

  test('refuses groups and months that are none', async () => {
    const refusal = { name: 'InvalidParameterValueException' }
    await expect(billOf('week')).rejects.toMatchObject(refusal)
    const tags = Array.from({ length: 21 }, (_, index) => `tag:${index}`)
    await expect(billOf(tags.join(','))).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining('20 at most'),
    })
    await expect(fetchBill(client(), '2026-13')).rejects.toMatchObject(refusal)
  })

  test('is told as table, CSV and in AWS’s columns', async () => {
    const table = await cli('bill', '--by', 'tag:team')
    expect(table.out).toMatch(/^red +6 /m)
    expect(table.out).toMatch(/^cost here +\$7\.00$/m)
    const csv = await cli('bill', '--by', 'function,day', '-o', 'csv')
    expect(csv.out.split('\r\n')[0]).toMatch(/^function,day,requests,gbSeconds,/)
    expect(csv.out).toContain(`orders,${day},6,`)
    const report = await cli('bill', '--cur')
    const [head = '', ...rows] = report.out.trimEnd().split('\r\n')
    const headings = head.split(',')
    expect(headings).toContain('resourceTags/user:team')
    const cell = (row: string, name: string) => row.split(',')[headings.indexOf(name)]
    const costs = rows.map((row) => Number(cell(row, 'lineItem/UnblendedCost')))
    const { awsCharge } = await billOf()
    expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(awsCharge, 6)
    const isRequest = (row: string) => cell(row, 'lineItem/UsageType')?.startsWith('Request')
    expect(rows.filter(isRequest)).toHaveLength(2)
    expect((await cli('ls', '-o', 'csv')).code).toBe(2)
  })
})

test('provisioned concurrency is charged for the time that it is there, and for its use', async () => {
  const at = { FunctionName: 'orders', Qualifier: '1' }
  await hearth.lambda.send(
    new PutProvisionedConcurrencyConfigCommand({ ...at, ProvisionedConcurrentExecutions: 2 }),
  )
  await eventually('it is there', async () => {
    const found = await hearth.lambda.send(new GetProvisionedConcurrencyConfigCommand(at))
    return found.Status === 'READY'
  })
  await hearth.invoke('orders', {}, { Qualifier: '1' })
  const row = async () => (await billOf('version')).groups?.find(({ keys }) => keys.version === '1')
  await eventually('it is billed', async () => ((await row())?.provisionedGbSeconds ?? 0) > 0)
  const found = await row()
  // Two of 128 MB for five minutes.
  expect(found?.configuredGbSeconds).toBe(75)
  expect(found?.idleGbSeconds).toBeGreaterThan(74)
  expect(found?.charges.map(({ usageType }) => usageType.replace('-ARM', ''))).toContain(
    'Lambda-Provisioned-Concurrency',
  )
})

describe('a budget', () => {
  const throttled = {
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  }

  const set = (name: string, body: object) =>
    fetchNative(client(), `/hearth/budgets/${name}`, { method: 'PUT', body })

  test('tells, stops soon after it is passed, and lets go when it is raised', async () => {
    const { port } = hook.address() as AddressInfo
    const wish = ['--function', 'other', '--unit', 'requests', '--stop']
    const tell = ['--alert', '50', '100', '--tell', `http://127.0.0.1:${port}/`]
    const made = await cli('budget', 'set', 'few', '--limit', '3', ...wish, ...tell)
    expect(made.out).toMatch(/^few +other +.* of 3 requests/m)
    let passedAt = 0
    const outcome = async () => {
      for (let count = 1; ; count += 1) {
        const error = await hearth.invoke('other').then(
          () => undefined,
          (refusal: Error) => refusal,
        )
        if (error) return error
        if (count === 2) passedAt = performance.now()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    await expect(outcome()).resolves.toMatchObject(throttled)
    // What it may overrun: a segment, the books and a review of them.
    const overrunMs = performance.now() - passedAt
    console.log(`a budget stopped ${overrunMs.toFixed(0)} ms after it was passed`)
    expect(overrunMs).toBeLessThan(5_000)
    expect((await hearth.invoke('orders')).status).toBe(200)
    await eventually('both alerts have come', () => told.length >= 2)
    expect(told.map(({ threshold }) => threshold)).toEqual([50, 100])
    expect(told[1]).toMatchObject({ budget: 'few', month, limit: 3, unit: 'requests' })
    const event = await hearth.invoke('other', {}, { InvocationType: 'Event' })
    expect(event.status).toBe(202)
    await eventually('all before it are billed', async () => {
      const [first, second] = [await billOf(), await settled()]
      return first.requests === second.requests
    })
    const { requests } = await billOf()
    const scope = { function: 'other' }
    await set('few', { scope, unit: 'requests', limit: 1_000_000, stop: true })
    await eventually('the event runs', async () => (await billOf()).requests === requests + 1)
    expect((await hearth.invoke('other')).status).toBe(200)
  })

  const settled = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    return billOf()
  }

  test('of a tag stops its functions until it is gone', async () => {
    const scope = { tag: { key: 'team', value: 'red' } }
    await set('red', { scope, unit: 'aws-dollars', limit: 1, stop: true })
    await eventually('orders are refused', () =>
      hearth.invoke('orders').then(
        () => false,
        ({ name }) => name === throttled.name,
      ),
    )
    expect((await hearth.invoke('other')).status).toBe(200)
    expect((await cli('budget', 'ls')).out).toMatch(/^red +team=red .*stopping now/m)
    expect((await cli('budget', 'rm', 'red')).code).toBe(0)
    expect((await hearth.invoke('orders')).status).toBe(200)
  })

  test('is for those who may', async () => {
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'hearth:GetBill', Resource: '*' }],
    })
    const made = { name: 'clerk', policy }
    const key = await fetchNative<typeof KEYS>(client(), '/hearth/keys', { body: made })
    const clerk = { ...client(), credentials: key }
    await expect(fetchBill(clerk)).resolves.toMatchObject({ month })
    const denied = { name: 'AccessDeniedException' }
    await expect(fetchNative(clerk, '/hearth/budgets')).rejects.toMatchObject(denied)
    const away = fetchNative(clerk, '/hearth/budgets/few', { method: 'DELETE' })
    await expect(away).rejects.toMatchObject(denied)
    const gone = fetchNative(client(), '/hearth/budgets/red', { method: 'DELETE' })
    await expect(gone).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
})

test('metering tells Prometheus', async () => {
  const address = /^Metrics on (\S+)$/m.exec(hearth.main.output())?.[1] ?? ''
  const { body } = await http(address)
  const text = body.toString()
  expect(text).toMatch(
    /^lambda_billed_requests_total\{account="000000000000",function="orders"\} \d/m,
  )
  expect(text).toMatch(/^lambda_provisioned_gb_seconds_total\{.*kind="configured"\} 75$/m)
  expect(text).toMatch(/^lambda_aws_charge_dollars\{account="000000000000"\} \d/m)
  expect(text).toMatch(/^lambda_budget_used_ratio\{.*budget="few"\} /m)
  expect(text).toMatch(/^lambda_ledger_lag_segments \d/m)
})

test('the ledger proves the bill, until somebody tampers with it', async () => {
  const proven = await cli('bill', '--reconcile')
  expect(proven.out).toContain('ledger = totals')
  expect(proven.code).toBe(0)
  const bus = await connectBus({ url: hearth.nats.url, monitorUrl: hearth.nats.monitorUrl })
  const totals = await openUseTotals(bus, await createStreams(bus))
  const at = { account: '000000000000', day }
  const found = await totals.day<{ lines: (number | string)[][] }>(at)
  const line = found?.value.lines.find(([name]) => name === 'other')
  line?.splice(5, 1, Number(line[5]) + 1)
  await totals.putDay(at, found?.value, found?.revision)
  await bus.close()
  // Whoever keeps the books finds that they have moved, and begins again from what is stored.
  await hearth.invoke('orders')
  await eventually('the difference is found', async () => {
    const { code, out } = await cli('bill', '--reconcile')
    return code === 1 && /other\/\S+ +requests/.test(out)
  })
})
