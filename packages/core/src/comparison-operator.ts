// EventBridge's comparison operators: one element of a pattern's list becomes a test of one value
// of the event. Pure. What AWS refuses is refused here, so that no pattern is stored which means
// nothing.

import { isWithin, parseRange } from './ip-range.ts'

/** Whether one value of an event, never an object or a list, is what the pattern asks for. */
export type Comparison = (value: unknown) => boolean

/** An element of a pattern's list: a test of what is there, or the wish that nothing is. */
export type Condition = Comparison | 'absent'

/** A pattern that AWS would refuse; event-pattern turns it into AWS's words. */
export class PatternFault extends Error {}

/** @throws PatternFault */
export function parseCondition(element: unknown): Condition {
  if (isScalar(element)) return (value) => value === element
  const [operator, operand] = onlyMember(element)
  switch (operator) {
    case 'exists':
      if (typeof operand !== 'boolean') throw new PatternFault('exists is true or false')
      return operand ? () => true : 'absent'
    case 'anything-but':
      return anythingBut(operand)
    case 'numeric':
      return numeric(operand)
    case 'cidr':
      return cidr(operand)
    default:
      return ofText(textTest(operator, operand))
  }
}

type TextTest = (text: string) => boolean

const ofText =
  (test: TextTest): Comparison =>
  (value) =>
    typeof value === 'string' && test(value)

/** Operators on strings. */
function textTest(operator: string, operand: unknown): TextTest {
  const ignoring = ignoredCase(operand)
  switch (operator) {
    case 'prefix':
      if (ignoring !== undefined) return (text) => text.toLowerCase().startsWith(ignoring)
      return startsWith(text(operand))
    case 'suffix':
      if (ignoring !== undefined) return (text) => text.toLowerCase().endsWith(ignoring)
      return endsWith(text(operand))
    case 'equals-ignore-case':
      return equalsIgnoringCase(text(operand))
    case 'wildcard':
      return wildcard(text(operand))
    default:
      throw new PatternFault(`there is no operator ${operator}`)
  }
}

const startsWith =
  (prefix: string): TextTest =>
  (text) =>
    text.startsWith(prefix)
const endsWith =
  (suffix: string): TextTest =>
  (text) =>
    text.endsWith(suffix)
const equalsIgnoringCase = (word: string): TextTest => {
  const lower = word.toLowerCase()
  return (text) => text.toLowerCase() === lower
}

/** The word of `{ "equals-ignore-case": word }` inside a prefix or a suffix, in lower case. */
function ignoredCase(operand: unknown): string | undefined {
  if (typeof operand !== 'object' || operand === null || Array.isArray(operand)) return undefined
  const [operator, word] = onlyMember(operand)
  if (operator !== 'equals-ignore-case') throw new PatternFault(`${operator} has no place here`)
  return text(word).toLowerCase()
}

const NEGATED: ReadonlyMap<string, (word: string) => TextTest> = new Map([
  ['prefix', startsWith],
  ['suffix', endsWith],
  ['equals-ignore-case', equalsIgnoringCase],
  ['wildcard', wildcard],
])

/** A value that is there and is none of these; lists are all of strings or all of numbers. */
function anythingBut(operand: unknown): Comparison {
  if (typeof operand === 'object' && operand !== null && !Array.isArray(operand)) {
    const [operator, words] = onlyMember(operand)
    const make = NEGATED.get(operator)
    if (!make) throw new PatternFault(`anything-but has no ${operator}`)
    const tests = listOf(words).map((word) => make(negatable(operator, text(word))))
    return (value) => typeof value !== 'string' || !tests.some((test) => test(value))
  }
  const list = listOf(operand)
  const kinds = new Set(list.map((entry) => typeof entry))
  const [kind = ''] = kinds
  if (kinds.size !== 1 || !['number', 'string'].includes(kind)) {
    throw new PatternFault('anything-but takes strings or numbers')
  }
  const refused = new Set<unknown>(list)
  return (value) => !refused.has(value)
}

function negatable(operator: string, word: string): string {
  if (word === '' && ['prefix', 'suffix'].includes(operator)) {
    throw new PatternFault('everything begins and ends with nothing')
  }
  return word
}

type Bound = (value: number, bound: number) => boolean
const LOWER: ReadonlyMap<unknown, Bound> = new Map<unknown, Bound>([
  ['>', (value, bound) => value > bound],
  ['>=', (value, bound) => value >= bound],
])
const UPPER: ReadonlyMap<unknown, Bound> = new Map<unknown, Bound>([
  ['<', (value, bound) => value < bound],
  ['<=', (value, bound) => value <= bound],
])
const equals: Bound = (value, other) => value === other

/** `["=", n]`, one bound, or a lower and then an upper one that leave something between them. */
function numeric(operand: unknown): Comparison {
  if (!Array.isArray(operand)) throw new PatternFault('numeric takes a list')
  const [first, from, second, to] = operand
  const test =
    (compare: Bound, bound: number): Comparison =>
    (value) =>
      typeof value === 'number' && compare(value, bound)
  const single = first === '=' ? equals : (LOWER.get(first) ?? UPPER.get(first))
  if (operand.length === 2 && single && typeof from === 'number') return test(single, from)
  const [lower, upper] = [LOWER.get(first), UPPER.get(second)]
  const isRange = operand.length === 4 && typeof from === 'number' && typeof to === 'number'
  if (!isRange || !lower || !upper || from >= to) throw new PatternFault('no numeric range')
  const [above, below] = [test(lower, from), test(upper, to)]
  return (value) => above(value) && below(value)
}

function cidr(operand: unknown): Comparison {
  const range = parseRange(text(operand))
  if (!range) throw new PatternFault('no range of addresses')
  return (value) => typeof value === 'string' && isWithin(range, value)
}

/** `*` is any run of characters; a backslash makes the star or backslash after it a character. */
function wildcard(pattern: string): TextTest {
  const pieces = ['']
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern.charAt(at)
    const next = pattern.charAt(at + 1)
    if (letter === '*') {
      if (next === '*') throw new PatternFault('two stars in a row')
      pieces.push('')
      continue
    }
    if (letter === '\\' && next !== '*' && next !== '\\') throw new PatternFault('a lone backslash')
    if (letter === '\\') at += 1
    pieces[pieces.length - 1] += letter === '\\' ? next : letter
  }
  return (text) => fits(text, pieces)
}

/** Whether a text is these pieces in order with anything between them: the leftmost fit decides. */
function fits(text: string, pieces: readonly string[]): boolean {
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

/** Whether a value is compared as it is. */
export function isScalar(value: unknown): value is boolean | number | string | null {
  return value === null || ['boolean', 'number', 'string'].includes(typeof value)
}

function onlyMember(value: unknown): [string, unknown] {
  const members = typeof value === 'object' && value && !Array.isArray(value) ? value : {}
  const [member, ...others] = Object.entries(members)
  if (!member || others.length > 0) throw new PatternFault('one operator at a time')
  return member
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new PatternFault('the operator takes a string')
}

function listOf(value: unknown): unknown[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw new PatternFault('an empty list')
  return list
}
