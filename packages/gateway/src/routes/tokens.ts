// AssumeRole: whom a role's trust policy names gets a session of it, which ends. Nothing of it is
// kept; see store/sessions.

import { ServiceError } from '@hearth/core/error'
import { parsePolicy } from '@hearth/core/policy'
import { type Role, roleArn, roleNameOf } from '@hearth/core/role'
import type { Envelope } from '@hearth/store/envelope'
import type { Roles } from '@hearth/store/roles'
import { issueSession } from '@hearth/store/sessions'
import { type Asker, arnOf, requireAccess } from '../access.ts'
import { sessionArn } from '../identities.ts'
import type { Xml } from '../query-protocol.ts'

export interface TokenParts {
  envelope: Envelope
  roleRecords: Pick<Roles, 'cached'>
}

const ACTION = 'sts:AssumeRole'
const SECONDS = { default: 3_600, min: 900 }
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/

/** @throws ServiceError AccessDeniedException unless the role and the caller's policies allow. */
export function assumeRole(form: URLSearchParams, asker: Asker, parts: TokenParts): Xml {
  const { account } = asker.place
  const arn = form.get('RoleArn') ?? ''
  const name = form.get('RoleSessionName') ?? ''
  const seconds = Number(form.get('DurationSeconds') ?? SECONDS.default)
  if (form.has('Policy') || form.has('PolicyArns.member.1.arn')) {
    throw new ServiceError('NotImplementedException', 'Hearth does not have session policies.')
  }
  if (!SESSION_NAME.test(name)) {
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${name}' at 'roleSessionName' failed to satisfy ` +
        `constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
    )
  }
  const role = parts.roleRecords.cached(account, roleNameOf(arn))
  requireTrust(asker, arn, role)
  if (!(seconds >= SECONDS.min && seconds <= role.sessionSecondsMax)) {
    throw new ServiceError(
      'ValidationException',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
  }
  const expiresAt = Date.now() + seconds * 1000
  const whose = { account, role: role.name, name, expiresAt }
  const { accessKeyId, secretAccessKey, sessionToken } = issueSession(parts.envelope, whose)
  return {
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: new Date(expiresAt).toISOString(),
    },
    AssumedRoleUser: {
      AssumedRoleId: `${role.id}:${name}`,
      Arn: sessionArn(account, role.name, name),
    },
  }
}

/** The trust policy is the role's own; naming the account leaves it to the caller's policies. */
function requireTrust(asker: Asker, arn: string, role: Role | undefined): asserts role is Role {
  const isThere = role !== undefined && roleArn(role) === arn
  const policy = isThere ? parsePolicy(role.trust, 'trust') : undefined
  requireAccess(asker, { action: ACTION, resource: arn, policy, needsConsent: true })
  if (isThere) return
  throw new ServiceError(
    'AccessDeniedException',
    `User: ${arnOf(asker)} is not authorized to perform: ${ACTION} on resource: ${arn}`,
  )
}
