// Conditions of policies: IAM's operators, with IfExists, ForAnyValue and ForAllValues, as tests of
// a request's context. Pure. A negated operator holds where its key is missing; the others do not.

import { isSameAddress, isWithin, parseRange } from './ip-range.ts'
import { PolicyFault } from './policy-fault.ts'
import { matchesArn, matchesText } from './policy-pattern.ts'

/** What is known of a request, by keys in lower case. */
export type Context = ReadonlyMap<string, string | readonly string[]>

export type Condition = (context: Context) => boolean

/** Whether a value of the request is what the policy's value asks for. */
type Test = (value: string) => boolean

interface Operator {
  /** @throws PolicyFault for a value that this operator cannot have. */
  test(expected: string): Test
  negated?: boolean
}

/** How the values of one key are taken together. */
type Quantifier = 'ForAllValues' | 'ForAnyValue' | undefined

const same = (expected: string) => (value: string) => value === expected
const sameIgnoringCase = (expected: string) => {
  const lower = expected.toLowerCase()
  return (value: string) => value.toLowerCase() === lower
}
const like = (expected: string) => (value: string) => matchesText(expected, value)
const arn = (expected: string) => {
  if (expected !== '*' && !expected.startsWith('arn:')) throw badValue(expected, 'an ARN')
  return (value: string) => matchesArn(expected, value)
}

const numeric = (holds: (value: number, expected: number) => boolean) => (text: string) => {
  const expected = numberOf(text)
  if (Number.isNaN(expected)) throw badValue(text, 'a number')
  return (value: string) => holds(numberOf(value), expected)
}
const dated = (holds: (value: number, expected: number) => boolean) => (text: string) => {
  const expected = dateOf(text)
  if (Number.isNaN(expected)) throw badValue(text, 'a date')
  return (value: string) => holds(dateOf(value), expected)
}

const truth = (text: string) => {
  const expected = text.toLowerCase()
  if (expected !== 'true' && expected !== 'false') throw badValue(text, 'true or false')
  return (value: string) => value.toLowerCase() === expected
}

const within = (text: string) => {
  const range = parseRange(text)
  if (range) return (value: string) => isWithin(range, value)
  if (!isSameAddress(text, text)) throw badValue(text, 'an address or a range of them')
  return (value: string) => isSameAddress(text, value)
}

const COMPARISONS: Readonly<Record<string, (value: number, expected: number) => boolean>> = {
  Equals: (value, expected) => value === expected,
  LessThan: (value, expected) => value < expected,
  LessThanEquals: (value, expected) => value <= expected,
  GreaterThan: (value, expected) => value > expected,
  GreaterThanEquals: (value, expected) => value >= expected,
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ...both('StringEquals', 'StringNotEquals', same),
  ...both('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', sameIgnoringCase),
  ...both('StringLike', 'StringNotLike', like),
  ...both('ArnEquals', 'ArnNotEquals', arn),
  ...both('ArnLike', 'ArnNotLike', arn),
  ...both('IpAddress', 'NotIpAddress', within),
  ['Bool', { test: truth }],
  ...Object.entries(COMPARISONS).flatMap(([name, holds]): [string, Operator][] => [
    [`Numeric${name}`, { test: numeric(holds) }],
    [`Date${name}`, { test: dated(holds) }],
  ]),
  ['NumericNotEquals', { test: numeric(COMPARISONS.Equals as never), negated: true }],
  ['DateNotEquals', { test: dated(COMPARISONS.Equals as never), negated: true }],
])

const NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/

/** @param given a statement's Condition. @throws PolicyFault */
export function parseConditions(given: unknown): Condition[] {
  if (given === undefined) return []
  return entriesOf(given, 'Condition').flatMap(([name, keys]) =>
    entriesOf(keys, name).map(([key, value]) => parseCondition(name, key, valuesOf(value, key))),
  )
}

function parseCondition(name: string, key: string, expected: readonly string[]): Condition {
  const at = key.toLowerCase()
  const [, quantifier, bare = '', ifExists] = NAME.exec(name) ?? []
  if (bare === 'Null' && !ifExists && !quantifier) return nullCondition(at, expected)
  const operator = OPERATORS.get(bare)
  if (!operator) throw new PolicyFault(`${name} is no operator that Hearth has`)
  const tests = expected.map((value) => operator.test(value))
  const isMet = quantified(quantifier as Quantifier, operator, tests)
  return (context) => {
    const values = listOf(context.get(at))
    if (values) return isMet(values)
    if (ifExists || quantifier === 'ForAllValues') return true
    return quantifier === undefined && operator.negated === true
  }
}

/** For a key that is there. */
function quantified(
  quantifier: Quantifier,
  { negated = false }: Operator,
  tests: readonly Test[],
): (values: readonly string[]) => boolean {
  const isOne = (value: string) => tests.some((test) => test(value))
  const isMet = (value: string) => isOne(value) !== negated
  if (quantifier === 'ForAllValues') return (values) => values.every(isMet)
  if (quantifier === 'ForAnyValue') return (values) => values.some(isMet)
  return (values) => values.some(isOne) !== negated
}

/** `true` where the key has to be missing, `false` where it has to be there. */
function nullCondition(at: string, expected: readonly string[]): Condition {
  const tests = expected.map(truth)
  return (context) => tests.some((test) => test(String(!context.has(at))))
}

function both(name: string, negatedName: string, test: Operator['test']): [string, Operator][] {
  return [
    [name, { test }],
    [negatedName, { test, negated: true }],
  ]
}

function entriesOf(given: unknown, name: string): [string, unknown][] {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
    return Object.entries(given)
  }
  throw new PolicyFault(`${name} is not an object`)
}

function valuesOf(given: unknown, key: string): string[] {
  const values = Array.isArray(given) ? given : [given]
  const isScalar = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value)
  if (values.length === 0 || !values.every(isScalar)) {
    throw new PolicyFault(`${key} has to be compared with text`)
  }
  const texts = values.map(String)
  const variable = texts.find((text) => text.includes('$' + '{'))
  if (variable) throw new PolicyFault(`${variable} has a policy variable, which Hearth has not`)
  return texts
}

function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? [value] : value
}

const numberOf = (text: string) => (text.trim() === '' ? Number.NaN : Number(text))
/** ISO 8601, or seconds since 1970. */
const dateOf = (text: string) => (/^\d{5,}$/.test(text) ? Number(text) * 1000 : Date.parse(text))
const badValue = (value: string, kind: string) => new PolicyFault(`${value} is not ${kind}`)
