// Who signs with which key: the operator's root keys, users' keys and roles' sessions. All of it is
// at hand, so that a signature costs no I/O; what a user's or a role's policies allow is asked of
// authorisation, at each request anew.

import type { Principal } from '@hearth/core/authorisation'
import { ServiceError } from '@hearth/core/error'
import { type Policy, parsePolicy, readPolicy } from '@hearth/core/policy'
import { policiesOf, roleArn } from '@hearth/core/role'
import { type AccessKey, type AccessKeys, accessKeyPurpose } from '@hearth/store/access-keys'
import type { Envelope } from '@hearth/store/envelope'
import { type CustomerPolicies, meanings, type Roles } from '@hearth/store/roles'
import { openSession, type Session } from '@hearth/store/sessions'

/** A caller whose signature was good. */
export interface Identity {
  accessKeyId: string
  principal: Extract<Principal, { account: string }>
  /** As STS shows it. */
  userId: string
  /** A user's. */
  userName?: string
  createdAt?: number
}

/** An identity, and what its signatures are made with. */
export interface KnownKey extends Identity {
  secret: string
}

export interface Identities {
  /** @throws ServiceError for a session that is over. */
  find(accessKeyId: string, sessionToken: string | undefined, now: number): KnownKey | undefined
}

export interface IdentityParts {
  account: string
  /** Secrets by id. */
  rootKeys: ReadonlyMap<string, string>
  accessKeys: Pick<AccessKeys, 'cached'>
  roleRecords: Pick<Roles, 'cached'>
  policyRecords: Pick<CustomerPolicies, 'cached'>
  envelope: Envelope
}

const SESSIONS_MAX = 10_000
const EVERYTHING: readonly Policy[] = [
  readPolicy({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }, 'identity'),
]

export function createIdentities(parts: IdentityParts): Identities {
  const { account, accessKeys, envelope } = parts
  const roots = new Map(
    [...parts.rootKeys].map(([accessKeyId, secret]): [string, KnownKey] => [
      accessKeyId,
      { accessKeyId, secret, principal: { kind: 'root', account }, userId: account },
    ]),
  )
  const users = new WeakMap<AccessKey, KnownKey | 'closed'>()
  const userOf = (key: AccessKey): KnownKey | undefined => {
    const known = users.get(key) ?? openKey(key, envelope)
    users.set(key, known)
    return known === 'closed' ? undefined : known
  }
  const sessions = new Map<string, Session>()
  const sessionOf = (token: string): Session | undefined => {
    const session = sessions.get(token) ?? openSession(envelope, token)
    if (!session) return undefined
    if (sessions.size >= SESSIONS_MAX) sessions.clear()
    sessions.set(token, session)
    return session
  }
  return {
    find(accessKeyId, sessionToken, now) {
      const root = roots.get(accessKeyId)
      if (root) return root
      const key = accessKeys.cached(accessKeyId)
      if (key) return userOf(key)
      const session = sessionToken === undefined ? undefined : sessionOf(sessionToken)
      if (session?.accessKeyId !== accessKeyId) return undefined
      if (session.expiresAt > now) return bearerOf(session, parts)
      throw new ServiceError(
        'ExpiredTokenException',
        'The security token included in the request is expired',
      )
    },
  }
}

function openKey(key: AccessKey, envelope: Envelope): KnownKey | 'closed' {
  const { id, name, account, policy, createdAt } = key
  let secret: string
  try {
    secret = envelope.open(key.secret, accessKeyPurpose(id))
  } catch (error) {
    console.error(`access key ${id} is refused: ${(error as Error).message}`)
    return 'closed'
  }
  return {
    accessKeyId: id,
    secret,
    principal: {
      kind: 'user',
      account,
      arn: userArn(account, name),
      policies: policy === undefined ? EVERYTHING : [parsePolicy(policy, 'identity')],
    },
    userId: id.replace(/^AKIA/, 'AIDA'),
    userName: name,
    createdAt,
  }
}

function bearerOf(session: Session, parts: IdentityParts): KnownKey {
  const { roleRecords, policyRecords } = parts
  const { account, accessKeyId, secret, role: name, name: sessionName } = session
  const role = roleRecords.cached(account, name)
  return {
    accessKeyId,
    secret,
    principal: {
      kind: 'role',
      account,
      arn: sessionArn(account, name, sessionName),
      alias: roleArn(role ?? { account, name, path: '/' }),
      policies: policiesOf(role, meanings(policyRecords, account)),
    },
    userId: `${role?.id ?? `AROA${name.toUpperCase()}`}:${sessionName}`,
  }
}

export const userArn = (account: string, name: string) => `arn:aws:iam::${account}:user/${name}`
export const sessionArn = (account: string, ...names: [role: string, session: string]) =>
  `arn:aws:sts::${account}:assumed-role/${names.join('/')}`
