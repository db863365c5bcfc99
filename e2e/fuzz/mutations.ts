// What a client should not send: an input with some of its values replaced by ones of the wrong
// kind, far too large, empty, nested, strange, or by nothing. Pure; the seed decides.

import fc from 'fast-check'
import { INHERITED } from './pools.ts'
import type { Members } from './requests.ts'

/** What JSON.stringify still takes, and far beyond. */
const DEEP = 1_000
const DEEPER = 20_000
const LONG = 70_000
/** At most so many values of one request are wrong. */
const CHANGES_MAX = 3

function nested(depth: number): unknown {
  let value: unknown = []
  for (let level = 0; level < depth; level += 1) value = [value]
  return value
}

function nestedText(open: string, close: string): string {
  return `${open.repeat(DEEPER)}1${close.repeat(DEEPER)}`
}

const inherited = Object.fromEntries(INHERITED.map((name) => [name, name]))
const DEEPLY = nested(DEEP)

/** Texts that have been somebody's trouble. */
export const TEXTS = [
  ...INHERITED,
  ...['', ' ', '.', '..', '../../etc/passwd', '/', '//', '\\', '%', '%00', '%2e%2e%2f', '%zz'],
  ...['\0', 'a\0b', 'a\nb', '\r\nx: y', '\u202e\u200b', '\ud800', '\ufffe', '😀'.repeat(50)],
  ...['é', 'e\u0301', 'İ', 'ß', '$(id)', "'; --", '<x>&"\'', '*', '>', 'a.*.>', '$LATEST'],
  ...['null', 'NaN', 'true', '-0', '1e400', '0x10', '9007199254740993', ':', '::::::'],
  ...['['.repeat(DEEPER), nestedText('[', ']'), nestedText('{"a":', '}')],
  ...['arn:', 'arn:aws:lambda:us-east-1:000000000000:function:', 'a'.repeat(LONG)],
]

const STRANGE: readonly unknown[] = [
  ...TEXTS,
  ...[null, true, false, 0, -0, 1, -1, 1.5, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, 5e-324],
  ...[[], {}, [null], [[]], [{}], { a: null }, { '': '' }, [1, 'a', null], inherited, DEEPLY],
]

/** How to change one value of an input. */
type Change = { at: number; kind: 'absent' | 'repeated' | 'strange'; strange: number }

const changeOf: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('absent', 'repeated', 'strange', 'strange', 'strange'),
  strange: fc.nat({ max: STRANGE.length - 1 }),
})

export const changes = fc.array(changeOf, { minLength: 1, maxLength: CHANGES_MAX })

/** The input with these changes; the one that was given stays as it is. */
export function mutate(input: Members, wanted: readonly Change[]): Members {
  const copy = copyOf(input) as Members
  for (const change of wanted) {
    const places = placesOf(copy)
    const place = places[change.at % Math.max(places.length, 1)]
    if (!place) break
    const { holder, key } = place
    if (change.kind === 'absent' && Array.isArray(holder)) holder.splice(Number(key), 1)
    else if (change.kind === 'absent') delete holder[key]
    else if (change.kind === 'repeated') holder[key] = [holder[key], holder[key]]
    else holder[key] = copyOf(STRANGE[change.strange])
  }
  return copy
}

/** Where a value is, at any depth. */
interface Place {
  holder: Members
  key: string
}

function placesOf(value: unknown, depth = 0): Place[] {
  if (typeof value !== 'object' || value === null || depth > 5) return []
  if (value instanceof Uint8Array || value instanceof Date) return []
  const holder = value as Members
  return Object.keys(holder).flatMap((key) => [
    { holder, key },
    ...placesOf(holder[key], depth + 1),
  ])
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, copyOf(inside)]))
}
