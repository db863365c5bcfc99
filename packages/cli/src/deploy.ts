// `hearth deploy`: a folder or zip becomes a function, by the API that any client uses. What is not said on the
// command line comes from the folder's hearth.json, then from what the folder looks like.

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  type LambdaClient,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { z } from 'zod'
import { CommandError, EXIT } from './client.ts'
import { packageCode } from './package-code.ts'

const settings = z
  .object({
    name: z.string(),
    runtime: z.string(),
    handler: z.string(),
    role: z.string(),
    description: z.string(),
    memory: z.coerce.number().int(),
    timeout: z.coerce.number().int(),
    ephemeralStorage: z.coerce.number().int(),
    environment: z.record(z.string(), z.string()),
    logFormat: z.enum(['JSON', 'Text']),
    url: z.boolean(),
  })
  .partial()
  .strict()

export type DeploySettings = z.output<typeof settings>

export interface Deployed {
  configuration: FunctionConfiguration
  url?: string
  changed: boolean
}

const DEFAULT_ROLE = 'arn:aws:iam::000000000000:role/hearth'
const SETTLED = { maxWaitTime: 120, minDelay: 1, maxDelay: 1 }

/** Creates or updates, and waits until the function is ready. */
export async function deploy(
  client: LambdaClient,
  path: string,
  given: DeploySettings,
): Promise<Deployed> {
  const folder = resolve(path)
  const wish = { ...(await guess(folder)), ...(await readSettings(folder)), ...given }
  const name = wish.name ?? basename(folder).replace(/\.zip$/, '')
  const zip = await packageCode(folder)
  const existing = await find(client, name)
  const changed = existing
    ? await update(client, { name, zip, wish, existing })
    : await create(client, { name, zip, wish })
  const configuration = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: name }),
  )
  const url = wish.url ? await ensureUrl(client, name) : undefined
  return { configuration, changed, ...(url && { url }) }
}

interface Work {
  name: string
  zip: Uint8Array
  wish: DeploySettings
}

async function create(client: LambdaClient, { name, zip, wish }: Work): Promise<true> {
  if (!wish.runtime || !wish.handler) {
    throw new CommandError(
      `${name} looks like neither Node.js nor Python. Name --runtime and --handler.`,
      EXIT.usage,
    )
  }
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: DEFAULT_ROLE,
      Code: { ZipFile: zip },
      ...configurationOf(wish),
    }),
  )
  await waitUntilFunctionActiveV2({ client, ...SETTLED }, { FunctionName: name })
  return true
}

/** Changes only what differs, so that deploying the same thing twice keeps warm environments. */
async function update(
  client: LambdaClient,
  { name, zip, wish, existing }: Work & { existing: FunctionConfiguration },
): Promise<boolean> {
  const settled = () => waitUntilFunctionUpdatedV2({ client, ...SETTLED }, { FunctionName: name })
  const newCode = createHash('sha256').update(zip).digest('base64') !== existing.CodeSha256
  if (newCode) {
    await client.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: zip }))
    await settled()
  }
  const newSettings = differs(configurationOf(wish), existing)
  if (newSettings) {
    await client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: name, ...configurationOf(wish) }),
    )
    await settled()
  }
  return newCode || newSettings
}

function configurationOf(wish: DeploySettings) {
  return {
    ...(wish.runtime && { Runtime: wish.runtime as FunctionConfiguration['Runtime'] }),
    ...(wish.handler && { Handler: wish.handler }),
    ...(wish.role && { Role: wish.role }),
    ...(wish.description !== undefined && { Description: wish.description }),
    ...(wish.memory && { MemorySize: wish.memory }),
    ...(wish.timeout && { Timeout: wish.timeout }),
    ...(wish.ephemeralStorage && { EphemeralStorage: { Size: wish.ephemeralStorage } }),
    ...(wish.environment && { Environment: { Variables: wish.environment } }),
    ...(wish.logFormat && { LoggingConfig: { LogFormat: wish.logFormat } }),
  }
}

/** Whether any wished member is not as it is; nested members are compared as far as they were wished. */
export function differs(wished: object, existing: object): boolean {
  return Object.entries(wished).some(([name, value]) => {
    const current = (existing as Record<string, unknown>)[name]
    if (typeof value === 'object' && value !== null) {
      return differs(value, (current as object | undefined) ?? {})
    }
    return value !== current
  })
}

async function find(client: LambdaClient, name: string) {
  try {
    return await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

async function ensureUrl(client: LambdaClient, name: string): Promise<string | undefined> {
  try {
    const made = await client.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE' }),
    )
    return made.FunctionUrl
  } catch (error) {
    if ((error as Error).name !== 'ResourceConflictException') throw error
    const have = await client.send(new GetFunctionUrlConfigCommand({ FunctionName: name }))
    return have.FunctionUrl
  }
}

/** The folder's hearth.json. @throws CommandError that names the field and what it allows. */
export async function readSettings(folder: string): Promise<DeploySettings> {
  const path = join(folder, 'hearth.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CommandError(`${path} is not JSON: ${(error as Error).message}`, EXIT.usage)
  }
  const parsed = settings.safeParse(value)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`)
  throw new CommandError(`${path} has faults:\n  ${faults.join('\n  ')}`, EXIT.usage)
}

/** Runtime and handler from the files that are there. */
export async function guess(folder: string): Promise<DeploySettings> {
  const names = await readdir(folder).catch(() => [] as string[])
  const script = ['index.mjs', 'index.js', 'index.cjs'].find((name) => names.includes(name))
  if (script) return { runtime: 'nodejs24.x', handler: 'index.handler' }
  const python = ['lambda_function.py', 'app.py', 'main.py', 'handler.py'].find((name) =>
    names.includes(name),
  )
  if (!python) return {}
  const module = python.replace('.py', '')
  const name = module === 'lambda_function' ? 'lambda_handler' : 'handler'
  return { runtime: 'python3.13', handler: `${module}.${name}` }
}
