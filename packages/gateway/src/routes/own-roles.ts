// Hearth's own routes of roles, for the operator: give a role the one policy that it has, show what
// there is, forget one. IAM's actions on the same records are in role-queries.

import { ServiceError } from '@hearth/core/error'
import { createRole, LAMBDA_TRUST, putRolePolicy, type Role } from '@hearth/core/role'
import type { Roles } from '@hearth/store/roles'
import { newAccessKeyId } from '@hearth/store/sessions'

export interface OwnRoleParts {
  account: string
  roleRecords: Roles
}

/** As roles are listed. */
export interface RoleView {
  name: string
  createdAt: string
  /** By name, and those of AWS by their ARNs alone. */
  policies: Record<string, unknown>
  attached: string[]
}

const POLICY_NAME = 'hearth'

/** Makes the role if there is none. @throws ServiceError for a policy that could not be obeyed. */
export async function setRole(
  { account, roleRecords }: OwnRoleParts,
  { name, policy }: { name: string; policy?: unknown },
): Promise<RoleView> {
  if (typeof policy !== 'string') {
    throw new ServiceError('InvalidParameterValueException', 'A policy is JSON, as text.')
  }
  const set = (role: Role) =>
    putRolePolicy({ ...role, policies: {}, attached: [] }, POLICY_NAME, policy)
  const wish = { account, name, trust: LAMBDA_TRUST }
  const made = set(createRole(wish, { id: newAccessKeyId('AROA'), now: Date.now() }))
  if ((await roleRecords.create(made)) === 'created') return view(made)
  const changed = await roleRecords.change(account, name, (role) => role && set(role))
  if (!changed) throw absent(name)
  return view(changed)
}

export function listOwnRoles({ account, roleRecords }: OwnRoleParts): { roles: RoleView[] } {
  return { roles: roleRecords.list(account).map(view) }
}

/** With all its policies. @throws ServiceError when there is none. */
export async function forgetRole(
  { account, roleRecords }: OwnRoleParts,
  name: string,
): Promise<object> {
  await roleRecords.change(account, name, (role) => {
    if (!role) throw absent(name)
    return undefined
  })
  return {}
}

function view({ name, createdAt, policies, attached }: Role): RoleView {
  const parsed = Object.entries(policies).map(([key, text]) => [key, JSON.parse(text) as unknown])
  return {
    name,
    createdAt: new Date(createdAt).toISOString(),
    policies: Object.fromEntries(parsed),
    attached,
  }
}

const absent = (name: string) =>
  new ServiceError('ResourceNotFoundException', `There is no role ${name}.`)
