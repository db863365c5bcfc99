// Whether an input keeps to the model: required members, lengths, ranges, patterns, enumerations.
// All faults of a request are told in one message, in AWS's words. Pure; what depends on stored
// state is refused elsewhere.

import { ServiceError } from '@hearth/core/error'
import { NormalizedSchema } from '@smithy/core/schema'
import { CONSTRAINTS } from './constraints.data.ts'
import type { Operation } from './contract.ts'
import { OWN_FORMS } from './own-forms.ts'

/** What the model says of one value; `item`, `key` and `value` of those inside it. */
export interface Rule {
  required?: boolean
  min?: number
  max?: number
  /** Limits are of the number itself, not of a length. */
  numeric?: boolean
  /** The number may have a fraction, and is always shown with one. */
  double?: boolean
  pattern?: string
  enum?: readonly string[]
  item?: Rule
  key?: Rule
  value?: Rule
  /** Refusals of the collection around it do not say that it must not be null. */
  nullable?: boolean
}

/** Limits that the operator may move; the model leaves them open. */
export interface OperatorLimits {
  timeoutSecondsMax: number
  memoryMbMax: number
  /** Invocations at a time, of all functions together. */
  concurrency: number
}

const NAME_LENGTH_MAX = 64
/** Unknown runtimes have a message of their own, in core/runtime. */
const CHECKED_ELSEWHERE = new Set(['Runtime'])
/** The list whose faults AWS tells first, and as those of a single value. */
const PLAINLY_TOLD = 'compatibleRuntimes'

/**
 * @throws ServiceError ValidationException with every fault, or the special refusal of long names.
 */
export function validate(
  operation: Operation,
  input: Record<string, unknown>,
  limits: OperatorLimits,
): void {
  const schema = NormalizedSchema.of(operation.input)
  const faults = faultsOf(schema, input, '')
  faults.push(...operatorFaults(input, limits))
  if (faults.length > 0) throw validationError(faults)
  if (operation.name === 'CreateFunction') requireShortName(input.FunctionName)
}

/** `N validation error(s) detected: ...`, as AWS words it. */
export function validationError(faults: readonly string[]): ServiceError {
  const plural = faults.length === 1 ? 'error' : 'errors'
  const text = `${faults.length} validation ${plural} detected: ${faults.join('; ')}`
  return new ServiceError('ValidationException', text)
}

function faultsOf(
  schema: NormalizedSchema,
  input: Record<string, unknown>,
  path: string,
): string[] {
  const faults: string[] = []
  for (const { name, shown, rule, inside, own } of checksOf(schema)) {
    const value = input[name]
    const at = `${path}${shown}`
    if (rule && (value === undefined || !own?.(value))) faults.push(...faultOf(value, rule, at))
    if (inside && isRecord(value)) faults.push(...faultsOf(inside, value, `${at}.`))
    if (inside && Array.isArray(value)) {
      for (const [index, entry] of value.filter(isRecord).entries()) {
        faults.push(...faultsOf(inside, entry, `${at}.${index + 1}.member.`))
      }
    }
  }
  return faults
}

/** What to check of one member of a structure. */
interface Check {
  name: string
  /** The name as faults show it. */
  shown: string
  rule: Rule | undefined
  /** The schema of a member that is a structure itself, or a list of them. */
  inside: NormalizedSchema | undefined
  /** Whether a value is in a form that Hearth takes beside AWS's. */
  own: ((value: unknown) => boolean) | undefined
}

const checks = new Map<string, readonly Check[]>()

/** Members that have nothing to check are left out; read from the schema once. */
function checksOf(schema: NormalizedSchema): readonly Check[] {
  const id = schema.getName() ?? ''
  const known = checks.get(id)
  if (known) return known
  const made = [...schema.structIterator()]
    .map(([name, member]) => ({
      name,
      shown: lowerFirst(name),
      rule: CHECKED_ELSEWHERE.has(name) ? undefined : ruleOf(id, name, member),
      inside: structOf(member),
      own: OWN_FORMS.get(`${id}.${name}`),
    }))
    .filter(({ rule, inside }) => rule || inside)
    .sort((a, b) => Number(b.shown === PLAINLY_TOLD) - Number(a.shown === PLAINLY_TOLD))
  checks.set(id, made)
  return made
}

/** Collections have one in any case: nothing in them may be null. */
function ruleOf(id: string, name: string, member: NormalizedSchema): Rule | undefined {
  const isCollection = member.isListSchema() || member.isMapSchema()
  return CONSTRAINTS[id]?.[name] ?? (isCollection ? {} : undefined)
}

function structOf(member: NormalizedSchema): NormalizedSchema | undefined {
  const inner = member.isListSchema() ? member.getValueSchema() : member
  return inner.isStructSchema() ? inner : undefined
}

function faultOf(value: unknown, rule: Rule, at: string): string[] {
  if (value === undefined || value === null) {
    return rule.required
      ? [`Value null at '${at}' failed to satisfy constraint: Member must not be null`]
      : []
  }
  const own = broken(value, rule).map(
    (constraint) => `Value '${show(value)}' at '${at}' failed to satisfy constraint: ${constraint}`,
  )
  return [...own, ...insideFaults(value, rule, at)]
}

/**
 * Values of lists and maps are judged together: the whole collection is shown, with all its
 * constraints.
 */
function insideFaults(value: unknown, rule: Rule, at: string): string[] {
  const all = (part: Rule) =>
    [...constraintsOf(part), ...(part.nullable ? [] : ['Member must not be null'])].join(', ')
  const fault = (words: string) =>
    `Value '${show(value, rule)}' at '${at}' failed to satisfy constraint: ${words}`
  const isBad = (entry: unknown, part: Rule) =>
    entry === undefined || entry === null || broken(entry, part).length > 0
  if (Array.isArray(value)) {
    const { item = {} } = rule
    const bad = value.some((entry) => isBad(entry, item))
    if (!bad) return []
    if (at === PLAINLY_TOLD) return [fault(constraintsOf(item).join(', '))]
    return [fault(`Member must satisfy constraint: [${all(item)}]`)]
  }
  if (!isRecord(value)) return []
  const { key, value: inside = {} } = rule
  if (key && Object.keys(value).some((name) => broken(name, key).length > 0)) {
    return [fault(`Map keys must satisfy constraint: [${constraintsOf(key).join(', ')}]`)]
  }
  if (Object.values(value).some((entry) => isBad(entry, inside))) {
    return [fault(`Map value must satisfy constraint: [${all(inside)}]`)]
  }
  return []
}

/** The constraints that a value breaks. */
function broken(value: unknown, rule: Rule): string[] {
  const measure = rule.numeric ? Number(value) : sizeOf(value)
  const faults: string[] = []
  if (rule.max !== undefined && measure > rule.max) faults.push(atMost(rule))
  if (rule.min !== undefined && measure < rule.min) faults.push(atLeast(rule))
  if (typeof value !== 'string') return faults
  if (rule.pattern !== undefined && !matches(rule.pattern, value)) faults.push(pattern(rule))
  if (rule.enum && !rule.enum.includes(value)) faults.push(enumeration(rule))
  return faults
}

/** Every constraint of a rule, as AWS lists them for members of collections. */
function constraintsOf(rule: Rule): string[] {
  return [
    ...(rule.max === undefined ? [] : [atMost(rule)]),
    ...(rule.min === undefined ? [] : [atLeast(rule)]),
    ...(rule.pattern === undefined ? [] : [pattern(rule)]),
    ...(rule.enum === undefined ? [] : [enumeration(rule)]),
  ]
}

const noun = (rule: Rule) => (rule.numeric ? 'value' : 'length')
const atMost = (rule: Rule) =>
  `Member must have ${noun(rule)} less than or equal to ${show(rule.max, rule)}`
const atLeast = (rule: Rule) =>
  `Member must have ${noun(rule)} greater than or equal to ${show(rule.min, rule)}`
const pattern = (rule: Rule) => `Member must satisfy regular expression pattern: ${rule.pattern}`
const enumeration = (rule: Rule) => `Member must satisfy enum value set: [${rule.enum?.join(', ')}]`

const compiled = new Map<string, RegExp>()

/** The whole value must match, as Java's matches() has it. */
function matches(source: string, value: string): boolean {
  let expression = compiled.get(source)
  if (!expression) {
    expression = new RegExp(`^(?:${source})$`)
    compiled.set(source, expression)
  }
  return expression.test(value)
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length
  if (value instanceof Uint8Array) return value.length
  return isRecord(value) ? Object.keys(value).length : 0
}

/** Lists print as [a, b] and maps as {k=v}. */
function show(value: unknown, rule: Rule = {}): string {
  if (Array.isArray(value)) return `[${value.map((one) => show(one, rule.item)).join(', ')}]`
  if (isRecord(value)) {
    return `{${Object.entries(value)
      .map(([key, inside]) => `${key}=${show(inside, rule.value)}`)
      .join(', ')}}`
  }
  if (value === undefined) return 'null'
  return rule.double && Number.isInteger(value) ? `${value}.0` : String(value)
}

function operatorFaults(input: Record<string, unknown>, limits: OperatorLimits): string[] {
  const over = (value: unknown, at: string, max: number) =>
    typeof value === 'number' && value > max
      ? [
          `Value '${value}' at '${at}' failed to satisfy constraint: ` +
            `Member must have value less than or equal to ${max}`,
        ]
      : []
  return [
    ...over(input.Timeout, 'timeout', limits.timeoutSecondsMax),
    ...over(input.MemorySize, 'memorySize', limits.memoryMbMax),
  ]
}

/**
 * No function is made of a name over the limit, which the model does not know; other operations
 * find none. The exception is another than that of an ARN over its limit.
 */
function requireShortName(given: unknown): void {
  if (typeof given !== 'string') return
  const name = /(?:^|function:)([^:]+)(?::[^:]+)?$/.exec(given)?.[1] ?? given
  if (name.length <= NAME_LENGTH_MAX) return
  throw new ServiceError(
    'InvalidParameterValueException',
    `1 validation error detected: Value '${given}' at 'functionName' failed to satisfy ` +
      `constraint: Member must have length less than or equal to ${NAME_LENGTH_MAX}`,
  )
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1)

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}
