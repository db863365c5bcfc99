// What the fuzz works on: a whole Hearth with functions, a layer, an alias and log groups that it
// may spoil, and one function that must go on answering; what the process holds; and what is left
// when everything that was made is deleted again.

import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as logs from '@aws-sdk/client-cloudwatch-logs'
import * as aws from '@aws-sdk/client-lambda'
import { openArtifacts } from '@hearth/store/artifacts'
import { eventually, type Hearth, KEYS, publicUrl, ROLE, startHearth, zip } from '../hearth.ts'
import { KEEPER, LAYER, NAMES, NOWHERE, SOURCE, ZIP } from './pools.ts'
import { type Asked, sign } from './requests.ts'

export interface World {
  hearth: Hearth
  /** Of the function that lives, for everybody. */
  urlId: string
  /** Makes again what is missing of what the requests name. */
  restore(): Promise<void>
  /** How long a good invocation takes, in milliseconds. @throws Error when its answer is wrong. */
  ask(): Promise<number>
  process: Held
  /** Deletes everything. @returns what is still there. */
  clear(): Promise<string[]>
  stop(): Promise<void>
}

/** What the process has of the machine. */
export interface Held {
  alive(): boolean
  memoryMb(): number
  /** Open files and sockets. */
  handles(): number
}

const ENV = {
  HEARTH_STEMS_MAX: '0',
  HEARTH_NAMESPACES_MAX: '1',
  HEARTH_MEMORY_MB: '768',
  HEARTH_RETRY_SECONDS: '1,1',
  // Environments of functions that are gone go when they have idled.
  HEARTH_IDLE_SECONDS: '5',
  AWS_ENDPOINT_URL: `http://${NOWHERE}`,
  AWS_ACCESS_KEY_ID: 'fuzz',
  AWS_SECRET_ACCESS_KEY: 'fuzz',
}
const ALIAS = 'live'
const DAY_MS = 86_400_000
const THROTTLED_MS_MAX = 30_000
const GONE_WITHIN_MS = 60_000

export async function openWorld(): Promise<World> {
  const hearth = await startHearth({ env: ENV })
  await hearth.create({ FunctionName: KEEPER, files: { 'index.mjs': SOURCE } })
  const pid = hearth.main.process.pid ?? 0
  const world: World = {
    hearth,
    urlId: (await publicUrl(hearth.lambda, KEEPER)).host.split('.')[0] ?? '',
    restore: () => restore(hearth.lambda),
    ask: () => ask(hearth),
    process: heldBy(pid, () => hearth.main.process.exitCode === null),
    clear: () => clear(hearth),
    stop: () => hearth.stop(),
  }
  await world.restore()
  await world.ask()
  return world
}

/** What the fuzz has put there may have all of the memory at the moment: that is well, and told. */
async function ask(hearth: Hearth): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const answer = await hearth.invoke(KEEPER, { startedAt }).catch((error: Error) => error)
    if (!(answer instanceof Error)) {
      if (answer.json?.startedAt === startedAt) return performance.now() - startedAt
      throw new Error('a good invocation had a bad answer')
    }
    const isThrottled = answer.name === 'TooManyRequestsException'
    if (!isThrottled || performance.now() - startedAt > THROTTLED_MS_MAX) throw answer
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function heldBy(pid: number, alive: () => boolean): Held {
  return {
    alive,
    memoryMb() {
      const text = readFileSync(`/proc/${pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) / 1024
    },
    handles: () => readdirSync(`/proc/${pid}/fd`).length,
  }
}

/** What is there already refuses, and so do things in between two states: that is well. */
async function restore(lambda: aws.LambdaClient): Promise<void> {
  for (const FunctionName of NAMES) {
    const input = { FunctionName, Role: ROLE, Code: { ZipFile: ZIP }, Publish: true }
    const program = { Runtime: 'nodejs24.x', Handler: 'index.handler' } as const
    await lambda.send(new aws.CreateFunctionCommand({ ...input, ...program })).catch(refused)
    const alias = { FunctionName, Name: ALIAS, FunctionVersion: '1' }
    await lambda.send(new aws.CreateAliasCommand(alias)).catch(refused)
  }
  const layer = { LayerName: LAYER, VersionNumber: 1 }
  const known = await lambda.send(new aws.GetLayerVersionCommand(layer)).catch(refused)
  if (known) return
  const content = { ZipFile: zip({ 'nodejs/a.txt': 'a' }) }
  await lambda.send(new aws.PublishLayerVersionCommand({ LayerName: LAYER, Content: content }))
}

const refused = (error: Error): undefined => {
  if (!(error instanceof aws.LambdaServiceException)) throw error
}

async function clear(hearth: Hearth): Promise<string[]> {
  const client = logClientOf(hearth.endpoint)
  try {
    await clearLambda(hearth.lambda)
    await clearKeys(hearth)
    await clearGroups(client)
    const left = async () => [
      ...(await remaining(hearth.lambda)).map((name) => `${name} is still there`),
      ...(await hearth.sandboxes()).map((id) => `sandbox ${id} is still there`),
    ]
    const isClear = async () => (await left()).length === 0
    await eventually('all is gone', isClear, GONE_WITHIN_MS).catch(() => undefined)
    return [...(await left()), ...(await strayFiles(join(hearth.dataDirectory, 'artifacts')))]
  } finally {
    client.destroy()
  }
}

async function clearLambda(lambda: aws.LambdaClient): Promise<void> {
  const { EventSourceMappings = [] } = await lambda.send(new aws.ListEventSourceMappingsCommand({}))
  for (const { UUID } of EventSourceMappings) {
    await lambda.send(new aws.DeleteEventSourceMappingCommand({ UUID })).catch(refused)
  }
  for (const FunctionName of await functionsOf(lambda)) {
    await lambda.send(new aws.DeleteFunctionCommand({ FunctionName })).catch(refused)
  }
  const { Layers = [] } = await lambda.send(new aws.ListLayersCommand({}))
  for (const { LayerName } of Layers) await clearLayer(lambda, LayerName ?? '')
  for (const CodeSigningConfigArn of await configsOf(lambda)) {
    await lambda.send(new aws.DeleteCodeSigningConfigCommand({ CodeSigningConfigArn }))
  }
}

async function clearLayer(lambda: aws.LambdaClient, LayerName: string): Promise<void> {
  for await (const page of aws.paginateListLayerVersions({ client: lambda }, { LayerName })) {
    for (const { Version: VersionNumber } of page.LayerVersions ?? []) {
      await lambda.send(new aws.DeleteLayerVersionCommand({ LayerName, VersionNumber }))
    }
  }
}

/** Keys and roles, by Hearth's own routes. */
async function clearKeys(hearth: Hearth): Promise<void> {
  const { keys } = await hearth.native<{ keys: { accessKeyId: string }[] }>('/hearth/keys')
  const { roles } = await hearth.native<{ roles: { name: string }[] }>('/hearth/roles')
  const paths = [
    ...keys.map(({ accessKeyId }) => `/hearth/keys/${accessKeyId}`),
    ...roles.map(({ name }) => `/hearth/roles/${encodeURIComponent(name)}`),
  ]
  for (const path of paths) await forget(path, hearth.endpoint)
}

async function forget(path: string, endpoint: string): Promise<void> {
  const asked = { service: 'lambda', operation: path, method: 'DELETE', path, query: [] } as const
  const whole: Asked = { ...asked, query: [], headers: {}, body: Buffer.alloc(0) }
  const { headers } = await sign(whole, endpoint)
  const answer = await fetch(`${endpoint}${path}`, { method: 'DELETE', headers })
  if (!answer.ok) throw new Error(`${path} could not be deleted: ${await answer.text()}`)
}

async function functionsOf(lambda: aws.LambdaClient): Promise<string[]> {
  const names: string[] = []
  for await (const page of aws.paginateListFunctions({ client: lambda }, {})) {
    names.push(...(page.Functions ?? []).map(({ FunctionName = '' }) => FunctionName))
  }
  return names
}

async function configsOf(lambda: aws.LambdaClient): Promise<string[]> {
  const arns: string[] = []
  for await (const page of aws.paginateListCodeSigningConfigs({ client: lambda }, {})) {
    const configs = page.CodeSigningConfigs ?? []
    arns.push(...configs.map(({ CodeSigningConfigArn = '' }) => CodeSigningConfigArn))
  }
  return arns
}

async function remaining(lambda: aws.LambdaClient): Promise<string[]> {
  const [mappings, layers, functions, configs] = await Promise.all([
    lambda.send(new aws.ListEventSourceMappingsCommand({})),
    lambda.send(new aws.ListLayersCommand({})),
    functionsOf(lambda),
    configsOf(lambda),
  ])
  return [
    ...(mappings.EventSourceMappings ?? []).map(({ UUID = '' }) => UUID),
    ...(layers.Layers ?? []).map(({ LayerName = '' }) => LayerName),
    ...functions,
    ...configs,
  ]
}

async function clearGroups(client: logs.CloudWatchLogsClient): Promise<void> {
  const groups: string[] = []
  for await (const page of logs.paginateDescribeLogGroups({ client }, {})) {
    groups.push(...(page.logGroups ?? []).map(({ logGroupName = '' }) => logGroupName))
  }
  for (const logGroupName of groups) {
    const unprotected = { logGroupIdentifier: logGroupName, deletionProtectionEnabled: false }
    await client.send(new logs.PutLogGroupDeletionProtectionCommand(unprotected))
    await client.send(new logs.DeleteLogGroupCommand({ logGroupName }))
  }
}

function logClientOf(endpoint: string): logs.CloudWatchLogsClient {
  const where = { endpoint, region: 'us-east-1', credentials: KEYS }
  return new logs.CloudWatchLogsClient({ ...where, maxAttempts: 1 })
}

/** Files of code that a sweep, a day later, would not take away: nobody knows of them. */
export async function strayFiles(directory: string): Promise<string[]> {
  const artifacts = await openArtifacts(directory)
  const now = Date.now()
  for (const at of [now, now + DAY_MS + 1]) await artifacts.sweep(new Set(), at)
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() || entry.parentPath.endsWith('/fresh'))
    .map(({ parentPath, name }) => `${join(parentPath, name)} is still there`)
}
