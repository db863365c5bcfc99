// `hearth deploy`: a folder, zip or container image becomes a function, by the API that any client
// uses. Only what differs is changed, so that deploying the same thing twice keeps warm
// environments.

import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import {
  AddPermissionCommand,
  type AddPermissionCommandInput,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  type LambdaClient,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { CommandError, usageError } from './failures.ts'
import { type FunctionSettings, mergeSettings, NAME, readSettings } from './function-settings.ts'
import { packageCode } from './package-code.ts'
import type { Report } from './progress.ts'
import { guessFromZip } from './runtime-guess.ts'

export interface Deployed {
  configuration: FunctionConfiguration
  url?: string
  outcome: 'created' | 'unchanged' | 'updated'
}

export interface DeployOptions {
  given: FunctionSettings
  /** Leaves the configuration of a function that exists as it is. */
  codeOnly?: boolean
  report?: Report
  /** Sees to it that a runtime which is about to be asked for can run here. */
  prepareRuntime?(runtime: string): Promise<void>
}

/** The role is kept and shown, and never assumed; AWS's clients insist on one. */
const DEFAULT_ROLE = 'arn:aws:iam::000000000000:role/hearth'
const SETTLE_SECONDS = 120
/** What a URL for everybody takes since October 2025. */
const PUBLIC_PERMISSIONS = [
  {
    StatementId: 'FunctionURLAllowPublicAccess',
    Action: 'lambda:InvokeFunctionUrl',
    Principal: '*',
    FunctionUrlAuthType: 'NONE',
  },
  {
    StatementId: 'FunctionURLInvokeAllowPublicAccess',
    Action: 'lambda:InvokeFunction',
    Principal: '*',
    InvokedViaFunctionUrl: true,
  },
] as const

/** What the function is made of: a zip's bytes, or the name of a container image. */
type Code = { ZipFile: Uint8Array } | { ImageUri: string }

interface Work {
  client: LambdaClient
  name: string
  code: Code
  wish: FunctionSettings
  report: Report
  prepareRuntime(runtime: string): Promise<void>
}

/** Creates or updates, and waits until the function is ready. */
export async function deploy(
  client: LambdaClient,
  path: string | undefined,
  options: DeployOptions,
): Promise<Deployed> {
  const { given, codeOnly = false, report = () => {}, prepareRuntime = async () => {} } = options
  const folder = path === undefined ? undefined : resolve(path)
  const wish = mergeSettings(folder ? await readSettings(folder) : {}, given)
  const code = await codeOf(folder, wish, report)
  const name = wish.name ?? nameOf(wish.image?.replace(/(:[^/]*|@.*)$/, '') ?? folder ?? '')
  const work: Work = { client, name, code, wish, report, prepareRuntime }
  const existing = await find(client, name)
  const outcome = existing ? await update(work, existing, codeOnly) : await create(work)
  const url = wish.url ? await ensureUrl(work) : undefined
  const configuration = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: name }),
  )
  return { configuration, outcome, ...(url && { url }) }
}

async function codeOf(
  folder: string | undefined,
  { image }: FunctionSettings,
  report: Report,
): Promise<Code> {
  if (image) return { ImageUri: image }
  if (!folder) throw usageError('Name a folder or a zip, or an image with --image.')
  report('packing the code')
  return { ZipFile: await packageCode(folder) }
}

/** A folder's or an image's name as a function's. */
function nameOf(path: string): string {
  const name = basename(path)
    .replace(/\.zip$/, '')
    .replaceAll(/[^a-zA-Z0-9_-]+/g, '-')
  if (NAME.test(name)) return name
  throw usageError(`${path} has a name that no function can have. Name it with --name.`)
}

async function create(work: Work): Promise<'created'> {
  const { client, name, code } = work
  const isImage = 'ImageUri' in code
  // Only here: a guess at an update could undo what somebody has set.
  const wish = isImage ? work.wish : mergeSettings(guessFromZip(code.ZipFile), work.wish)
  if (!isImage) await work.prepareRuntime(requireRuntime(name, wish))
  work.report(`creating ${name}`)
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: DEFAULT_ROLE,
      Code: code,
      ...(isImage && { PackageType: 'Image' }),
      ...(wish.architecture && { Architectures: [wish.architecture] }),
      ...configurationOf(wish),
    }),
  )
  try {
    await settled(work)
  } catch (failure) {
    throw await undone(work, failure as Error)
  }
  return 'created'
}

/** What never could run is not left behind under a name that nobody may have chosen. */
async function undone({ client, name }: Work, failure: Error): Promise<CommandError> {
  const which = { FunctionName: name }
  const hasFailed = (await find(client, name))?.State === 'Failed'
  const isGone =
    hasFailed &&
    (await client.send(new DeleteFunctionCommand(which)).then(
      () => true,
      () => false,
    ))
  const end = isGone
    ? `The function ${name}, which this deploy had made, is removed again.`
    : `The function ${name} was made and is still there: \`hearth rm ${name}\` removes it.`
  return new CommandError(`${failure.message} ${end}`, undefined, { cause: failure })
}

/** @throws CommandError when the code does not show how it is to be run. */
function requireRuntime(name: string, wish: FunctionSettings): string {
  if (wish.runtime && wish.handler) return wish.runtime
  throw usageError(
    `${name} does not show its ${wish.runtime ? 'handler' : 'runtime and handler'}. ` +
      'Name --runtime (nodejs24.x, java21) and --handler (index.handler, com.example.App), or ' +
      'write them in its hearth.json.',
  )
}

async function update(
  work: Work,
  existing: FunctionConfiguration,
  codeOnly: boolean,
): Promise<'unchanged' | 'updated'> {
  const { client, name, code, wish, report } = work
  // Somebody else's change may be under way; AWS refuses a second one until it is done.
  if (existing.State === 'Pending' || existing.LastUpdateStatus === 'InProgress') {
    await settled(work)
  }
  // A name may mean another image than it did; only Hearth can tell, and it keeps what is the same.
  const newCode =
    'ImageUri' in code ||
    createHash('sha256').update(code.ZipFile).digest('base64') !== existing.CodeSha256 ||
    (wish.architecture !== undefined && wish.architecture !== existing.Architectures?.[0])
  if (newCode) {
    report(`updating the code of ${name}`)
    await client.send(
      new UpdateFunctionCodeCommand({
        FunctionName: name,
        ...code,
        ...(wish.architecture && { Architectures: [wish.architecture] }),
      }),
    )
    await settled(work)
  }
  const wished = configurationOf(wish)
  const shown = { ...existing, ...existing.ImageConfigResponse }
  const newConfiguration = !codeOnly && differs(wished, shown)
  if (newConfiguration) {
    if (wished.Runtime) await work.prepareRuntime(wished.Runtime)
    report(`updating the configuration of ${name}`)
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, ...wished }))
    await settled(work)
  }
  const isSameImage =
    'ImageUri' in code && (await find(client, name))?.CodeSha256 === existing.CodeSha256
  return (newCode && !isSameImage) || newConfiguration ? 'updated' : 'unchanged'
}

/** Waits until the function can be invoked as it was last changed. */
async function settled({ client, name, report }: Work): Promise<void> {
  report(`waiting until ${name} is ready`)
  const patience = { client, maxWaitTime: SETTLE_SECONDS, minDelay: 1, maxDelay: 1 }
  const which = { FunctionName: name }
  try {
    await waitUntilFunctionActiveV2(patience, which)
    await waitUntilFunctionUpdatedV2(patience, which)
  } catch (cause) {
    const now = await find(client, name)
    const reason = now?.StateReason ?? now?.LastUpdateStatusReason ?? `it is ${now?.State}`
    throw new CommandError(`${name} did not become ready: ${reason}.`, undefined, { cause })
  }
}

function configurationOf(wish: FunctionSettings) {
  return {
    ...(wish.runtime && { Runtime: wish.runtime as FunctionConfiguration['Runtime'] }),
    ...(wish.handler && { Handler: wish.handler }),
    ...(wish.role && { Role: wish.role }),
    ...imageConfigOf(wish),
    ...(wish.description !== undefined && { Description: wish.description }),
    ...(wish.memory && { MemorySize: wish.memory }),
    ...(wish.timeout && { Timeout: wish.timeout }),
    ...(wish.ephemeralStorage && { EphemeralStorage: { Size: wish.ephemeralStorage } }),
    ...(wish.environment && { Environment: { Variables: wish.environment } }),
    ...(wish.logFormat && { LoggingConfig: { LogFormat: wish.logFormat } }),
  }
}

function imageConfigOf({ entryPoint, command, workingDirectory }: FunctionSettings) {
  if (!entryPoint && !command && !workingDirectory) return {}
  return {
    ImageConfig: {
      ...(entryPoint && { EntryPoint: entryPoint }),
      ...(command && { Command: command }),
      ...(workingDirectory && { WorkingDirectory: workingDirectory }),
    },
  }
}

/**
 * Whether any wished member is not as it is. Nested members are compared as far as they were
 * wished, except
 * environment variables: setting those forgets the others, so that one too many is a difference.
 */
export function differs(wished: object, existing: object): boolean {
  return Object.entries(wished).some(([name, value]) => {
    const current = (existing as Record<string, unknown>)[name]
    if (typeof value !== 'object' || value === null) return value !== current
    const held = (current as object | undefined) ?? {}
    const tooMany = name === 'Variables' && Object.keys(held).some((key) => !(key in value))
    return tooMany || differs(value, held)
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

async function ensureUrl({ client, name, report }: Work): Promise<string | undefined> {
  const which = { FunctionName: name }
  const existing = await findUrl(client, name)
  if (existing && existing.AuthType !== 'NONE') return existing.FunctionUrl
  for (const permission of PUBLIC_PERMISSIONS) await permit(client, { ...which, ...permission })
  if (existing) return existing.FunctionUrl
  report(`giving ${name} a function URL`)
  const wish = { ...which, AuthType: 'NONE' } as const
  return (await client.send(new CreateFunctionUrlConfigCommand(wish))).FunctionUrl
}

async function findUrl(client: LambdaClient, name: string) {
  try {
    return await client.send(new GetFunctionUrlConfigCommand({ FunctionName: name }))
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

/** It may be there from an earlier deploy. */
async function permit(client: LambdaClient, wish: AddPermissionCommandInput): Promise<void> {
  try {
    await client.send(new AddPermissionCommand(wish))
  } catch (error) {
    if ((error as Error).name !== 'ResourceConflictException') throw error
  }
}
