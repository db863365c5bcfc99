// Routes of functions' policies: AddPermission and its like by statements, and the resource
// policies of 2026 as wholes; both change the same record. The law is in core/function-policy.

import { randomUUID } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { parseFunctionName } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import {
  addPermission as add,
  deletePolicy,
  type PolicyAddress,
  type PolicyChange,
  putPolicy,
  removePermission as remove,
  showPolicy,
  statementOfId,
} from '@hearth/core/function-policy'
import { validationError } from '../validation.ts'
import type { Named } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

type At = PolicyAddress & PolicyChange
type Change = (document: FunctionDocument | undefined, at: At) => FunctionDocument

const DELETED = { StatusCode: 204 }
const RESOURCE =
  /^arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9-_]+(:[a-zA-Z0-9-_$]+)?$/

export const addPermission: Route<
  Aws.AddPermissionCommandInput,
  Aws.AddPermissionResponse
> = async (input, caller, parts) => {
  const at = addressOf(input, caller)
  const wish = {
    statementId: input.StatementId ?? '',
    action: input.Action ?? '',
    principal: input.Principal ?? '',
    organisationId: input.PrincipalOrgID,
    sourceArn: input.SourceArn,
    sourceAccount: input.SourceAccount,
    eventSourceToken: input.EventSourceToken,
    urlAuthType: input.FunctionUrlAuthType,
    viaUrl: input.InvokedViaFunctionUrl,
  }
  const changed = await write(at, input.RevisionId, {
    parts,
    change: (document, now) => add(document, wish, now),
  })
  return { Statement: JSON.stringify(statementOfId(changed, at, wish.statementId)) }
}

export const removePermission: Route<Aws.RemovePermissionCommandInput, object> = async (
  input,
  caller,
  parts,
) => {
  await write(addressOf(input, caller), input.RevisionId, {
    parts,
    change: (document, now) => remove(document, input.StatementId ?? '', now),
  })
  return DELETED
}

export const getPolicy: Route<Aws.GetPolicyCommandInput, Aws.GetPolicyResponse> = (
  input,
  caller,
  parts,
) => show(addressOf(input, caller), parts)

export const putResourcePolicy: Route<
  Aws.PutResourcePolicyCommandInput,
  Aws.PutResourcePolicyResponse
> = async (input, caller, parts) => {
  const { Policy: text } = input
  if (text === undefined) {
    throw validationError([
      "Value null at 'policy' failed to satisfy constraint: Member must not be null",
    ])
  }
  const at = resourceOf(input.ResourceArn, caller)
  await write(at, input.RevisionId, {
    parts,
    change: (document, now) => putPolicy(document, text, now),
  })
  return show(at, parts)
}

export const getResourcePolicy: Route<
  Aws.GetResourcePolicyCommandInput,
  Aws.GetResourcePolicyResponse
> = (input, caller, parts) => show(resourceOf(input.ResourceArn, caller), parts)

export const deleteResourcePolicy: Route<Aws.DeleteResourcePolicyCommandInput, object> = async (
  input,
  caller,
  parts,
) => {
  const at = resourceOf(input.ResourceArn, caller)
  await write(at, input.RevisionId, { parts, change: deletePolicy })
  return DELETED
}

function write(
  at: PolicyAddress,
  expected: string | undefined,
  { parts, change }: { parts: Parts; change: Change },
): Promise<FunctionDocument> {
  const revisionId = randomUUID()
  return parts.functions.change(at.place.account, at.name, (document) =>
    change(document, { ...at, expected, revisionId }),
  )
}

function show(at: PolicyAddress, parts: Parts): Aws.GetPolicyResponse {
  const document = parts.functions.cached(at.place.account, at.name)
  const { policy, revisionId } = showPolicy(document, at)
  return { Policy: JSON.stringify(policy), RevisionId: revisionId }
}

function addressOf(input: Named, { place }: Caller): PolicyAddress {
  const { name, qualifier } = parseFunctionName(input.FunctionName ?? '', input.Qualifier, place)
  return { place, name, ...(qualifier !== undefined && { qualifier }) }
}

/** @throws ServiceError for what is no function's ARN. */
function resourceOf(arn: string | undefined, caller: Caller): PolicyAddress {
  if (arn !== undefined && RESOURCE.test(arn)) return addressOf({ FunctionName: arn }, caller)
  throw new ServiceError(
    'InvalidParameterValueException',
    `The provided resource ARN ${arn} is not that of a function, a version or an alias.`,
  )
}
