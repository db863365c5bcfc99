// What IAM's actions have in common: how an answer is found, and how text, tags and lists are read
// from a form and shown again. What an action does is in role-queries and policy-queries.

import { ServiceError } from '@hearth/core/error'
import type { CustomerPolicies, Roles } from '@hearth/store/roles'
import type { Asker } from '../access.ts'
import { readMembers, type Xml } from '../query-protocol.ts'

export interface IamParts {
  roleRecords: Roles
  policyRecords: CustomerPolicies
}

/** Answers one action; undefined where it has nothing to say. */
export type Answer = (
  form: URLSearchParams,
  asker: Asker,
  parts: IamParts,
) => Xml | undefined | Promise<Xml | undefined>

type Tags = Record<string, string>

const TAGS_MAX = 50
/** Lists are given whole. */
export const WHOLE = { IsTruncated: false }

/** @throws ServiceError when it is not there. */
export function textOf(form: URLSearchParams, name: string): string {
  const text = form.get(name)
  if (text) return text
  const shown = name.charAt(0).toLowerCase() + name.slice(1)
  throw new ServiceError(
    'ValidationException',
    `1 validation error detected: Value at '${shown}' failed to satisfy constraint: ` +
      'Member must not be null',
  )
}

export const viewTags = (tags: Tags) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

export function readTags(form: URLSearchParams): Tags {
  const tags = readMembers(form, 'Tags').map(({ Key = '', Value = '' }) => [Key, Value] as const)
  return Object.fromEntries(tags)
}

/** Those that a form does not take away. */
export function withoutTags(tags: Tags, form: URLSearchParams): Tags {
  const gone = new Set(readMembers(form, 'TagKeys').map((member) => member['']))
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key)))
}

/** @throws ServiceError for too many. */
export function requireTags(tags: Tags, whose: string): Tags {
  if (Object.keys(tags).length <= TAGS_MAX) return tags
  throw new ServiceError('LimitExceededException', `A ${whose} has ${TAGS_MAX} tags at most.`)
}
