// Hearth's own routes of access keys, for the operator alone: make one, show who has which, take
// one away. A secret is told once, when it is made.

import { ServiceError } from '@hearth/core/error'
import { parsePolicy } from '@hearth/core/policy'
import { PolicyFault } from '@hearth/core/policy-fault'
import { type AccessKeys, accessKeyPurpose } from '@hearth/store/access-keys'
import type { Envelope } from '@hearth/store/envelope'
import { newAccessKeyId, newSecret } from '@hearth/store/sessions'

export interface KeyParts {
  account: string
  accessKeys: AccessKeys
  envelope: Envelope
}

/** What `hearth keys create` asks for. */
export interface KeyWish {
  name: string
  /** JSON; absent where the key may do everything but make keys. */
  policy?: string
}

/** As keys are listed. */
export interface KeyView {
  accessKeyId: string
  name: string
  createdAt: string
  policy?: unknown
}

/** AWS's prefix for keys of users. */
const PREFIX = 'AKIA'
const NAME = /^[\w+=,.@-]{1,64}$/
/** Each is in every gateway's memory. */
const KEYS_MAX = 10_000

export async function createKey(
  { account, accessKeys, envelope }: KeyParts,
  { name, policy }: KeyWish,
): Promise<KeyView & { secretAccessKey: string }> {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalid('A name has 1 to 64 letters, digits and any of _+=,.@-')
  }
  if (policy !== undefined) requireIdentityPolicy(policy)
  if (accessKeys.list().length >= KEYS_MAX) {
    throw new ServiceError('LimitExceededException', `There are ${KEYS_MAX} access keys already.`)
  }
  const id = newAccessKeyId(PREFIX)
  const secretAccessKey = newSecret()
  const key = {
    account,
    id,
    name,
    secret: envelope.seal(secretAccessKey, accessKeyPurpose(id)),
    ...(policy !== undefined && { policy }),
    createdAt: Date.now(),
  }
  await accessKeys.create(key)
  return { ...view(key), secretAccessKey }
}

export function listKeys({ accessKeys }: KeyParts): { keys: KeyView[] } {
  const keys = accessKeys.list().sort((a, b) => a.createdAt - b.createdAt)
  return { keys: keys.map(view) }
}

/** @throws ServiceError when there is none. */
export async function deleteKey({ accessKeys }: KeyParts, id: string): Promise<object> {
  if (accessKeys.cached(id) && (await accessKeys.delete(id))) return {}
  throw new ServiceError('ResourceNotFoundException', `There is no access key ${id}.`)
}

function view({ id, name, policy, createdAt }: ReturnType<AccessKeys['list']>[number]): KeyView {
  return {
    accessKeyId: id,
    name,
    createdAt: new Date(createdAt).toISOString(),
    ...(policy !== undefined && { policy: JSON.parse(policy) as unknown }),
  }
}

function requireIdentityPolicy(text: unknown): void {
  if (typeof text !== 'string') throw invalid('A policy is JSON, as text.')
  try {
    parsePolicy(text, 'identity')
  } catch (cause) {
    if (cause instanceof PolicyFault) throw invalid(`The policy is not valid: ${cause.message}.`)
    throw cause
  }
}

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
