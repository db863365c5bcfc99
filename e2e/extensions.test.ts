// External extensions as users bring them, against a whole Hearth: in a layer of a managed runtime,
// in a container image, with telemetry and without a network; and what they leave in the log.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  PublishLayerVersionCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildExtended } from './container-builds.ts'
import { type Hearth, MAIN, NODE, ROLE, ROOT, startHearth } from './hearth.ts'
import { type LogTests, openLogTests } from './log-tests.ts'

const run = promisify(execFile)
const RECORDER = join(ROOT, 'e2e/functions/extensions/recorder.cjs')
const IMAGE = 'hearth-test/extended:1'
const files = {
  'index.mjs': 'export const handler = async (e) => { console.log("said", e.text); return e }',
}
let hearth: Hearth
let logs: LogTests
let layer: string

beforeAll(async () => {
  const built = buildExtended(IMAGE, [RECORDER])
  hearth = await startHearth({ env: { HEARTH_STEMS: 'nodejs24.x' } })
  logs = openLogTests(hearth.endpoint)
  const executable = { os: 3, attrs: 0o100755 << 16 }
  const content = { 'extensions/recorder.cjs': [readFileSync(RECORDER), executable] as never }
  const published = await hearth.lambda.send(
    new PublishLayerVersionCommand({ LayerName: 'rec', Content: { ZipFile: zipSync(content) } }),
  )
  layer = published.LayerVersionArn ?? ''
  await built
})
afterAll(async () => {
  logs?.client.destroy()
  await hearth?.stop()
})

const WITHIN = { timeout: 15_000, interval: 100 }
/** What the extension said in a function's log: one member of each line that has it. */
async function said(name: string, member: string) {
  const logGroupName = `/aws/lambda/${name}`
  const lines = await logs.filter({ logGroupName, filterPattern: '{ $.from = "recorder.cjs" }' })
  return lines.map((line) => JSON.parse(line ?? '')[member]).filter((value) => value !== undefined)
}

/** Without its function an environment has nothing more to do, and says good-bye. */
async function endOf(name: string) {
  await hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: name }))
}

test('a layer’s extension runs beside a managed runtime, hears and tells everything', async () => {
  const Environment = { Variables: { PLAN: '{"telemetry":true}' } }
  await hearth.create({ FunctionName: 'layered', files, Layers: [layer], Environment })
  const answer = await hearth.invoke('layered', { text: 'one' }, { LogType: 'Tail' })
  expect(answer.json).toEqual({ text: 'one' })
  expect(answer.log).toMatch(/^START [^\n]*\n.*said one\n.*END [^\n]*\nREPORT [^\n]*\n$/s)
  const types = async () => (await said('layered', 'told')).map(({ type }) => type)
  await hearth.invoke('layered', { text: 'two' })
  await expect.poll(types, WITHIN).toContain('platform.report')
  const told = await said('layered', 'told')
  expect(told.find(({ type }) => type === 'function')).toMatchObject({
    record: expect.stringContaining('said one'),
  })
  expect(await said('layered', 'registered')).toEqual([
    {
      accountId: '000000000000',
      functionName: 'layered',
      functionVersion: '$LATEST',
      handler: 'index.handler',
    },
  ])
  const invoked = (await said('layered', 'event')).map(({ requestId }) => requestId)
  expect(invoked[0]).toBe(answer.requestId)
  const kinds = async () => {
    const lines = await logs.filter({ logGroupName: '/aws/lambda/layered' })
    return lines
      .map(
        (line) =>
          /^(TELEMETRY\t.*|EXTENSION\t.*|START(?= )|END(?= )|REPORT(?= ))/.exec(line ?? '')?.[1],
      )
      .filter((kind) => kind !== undefined)
  }
  await expect
    .poll(kinds, WITHIN)
    .toEqual([
      'TELEMETRY\tName: recorder.cjs\tState: Subscribed\tTypes: [Platform, Function, Extension]',
      'EXTENSION\tName: recorder.cjs\tState: Ready\tEvents: [INVOKE,SHUTDOWN]',
      ...Array(2).fill(['START', 'END', 'REPORT']).flat(),
    ])
})

test('it reaches its own sandbox by name without a network, too', async () => {
  const Environment = { Variables: { PLAN: '{"telemetry":true}' } }
  const Tags = { 'hearth:network': 'none' }
  await hearth.create({ FunctionName: 'alone', files, Layers: [layer], Environment, Tags })
  await hearth.invoke('alone', { text: 'one' })
  await expect
    .poll(async () => (await said('alone', 'told')).map(({ type }) => type), WITHIN)
    .toContain('platform.runtimeDone')
})

test('an image’s extension runs beside the image’s own runtime, and hears its end', async () => {
  await hearth.lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'imaged',
      PackageType: 'Image',
      Code: { ImageUri: IMAGE },
      Role: ROLE,
    }),
  )
  const waiting = { client: hearth.lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }
  await waitUntilFunctionActiveV2(waiting, { FunctionName: 'imaged' })
  const { json, requestId } = await hearth.invoke('imaged', { a: 1 })
  expect(json).toEqual({ a: 1 })
  await expect.poll(() => said('imaged', 'done'), WITHIN).toEqual([requestId])
  const own = { logGroupName: '/aws/lambda/imaged', filterPattern: '"image got"' }
  await expect.poll(() => logs.filter(own).catch(() => []), WITHIN).toEqual(['image got {"a":1}'])
})

test('every environment says good-bye when Hearth stops, and the command shows it', async () => {
  await endOf('alone')
  const show = async (...more: string[]) => {
    const env = { PATH: '/usr/bin:/bin', HOME: '/tmp', AWS_ENDPOINT_URL: hearth.endpoint }
    const { stdout } = await run(NODE, [MAIN, 'logs', 'layered', ...more], { env })
    return stdout.trim().split('\n')
  }
  const shown = await show()
  expect(shown.filter((line) => /^(START|END)/.test(line))).toHaveLength(4)
  expect(shown.join('\n')).not.toContain('\u001b')
  const [first] = await show('-o', 'json', '--filter', '"said one"')
  expect(JSON.parse(first ?? '')).toMatchObject({ message: expect.stringContaining('said one') })
  await hearth.main.stop()
  await hearth.serve()
  for (const name of ['layered', 'imaged']) {
    await expect.poll(() => said(name, 'last'), WITHIN).toEqual(['words'])
    const ends = (await said(name, 'event')).filter(({ eventType }) => eventType === 'SHUTDOWN')
    expect(ends).toMatchObject([{ shutdownReason: 'spindown' }])
  }
})
