// Routes of the recursion configuration: whether chains of invocations may go round in circles
// through a function. The law is core/recursion; nothing here looks at a chain.

import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import type { FunctionDocument } from '@hearth/core/function'
import { findLatest, notFound } from './functions.ts'
import type { Route } from './route.ts'

export const putFunctionRecursionConfig: Route<
  Aws.PutFunctionRecursionConfigCommandInput,
  Aws.PutFunctionRecursionConfigResponse
> = async (input, { place }, parts) => {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, place)
  const changed = await parts.functions.change(account, name, (document) => {
    if (!document) throw notFound(functionArn(place, name))
    const { allowsLoops: _, ...rest } = document
    return input.RecursiveLoop === 'Allow' ? { ...rest, allowsLoops: true } : rest
  })
  return viewOf(changed)
}

export const getFunctionRecursionConfig: Route<
  Aws.GetFunctionRecursionConfigCommandInput,
  Aws.GetFunctionRecursionConfigResponse
> = (input, caller, parts) => viewOf(findLatest(input, caller, parts))

const viewOf = ({ allowsLoops }: FunctionDocument) => ({
  RecursiveLoop: allowsLoops ? ('Allow' as const) : ('Terminate' as const),
})
