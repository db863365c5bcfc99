// Routes of function scaling: how many execution environments a version has at least and at most,
// which is asked of functions on capacity providers alone. Hearth has no such functions, so it says
// of each what AWS says of one that is on none, and nothing is stored.

import type * as Aws from '@aws-sdk/client-lambda'
import { ServiceError } from '@hearth/core/error'
import { find, type Named } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

export const getFunctionScalingConfig: Route<
  Aws.GetFunctionScalingConfigCommandInput,
  Aws.GetFunctionScalingConfigResponse
> = (input, caller, parts) => refuse(input, caller, parts)

export const putFunctionScalingConfig: Route<
  Aws.PutFunctionScalingConfigCommandInput,
  Aws.PutFunctionScalingConfigResponse
> = (input, caller, parts) => refuse(input, caller, parts)

/** What is not there is told first, as of every function. */
function refuse(input: Named, caller: Caller, parts: Parts): never {
  find(input, caller, parts)
  throw new ServiceError(
    'AccessDeniedException',
    'The function provided by the arn does not contain a capacity provider configuration',
  )
}
