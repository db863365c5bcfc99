// Random policies and requests, decided by us and by IAM's rules written down once more, straight
// over the JSON and by regular expressions, so that no mistake is made twice.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide } from './authorisation.ts'
import { readPolicy } from './policy.ts'

/** `make faults` asks for more. */
const CASES = Number(process.env.HEARTH_POLICY_CASES ?? 2_000)

interface Statement {
  Effect: string
  [member: string]: unknown
}
interface Document {
  Statement: Statement[]
}
type Asker =
  | { kind: 'user'; account: string; arn: string }
  | { kind: 'service'; name: string }
  | { kind: 'anonymous' }
interface Case {
  identityPolicy: Document | undefined
  resourcePolicy: Document | undefined
  principal: Asker
  action: string
  resource: string
  account: string
  context: Record<string, string | string[]>
}

const HOME = '000000000000'
const AWAY = '111111111111'
const ARN = `arn:aws:lambda:us-east-1:${HOME}:function:`
const ADA = `arn:aws:iam::${HOME}:user/ada`
const BOB = `arn:aws:iam::${AWAY}:user/bob`

const actions = ['lambda:InvokeFunction', 'lambda:GetFunction', 'lambda:DeleteFunction']
const resources = [`${ARN}f`, `${ARN}f:1`, `${ARN}g`]
const actionPatterns = [
  '*',
  'lambda:*',
  'lambda:Get*',
  'lambda:?nvokeFunction',
  'lambda:GetFunction',
]
const resourcePatterns = ['*', `${ARN}*`, `${ARN}f`, `${ARN}f:*`, `${ARN}?`, 'arn:aws:lambda']
const principals = [
  ...['*', { AWS: '*' }, { AWS: HOME }, { AWS: `arn:aws:iam::${AWAY}:root` }, { AWS: [ADA, BOB] }],
  ...[{ Service: 's3.amazonaws.com' }, { AWS: ADA, Service: ['sns.amazonaws.com'] }],
]
const texts = ['red', 'green', 'Red', 'r*']
const context = fc.record(
  {
    colour: fc.constantFrom('red', 'green', 'Red'),
    colours: fc.subarray(['red', 'green', 'blue'], { minLength: 1 }),
    size: fc.constantFrom('1', '2', '30'),
  },
  { requiredKeys: [] },
)

const stringOperator = fc
  .tuple(
    fc.constantFrom('', '', 'ForAnyValue:', 'ForAllValues:'),
    fc.constantFrom('StringEquals', 'StringLike', 'StringEqualsIgnoreCase'),
    fc.boolean(),
    fc.constantFrom('', '', 'IfExists'),
  )
  .map(([set, name, not, end]) => `${set}${not ? name.replace('String', 'StringNot') : name}${end}`)
const condition = fc.oneof(
  fc.record({
    operator: stringOperator,
    key: fc.constantFrom('colour', 'Colours'),
    values: fc.subarray(texts, { minLength: 1 }),
  }),
  fc.record({
    operator: fc.constantFrom('NumericLessThan', 'NumericGreaterThanEquals', 'NumericNotEquals'),
    key: fc.constant('size'),
    values: fc.subarray(['2', '10'], { minLength: 1 }),
  }),
  fc.record({
    operator: fc.constant('Null'),
    key: fc.constantFrom('colour', 'size'),
    values: fc.constantFrom(['true'], ['false']),
  }),
)

const some = <T>(all: T[]) =>
  fc.oneof(fc.constantFrom(...all), fc.subarray(all, { minLength: 1, maxLength: 2 }))
const statement = (withPrincipal: boolean) =>
  fc
    .record({
      Effect: fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny'),
      action: some(actionPatterns),
      notAction: fc.constantFrom(false, false, true),
      resource: some(resourcePatterns),
      notResource: fc.constantFrom(false, false, false, true),
      conditions: fc.array(condition, { maxLength: 2 }),
      principal: fc.constantFrom(...principals),
    })
    .map((one): Statement => {
      const made: Statement = { Effect: one.Effect }
      made[one.notAction ? 'NotAction' : 'Action'] = one.action
      made[one.notResource ? 'NotResource' : 'Resource'] = one.resource
      if (withPrincipal) made.Principal = one.principal
      if (one.conditions.length > 0) {
        made.Condition = Object.fromEntries(
          one.conditions.map(({ operator, key, values }) => [operator, { [key]: values }]),
        )
      }
      return made
    })
const document = (withPrincipal: boolean) =>
  fc.option(
    fc.record({ Statement: fc.array(statement(withPrincipal), { minLength: 1, maxLength: 3 }) }),
    { nil: undefined, freq: 4 },
  )

const cases: fc.Arbitrary<Case> = fc.record({
  identityPolicy: document(false),
  resourcePolicy: document(true),
  principal: fc.constantFrom<Asker[]>(
    { kind: 'user', account: HOME, arn: ADA },
    { kind: 'user', account: HOME, arn: `${ADA}2` },
    { kind: 'user', account: AWAY, arn: BOB },
    { kind: 'service', name: 's3.amazonaws.com' },
    { kind: 'anonymous' },
  ),
  action: fc.constantFrom(...actions),
  resource: fc.constantFrom(...resources),
  account: fc.constant(HOME),
  context,
})

test('decides as an evaluator that was written apart from it', () => {
  let [allowed, refused] = [0, 0]
  fc.assert(
    fc.property(cases, ({ identityPolicy, resourcePolicy, principal, ...request }) => {
      const expected = isAllowed({ identityPolicy, resourcePolicy, principal, ...request })
      if (expected) allowed += 1
      else refused += 1
      const policies = identityPolicy ? [readPolicy(identityPolicy, 'identity')] : []
      const decision = decide({
        ...request,
        context: new Map(Object.entries(request.context)),
        principal: 'arn' in principal ? { ...principal, policies } : principal,
        policy: resourcePolicy && readPolicy(resourcePolicy, 'resource'),
      })
      expect(decision.allowed).toBe(expected)
    }),
    { numRuns: CASES },
  )
  // Cases of which nearly all have one answer would say little.
  expect(Math.min(allowed, refused)).toBeGreaterThan(CASES / 10)
})

function isAllowed(one: Case): boolean {
  const identity = matching(one.identityPolicy, one)
  const policy = matching(one.resourcePolicy, one).filter((each) => grade(each, one.principal) > 0)
  const own = 'arn' in one.principal ? identity : []
  if ([...own, ...policy].some(({ Effect }) => Effect === 'Deny')) return false
  if (!('arn' in one.principal)) return policy.length > 0
  if (one.principal.account !== one.account) return own.length > 0 && policy.length > 0
  return own.length > 0 || policy.some((each) => grade(each, one.principal) === 2)
}

function matching(document: Document | undefined, one: Case): Statement[] {
  return (document?.Statement ?? []).filter((each) => {
    const isAction = (pattern: string) => regex(pattern, 'i').test(one.action)
    const isResource = (pattern: string) =>
      pattern === '*' || pattern === 'arn:aws:lambda' || regex(pattern).test(one.resource)
    const action = each.Action
      ? list(each.Action).some(isAction)
      : !list(each.NotAction).some(isAction)
    const resource = each.Resource
      ? list(each.Resource).some(isResource)
      : !list(each.NotResource).some(isResource)
    const all = Object.entries((each.Condition ?? {}) as Record<string, Record<string, string[]>>)
    return action && resource && all.every(([operator, keys]) => holds(operator, keys, one.context))
  })
}

/** 2 for who is named, 1 for an account, 0 for nobody. */
function grade({ Principal: given }: Statement, asker: Asker): number {
  const { AWS, Service } = (given === '*' ? { AWS: '*' } : given) as Record<string, unknown>
  if (AWS && list(AWS).includes('*')) return 2
  if (asker.kind === 'service') return Service && list(Service).includes(asker.name) ? 2 : 0
  if (asker.kind === 'anonymous' || !AWS) return 0
  if (list(AWS).includes(asker.arn)) return 2
  return list(AWS).some((name) => name.includes(asker.account) && !name.includes('user/')) ? 1 : 0
}

function holds(operator: string, keys: Record<string, string[]>, facts: Case['context']): boolean {
  const [[key = '', expected = []] = []] = Object.entries(keys)
  const given = facts[key.toLowerCase()]
  const values = given === undefined ? undefined : list(given)
  if (operator === 'Null') return expected.includes(String(values === undefined))
  const [, set, name = '', end] = /^(ForA\w+:)?(\w+?)(IfExists)?$/.exec(operator) ?? []
  const negated = name.includes('Not')
  if (!values) return set || end ? end !== undefined || set === 'ForAllValues:' : negated
  const meets = (value: string) => expected.some((wish) => compare(name, value, wish)) !== negated
  if (set === 'ForAllValues:') return values.every(meets)
  if (set === 'ForAnyValue:') return values.some(meets)
  return negated ? values.every(meets) : values.some(meets)
}

function compare(name: string, value: string, wish: string): boolean {
  if (name.startsWith('NumericLessThan')) return Number(value) < Number(wish)
  if (name.startsWith('NumericGreaterThan')) return Number(value) >= Number(wish)
  if (name.startsWith('Numeric')) return Number(value) === Number(wish)
  if (name.includes('Like')) return regex(wish).test(value)
  return name.includes('IgnoreCase') ? value.toLowerCase() === wish.toLowerCase() : value === wish
}

const list = (given: unknown) => (Array.isArray(given) ? given : [given]) as string[]
const regex = (pattern: string, flags = '') =>
  new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, flags)
