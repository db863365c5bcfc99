// Functions that nobody here wrote: frameworks with their own Lambda adapters, bundled as their
// users would.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import type { InvokeMode } from '@aws-sdk/client-lambda'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, http, publicUrl, ROOT, startHearth } from './hearth.ts'

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
})
afterAll(() => hearth?.stop())

const source = (name: string) => join(ROOT, 'e2e/functions', name)

async function bundle(name: string): Promise<Record<string, Uint8Array>> {
  const built = await build({
    entryPoints: [source(name)],
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    write: false,
  })
  return { 'index.js': built.outputFiles[0]?.contents ?? new Uint8Array() }
}

/** Deploys a bundle with a function URL. @returns the address of a path of it. */
async function deployWeb(
  name: string,
  InvokeMode: InvokeMode = 'BUFFERED',
): Promise<(path: string) => string> {
  const FunctionName = name.split('/')[0] ?? name
  await hearth.create({ FunctionName, files: await bundle(name), MemorySize: 512 })
  const { host } = await publicUrl(hearth.lambda, FunctionName, { InvokeMode })
  const [urlId] = host.split('.')
  return (path) => `${hearth.endpoint}/function-urls/${urlId}${path}`
}

const json = { 'content-type': 'application/json' }

describe('a Hono application', () => {
  let at: (path: string) => string
  beforeAll(async () => {
    at = await deployWeb('hono/index.ts')
  })

  test('answers text, parameters and JSON', async () => {
    expect((await http(at('/'))).body.toString()).toBe('Hello Hono')
    const user = await http(at('/user/ada?tag=x%20y'))
    expect(JSON.parse(user.body.toString())).toEqual({ name: 'ada', tag: 'x y' })
    const echo = await http(at('/echo'), {
      method: 'POST',
      headers: json,
      body: '{"deep":{"a":1}}',
    })
    expect(echo.status).toBe(201)
    expect(JSON.parse(echo.body.toString())).toEqual({ deep: { a: 1 } })
  })

  test('answers binary, and 404', async () => {
    const bytes = await http(at('/bytes'))
    expect(bytes.headers['content-type']).toBe('image/png')
    expect([...bytes.body]).toEqual([0, 159, 146, 150])
    expect((await http(at('/nowhere'))).status).toBe(404)
  })
})

test('a streaming Hono application answers as it goes, with its own status and headers', async () => {
  const at = await deployWeb('hono-stream/index.ts', 'RESPONSE_STREAM')
  const startedAt = performance.now()
  const slow = await fetch(at('/slow'))
  let firstMs = 0
  let text = ''
  for await (const piece of slow.body ?? []) {
    firstMs ||= performance.now() - startedAt
    text += Buffer.from(piece)
  }
  expect([slow.status, text]).toEqual([200, 'Hello Hono'])
  expect(slow.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(performance.now() - startedAt - firstMs).toBeGreaterThan(1_200)
  const teapot = await http(at('/teapot'))
  expect([teapot.status, teapot.body.toString()]).toEqual([418, '{"short":true}'])
  expect(teapot.headers['set-cookie']).toEqual(['a=1'])
  expect((await http(at('/nothing'))).status).toBe(204)
})

test('an Express application answers text, parameters, JSON and 404', async () => {
  const at = await deployWeb('express/index.mjs')
  const root = await http(at('/'))
  expect(root.body.toString()).toBe('Hello Express')
  expect(root.headers['x-powered-by']).toBe('Express')
  expect(JSON.parse((await http(at('/user/ada'))).body.toString())).toEqual({ name: 'ada' })
  const echo = await http(at('/echo'), { method: 'POST', headers: json, body: '{"a":[1]}' })
  expect([echo.status, echo.body.toString()]).toEqual([201, '{"a":[1]}'])
  const lost = await http(at('/nowhere'))
  expect([lost.status, lost.body.toString()]).toEqual([404, 'nowhere'])
})

test('a Powertools logger knows the context that it runs in', async () => {
  const files = await bundle('powertools/index.ts')
  const name = await hearth.create({ FunctionName: 'powertools', files, MemorySize: 256 })
  const answer = await hearth.invoke(name, { name: 'Ada' }, { LogType: 'Tail' })
  expect(answer.json).toEqual({ greeting: 'Hello Ada' })
  const line = answer.log.split('\n').find((text) => text.startsWith('{'))
  expect(JSON.parse(line ?? '')).toMatchObject({
    level: 'INFO',
    message: 'greeting',
    name: 'Ada',
    service: 'greeter',
    function_name: 'powertools',
    function_memory_size: '256',
    function_request_id: answer.requestId,
    function_arn: 'arn:aws:lambda:us-east-1:000000000000:function:powertools',
    cold_start: true,
  })
})

test('a Python function of the standard library keeps state while it is warm', async () => {
  const name = await hearth.create({
    Runtime: 'python3.13',
    Handler: 'app.handler',
    files: { 'app.py': await readFile(source('python/app.py')) },
  })
  await hearth.invoke(name, { text: 'the cat and the hat' })
  const { json: found } = await hearth.invoke(name, { text: 'The end' })
  expect(found.words).toEqual({ the: 3, and: 1, cat: 1, end: 1, hat: 1 })
  const unpacked = inflateSync(Buffer.from(found.packed, 'base64')).toString()
  expect(JSON.parse(unpacked)[0]).toEqual(['the', 3])
})
