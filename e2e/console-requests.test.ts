// The console's answers as a program gets them: what a request holds open, what a test event runs,
// and what the figures count, on a whole Hearth.

import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, http, KEYS, startHearth } from './hearth.ts'

const HANDLER = `export const handler = async () => {
  console.log('it ran')
  return 'done'
}`

let hearth: Hearth
let cookie = ''
let token = ''

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_CONSOLE: 'on' } })
  const files = { 'index.mjs': HANDLER }
  await hearth.create({ FunctionName: 'quiet', files })
  await hearth.create({ FunctionName: 'held', files })
  await hearth.lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName: 'held', ReservedConcurrentExecutions: 0 }),
  )
  const key = { key: KEYS.accessKeyId, secret: KEYS.secretAccessKey }
  const answer = await post('/sign-in', key)
  cookie = String(answer.headers['set-cookie']).split(';')[0] ?? ''
  token = /name="token" value="([^"]+)"/.exec(await page('/functions/quiet/test'))?.[1] ?? ''
})
afterAll(() => hearth?.stop())

function post(path: string, form: Record<string, string>) {
  const body = String(new URLSearchParams(form))
  const headers = {
    ...{ cookie, origin: hearth.endpoint, 'content-length': String(body.length) },
    'content-type': 'application/x-www-form-urlencoded',
  }
  return http(`${hearth.endpoint}/console${path}`, { method: 'POST', body, headers })
}
async function page(path: string): Promise<string> {
  return (await fetch(`${hearth.endpoint}/console${path}`, { headers: { cookie } })).text()
}

const figure = (text: string, name: string) =>
  Number(new RegExp(`<dt>${name}</dt>\\s*<dd><b>(\\d+)`).exec(text)?.[1])

test('a dry run from the console runs nothing', async () => {
  const sent = { token, event: '{}', qualifier: '$LATEST' }
  const dry = await post('/functions/quiet/test', { ...sent, type: 'DryRun' })
  expect(dry.status).toBe(200)
  const wet = await post('/functions/quiet/test', { ...sent, type: 'RequestResponse' })
  expect(String(wet.body)).toContain('done')
  // Lines are stored in their order: what ran first would be there, too.
  const ran = async () => (await page('/functions/quiet/log')).split('it ran</span>').length - 1
  await eventually('its log has what ran', async () => (await ran()) > 0)
  expect(await ran()).toBe(1)
  const monitor = await page('/functions/quiet')
  expect(figure(monitor, 'Invocations')).toBe(1)
})

test('asking for the head of a live log holds no stream open', async () => {
  const live = `${hearth.endpoint}/console/functions/quiet/log/live`
  // More than may follow logs at a time.
  for (let count = 0; count < 20; count += 1) {
    const head = await fetch(live, { method: 'HEAD', headers: { cookie } })
    expect(head.status).toBe(200)
  }
  const stop = new AbortController()
  const answer = await fetch(live, { headers: { cookie }, signal: stop.signal })
  const type = answer.headers.get('content-type')
  stop.abort()
  expect([answer.status, type]).toEqual([200, 'text/event-stream'])
})

test('what is refused at the door is among the throttles', async () => {
  const sent = { token, event: '{}', qualifier: '$LATEST', type: 'RequestResponse' }
  expect(String((await post('/functions/held/test', sent)).body)).toContain('Rate Exceeded')
  await expect(hearth.invoke('held', {})).rejects.toThrow('Rate Exceeded')
  const throttled = async (path: string) => figure(await page(path), 'Throttled')
  await eventually('its page has both', async () => (await throttled('/functions/held')) >= 2)
  await eventually('the overview has both', async () => (await throttled('')) >= 2)
  expect(await page('')).toMatch(/Busiest functions.*held/s)
  expect(figure(await page('/functions/quiet'), 'Throttled')).toBe(0)
})
