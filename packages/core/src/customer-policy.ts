// Customer managed policies: policies with a name of their own that many roles may have, kept in a
// few versions of which one counts. Pure; what IAM says of changes is here, what a policy allows is
// authorisation's affair.

import { ServiceError } from './error.ts'
import { type Policy, parsePolicy } from './policy.ts'
import { requirePath, requirePolicy, requirePolicyName } from './role.ts'

export interface CustomerPolicy {
  account: string
  name: string
  /** `/`, or `/team/` and its like. */
  path: string
  /** Unique among all policies that ever were. */
  id: string
  description?: string
  /** Oldest first; never empty. */
  versions: PolicyVersion[]
  lastVersionNumber: number
  /** The id of the one that counts. */
  defaultVersion: string
  createdAt: number
  updatedAt: number
  tags: Record<string, string>
}

export interface PolicyVersion {
  /** `v1` and so on. */
  id: string
  /** JSON, as it came. */
  text: string
  createdAt: number
}

export interface PolicyWish {
  account: string
  name: string
  path?: string | undefined
  description?: string | undefined
  text: string
  tags?: Record<string, string>
}

/** IAM's quotas; white space does not count. */
const LENGTH_MAX = 6_144
const VERSIONS_MAX = 5

/** @throws ServiceError for a wish that IAM refuses, or a policy that could not be obeyed. */
export function createPolicy(wish: PolicyWish, at: { id: string; now: number }): CustomerPolicy {
  const { account, name, path = '/', description, text, tags = {} } = wish
  requirePolicyName(name)
  requirePath(path)
  requireText(text)
  return {
    account,
    name,
    path,
    id: at.id,
    ...(description !== undefined && { description }),
    versions: [{ id: 'v1', text, createdAt: at.now }],
    lastVersionNumber: 1,
    defaultVersion: 'v1',
    createdAt: at.now,
    updatedAt: at.now,
    tags,
  }
}

/** The policy with one more version, its last. @throws ServiceError when it has five. */
export function addPolicyVersion(
  policy: CustomerPolicy,
  wish: { text: string; isDefault: boolean },
  now: number,
): CustomerPolicy {
  requireText(wish.text)
  if (policy.versions.length === VERSIONS_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `A managed policy can have up to ${VERSIONS_MAX} versions. Before you create a new version, ` +
        'you must delete an existing version.',
    )
  }
  const lastVersionNumber = policy.lastVersionNumber + 1
  const version = { id: `v${lastVersionNumber}`, text: wish.text, createdAt: now }
  return {
    ...policy,
    versions: [...policy.versions, version],
    lastVersionNumber,
    ...(wish.isDefault && { defaultVersion: version.id }),
    updatedAt: now,
  }
}

/** @throws ServiceError when there is none of that id. */
export function policyVersion(policy: CustomerPolicy, id: string): PolicyVersion {
  const version = policy.versions.find((one) => one.id === id)
  if (version) return version
  throw noVersion(policyArn(policy), id)
}

/** @throws ServiceError when there is none of that id. */
export function useVersion(policy: CustomerPolicy, id: string, now: number): CustomerPolicy {
  policyVersion(policy, id)
  return { ...policy, defaultVersion: id, updatedAt: now }
}

/** @throws ServiceError when there is none of that id, or it is the one that counts. */
export function deletePolicyVersion(policy: CustomerPolicy, id: string): CustomerPolicy {
  policyVersion(policy, id)
  if (policy.defaultVersion === id) {
    throw new ServiceError('DeleteConflict', 'Cannot delete the default version of a policy.')
  }
  return { ...policy, versions: policy.versions.filter((one) => one.id !== id) }
}

/** @throws ServiceError while somebody has it, or it has more than the version that counts. */
export function requireUnused({ versions }: CustomerPolicy, attachments: number): void {
  if (attachments > 0) {
    throw new ServiceError('DeleteConflict', 'Cannot delete a policy attached to entities.')
  }
  if (versions.length === 1) return
  throw new ServiceError(
    'DeleteConflict',
    'This policy has more than one version. Before you delete a policy, you must delete the ' +
      "policy's versions. The default version is deleted with the policy.",
  )
}

const known = new WeakMap<CustomerPolicy, Policy>()

/** What it means: its default version, read once. */
export function meaningOf(policy: CustomerPolicy): Policy {
  const made =
    known.get(policy) ?? parsePolicy(policyVersion(policy, policy.defaultVersion).text, 'identity')
  known.set(policy, made)
  return made
}

export function policyArn({
  account,
  path,
  name,
}: Pick<CustomerPolicy, 'account' | 'name' | 'path'>): string {
  return `arn:aws:iam::${account}:policy${path}${name}`
}

export const noPolicy = (arn: string) =>
  new ServiceError('NoSuchEntity', `Policy ${arn} was not found.`)

export const noVersion = (arn: string, id: string) =>
  new ServiceError(
    'NoSuchEntity',
    `Policy ${arn} version ${id} does not exist or is not attachable.`,
  )

function requireText(text: string): void {
  requirePolicy(text, 'identity')
  if (text.replaceAll(/\s/g, '').length <= LENGTH_MAX) return
  throw new ServiceError(
    'LimitExceededException',
    `Cannot exceed quota for PolicySize: ${LENGTH_MAX}`,
  )
}
