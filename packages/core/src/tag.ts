// Tags: labels that an operator puts on a function or an event source mapping, and AWS's limits for
// them. Pure; routes hand in what is there and what is wished. What a tag means here is isolation's
// affair; to this file all are alike.

import { ServiceError } from './error.ts'

export type Tags = Readonly<Record<string, string>>

/** Lambda guide, "Using tags": per resource, and of one tag in characters. */
const TAGS_MAX = 50
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256

/** The tags with some set anew. @throws ServiceError for none at all, and for what is too much. */
export function tagged(current: Tags, wish: Tags): Record<string, string> {
  if (Object.keys(wish).length === 0) {
    throw invalid('An error occurred and the request cannot be processed.')
  }
  const next = { ...current, ...wish }
  checkTags(next)
  return next
}

/** The tags without some; itself where it had none of them. */
export function untagged<T extends Tags>(current: T, keys: readonly string[]): T {
  const gone = new Set(keys)
  const rest = Object.entries(current).filter(([key]) => !gone.has(key))
  return rest.length === Object.keys(current).length ? current : (Object.fromEntries(rest) as T)
}

/** @throws ServiceError for too many tags, and for one that is too long. */
export function checkTags(tags: Tags): void {
  const entries = Object.entries(tags)
  if (entries.length > TAGS_MAX) throw invalid('Number of tags exceeds resource tag limit.')
  const long = entries.find(
    ([key, value]) =>
      key.length === 0 || key.length > KEY_LENGTH_MAX || value.length > VALUE_LENGTH_MAX,
  )
  if (!long) return
  throw invalid(
    `The tag key '${long[0].slice(0, KEY_LENGTH_MAX)}' or its value has no valid length: keys have ` +
      `1 to ${KEY_LENGTH_MAX} characters, and values at most ${VALUE_LENGTH_MAX}.`,
  )
}

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
