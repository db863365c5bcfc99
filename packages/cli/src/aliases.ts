// `hearth alias`: names of a function's versions, a canary beside one of them, and the way back.
// All of it is AWS's own API; what is added is that a share is said in percent, and that nobody
// overwrites what another has just changed.

import {
  type AliasConfiguration,
  CreateAliasCommand,
  DeleteAliasCommand,
  GetAliasCommand,
  type LambdaClient,
  PublishVersionCommand,
  paginateListAliases,
  paginateListFunctions,
  paginateListVersionsByFunction,
  UpdateAliasCommand,
  type UpdateAliasCommandInput,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda'
import { CommandError, usageError } from './failures.ts'
import { type Format, show, tableOf } from './output.ts'
import { confirmed } from './progress.ts'

/** Which alias of which function. */
export interface AliasName {
  functionName: string
  name: string
}

export interface SetOptions {
  /** Percent of the invocations that the version gets beside the alias's own; absent: all. */
  canary?: number
  /** The same as a share from 0 to 1, as AWS has it. */
  weight?: number
  /** Make a version of what the function is now, and take that. */
  publish?: boolean
  description?: string
}

type Wish = Pick<UpdateAliasCommandInput, 'FunctionVersion' | 'RoutingConfig'>

const PUBLISHED_SECONDS_MAX = 300

/** Those of one function, or of all. */
export async function listAliases(
  client: LambdaClient,
  functionName: string | undefined,
  output: Format,
): Promise<void> {
  const names = functionName === undefined ? await functionNames(client) : [functionName]
  const found: AliasConfiguration[] = []
  for (const FunctionName of names) {
    for await (const page of paginateListAliases({ client }, { FunctionName })) {
      found.push(...(page.Aliases ?? []))
    }
  }
  show(output, found, () => renderAliases(found))
}

export function renderAliases(found: readonly AliasConfiguration[]): string {
  if (found.length === 0) return 'No aliases. `hearth alias set <function> <alias>` makes one.'
  return tableOf(
    ['alias', 'version', 'canary', 'description'],
    found.map((one) => [
      nameOf(one),
      one.FunctionVersion ?? '',
      canaryOf(one) ?? '',
      one.Description ?? '',
    ]),
  )
}

/** Makes the alias if there is none. @throws CommandError for a canary beside nothing. */
export async function setAlias(
  client: LambdaClient,
  { functionName: FunctionName, name: Name }: AliasName,
  given: SetOptions & { version: string | undefined; output: Format },
): Promise<void> {
  const share = shareOf(given)
  const current = await find(client, { functionName: FunctionName, name: Name })
  const version = await versionFor(client, FunctionName, given)
  const wish = wishOf(current, { version, share, name: Name })
  const described = given.description === undefined ? {} : { Description: given.description }
  const named = { FunctionName, Name, ...described }
  // What another has changed meanwhile is not undone unseen.
  const update = { ...named, ...wish, RevisionId: current?.RevisionId }
  const { $metadata: _, ...alias } = current
    ? await client.send(new UpdateAliasCommand(update))
    : await client.send(new CreateAliasCommand({ ...named, FunctionVersion: version }))
  tell(alias, given.output)
}

/** Takes the canary away: all invocations go to the alias's own version again. */
export async function rollBack(
  client: LambdaClient,
  { functionName: FunctionName, name: Name }: AliasName,
  output: Format,
): Promise<void> {
  const RoutingConfig = { AdditionalVersionWeights: {} }
  const { $metadata: _, ...alias } = await client.send(
    new UpdateAliasCommand({ FunctionName, Name, RoutingConfig }),
  )
  tell(alias, output)
}

/** @throws CommandError unless it is agreed. */
export async function removeAlias(
  client: LambdaClient,
  { functionName: FunctionName, name: Name }: AliasName,
  { yes }: { yes?: boolean },
): Promise<void> {
  const { AliasArn } = await client.send(new GetAliasCommand({ FunctionName, Name }))
  if (!yes && !(await confirmed(`Delete ${AliasArn}, its URL and its permissions?`))) {
    throw new CommandError(`${Name} was kept.`)
  }
  await client.send(new DeleteAliasCommand({ FunctionName, Name }))
  console.error(`${Name} is gone; the versions stay.`)
}

/** From 0 to 1; undefined means all. @throws CommandError for both, or what is no share. */
export function shareOf({ canary, weight }: SetOptions): number | undefined {
  if (canary !== undefined && weight !== undefined) {
    throw usageError('--canary and --weight say the same; give one of them.')
  }
  const share = canary === undefined ? weight : canary / 100
  if (share === undefined || (share >= 0 && share <= 1)) return share
  throw usageError('A canary has between 0 and 100 percent, and a weight is between 0 and 1.')
}

/** What to ask for. @throws CommandError for a canary that would be beside nothing. */
export function wishOf(
  current: AliasConfiguration | undefined,
  { version, share = 1, name }: { version: string; share?: number | undefined; name: string },
): Wish {
  if (share === 1) {
    return { FunctionVersion: version, RoutingConfig: { AdditionalVersionWeights: {} } }
  }
  if (!current) {
    throw new CommandError(`There is no ${name} yet. Set it to a version before one beside it.`)
  }
  if (current.FunctionVersion === version) {
    throw new CommandError(`${name} is version ${version} already; a canary is another one.`)
  }
  return { RoutingConfig: { AdditionalVersionWeights: share === 0 ? {} : { [version]: share } } }
}

/** The given one, a new one, or the newest that there is. */
async function versionFor(
  client: LambdaClient,
  FunctionName: string,
  { version, publish }: { version: string | undefined; publish?: boolean },
): Promise<string> {
  if (version !== undefined) return version
  if (publish) {
    const { Version: made = '' } = await client.send(new PublishVersionCommand({ FunctionName }))
    await waitUntilPublishedVersionActive(
      { client, maxWaitTime: PUBLISHED_SECONDS_MAX, minDelay: 1, maxDelay: 2 },
      { FunctionName, Qualifier: made },
    )
    return made
  }
  let newest = '$LATEST'
  for await (const page of paginateListVersionsByFunction({ client }, { FunctionName })) {
    newest = page.Versions?.at(-1)?.Version ?? newest
  }
  if (newest !== '$LATEST') return newest
  throw new CommandError(`${FunctionName} has no version yet. Add --publish to make one.`)
}

async function find(client: LambdaClient, { functionName: FunctionName, name: Name }: AliasName) {
  try {
    return await client.send(new GetAliasCommand({ FunctionName, Name }))
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'ResourceNotFoundException' && message.startsWith('Cannot find alias')) return
    throw error
  }
}

async function functionNames(client: LambdaClient): Promise<string[]> {
  const names: string[] = []
  for await (const page of paginateListFunctions({ client }, {})) {
    names.push(...(page.Functions ?? []).flatMap(({ FunctionName }) => FunctionName ?? []))
  }
  return names
}

function tell(alias: AliasConfiguration, output: Format): void {
  show(output, alias, () => {
    const canary = canaryOf(alias)
    const beside = canary === undefined ? '' : `, beside it version ${canary}`
    return `${nameOf(alias)} is version ${alias.FunctionVersion}${beside}`
  })
}

const nameOf = ({ AliasArn = '' }: AliasConfiguration) => AliasArn.split(':').slice(6).join(':')

/** `4 (10 %)`, or undefined when all invocations go one way. */
function canaryOf({ RoutingConfig }: AliasConfiguration): string | undefined {
  const [entry] = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {})
  return entry && `${entry[0]} (${Number((entry[1] * 100).toFixed(2))} %)`
}
