// Routes of runtime management: when a function gets a newer version of its runtime. Hearth runs
// the image of a runtime that the operator has, for all functions alike, which is AWS's Auto; that
// a function stays behind on a version of its own is refused.

import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import { find, type Named } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

type View = Pick<Aws.PutRuntimeManagementConfigResponse, 'FunctionArn' | 'UpdateRuntimeOn'>

export const getRuntimeManagementConfig: Route<
  Aws.GetRuntimeManagementConfigCommandInput,
  Aws.GetRuntimeManagementConfigResponse
> = (input, caller, parts) => viewOf(input, caller, parts)

export const putRuntimeManagementConfig: Route<Aws.PutRuntimeManagementConfigCommandInput, View> = (
  input,
  caller,
  parts,
) => {
  const view = viewOf(input, caller, parts)
  if (input.UpdateRuntimeOn === 'Auto' && input.RuntimeVersionArn === undefined) return view
  throw new ServiceError(
    'NotImplementedException',
    'Hearth does not have runtime updates other than Auto, so nothing was changed: all functions ' +
      'of a runtime run on the image that its operator has.',
  )
}

function viewOf(input: Named, caller: Caller, parts: Parts): View {
  const { document, version } = find(input, caller, parts)
  const FunctionArn = functionArn(caller.place, document.name, version.version)
  return { UpdateRuntimeOn: 'Auto', FunctionArn }
}
