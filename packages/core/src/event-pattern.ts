// EventBridge's event patterns, complete: what a filter of an event source mapping says, and
// whether an event is what it asks for. Pure. As on AWS, the path to a value is its keys joined by
// dots, and all that a pattern asks of a list's members must hold for one and the same member.

import { type Condition, isScalar, PatternFault, parseCondition } from './comparison-operator.ts'
import { ServiceError } from './error.ts'

/** A pattern that was read; what `$or` allows is written out, one tree for each combination. */
export interface EventPattern {
  alternatives: readonly PatternNode[]
}

/** What is asked of one path and of those below it. */
interface PatternNode {
  /** One of these must hold. */
  conditions?: readonly Condition[]
  below: Map<string, PatternNode>
  /** Something must be there for this to match. */
  isDemanding: boolean
}

type Paths = ReadonlyMap<string, readonly Condition[]>

/** Combinations of `$or` in one pattern, as many as AWS allows. */
const ALTERNATIVES_MAX = 1_000
/** Characters that a filter may have (Lambda API, "Filter"). */
const PATTERN_LENGTH_MAX = 4_096

/** @throws ServiceError InvalidParameterValueException for whatever is no pattern. */
export function parsePattern(text: string): EventPattern {
  try {
    if (text.length > PATTERN_LENGTH_MAX) throw new PatternFault('too long')
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) throw new PatternFault('no object')
    return { alternatives: pathsOf(value, '').map(treeOf) }
  } catch (cause) {
    if (!(cause instanceof PatternFault || cause instanceof SyntaxError)) throw cause
    throw new ServiceError('InvalidParameterValueException', 'Invalid filter pattern definition.', {
      cause,
    })
  }
}

export function matches(pattern: EventPattern, event: unknown): boolean {
  return pattern.alternatives.some((node) => satisfies(node, [event]))
}

/** Conditions by path, once for each combination of alternatives. */
function pathsOf(pattern: Record<string, unknown>, prefix: string): Paths[] {
  let combined: Paths[] = [new Map()]
  for (const [key, value] of Object.entries(pattern)) {
    combined = product(combined, memberPaths(key, value, prefix))
  }
  return combined
}

function memberPaths(key: string, value: unknown, prefix: string): Paths[] {
  if (key === '$or' && isAlternatives(value)) {
    return value.flatMap((alternative) => pathsOf(alternative, prefix))
  }
  const path = prefix === '' ? key : `${prefix}.${key}`
  if (isObject(value)) return pathsOf(value, path)
  if (!Array.isArray(value) || value.length === 0) throw new PatternFault('no list of values')
  return [new Map([[path, value.map(parseCondition)]])]
}

/** Otherwise `$or` is a key like any other, as on AWS. */
function isAlternatives(value: unknown): value is Record<string, unknown>[] {
  return (
    Array.isArray(value) &&
    value.length > 1 &&
    value.every((entry) => isObject(entry) && Object.keys(entry).length > 0) &&
    !value.some((entry) => Object.keys(entry).some((key) => OPERATORS.has(key)))
  )
}

const OPERATORS = new Set([
  ...['exists', 'anything-but', 'numeric', 'cidr', 'prefix', 'suffix', 'equals-ignore-case'],
  'wildcard',
])

function product(left: Paths[], right: Paths[]): Paths[] {
  if (left.length * right.length > ALTERNATIVES_MAX) throw new PatternFault('too many alternatives')
  return left.flatMap((one) =>
    right.map((other) => {
      if ([...other.keys()].some((path) => one.has(path))) throw new PatternFault('a path twice')
      return new Map([...one, ...other])
    }),
  )
}

function treeOf(paths: Paths): PatternNode {
  const root: PatternNode = { below: new Map(), isDemanding: false }
  for (const [path, conditions] of paths) {
    const isDemanding = !conditions.includes('absent')
    let node = root
    for (const part of path.split('.')) {
      node.isDemanding ||= isDemanding
      const next: PatternNode = node.below.get(part) ?? { below: new Map(), isDemanding: false }
      node.below.set(part, next)
      node = next
    }
    node.isDemanding ||= isDemanding
    node.conditions = conditions
  }
  return root
}

/**
 * Whether what is at a path is what the node asks for. There are several values only where keys of
 * the event have dots: `{"a.b": 1, "a": {"b": 2}}` has two at `a.b`.
 */
function satisfies(node: PatternNode, values: readonly unknown[]): boolean {
  const list = values.find(Array.isArray)
  if (!list) return satisfiesBare(node, values)
  const others = values.filter((value) => value !== list)
  const members = membersOf(list)
  if (node.isDemanding) return members.some((member) => satisfies(node, [member, ...others]))
  // Without a demand no member is singled out: what must be absent is absent from all of them.
  const telling = members.filter((member) => isPresent(node, member))
  if (telling.length === 0) return satisfies(node, others)
  return telling.some((member) => satisfies(node, [member, ...others]))
}

function satisfiesBare(node: PatternNode, values: readonly unknown[]): boolean {
  const scalars = values.filter(isScalar)
  const holds = (condition: Condition) =>
    condition === 'absent' ? scalars.length === 0 : scalars.some(condition)
  if (node.conditions && !node.conditions.some(holds)) return false
  return [...node.below].every(([key, inner]) =>
    satisfies(
      inner,
      values.flatMap((value) => lookUp(value, key)),
    ),
  )
}

/** Whether a member has something at a path which the node names. */
function isPresent(node: PatternNode, member: unknown): boolean {
  if (Array.isArray(member)) return membersOf(member).some((inner) => isPresent(node, inner))
  if (node.conditions && isScalar(member)) return true
  return [...node.below].some(([key, inner]) =>
    lookUp(member, key).some((value) => isPresent(inner, value)),
  )
}

/** What a key leads to; a key with dots leads there in parts. */
function lookUp(value: unknown, key: string): unknown[] {
  if (!isObject(value)) return []
  const found: unknown[] = Object.hasOwn(value, key) ? [value[key]] : []
  for (const [name, inside] of Object.entries(value)) {
    if (name.startsWith(`${key}.`)) found.push({ [name.slice(key.length + 1)]: inside })
  }
  return found
}

/** Members of a list and of the lists in it; not by recursion, because senders choose the depth. */
function membersOf(list: readonly unknown[]): unknown[] {
  const members: unknown[] = []
  const waiting: unknown[] = [list]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (!Array.isArray(value)) members.push(value)
    else for (const inner of value) waiting.push(inner)
  }
  return members
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
