// IAM's actions on roles and their policies: really kept, since functions have them. The law is in
// core/role; policies that have a name of their own are in policy-queries.

import { ServiceError } from '@hearth/core/error'
import {
  attachRolePolicy,
  createRole,
  deleteRolePolicy,
  detachRolePolicy,
  putRolePolicy,
  type Role,
  requireBare,
  roleArn,
  rolePolicy,
  trustRole,
  updateRole,
} from '@hearth/core/role'
import { attachPolicy } from '@hearth/store/attachments'
import { meanings } from '@hearth/store/roles'
import { newAccessKeyId } from '@hearth/store/sessions'
import { type Asker, requireAccess } from '../access.ts'
import type { Xml } from '../query-protocol.ts'
import {
  type Answer,
  type IamParts,
  readTags,
  requireTags,
  textOf,
  viewTags,
  WHOLE,
  withoutTags,
} from './query-form.ts'

/** AWS's prefix for ids of roles. */
const PREFIX = 'AROA'

export const ROLE_QUERIES: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['CreateRole', create],
  ['ListRoles', list],
  ['GetRole', reading('GetRole', (role) => ({ Role: view(role) }))],
  [
    'ListRolePolicies',
    reading('ListRolePolicies', ({ policies }) => ({
      ...WHOLE,
      PolicyNames: Object.keys(policies).sort(),
    })),
  ],
  [
    'ListAttachedRolePolicies',
    reading('ListAttachedRolePolicies', ({ attached }) => ({
      ...WHOLE,
      AttachedPolicies: attached.map((arn) => ({
        PolicyName: arn.slice(arn.lastIndexOf('/') + 1),
        PolicyArn: arn,
      })),
    })),
  ],
  ['ListRoleTags', reading('ListRoleTags', ({ tags }) => ({ ...WHOLE, Tags: viewTags(tags) }))],
  // What Terraform asks for before it deletes a role; there are no instances here.
  [
    'ListInstanceProfilesForRole',
    reading('ListInstanceProfilesForRole', () => ({ ...WHOLE, InstanceProfiles: [] })),
  ],
  [
    'GetRolePolicy',
    reading('GetRolePolicy', (role, form) => {
      const name = textOf(form, 'PolicyName')
      const text = encodeURIComponent(rolePolicy(role, name))
      return { RoleName: role.name, PolicyName: name, PolicyDocument: text }
    }),
  ],
  [
    'UpdateAssumeRolePolicy',
    changing('UpdateAssumeRolePolicy', (role, form) =>
      trustRole(role, textOf(form, 'PolicyDocument')),
    ),
  ],
  ['UpdateRole', updating('UpdateRole', () => ({}))],
  ['UpdateRoleDescription', updating('UpdateRoleDescription', (role) => ({ Role: view(role) }))],
  [
    'PutRolePolicy',
    changing('PutRolePolicy', (role, form) =>
      putRolePolicy(role, textOf(form, 'PolicyName'), textOf(form, 'PolicyDocument')),
    ),
  ],
  [
    'DeleteRolePolicy',
    changing('DeleteRolePolicy', (role, form) =>
      deleteRolePolicy(role, textOf(form, 'PolicyName')),
    ),
  ],
  ['AttachRolePolicy', attach],
  [
    'DetachRolePolicy',
    changing('DetachRolePolicy', (role, form) => detachRolePolicy(role, textOf(form, 'PolicyArn'))),
  ],
  [
    'TagRole',
    changing('TagRole', (role, form) => ({
      ...role,
      tags: requireTags({ ...role.tags, ...readTags(form) }, 'role'),
    })),
  ],
  [
    'UntagRole',
    changing('UntagRole', (role, form) => ({ ...role, tags: withoutTags(role.tags, form) })),
  ],
  [
    'DeleteRole',
    changing('DeleteRole', (role) => {
      requireBare(role)
      return undefined
    }),
  ],
])

async function create(
  form: URLSearchParams,
  asker: Asker,
  { roleRecords }: IamParts,
): Promise<Xml> {
  const { account } = asker.place
  const wish = {
    account,
    name: textOf(form, 'RoleName'),
    path: form.get('Path') ?? undefined,
    trust: textOf(form, 'AssumeRolePolicyDocument'),
    ...settingsOf(form),
    tags: readTags(form),
  }
  if (form.has('PermissionsBoundary')) {
    throw new ServiceError(
      'NotImplementedException',
      'Hearth does not have permissions boundaries.',
    )
  }
  const role = createRole(wish, { id: newAccessKeyId(PREFIX), now: Date.now() })
  requireAccess(asker, { action: 'iam:CreateRole', resource: roleArn(role) })
  if ((await roleRecords.create(role)) === 'exists') {
    throw new ServiceError('EntityAlreadyExists', `Role with name ${role.name} already exists.`)
  }
  return { Role: view(role) }
}

function list(form: URLSearchParams, asker: Asker, { roleRecords }: IamParts): Xml {
  requireAccess(asker, { action: 'iam:ListRoles', resource: '*' })
  const prefix = form.get('PathPrefix') ?? '/'
  const roles = roleRecords.list(asker.place.account).filter(({ path }) => path.startsWith(prefix))
  return { ...WHOLE, Roles: roles.map(view) }
}

/** An action that only looks at a role. */
function reading(action: string, answer: (role: Role, form: URLSearchParams) => Xml): Answer {
  return (form, asker, { roleRecords }) => {
    const name = textOf(form, 'RoleName')
    const role = roleRecords.cached(asker.place.account, name)
    requireAccess(asker, { action: `iam:${action}`, resource: arnOf(role, name, asker) })
    return answer(requireRole(role, name), form)
  }
}

/** An action that changes a role, or with undefined deletes it, and has nothing to say. */
function changing(
  action: string,
  change: (role: Role, form: URLSearchParams) => Role | undefined,
): Answer {
  return async (form, asker, parts) => {
    const { account, name } = nameOf(action, { form, asker, parts })
    await parts.roleRecords.change(account, name, (role) => change(requireRole(role, name), form))
    return undefined
  }
}

async function attach(form: URLSearchParams, asker: Asker, parts: IamParts): Promise<undefined> {
  const { account, name } = nameOf('AttachRolePolicy', { form, asker, parts })
  const arn = textOf(form, 'PolicyArn')
  const find = meanings(parts.policyRecords, account)
  await attachPolicy(parts, { account, role: name, arn }, (role) =>
    attachRolePolicy(requireRole(role, name), arn, find),
  )
}

/** The role that an action is for, if its asker may. @throws ServiceError */
function nameOf(
  action: string,
  { form, asker, parts }: { form: URLSearchParams; asker: Asker; parts: IamParts },
) {
  const name = textOf(form, 'RoleName')
  const { account } = asker.place
  const resource = arnOf(parts.roleRecords.cached(account, name), name, asker)
  const facts = { 'iam:PolicyARN': form.get('PolicyArn') ?? undefined }
  requireAccess(asker, { action: `iam:${action}`, resource, facts })
  return { account, name }
}

/** The same of a role's settings, of which something may be said. */
function updating(action: string, answer: (role: Role) => Xml): Answer {
  const change = changing(action, (role, form) => updateRole(role, settingsOf(form)))
  return async (form, asker, parts) => {
    await change(form, asker, parts)
    const name = textOf(form, 'RoleName')
    return answer(requireRole(parts.roleRecords.cached(asker.place.account, name), name))
  }
}

function settingsOf(form: URLSearchParams) {
  const seconds = form.get('MaxSessionDuration')
  return {
    description: form.get('Description') ?? undefined,
    ...(seconds !== null && { sessionSecondsMax: Number(seconds) }),
  }
}

function view(role: Role): Xml {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: roleArn(role),
    CreateDate: new Date(role.createdAt).toISOString(),
    AssumeRolePolicyDocument: encodeURIComponent(role.trust),
    Description: role.description,
    MaxSessionDuration: role.sessionSecondsMax,
    ...(Object.keys(role.tags).length > 0 && { Tags: viewTags(role.tags) }),
  }
}

const arnOf = (role: Role | undefined, name: string, { place: { account } }: Asker) =>
  roleArn(role ?? { account, name, path: '/' })

function requireRole(role: Role | undefined, name: string): Role {
  if (role) return role
  throw new ServiceError('NoSuchEntity', `The role with name ${name} cannot be found.`)
}
