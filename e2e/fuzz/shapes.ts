// Inputs by the model: for each member of an operation a value that makes sense (pools), or one
// that keeps to the model's constraints; optional members are mostly left out. What comes out is
// what a client could send. Pure; the seed decides.

import type { NormalizedSchema } from '@smithy/core/schema'
import fc from 'fast-check'
import { CONSTRAINTS } from '../../packages/gateway/src/constraints.data.ts'
import type { Rule } from '../../packages/gateway/src/validation.ts'
import { POOLS } from './pools.ts'
import type { Members } from './requests.ts'

const DEPTH_MAX = 4
const TEXT_MAX = 60
const LIST_MAX = 3
/** Of a hundred optional members, as many are there. */
const OPTIONAL_PERCENT = 30

export function inputOf(schema: NormalizedSchema, depth = 0): fc.Arbitrary<Members> {
  const id = schema.getName() ?? ''
  const members: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [name, member] of schema.structIterator()) {
    const rule = CONSTRAINTS[id]?.[name] ?? {}
    const value = valueFor(name, member, { rule, depth })
    members[name] = rule.required ? value : sometimes(value)
  }
  return fc.record(members).map(withoutAbsent)
}

const sometimes = (value: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: OPTIONAL_PERCENT, arbitrary: value },
    { weight: 100 - OPTIONAL_PERCENT, arbitrary: fc.constant(undefined) },
  )

const withoutAbsent = (members: Members): Members =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

interface About {
  rule: Rule
  depth: number
}

function valueFor(name: string, schema: NormalizedSchema, about: About): fc.Arbitrary<unknown> {
  const pool = POOLS[name]
  const made = madeOf(name, schema, about)
  if (!pool) return made
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...pool) },
    { weight: 1, arbitrary: made },
  )
}

function madeOf(name: string, schema: NormalizedSchema, { rule, depth }: About) {
  if (depth >= DEPTH_MAX) return fc.constant(undefined)
  const deeper = depth + 1
  if (schema.isStructSchema()) return inputOf(schema, deeper)
  if (schema.isListSchema()) {
    const item = valueFor('', schema.getValueSchema(), { rule: rule.item ?? {}, depth: deeper })
    return fc.array(item, { minLength: Math.min(rule.min ?? 0, LIST_MAX), maxLength: LIST_MAX })
  }
  if (schema.isMapSchema()) {
    const value = valueFor('', schema.getValueSchema(), { rule: rule.value ?? {}, depth: deeper })
    return fc.dictionary(textOf(rule.key ?? {}), value, { maxKeys: LIST_MAX })
  }
  if (schema.isBlobSchema()) return fc.uint8Array({ maxLength: TEXT_MAX })
  if (schema.isBooleanSchema()) return fc.boolean()
  if (schema.isTimestampSchema()) {
    return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') })
  }
  if (schema.isNumericSchema()) return numberOf(rule)
  return name === 'ImageUri' ? fc.constant(undefined) : textOf(rule)
}

function numberOf({ min = 0, max = 1_000, double }: Rule): fc.Arbitrary<number> {
  return double ? fc.double({ min, max, noNaN: true }) : fc.integer({ min, max })
}

function textOf(rule: Rule): fc.Arbitrary<string> {
  if (rule.enum) return fc.constantFrom(...rule.enum)
  const fits = (text: string) =>
    text.length >= (rule.min ?? 0) && text.length <= (rule.max ?? Number.POSITIVE_INFINITY)
  const free = fc.string({
    unit: 'grapheme',
    minLength: Math.min(rule.min ?? 0, TEXT_MAX),
    maxLength: Math.min(rule.max ?? TEXT_MAX, TEXT_MAX),
  })
  if (rule.pattern === undefined) return free
  try {
    const matching = fc.stringMatching(new RegExp(`^(?:${rule.pattern})$`), { size: 'xsmall' })
    // Sampling once shows whether the pattern has something that cannot be made backwards.
    fc.sample(matching, { numRuns: 1, seed: 1 })
    return matching.map((text) => (fits(text) ? text : text.slice(0, rule.max ?? TEXT_MAX)))
  } catch {
    return free
  }
}
