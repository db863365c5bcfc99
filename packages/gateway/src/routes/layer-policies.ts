// Routes of layer policies: who may use a layer version, a statement at a time. The law of the
// document is core/layer-policy's; it is kept with its version and goes with it.

import { randomUUID } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { ServiceError } from '@hearth/core/error'
import {
  type LayerDocument,
  type LayerVersion,
  layerVersionArn,
  layerVersionOf,
  parseLayerName,
  requireVersionNumber,
} from '@hearth/core/layer'
import {
  addLayerPermission,
  type LayerPolicy,
  policyText,
  removeLayerPermission,
  requirePolicy,
} from '@hearth/core/layer-policy'
import type { Caller, Parts, Route } from './route.ts'

interface Named {
  LayerName: string | undefined
  VersionNumber: number | undefined
}

export const addLayerVersionPermission: Route<
  Aws.AddLayerVersionPermissionCommandInput,
  Aws.AddLayerVersionPermissionResponse
> = async (input, caller, parts) => {
  const at = addressOf(input, caller)
  const permission = {
    id: input.StatementId ?? '',
    action: input.Action ?? '',
    principal: input.Principal ?? '',
    ...(input.OrganizationId && { organization: input.OrganizationId }),
  }
  const facts = { resource: at.arn, revisionId: randomUUID(), expected: input.RevisionId }
  let statement = {}
  await change(at, parts, (policy) => {
    const added = addLayerPermission(policy, permission, facts)
    statement = added.statement
    return added.policy
  })
  return { Statement: JSON.stringify(statement), RevisionId: facts.revisionId }
}

export const getLayerVersionPolicy: Route<
  Aws.GetLayerVersionPolicyCommandInput,
  Aws.GetLayerVersionPolicyResponse
> = (input, caller, parts) => {
  const at = addressOf(input, caller)
  const { version } = find(parts.layers.cached(at.layer), at)
  const policy = requirePolicy(version.policy)
  return { Policy: policyText(policy), RevisionId: policy.revisionId }
}

export const removeLayerVersionPermission: Route<
  Aws.RemoveLayerVersionPermissionCommandInput,
  object
> = async (input, caller, parts) => {
  const at = addressOf(input, caller)
  const facts = { revisionId: randomUUID(), expected: input.RevisionId }
  await change(at, parts, (policy) => removeLayerPermission(policy, input.StatementId ?? '', facts))
  return {}
}

function addressOf(input: Named, { place }: Caller) {
  const layer = parseLayerName(input.LayerName ?? '', place)
  const number = requireVersionNumber(input.VersionNumber)
  return { layer, number, arn: layerVersionArn(place, layer, number) }
}

type Address = ReturnType<typeof addressOf>

function find(
  document: LayerDocument | undefined,
  { number, arn }: Address,
): { document: LayerDocument; version: LayerVersion } {
  const version = layerVersionOf(document, number)
  if (document && version) return { document, version }
  throw new ServiceError('ResourceNotFoundException', `Layer version ${arn} does not exist.`)
}

/** Writes another policy of one version. */
async function change(
  at: Address,
  parts: Parts,
  make: (policy: LayerPolicy | undefined) => LayerPolicy | undefined,
): Promise<void> {
  await parts.layers.change(at.layer, (found) => {
    const { document, version } = find(found, at)
    const { policy, ...bare } = version
    const next = make(policy)
    const changed = { ...bare, ...(next && { policy: next }) }
    const versions = document.versions.map((one) => (one === version ? changed : one))
    return { ...document, versions }
  })
}
