// Who may use a layer version: statements of a resource policy, each by its id, and the revision
// that changes with them. Pure; authorisation obeys them.

import { ServiceError } from './error.ts'
import { requireFitting } from './function-policy.ts'
import { type Policy, readPolicy } from './policy.ts'

/** One statement, with IAM's own names. */
export interface LayerStatement {
  Sid: string
  Effect: 'Allow'
  Principal: string | { AWS: string }
  Action: string
  Resource: string
  Condition?: Record<string, Record<string, string>>
}

export interface LayerPolicy {
  statements: LayerStatement[]
  revisionId: string
}

export interface LayerPermission {
  id: string
  action: string
  /** An account, an ARN, or `*`. */
  principal: string
  organization?: string
}

const ACCOUNT = /^\d{12}$/

const noPolicy = () =>
  new ServiceError('ResourceNotFoundException', 'No policy is associated with the given resource.')

/** @throws ServiceError when there is none. */
export function requirePolicy(policy: LayerPolicy | undefined): LayerPolicy {
  if (!policy) throw noPolicy()
  return policy
}

/** What AWS answers as a policy: text. */
export const policyText = ({ statements }: LayerPolicy): string =>
  JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })

/** As authorisation has it. */
export const effectiveLayerPolicy = ({ statements }: LayerPolicy): Policy =>
  readPolicy({ Version: '2012-10-17', Statement: statements }, 'resource')

/** @throws ServiceError for another revision, an id that is taken, and a policy too long. */
export function addLayerPermission(
  policy: LayerPolicy | undefined,
  permission: LayerPermission,
  facts: { resource: string; revisionId: string; expected?: string | undefined },
): { policy: LayerPolicy; statement: LayerStatement } {
  requireRevision(policy, facts.expected)
  const { statements = [] } = policy ?? {}
  if (statements.some(({ Sid }) => Sid === permission.id)) {
    throw new ServiceError(
      'ResourceConflictException',
      `The statement id (${permission.id}) provided already exists. ` +
        'Please provide a new statement id, or remove the existing statement.',
    )
  }
  const statement = statementOf(permission, facts.resource)
  const next = { statements: [...statements, statement], revisionId: facts.revisionId }
  requireFitting(policyText(next))
  return { policy: next, statement }
}

/**
 * The policy without a statement; nothing when it was the last one.
 * @throws ServiceError when there is no such statement, or the caller means another revision.
 */
export function removeLayerPermission(
  policy: LayerPolicy | undefined,
  id: string,
  facts: { revisionId: string; expected?: string | undefined },
): LayerPolicy | undefined {
  const { statements } = requirePolicy(policy)
  const rest = statements.filter(({ Sid }) => Sid !== id)
  if (rest.length === statements.length) {
    throw new ServiceError(
      'ResourceNotFoundException',
      `Statement ${id} is not found in resource policy.`,
    )
  }
  requireRevision(policy, facts.expected)
  return rest.length > 0 ? { statements: rest, revisionId: facts.revisionId } : undefined
}

function requireRevision(policy: LayerPolicy | undefined, expected: string | undefined): void {
  if (expected === undefined || expected === policy?.revisionId) return
  throw new ServiceError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. ' +
      'Call the GetLayerPolicy API to retrieve the latest Revision Id',
  )
}

function statementOf(permission: LayerPermission, resource: string): LayerStatement {
  const { id, action, principal, organization } = permission
  const account = ACCOUNT.test(principal) ? `arn:aws:iam::${principal}:root` : principal
  return {
    Sid: id,
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : { AWS: account },
    Action: action,
    Resource: resource,
    ...(organization && { Condition: { StringEquals: { 'aws:PrincipalOrgID': organization } } }),
  }
}
