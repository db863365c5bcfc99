// What a full registry costs: a warm call and questions of the control API with a thousand
// functions of ten versions each beside the same with a handful. The records are written by the
// store itself, which takes seconds where the API would take a quarter of an hour.

import { join } from 'node:path'
import { GetFunctionConfigurationCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { connectBus } from '@hearth/bus/connect'
import {
  createFunction,
  type FunctionDocument,
  publishVersion,
  settleFunction,
} from '@hearth/core/function'
import { openEnvelope } from '@hearth/store/envelope'
import { type Functions, openFunctions } from '@hearth/store/functions'
import { eventually, type Hearth } from '../hearth.ts'
import { median } from './load.ts'
import { callTimes } from './many.ts'
import { type Row, row } from './table.ts'

const FUNCTIONS = 1_000
const VERSIONS = 10
const ASKED = 300
const AT_A_TIME = 50
const FLAT = { must: 1.2, moonshot: 1.05 }

export async function records(hearth: Hearth, functionName: string): Promise<Row[]> {
  const before = await measure(hearth, functionName)
  await fill(hearth, functionName)
  const after = await measure(hearth, functionName)
  const of = (name: keyof typeof before) =>
    ({ floor: before[name], value: after[name], unit: 'ms' }) as const
  const full = `${FUNCTIONS} functions of ${VERSIONS} versions`
  return [
    row(`warm, beside ${full}, p50`, of('call'), FLAT),
    row(`GetFunctionConfiguration beside these, p50`, of('get')),
    row(`ListFunctions, a page of these, p50`, of('list')),
  ]
}

async function measure(hearth: Hearth, FunctionName: string) {
  const call = await callTimes(hearth, FunctionName, ASKED)
  const get = await times(() =>
    hearth.lambda.send(new GetFunctionConfigurationCommand({ FunctionName })),
  )
  const list = await times(() => hearth.lambda.send(new ListFunctionsCommand({})))
  return { call: median(call), get: median(get), list: median(list) }
}

async function times(ask: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = []
  for (let count = 0; count < ASKED; count += 1) {
    const from = performance.now()
    await ask()
    found.push(performance.now() - from)
  }
  return found
}

/** Versions of the function that is there, each with another variable, under other names. */
async function fill(hearth: Hearth, functionName: string): Promise<void> {
  const bus = await connectBus({ url: hearth.nats.url, monitorUrl: hearth.nats.monitorUrl })
  const envelope = await openEnvelope(join(hearth.dataDirectory, 'master-key'))
  const functions = await openFunctions(bus, envelope)
  const [model] = functions.all().filter(({ name }) => name === functionName)
  if (!model) throw new Error(`${functionName} is not there`)
  const names = Array.from({ length: FUNCTIONS }, (_, index) => `record-${index}`)
  while (names.length > 0) {
    await Promise.all(names.splice(0, AT_A_TIME).map((name) => write(functions, model, name)))
  }
  functions.close()
  await bus.close()
  await eventually('the gateway has heard of all', async () => {
    const last = { FunctionName: `record-${FUNCTIONS - 1}` }
    const asked = hearth.lambda.send(new GetFunctionConfigurationCommand(last))
    return asked.then(
      () => true,
      () => false,
    )
  })
}

async function write(functions: Functions, model: FunctionDocument, name: string): Promise<void> {
  const { account, latest } = model
  const moment = { now: Date.now(), revisionId: name, deploymentId: name }
  const { architecture, code, configuration } = latest
  const wish = { account, name, tags: {}, architecture, code, configuration }
  let document = createFunction(wish, moment)
  for (let version = 1; version <= VERSIONS; version += 1) {
    const environment = { VERSION: String(version) }
    const next = { ...document.latest, configuration: { ...configuration, environment } }
    const made = publishVersion({ ...document, latest: next }, moment)
    document = settleFunction(made.document, name)
  }
  await functions.create(document)
}
