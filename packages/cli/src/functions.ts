// `hearth ls` and `hearth rm`: what functions there are, and which go. Nothing goes that somebody
// at a terminal has not confirmed.

import {
  DeleteFunctionCommand,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  paginateListFunctions,
} from '@aws-sdk/client-lambda'
import { CommandError } from './failures.ts'
import { bytes, type Format, show, tableOf } from './output.ts'
import { confirmed } from './progress.ts'

const ASKED_AT_A_TIME = 20

export async function list(client: LambdaClient, output: Format): Promise<void> {
  const found: FunctionConfiguration[] = []
  for await (const page of paginateListFunctions({ client }, {})) {
    found.push(...(page.Functions ?? []))
  }
  const known = await withStates(client, found)
  show(output, known, () => renderFunctions(known))
}

/** A list leaves out whether functions are ready, so each is asked for, some at a time. */
async function withStates(
  client: LambdaClient,
  found: readonly FunctionConfiguration[],
): Promise<FunctionConfiguration[]> {
  const known: FunctionConfiguration[] = []
  for (let from = 0; from < found.length; from += ASKED_AT_A_TIME) {
    const some = found.slice(from, from + ASKED_AT_A_TIME)
    const asked = some.map(async (one) => {
      const which = new GetFunctionConfigurationCommand({ FunctionName: one.FunctionName })
      // It may be gone by now, and a key may list functions and read none.
      const { $metadata: _, ...whole } = await client
        .send(which)
        .catch(() => ({ ...one, $metadata: {} }))
      return whole
    })
    known.push(...(await Promise.all(asked)))
  }
  return known
}

export function renderFunctions(found: readonly FunctionConfiguration[]): string {
  if (found.length === 0) return 'No functions yet. `hearth deploy <folder>` makes one.'
  return tableOf(
    ['function', 'runtime', 'memory', 'timeout', 'state', 'code', 'modified (UTC)'],
    found.map((one) => [
      one.FunctionName ?? '',
      one.Runtime ?? one.PackageType ?? '',
      `${one.MemorySize} MB`,
      `${one.Timeout} s`,
      one.State ?? '',
      bytes(one.CodeSize ?? 0),
      (one.LastModified ?? '').slice(0, 19).replace('T', ' '),
    ]),
  )
}

/** Deletes after asking, unless it is agreed already. @throws when there is no such function. */
export async function remove(
  client: LambdaClient,
  name: string,
  options: { yes?: boolean },
): Promise<void> {
  const { FunctionArn = name } = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: name }),
  )
  const question = `Delete ${FunctionArn}, its code and its function URL?`
  if (!options.yes && !(await confirmed(question))) {
    throw new CommandError(`${name} was kept.`)
  }
  await client.send(new DeleteFunctionCommand({ FunctionName: name }))
  console.error(`${name} is gone; its log and its part of the bill stay.`)
}
