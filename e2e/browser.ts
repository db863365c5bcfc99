// A real Chromium for tests of the console: pages that write down whatever goes wrong in them, and
// what axe-core has against them.

import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Key } from './callers.ts'

const PROGRAM = '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
export const DESK = { width: 1280, height: 900 }
export const PHONE = { width: 375, height: 800 }

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: PROGRAM, args: FLAGS })

export interface Watched {
  page: Page
  /** Errors, dialogs, and requests to any other origin, each in a line. */
  faults: string[]
}

export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: DESK, baseURL: origin, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) faults.push(`request to ${request.url()}`)
  })
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { page, faults }
}

/** With an access key, on the page to do so. */
export async function signIn(page: Page, key: Key): Promise<void> {
  await page.getByLabel('Access key id').fill(key.accessKeyId)
  await page.getByLabel('Secret access key').fill(key.secretAccessKey)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const RULES = {
  all: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] },
  contrast: { type: 'rule', values: ['color-contrast'] },
} as const

/** What is hard to use, by the rules of WCAG 2.2 AA that are asked for. */
export async function hardships(page: Page, rules: keyof typeof RULES): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async ({ type, values }) => {
    const tester = (globalThis as unknown as { axe: typeof axe }).axe
    const options = { runOnly: { type, values: [...values] }, resultTypes: ['violations'] }
    const { violations } = await tester.run(options as axe.RunOptions)
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  }, RULES[rules])
}

/** Whether one has to scroll sideways. */
export async function excess(page: Page): Promise<string[]> {
  const wide = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
  return wide > 0 ? [`${wide} pixels too wide`] : []
}
