// Who may do what: the decision that IAM makes over a request, the caller's own policies and the
// resource's. Pure: nothing is allowed by default, and an explicit deny outweighs every allow. In
// one account either side may allow; who comes from elsewhere needs the resource's consent.

import { ServiceError } from './error.ts'
import type { Patterns, Policy, Principals, Statement } from './policy.ts'
import type { Context } from './policy-condition.ts'
import { matchesAction, matchesArn } from './policy-pattern.ts'

/** Who asks. The root of the account may do everything, and is bound by no policy. */
export type Principal =
  | { kind: 'root'; account: string }
  | {
      kind: 'role' | 'user'
      account: string
      /** As AWS shows it: a user's, or that of a role's session. */
      arn: string
      /** Under which policies may name it, too: a session's role. */
      alias?: string
      /** Of its own; all count. */
      policies: readonly Policy[]
    }
  | { kind: 'service'; name: string }
  | { kind: 'anonymous' }

export interface AccessRequest {
  principal: Principal
  /** `lambda:InvokeFunction` and its like. */
  action: string
  resource: string
  /** Whose resource it is. */
  account: string
  context: Context
  /** The resource's own. */
  policy?: Policy | undefined
  /** Whether the resource has to allow it whoever asks, as a role has to trust its bearer. */
  needsConsent?: boolean
}

export type Decision =
  | { allowed: true }
  | { allowed: false; explicit: boolean; by: 'identity' | 'resource' }

const ALLOWED: Decision = { allowed: true }

export function decide(request: AccessRequest): Decision {
  const { principal } = request
  if (principal.kind === 'root') return ALLOWED
  const own = 'policies' in principal ? principal.policies : []
  const identity = own.flatMap(({ statements }) => statements).filter(applies(request))
  const resource = (request.policy?.statements ?? []).filter(
    (statement) => applies(request)(statement) && standing(statement.principals, principal),
  )
  if (identity.some(isDeny)) return { allowed: false, explicit: true, by: 'identity' }
  if (resource.some(isDeny)) return { allowed: false, explicit: true, by: 'resource' }
  const byIdentity = identity.length > 0
  if (!('account' in principal)) return resource.length > 0 ? ALLOWED : denied('resource')
  const isStranger = principal.account !== request.account
  if ((isStranger || request.needsConsent) && resource.length === 0) return denied('resource')
  if (isStranger) return byIdentity ? ALLOWED : denied('identity')
  // A grant to the whole account leaves it to the account's own policies.
  const named = resource.some(({ principals }) => standing(principals, principal) === 'named')
  return byIdentity || named ? ALLOWED : denied('identity')
}

/** @throws ServiceError AccessDeniedException, in AWS's words. */
export function requireAllowed(request: AccessRequest): void {
  const decision = decide(request)
  if (decision.allowed) return
  const { action, resource } = request
  const kind = `${decision.by}-based policy`
  const why = decision.explicit
    ? `with an explicit deny in ${decision.by === 'identity' ? 'an' : 'a'} ${kind}`
    : `because no ${kind} allows the ${action} action`
  throw new ServiceError(
    'AccessDeniedException',
    `User: ${nameOf(request.principal)} is not authorized to perform: ${action} ` +
      `on resource: ${resource} ${why}`,
  )
}

export function nameOf(principal: Principal): string {
  if (principal.kind === 'root') return `arn:aws:iam::${principal.account}:root`
  if (principal.kind === 'anonymous') return 'anonymous'
  return principal.kind === 'service' ? principal.name : principal.arn
}

const isDeny = ({ effect }: Statement) => effect === 'Deny'
const denied = (by: 'identity' | 'resource'): Decision => ({ allowed: false, explicit: false, by })

const applies =
  ({ action, resource, context }: AccessRequest) =>
  ({ actions, resources, conditions }: Statement): boolean =>
    meant(actions, (pattern) => matchesAction(pattern, action)) &&
    meant(resources, (pattern) => matchesArn(pattern, resource)) &&
    conditions.every((holds) => holds(context))

const meant = ({ except, patterns }: Patterns, matches: (pattern: string) => boolean) =>
  patterns.some(matches) !== except

/** Whether a statement names the caller itself, or the account that it is in. */
function standing(
  principals: Principals | undefined,
  principal: Exclude<Principal, { kind: 'root' }>,
): 'account' | 'named' | undefined {
  if (!principals) return undefined
  if (principals.everyone) return 'named'
  if (principal.kind === 'anonymous') return undefined
  if (principal.kind === 'service') {
    return principals.services.includes(principal.name) ? 'named' : undefined
  }
  const { arn, alias = arn, account } = principal
  if (principals.arns.some((one) => one === arn || one === alias)) return 'named'
  return principals.accounts.includes(account) ? 'account' : undefined
}
