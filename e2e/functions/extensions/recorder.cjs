#!/usr/bin/env node
// An external extension as somebody would write one: it registers under its file's name, subscribes
// to telemetry, and says of everything that it hears one line of JSON. The function's environment
// variables tell it how to misbehave.

const { createServer } = require('node:http')
const { basename } = require('node:path')

const NAME = basename(__filename)
const env = process['env']
const API = `http://${env.AWS_LAMBDA_RUNTIME_API}`
const PORT = 4243
const plan = JSON.parse(env.PLAN ?? '{}')
const say = (what) => console.log(JSON.stringify({ from: NAME, ...what }))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function call(method, path, headers, body) {
  const answer = await fetch(API + path, { method, headers, ...(body && { body }) })
  const text = await answer.text()
  const { status, headers: had } = answer
  return { status, headers: had, json: text ? JSON.parse(text) : undefined }
}

async function main() {
  if (plan.never) return pause(60_000)
  if (plan.exit !== undefined) process.exit(plan.exit)
  const wrong = plan.probe && (await call('POST', '/2020-01-01/extension/register', {}, '{}'))
  const registered = await call(
    'POST',
    '/2020-01-01/extension/register',
    { 'Lambda-Extension-Name': NAME, 'Lambda-Extension-Accept-Feature': 'accountId' },
    JSON.stringify({ events: ['INVOKE', 'SHUTDOWN'] }),
  )
  const own = registered.headers.get('lambda-extension-identifier')
  const id = { 'Lambda-Extension-Identifier': own }
  const hidden = Object.keys(env).filter((name) => /^_HANDLER|TASK_ROOT|HEARTH/.test(name))
  say({ registered: registered.json, hidden, ...(wrong && { wrong }) })
  if (plan.initError) {
    const type = { 'Lambda-Extension-Function-Error-Type': 'Extension.Planned' }
    await call('POST', '/2020-01-01/extension/init/error', { ...id, ...type }, '{}')
    process.exit(0)
  }
  if (plan.telemetry) await subscribe(id)
  for (;;) {
    const { json: event, headers } = await call('GET', '/2020-01-01/extension/event/next', id)
    const eventId = headers.get('lambda-extension-event-identifier')
    say({ event: { ...event, hasId: typeof eventId === 'string' } })
    if (event.eventType === 'SHUTDOWN') {
      await pause(plan.lastMs ?? 50)
      say({ last: 'words' })
      process.exit(0)
    }
    if (plan.crash) process.exit(7)
    if (plan.slowMs) await pause(plan.slowMs)
    say({ done: event.requestId })
  }
}

async function subscribe(id) {
  createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      response.end()
      // What it says itself would come back for ever.
      for (const told of JSON.parse(body)) if (told.type !== 'extension') say({ told })
    })
  }).listen(PORT, 'sandbox.localdomain')
  const subscribed = await call(
    'PUT',
    '/2022-07-01/telemetry',
    id,
    JSON.stringify({
      schemaVersion: '2022-12-13',
      types: ['platform', 'function', 'extension'],
      buffering: { maxItems: 1000, maxBytes: 262144, timeoutMs: 25 },
      destination: { protocol: 'HTTP', URI: `http://sandbox.localdomain:${PORT}/heard` },
    }),
  )
  say({ subscribed: { status: subscribed.status, json: subscribed.json } })
}

process.on('SIGTERM', () => say({ signal: 'SIGTERM' }))
main()
