// Aliases change by AWS's laws: they point to versions that are there, share out between two at
// most, and take what is provisioned for them along.

import { describe, expect, test } from 'vitest'
import {
  createAlias,
  deleteAlias,
  listAliases,
  pointsTo,
  requireAlias,
  requireDeletable,
  updateAlias,
} from './alias.ts'
import { provision, provisionedUnder } from './concurrency.ts'
import { putEventInvoke } from './event-invoke-config.ts'
import {
  createFunction,
  defaultConfiguration,
  type FunctionDocument,
  publishVersion,
  versionOf,
} from './function.ts'
import { addPermission, effectivePolicy, showPolicy } from './function-policy.ts'
import { urlsOf, withUrl } from './function-url.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const arn = 'arn:aws:lambda:us-east-1:000000000000:function:f'
const configuration = { ...defaultConfiguration('f'), runtime: 'r', handler: 'h', role: 'x' }

/** A function with the versions 1, 2 and 3. */
let document: FunctionDocument = createFunction(
  {
    ...{ account: place.account, name: 'f', tags: {}, architecture: 'x86_64' },
    ...{ code: { sha256: '00', size: 1 }, configuration },
  },
  { now: 0, revisionId: 'r0', deploymentId: 'd' },
)
for (const number of [1, 2, 3]) {
  const latest = { ...document.latest, code: { sha256: `${number}${number}`, size: 1 } }
  document = publishVersion({ ...document, latest }, { revisionId: `v${number}` }).document
}
const at = (name = 'live', more: object = {}) => ({
  ...{ place, functionName: 'f', name, revisionId: 'a1', now: 7 },
  ...more,
})
const account = { documents: [document], limit: 1_000, now: 5 }
const aliased = createAlias(document, { version: '1' }, at())

describe('a new alias', () => {
  test('names a version, and is found by its name', () => {
    expect(requireAlias(aliased, at())).toEqual({ version: '1', description: '', revisionId: 'a1' })
    expect(versionOf(aliased, 'live')).toBe(versionOf(document, '1'))
    expect(versionOf(aliased, 'toString')).toBeUndefined()
    expect(versionOf(createAlias(document, { version: '$LATEST' }, at()), 'live')).toBe(
      document.latest,
    )
  })

  test.each<[string, Parameters<typeof createAlias>[1], string]>([
    ['a version that is not there', { version: '9' }, `Function not found: ${arn}:9`],
    ['a weight for such', { version: '1', weights: { 9: 0.5 } }, `Function not found: ${arn}:9`],
    [
      'two others',
      { version: '1', weights: { 2: 0.1, 3: 0.1 } },
      'Number of items in AdditionalVersionWeights cannot be greater than 1',
    ],
    [
      '$LATEST beside another',
      { version: '$LATEST', weights: { 2: 0.1 } },
      '$LATEST is not supported for an alias pointing to more than 1 version',
    ],
    [
      'one version twice',
      { version: '1', weights: { 1: 0.5 } },
      'Invalid function version 1. Function version 1 is already included in routing configuration.',
    ],
  ])('is refused for %s', (_, wish, message) => {
    expect(() => createAlias(document, wish, at())).toThrow(message)
  })

  test('is refused beside its like, and for no function', () => {
    expect(() => createAlias(aliased, { version: '2' }, at())).toThrow(
      `Alias already exists: ${arn}:live`,
    )
    expect(() => createAlias(undefined, { version: '1' }, at())).toThrow(
      `Function not found: ${arn}:1`,
    )
    expect(() => requireAlias(document, at())).toThrow(`Cannot find alias arn: ${arn}:live`)
  })
})

describe('an alias that changes', () => {
  test('keeps what is not named, and may share out or cease to', () => {
    const shared = updateAlias(aliased, { weights: { 2: 0.25 } }, at('live', { revisionId: 'a2' }))
    expect(requireAlias(shared, at())).toEqual({
      version: '1',
      description: '',
      revisionId: 'a2',
      weights: { 2: 0.25 },
    })
    const moved = updateAlias(shared, { version: '3', description: 'now' }, at())
    expect(requireAlias(moved, at())).toMatchObject({ version: '3', weights: { 2: 0.25 } })
    expect(requireAlias(updateAlias(moved, { weights: {} }, at()), at())).toEqual({
      version: '3',
      description: 'now',
      revisionId: 'a1',
    })
    expect(() => updateAlias(shared, { version: '2' }, at())).toThrow('is already included')
  })

  test('must be there, and the one that is meant', () => {
    expect(() => updateAlias(document, {}, at())).toThrow(`Alias not found: ${arn}:live`)
    expect(() => updateAlias(aliased, {}, at('live', { expected: 'a0' }))).toThrow(
      'The Revision Id provided does not match the latest Revision Id.',
    )
    expect(() => updateAlias(aliased, {}, at('live', { expected: 'a1' }))).not.toThrow()
  })
})

test('aliases are listed by name, and by the versions that they send invocations to', () => {
  const both = createAlias(aliased, { version: '2', weights: { 1: 0.1 } }, at('beta'))
  expect(listAliases(both).map(([name]) => name)).toEqual(['beta', 'live'])
  const to = (number: string) =>
    listAliases(both).flatMap(([name, alias]) => (pointsTo(alias, number) ? [name] : []))
  expect([to('1'), to('2'), to('3')]).toEqual([['beta', 'live'], ['beta'], []])
  expect(() => requireDeletable(both, '1')).toThrow(
    'Unable to delete version because the following aliases reference it: [beta, live]',
  )
  for (const name of ['live', 'gone']) {
    expect(() => requireDeletable(both, name)).toThrow(
      'Deletion of aliases is not currently supported.',
    )
  }
  expect(() => requireDeletable(both, '3')).not.toThrow()
})

describe('what is provisioned for an alias', () => {
  const wish = { version: '1', alias: 'live', requested: 2 }
  const provisioned = provision(aliased, wish, account)

  test('is not its version’s, and moves with it', () => {
    expect(provisionedUnder(provisioned, 'live')).toMatchObject({ version: '1', requested: 2 })
    expect(provisionedUnder(provisioned, '1')).toBeUndefined()
    const moved = updateAlias(provisioned, { version: '2' }, at())
    expect(provisionedUnder(moved, 'live')).toMatchObject({ version: '2', modifiedAt: 7 })
    expect(moved.concurrency?.revision).toBeGreaterThan(provisioned.concurrency?.revision ?? 0)
    expect(() => updateAlias(provisioned, { version: '$LATEST' }, at())).toThrow('unpublished')
    const unpublished = { ...wish, version: '$LATEST' }
    expect(() => provision(aliased, unpublished, account)).toThrow('unpublished')
  })

  test('leaves no room for the version’s own, nor the other way round', () => {
    expect(() => provision(provisioned, { version: '1', requested: 1 }, account)).toThrow(
      'Version is pointed by a Provisioned Concurrency alias',
    )
    const own = provision(provisioned, { version: '2', requested: 1 }, account)
    const message = "Alias can't be used for Provisioned Concurrency configuration"
    expect(() => updateAlias(own, { version: '2' }, at())).toThrow(message)
    expect(() => provision(own, { ...wish, version: '2' }, account)).toThrow(message)
  })
})

test('an alias that goes takes along all that is its own, but for its URL', () => {
  const urlOptions = { authType: 'NONE', createdAt: 0, modifiedAt: 0 } as const
  let full = withUrl(aliased, 'live', { id: 'u', ...urlOptions })
  full = withUrl(full, undefined, { id: 'w', ...urlOptions })
  full = provision(full, { version: '1', alias: 'live', requested: 2 }, account)
  full = provision(full, { version: '2', requested: 1 }, account)
  const address = { place, name: 'f', qualifier: 'live' }
  full = putEventInvoke(full, { retriesMax: 0 }, { ...address, now: 1 })
  const statement = { statementId: 's', action: 'lambda:InvokeFunction', principal: '*' }
  full = addPermission(full, statement, { ...address, revisionId: 'a9' })
  expect(requireAlias(full, at()).revisionId).toBe('a9')
  expect(showPolicy(full, address).revisionId).toBe('a9')
  const rest = deleteAlias(full, 'live', 9)
  expect(versionOf(rest, 'live')).toBeUndefined()
  expect(urlsOf(rest).map(({ url }) => url.id)).toEqual(['w', 'u'])
  expect(rest.concurrency?.provisioned.map(({ version }) => version)).toEqual(['2'])
  expect(rest.eventInvoke).toEqual({})
  expect(effectivePolicy(rest, 'live')).toBeUndefined()
  expect(deleteAlias(rest, 'live', 9)).toBe(rest)
})
