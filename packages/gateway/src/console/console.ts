// The console: pages for people at /console, for whoever signs in with an access key. This file is
// the list of its addresses; what a request has to prove is in desk, and each page is a file.

import { type Context, Hono } from 'hono'
import type { Identities } from '../identities.ts'
import { ASSETS_PATH, answerAsset } from './assets.ts'
import { billPage } from './bill.ts'
import type { ConsoleParts } from './client.ts'
import { type Desk, openDesk } from './desk.ts'
import { changeEventSource, eventSourcesPage } from './event-sources.ts'
import { configurationPage } from './function-configuration.ts'
import { liveLog, logPage } from './function-log.ts'
import { monitorPage } from './function-monitor.ts'
import { sendTest, testPage } from './function-test.ts'
import { versionsPage } from './function-versions.ts'
import { functionsPage } from './functions.ts'
import { CONSOLE_PATH, PAGE_HEADERS } from './guard.ts'
import { overviewPage } from './overview.ts'
import { deadLettersPage, queuesPage, redriveLetters } from './queues.ts'
import { openSessions } from './session.ts'
import { openSignIn } from './sign-in.ts'
import { missingPage } from './trouble.ts'
import type { Page, Visit } from './visit.ts'

export interface Console {
  app: Hono
  /** Ends what streams, within a second. */
  close(): void
}

export function openConsole(parts: ConsoleParts, identities: Identities): Console {
  let isClosing = false
  const sessions = openSessions(parts.envelope, identities)
  const desk = openDesk(parts, sessions, () => isClosing)
  const signIn = openSignIn(desk, sessions)
  const app = new Hono()
  app.get(`${ASSETS_PATH.slice(CONSOLE_PATH.length)}*`, (c) => answerAsset(c.req.path))
  app.get('/sign-in', (c) => signIn.page(c))
  app.post('/sign-in', (c) => signIn.signIn(c))
  app.post('/sign-out', (c) => signIn.signOut(c))
  app.post('/theme', (c) => signIn.theme(c))
  app.get('/', desk.page(overviewPage))
  app.get('/bill', desk.page(billPage))
  addFunctions(app, desk)
  addQueues(app, desk, parts)
  app.all(
    '*',
    desk.page(async () => missingPage()),
  )
  return {
    app,
    close: () => {
      isClosing = true
    },
  }
}

function addFunctions(app: Hono, { page, form, stream }: Desk): void {
  const one = '/functions/:name'
  const pageOf = (of: (visit: Visit, name: string) => Promise<Page>) =>
    page((visit, c) => of(visit, label(c, 'name')))
  const live = stream(async (visit, isOver, c) => {
    const body = await liveLog(visit, label(c, 'name'), isOver)
    const headers = { ...PAGE_HEADERS, 'content-type': 'text/event-stream' }
    return new Response(body, { headers })
  })
  app.get('/functions', page(functionsPage))
  app.get(one, pageOf(monitorPage))
  app.get(`${one}/test`, pageOf(testPage))
  const test = form((visit, sent, c) => sendTest(visit, label(c, 'name'), sent))
  app.post(`${one}/test`, test)
  app.get(`${one}/log`, pageOf(logPage))
  app.get(`${one}/log/live`, live)
  app.get(`${one}/configuration`, pageOf(configurationPage))
  app.get(`${one}/versions`, pageOf(versionsPage))
}

function addQueues(
  app: Hono,
  { page, form }: Desk,
  { account, functions, mappings }: ConsoleParts,
): void {
  const find = (uuid: string) => mappings.cached(account, uuid)
  const names = () => functions.list(account).map(({ name }) => name)
  const change = form((visit, sent, c) => changeEventSource(visit, label(c, 'uuid'), sent))
  const redrive = form((visit, sent, c) => redriveLetters(visit, label(c, 'name'), sent))
  const letters = page((visit, c) => deadLettersPage(visit, label(c, 'name')))
  const queues = page((visit) => queuesPage(visit, names()))
  app.get(
    '/event-sources',
    page((visit) => eventSourcesPage(visit, find)),
  )
  app.post('/event-sources/:uuid', change)
  app.get('/queues', queues)
  app.get('/queues/:name', letters)
  app.post('/queues/:name', redrive)
}

const label = (c: Context, name: string) => c.req.param(name) ?? ''
