// Roles: what functions may do when they call Hearth, and who may act as them. A role that nobody
// made has the policies below; one that was made has exactly its own. Pure; the members are IAM's,
// the decisions authorisation's.

import { ServiceError } from './error.ts'
import { managedPolicy } from './managed-policies.ts'
import { type Policy, parsePolicy, readPolicy } from './policy.ts'
import { PolicyFault } from './policy-fault.ts'

export interface Role {
  account: string
  name: string
  /** `/`, or `/service-role/` and its like. */
  path: string
  /** Unique among all roles that ever were. */
  id: string
  /** JSON: who may act as it. */
  trust: string
  description?: string
  sessionSecondsMax: number
  createdAt: number
  /** JSON by name, as it came. */
  policies: Record<string, string>
  /** ARNs of managed policies: AWS's, and the account's own. */
  attached: string[]
  tags: Record<string, string>
}

/** A policy of the account's own by its ARN. */
export type FindPolicy = (arn: string) => Policy | undefined

const NONE: FindPolicy = () => undefined
const POLICIES_MAX = 20
const SESSION_SECONDS = { default: 3_600, min: 3_600, max: 43_200 }
const NAME = /^[\w+=,.@-]{1,64}$/
const POLICY_NAME = /^[\w+=,.@-]{1,128}$/
const PATH = /^\/([\x21-\x7e]+\/)?$/

/** Of a role that nobody made: a function may invoke others and write what it has to say. */
const UNSAID: readonly Policy[] = [
  readPolicy(
    {
      Statement: {
        Effect: 'Allow',
        Action: [
          'lambda:InvokeFunction',
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:PutLogEvents',
        ],
        Resource: '*',
      },
    },
    'identity',
  ),
]
/** Who may act as a role that nobody made: functions. */
export const LAMBDA_TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ],
})

export interface RoleWish {
  account: string
  name: string
  path?: string | undefined
  trust: string
  description?: string | undefined
  sessionSecondsMax?: number | undefined
  tags?: Record<string, string>
}

/** @throws ServiceError for a wish that IAM refuses. */
export function createRole(wish: RoleWish, moment: { id: string; now: number }): Role {
  const { path = '/', sessionSecondsMax = SESSION_SECONDS.default } = wish
  if (!NAME.test(wish.name)) throw invalid('roleName', NAME)
  requirePath(path)
  requireSeconds(sessionSecondsMax)
  requirePolicy(wish.trust, 'trust')
  return {
    account: wish.account,
    name: wish.name,
    path,
    id: moment.id,
    trust: wish.trust,
    ...(wish.description !== undefined && { description: wish.description }),
    sessionSecondsMax,
    createdAt: moment.now,
    policies: {},
    attached: [],
    tags: wish.tags ?? {},
  }
}

/** What is given replaces what was there. @throws ServiceError */
export function updateRole(
  role: Role,
  change: { description?: string | undefined; sessionSecondsMax?: number | undefined },
): Role {
  const { description, sessionSecondsMax } = change
  if (sessionSecondsMax !== undefined) requireSeconds(sessionSecondsMax)
  return {
    ...role,
    ...(description !== undefined && { description }),
    ...(sessionSecondsMax !== undefined && { sessionSecondsMax }),
  }
}

/** @throws ServiceError MalformedPolicyDocument */
export function trustRole(role: Role, trust: string): Role {
  requirePolicy(trust, 'trust')
  return { ...role, trust }
}

/** @throws ServiceError for a policy that could not be obeyed. */
export function putRolePolicy(role: Role, name: string, text: string): Role {
  requirePolicyName(name)
  requirePolicy(text, 'identity')
  const policies = { ...role.policies, [name]: text }
  if (Object.keys(policies).length > POLICIES_MAX) {
    throw new ServiceError('LimitExceededException', `A role has ${POLICIES_MAX} policies at most.`)
  }
  return { ...role, policies }
}

/** @throws ServiceError when there is none of that name. */
export function rolePolicy({ name: roleName, policies }: Role, name: string): string {
  const text = Object.hasOwn(policies, name) ? policies[name] : undefined
  if (text !== undefined) return text
  throw new ServiceError('NoSuchEntity', `The role policy with name ${name} cannot be found.`, {
    cause: roleName,
  })
}

/** @throws ServiceError when there is none of that name. */
export function deleteRolePolicy(role: Role, name: string): Role {
  rolePolicy(role, name)
  const { [name]: _, ...policies } = role.policies
  return { ...role, policies }
}

/** @throws ServiceError for a policy that there is not. */
export function attachRolePolicy(role: Role, arn: string, find: FindPolicy = NONE): Role {
  if (!managedPolicy(arn) && !find(arn)) {
    throw new ServiceError('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`)
  }
  if (role.attached.includes(arn)) return role
  if (role.attached.length === POLICIES_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `Cannot exceed quota for PoliciesPerRole: ${POLICIES_MAX}`,
    )
  }
  return { ...role, attached: [...role.attached, arn] }
}

/** @throws ServiceError when it is not attached. */
export function detachRolePolicy(role: Role, arn: string): Role {
  if (!role.attached.includes(arn)) {
    throw new ServiceError('NoSuchEntity', `Policy ${arn} was not found.`)
  }
  return { ...role, attached: role.attached.filter((one) => one !== arn) }
}

/** @throws ServiceError while anything hangs on it. */
export function requireBare(role: Role): void {
  if (role.attached.length > 0) {
    throw new ServiceError(
      'DeleteConflict',
      'Cannot delete entity, must detach all policies first.',
    )
  }
  if (Object.keys(role.policies).length === 0) return
  throw new ServiceError('DeleteConflict', 'Cannot delete entity, must delete policies first.')
}

const known = new WeakMap<Role, readonly Policy[]>()

/** What a role may do; policies of the account's own count as they are at this moment. */
export function policiesOf(role: Role | undefined, find: FindPolicy = NONE): readonly Policy[] {
  if (!role) return UNSAID
  const made = known.get(role) ?? [
    ...Object.values(role.policies).map((text) => parsePolicy(text, 'identity')),
    ...role.attached.flatMap((arn) => managedPolicy(arn) ?? []),
  ]
  known.set(role, made)
  const customers = role.attached.flatMap((arn) => find(arn) ?? [])
  return customers.length > 0 ? [...made, ...customers] : made
}

export function roleArn({ account, path, name }: Pick<Role, 'account' | 'name' | 'path'>): string {
  return `arn:aws:iam::${account}:role${path}${name}`
}

/** The name in a role's ARN, which may have a path before it. */
export const roleNameOf = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1)

/** @throws ServiceError ValidationException */
export function requirePolicyName(name: string): void {
  if (!POLICY_NAME.test(name)) throw invalid('policyName', POLICY_NAME)
}

/** @throws ServiceError ValidationException */
export function requirePath(path: string): void {
  if (!PATH.test(path)) throw invalid('path', PATH)
}

/** @throws ServiceError MalformedPolicyDocument */
export function requirePolicy(text: string, kind: 'identity' | 'trust'): void {
  try {
    parsePolicy(text, kind)
  } catch (cause) {
    if (!(cause instanceof PolicyFault)) throw cause
    throw new ServiceError(
      'MalformedPolicyDocument',
      `The policy is not valid: ${cause.message}.`,
      {
        cause,
      },
    )
  }
}

function requireSeconds(seconds: number): void {
  const { min, max } = SESSION_SECONDS
  if (seconds >= min && seconds <= max) return
  throw new ServiceError(
    'ValidationException',
    `1 validation error detected: Value '${seconds}' at 'maxSessionDuration' failed to satisfy ` +
      `constraint: Member must have value between ${min} and ${max}`,
  )
}

const invalid = (at: string, pattern: RegExp) =>
  new ServiceError(
    'ValidationException',
    `1 validation error detected: Value at '${at}' failed to satisfy constraint: ` +
      `Member must satisfy regular expression pattern: ${pattern.source}`,
  )
