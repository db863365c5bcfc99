// IAM and STS, as far as AWS's tools ask for them beside Lambda: who am I, be somebody else, and
// roles with their policies, which functions have when they call Hearth, and policies with names of
// their own. All else is refused.

import { ServiceError } from '@hearth/core/error'
import { type Asker, arnOf, requireAccess } from '../access.ts'
import type { WireAnswer } from '../contract.ts'
import { type Query, readQuery, renderQuery, type Xml } from '../query-protocol.ts'
import { POLICY_QUERIES } from './policy-queries.ts'
import type { IamParts } from './query-form.ts'
import { ROLE_QUERIES } from './role-queries.ts'
import { assumeRole, type TokenParts } from './tokens.ts'

export type QueryParts = IamParts & TokenParts

export async function answerQuery(
  { body, requestId, asker }: { body: Uint8Array; requestId: string; asker: Asker },
  parts: QueryParts,
): Promise<WireAnswer> {
  const query = readQuery(body)
  return renderQuery(query, await resultOf(query, asker, parts), requestId)
}

function resultOf(
  query: Query,
  asker: Asker,
  parts: QueryParts,
): Xml | undefined | Promise<Xml | undefined> {
  const { action, service, form } = query
  if (service === 'sts') {
    // Nobody is refused to hear his own name.
    if (action === 'GetCallerIdentity') return callerIdentity(asker)
    if (action === 'AssumeRole') return assumeRole(form, asker, parts)
  } else {
    if (action === 'GetUser') return getUser(form, asker)
    const answer = ROLE_QUERIES.get(action) ?? POLICY_QUERIES.get(action)
    if (answer) return answer(form, asker, parts)
  }
  throw new ServiceError(
    'NotImplementedException',
    `Hearth does not have ${service}:${action}; nothing was changed.`,
  )
}

function callerIdentity(asker: Asker): Xml {
  const { identity, place } = asker
  return { Arn: arnOf(asker), UserId: identity?.userId, Account: place.account }
}

function getUser(form: URLSearchParams, asker: Asker): Xml {
  const { identity, place } = asker
  const name = form.get('UserName')
  requireAccess(asker, { action: 'iam:GetUser', resource: arnOf(asker) })
  if (name === null && identity?.principal.kind === 'role') {
    throw new ServiceError(
      'ValidationException',
      'Must specify userName when calling with non-User credentials',
    )
  }
  if (name !== null && name !== identity?.userName) {
    throw new ServiceError('NoSuchEntity', `The user with name ${name} cannot be found.`)
  }
  return {
    User: {
      Path: '/',
      UserName: identity?.userName,
      UserId: identity?.userId ?? place.account,
      Arn: arnOf(asker),
      CreateDate: new Date(identity?.createdAt ?? 0).toISOString(),
    },
  }
}
