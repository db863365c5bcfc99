// The console in a real browser, from a gateway of its own beside a whole Hearth that has none:
// every page by day, by night and on a phone, every action, what a limited key sees, and that no
// text of anybody's becomes markup.

import {
  CreateEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { excess, hardships, openBrowser, openPage, PHONE, signIn, type Watched } from './browser.ts'
import { allow, arnOf, type Callers, openCallers } from './callers.ts'
import { eventually, type Hearth, http, KEYS, publicUrl, startHearth } from './hearth.ts'
import { freePort } from './servers.ts'

const MARKUP = '<img src=x onerror=alert(1)><script>alert(1)</script>'
const SOURCE = 'arn:aws-hearth:redis:us-east-1:000000000000:orders'
const HANDLER = `export const handler = async (event) => {
  console.log('said', event.say)
  if (event.fail) throw new Error('no')
  if (event.requestContext) return { statusCode: 200, headers: { 'content-type': 'text/html' },
    body: '<h1></h1><script>const h = document.querySelector("h1");' +
      'fetch("/console/functions").then(() => h.append("read"), () => h.append("refused"))</script>' }
  return { heard: event.say }
}`

let hearth: Hearth
/** The gateway that has pages; whatever it shows comes from other processes. */
let pages: string
let callers: Callers
let browser: Browser
let root: Watched
let mapping = ''

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_RETRY_SECONDS: '0,0', HEARTH_CONSOLE: 'off' } })
  const port = String(await freePort())
  pages = `http://127.0.0.1:${port}`
  ;[browser, callers] = await Promise.all([
    openBrowser(),
    openCallers(hearth),
    hearth.serve('gateway', { HEARTH_PORT: port, HEARTH_CONSOLE: 'on' }),
  ])
  const files = { 'index.mjs': HANDLER }
  const texts = { Description: MARKUP, Environment: { Variables: { SECRET: MARKUP } } }
  const TenancyConfig = { TenantIsolationMode: 'PER_TENANT' } as const
  await Promise.all([
    hearth.create({ FunctionName: 'greeter', files, ...texts, Tags: { markup: '<b>bold</b>' } }),
    hearth.create({ FunctionName: 'held', files }),
    hearth.create({ FunctionName: 'shared', files, TenancyConfig }),
  ])
  await hearth.lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName: 'held', ReservedConcurrentExecutions: 0 }),
  )
  const asked = { FunctionName: 'greeter', EventSourceArn: SOURCE }
  const { UUID = '' } = await hearth.lambda.send(new CreateEventSourceMappingCommand(asked))
  mapping = UUID
  const Payload = JSON.stringify({ fail: true, say: MARKUP })
  const event = { FunctionName: 'greeter', InvocationType: 'Event', Payload } as const
  await hearth.lambda.send(new InvokeCommand(event))
  await hearth.lambda.send(new InvokeCommand({ ...event, FunctionName: 'held' }))
  root = await openPage(browser, pages)
})
afterAll(async () => {
  await browser?.close()
  await hearth?.stop()
  await callers?.close()
})

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()

describe('signing in', () => {
  test('a person at the front door comes to the console, a program to the API', async () => {
    const [person, program] = await Promise.all([
      fetch(pages, { headers: { accept: 'text/html' }, redirect: 'manual' }),
      fetch(pages),
    ])
    expect([person.status, person.headers.get('location')]).toEqual([302, '/console'])
    expect([program.status, program.headers.get('content-type')]).toEqual([403, 'application/json'])
  })

  test('is nowhere where the operator wants no console', async () => {
    for (const path of ['/console', '/console/sign-in', '/']) {
      const headers = { accept: 'text/html' }
      const answer = await fetch(hearth.endpoint + path, { headers, redirect: 'manual' })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'application/json'])
    }
  })

  test('takes a key and its secret, and comes back to what was asked for', async () => {
    const { page } = root
    const answer = await page.goto('/console/functions?q=greet')
    expect(page.url()).toContain('/console/sign-in?next=')
    expect(answer?.headers()).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'.*frame-ancestors 'none'/,
      ),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    })
    await signIn(page, { accessKeyId: 'test', secretAccessKey: 'wrong' })
    expect(await page.getByRole('alert').textContent()).toContain('no such key, or')
    root.faults.length = 0
    await signIn(page, KEYS)
    await page.waitForURL('**/console/functions?q=greet')
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/console' })
    expect(Buffer.from(cookie?.value ?? '', 'base64url').toString()).not.toContain('test')
  })

  test('goes from page to page by keyboard alone', async () => {
    const { page } = root
    await page.goto('/console')
    const focused = () => page.evaluate('document.activeElement.textContent.trim()')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the page')
    for (const name of ['Hearth', 'Overview', 'Functions']) {
      await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
    }
    await page.keyboard.press('Enter')
    await page.waitForURL('**/console/functions')
    expect(await page.locator('nav [aria-current]').textContent()).toBe('Functions')
  })
})

describe('a function', () => {
  test('is listed and found, and shows its settings as text', async () => {
    const { page } = root
    await page.getByLabel('Search functions').fill('nothing like it')
    await page.keyboard.press('Enter')
    expect(await page.locator('.empty').textContent()).toContain('show all 3')
    await page.goto('/console/functions?q=GREET')
    expect(await page.getByRole('row').nth(1).textContent()).toMatch(/greeter.*Active.*nodejs24.x/s)
    await page.getByRole('link', { name: 'greeter' }).click()
    expect(await heading(page)).toBe('greeter')
    await page.getByRole('link', { name: 'Configuration' }).click()
    await page.getByText('Show 1 variable').click()
    const text = await page.locator('main').textContent()
    for (const told of ['128 MB', '10 seconds', SOURCE, '<b>bold</b>', MARKUP]) {
      expect(text).toContain(told)
    }
    expect(await page.locator('main img, main script').count()).toBe(0)
  })

  test('is tried with an event, and tells how it went', async () => {
    const { page } = root
    await page.getByRole('link', { name: 'Test' }).click()
    await page.getByLabel('Start from a sample').selectOption({ label: 'SQS message' })
    await page.getByRole('button', { name: 'Use it' }).click()
    expect(await page.getByLabel('Event, as JSON').inputValue()).toContain('aws:sqs')
    await page.getByLabel('Event, as JSON').fill('{"say":')
    expect(await page.locator('#event-state').textContent()).toContain('Not JSON')
    await page.getByRole('button', { name: 'Invoke' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('Could not parse request body')
    await page.getByLabel('Event, as JSON').fill(JSON.stringify({ say: MARKUP }))
    await page.keyboard.press('Control+Enter')
    await page.waitForSelector('.chip.good >> text=success')
    const text = await page.locator('main').textContent()
    for (const told of ['"heard"', 'Billed', 'Request id', 'REPORT RequestId', MARKUP]) {
      expect(text).toContain(told)
    }
    expect(text).toMatch(/warm|cold|stem/)
    await page.getByLabel('How').selectOption('Event')
    await page.getByRole('button', { name: 'Invoke' }).click()
    expect(await page.locator('.note.good').textContent()).toContain('on the disk')
  })

  test('with tenants is tried for one of them', async () => {
    const { page } = root
    await page.goto('/console/functions/shared/test')
    await page.getByLabel('for tenant').fill('blue')
    await page.getByRole('button', { name: 'Invoke' }).click()
    await page.waitForSelector('.chip.good >> text=success')
    expect(await page.getByLabel('for tenant').inputValue()).toBe('blue')
    await page.goto('/console/functions/greeter/test')
    expect(await page.getByLabel('for tenant').count()).toBe(0)
  })

  test('shows its log, and each line that comes', async () => {
    const { page } = root
    await page.getByRole('link', { name: 'Log' }).click()
    await page.waitForSelector('[data-log-state] >> text=Live')
    await hearth.invoke('greeter', { say: `${MARKUP} live` })
    await page.getByRole('log').getByText(`${MARKUP} live`).waitFor()
    expect(await page.locator('.log img, .log script').count()).toBe(0)
    await page.getByLabel('Filter').fill('END')
    await page.getByRole('button', { name: 'Apply' }).click()
    const lines = await page.locator('.log p').allTextContents()
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.filter((line) => !line.includes('END RequestId'))).toEqual([])
  })

  test('has charts of its last hour, from what its schedulers counted', async () => {
    const { page } = root
    await page.goto('/console/functions/greeter')
    const lately = page.getByRole('heading', { name: 'Last hour' }).locator('../..')
    const invoked = async () => Number(await lately.locator('.tile b').first().textContent())
    const before = await invoked()
    await hearth.invoke('greeter', { say: 'once more' })
    await eventually('the page shows one more by itself', async () => (await invoked()) > before)
    await page.getByText('Figures').first().click()
    const [row] = await page
      .getByRole('region', { name: 'Invocations, in figures' })
      .getByRole('row')
      .all()
    expect(await row?.textContent()).toMatch(/Time\s*Succeeded\s*Errors\s*Throttled/)
    const most = page.getByRole('img', { name: /^Concurrency/ })
    expect(await most.getAttribute('aria-label')).toMatch(/Running at most [1-9]/)
    expect(await page.locator('main').textContent()).toMatch(/first invocation \(1\)/)
  })
})

test('dead letters are looked at, and put back', async () => {
  const { page } = root
  const letters = async () => {
    const { functions } = await hearth.native<{ functions: object[] }>('/hearth/dead-letters')
    return functions.length
  }
  await eventually('the event is given up', async () => (await letters()) === 1)
  await page.goto('/console/queues')
  expect(await page.getByRole('row', { name: 'held' }).textContent()).toMatch(/held\s*1\s*0$/)
  await page.getByRole('link', { name: '1 of greeter' }).click()
  await page.getByText('Look at the event').click()
  expect(await page.locator('pre').textContent()).toContain(MARKUP)
  await page.getByRole('button', { name: /^Redrive\s+[0-9a-f-]{36}/ }).click()
  expect(await page.locator('.note.good').textContent()).toContain('1 event is on the queue again')
  await eventually('it is given up again', async () => (await letters()) === 1)
  await page.goto('/console/queues/greeter')
  await page.getByRole('button', { name: 'Redrive all' }).click()
  expect(await page.locator('.note.good').textContent()).toContain('1 event is on the queue again')
})

test('an event source is shown with its lag, stopped and started', async () => {
  const { page } = root
  const state = async () =>
    (await hearth.lambda.send(new GetEventSourceMappingCommand({ UUID: mapping }))).State
  await eventually('it is enabled', async () => (await state()) === 'Enabled')
  await page.goto('/console/functions/greeter/configuration')
  await page.getByRole('link', { name: SOURCE }).click()
  expect(page.url()).toContain(`/console/event-sources?function=greeter#${mapping}`)
  expect(await page.locator('.card').textContent()).toMatch(/Redis stream.*greeter.*0 received/s)
  await page.getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('button', { name: 'Enable' }).waitFor()
  await eventually('it is disabled', async () => (await state()) === 'Disabled')
  await page.getByRole('button', { name: 'Enable' }).click()
  await eventually('it is enabled again', async () => (await state()) === 'Enabled')
})

test('the bill tells of the month what AWS would have charged', async () => {
  const { page } = root
  const counted = async () => (await hearth.bill()).requests
  await eventually('attempts are in the books', async () => (await counted()) > 3)
  await page.goto('/console/bill')
  const text = () => page.locator('main').textContent()
  await eventually('the page has as many as the bill', async () => {
    const requests = await counted()
    await page.reload()
    return (await text())?.includes(`${requests} of 1,000,000`) === true
  })
  expect(await text()).toMatch(/AWS would charge\s*\$0.00.*greeter/s)
  const days = page.getByRole('img', { name: /^Requests, per day: Requests at most [1-9]/ })
  expect(await days.count()).toBe(1)
  expect(await page.getByLabel('Month').locator('option').count()).toBe(13)
})

test('every page can be used by day, by night and on a phone, and asks nobody else', async () => {
  const cookies = await root.page.context().cookies()
  const paths = ['', '/functions', '/functions/greeter', '/functions/greeter/test', '/bill']
  paths.push('/functions/greeter/log', '/functions/greeter/configuration', '/event-sources')
  paths.push('/functions/greeter/versions', '/queues', '/queues/greeter', '/nowhere')
  const look = async (options: BrowserContextOptions, judge: (page: Page) => Promise<string[]>) => {
    const { page, faults } = await openPage(browser, pages, options)
    await page.goto('/console/sign-in')
    const found = await judge(page)
    await page.context().addCookies(cookies)
    for (const path of paths) {
      await page.goto(`/console${path}`)
      for (const one of await judge(page)) found.push(`${path} ${one}`)
    }
    await page.context().close()
    return [...found, ...faults.filter((fault) => !fault.includes('404'))]
  }
  const found = await Promise.all([
    look({ colorScheme: 'light' }, (page) => hardships(page, 'all')),
    look({ colorScheme: 'dark', reducedMotion: 'reduce' }, (page) => hardships(page, 'contrast')),
    look({ colorScheme: 'light', viewport: PHONE }, excess),
  ])
  expect(found).toEqual([[], [], []])
})

test('needs no script but for what is live', async () => {
  const { page, faults } = await openPage(browser, pages, { javaScriptEnabled: false })
  await page.goto('/console/functions/greeter/test')
  await signIn(page, KEYS)
  await page.getByLabel('Start from a sample').selectOption({ label: 'Kinesis record' })
  await page.getByRole('button', { name: 'Use it' }).click()
  await page.getByRole('button', { name: 'Invoke' }).click()
  await page.waitForSelector('.chip.good >> text=success')
  await page.getByRole('link', { name: 'Log' }).click()
  expect(await page.locator('.log p').count()).toBeGreaterThan(3)
  await page.getByRole('button', { name: 'Sign out' }).click()
  expect([await heading(page), faults]).toEqual(['Sign in to Hearth', []])
  await page.context().close()
})

test('is dark or light as the system is, until somebody wishes otherwise', async () => {
  const { page } = await openPage(browser, pages, { colorScheme: 'dark' })
  const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
  await page.goto('/console')
  const dark = await ground()
  await page.getByRole('button', { name: 'Light' }).click()
  await page.getByRole('button', { name: 'Dark' }).waitFor()
  expect(await ground()).not.toBe(dark)
  expect(page.url()).toContain('/console')
  await page.context().close()
})

describe('a limited key', () => {
  test('sees and does what its policy allows, and its session ends with it', async () => {
    const actions = ['lambda:GetFunctionConfiguration', 'lambda:ListEventSourceMappings']
    const key = await callers.createKey('ada', allow(actions))
    const { page } = await openPage(browser, pages)
    await page.goto('/console/event-sources')
    await signIn(page, key)
    await page.getByRole('button', { name: 'Disable' }).click()
    expect(await page.locator('main').textContent()).toContain(
      `user/ada is not authorized to perform: lambda:UpdateEventSourceMapping`,
    )
    await page.goto('/console')
    expect(await page.locator('.tile b').allTextContents()).toEqual(Array(9).fill('–'))
    await page.goto('/console/functions')
    expect(await page.locator('main').textContent()).toContain('perform: lambda:ListFunctions')
    await page.goto('/console/functions/greeter/test')
    await page.getByRole('button', { name: 'Invoke' }).click()
    expect(await page.getByRole('alert').textContent()).toContain(
      `lambda:InvokeFunction on resource: ${arnOf('greeter')}`,
    )
    expect((await callers.command(['keys', 'rm', key.accessKeyId])).code).toBe(0)
    // The page asks again by itself, and so does whoever looks at it.
    await page.goto('/console/functions')
    await page.getByRole('heading', { name: 'Sign in to Hearth' }).waitFor()
    expect(await page.getByRole('status').textContent()).toContain('session is over')
    await page.context().close()
  })
})

describe('nobody but the reader', () => {
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const [cookie] = await root.page.context().cookies()
    const own = { cookie: `${cookie?.name}=${cookie?.value}`, origin: pages }
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const length = { 'content-length': String(body.length) }
    const url = `${pages}/console${path}`
    return http(url, { method: 'POST', body, headers: { ...type, ...length, ...own, ...headers } })
  }

  test('sends a form in a session’s name', async () => {
    await root.page.goto('/console/event-sources')
    const token = await root.page.locator('.card input[name=token]').first().inputValue()
    const path = `/event-sources/${mapping}`
    const wish = `wish=enable&token=${token}`
    const statuses = await Promise.all([
      post(path, 'wish=enable'),
      post(path, 'wish=enable&token=guessed'),
      post(path, wish, { origin: 'https://evil.example' }),
      post(path, wish, { 'sec-fetch-site': 'cross-site' }),
      post('/sign-out', ''),
      post('/sign-in', 'key=test&secret=test', { origin: 'https://evil.example' }),
      post(path, wish),
    ])
    expect(statuses.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403, 303])
  })

  test('reads a page from a function’s, although it is of the same address', async () => {
    const url = await publicUrl(hearth.lambda, 'greeter')
    const path = `/function-urls/${url.host.split('.')[0]}/`
    const cookies = await root.page.context().cookies()
    const { page } = await openPage(browser, pages)
    await page.context().addCookies(cookies)
    const answer = await page.goto(path)
    expect(answer?.headers()['content-security-policy']).toMatch(/^sandbox .*allow-scripts/)
    await page.locator('h1').getByText('refused').waitFor()
    await page.context().close()
  })
})

test('signing out ends it', async () => {
  const { page, faults } = root
  await page.getByRole('button', { name: 'Sign out' }).click()
  expect(await heading(page)).toBe('Sign in to Hearth')
  await page.goto('/console/functions')
  expect(await heading(page)).toBe('Sign in to Hearth')
  expect(faults).toEqual([])
})
