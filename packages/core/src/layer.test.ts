// Layers as laws: numbers that are never used again, what a function may have together, and who may
// use a version.

import { describe, expect, test } from 'vitest'
import { ServiceError } from './error.ts'
import {
  deleteLayerVersion,
  type LayerDocument,
  layerVersionOf,
  matchingVersions,
  parseLayerName,
  publishLayer,
  requireRoom,
  requireVersionNumber,
  useLayers,
} from './layer.ts'
import { addLayerPermission, policyText, removeLayerPermission } from './layer-policy.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const layer = { account: place.account, name: 'l' }
const arn = (name: string, version: number | string = 1) =>
  `arn:aws:lambda:us-east-1:000000000000:layer:${name}:${version}`
const wish = (runtimes: string[] = []) => ({
  description: '',
  code: { sha256: 'a'.repeat(64), size: 1 },
  runtimes,
  architectures: [],
  createdAt: 0,
})

function published(count: number, name = 'l'): LayerDocument {
  let document: LayerDocument | undefined
  for (let at = 0; at < count; at += 1) {
    const runtimes = at % 2 ? ['python3.13'] : ['nodejs24.x']
    document = publishLayer({ ...layer, name }, document, wish(runtimes)).document
  }
  return document as LayerDocument
}

/** The code and the words of a refusal. */
function refusal(work: () => unknown): [string, string] {
  try {
    work()
  } catch (error) {
    if (error instanceof ServiceError) return [error.code, error.message]
  }
  throw new Error('it was not refused')
}

describe('a layer', () => {
  test('never uses a number again', () => {
    const emptied = deleteLayerVersion(deleteLayerVersion(published(2), 2), 1)
    expect(emptied.versions).toEqual([])
    expect(publishLayer(layer, emptied, wish()).version.version).toBe(3)
  })

  test('stays as it is when a version that it does not have is deleted', () => {
    const document = published(1)
    expect(deleteLayerVersion(document, 2)).toBe(document)
    expect(layerVersionOf(document, 2)).toBeUndefined()
  })

  test('lists what is for a runtime, newest first', () => {
    const numbers = (filter: object) =>
      matchingVersions(published(4), filter).map(({ version }) => version)
    expect(numbers({})).toEqual([4, 3, 2, 1])
    expect(numbers({ runtime: 'python3.13' })).toEqual([4, 2])
    expect(numbers({ runtime: 'python3.13', architecture: 'arm64' })).toEqual([])
  })

  test('is named by itself or by its ARN, of this place alone', () => {
    for (const name of ['l', arn('l').slice(0, -2)]) {
      expect(parseLayerName(name, place)).toEqual(layer)
    }
    const elsewhere = arn('l').replace('us-east-1', 'eu-west-1')
    expect(refusal(() => parseLayerName(elsewhere, place))[0]).toBe('ResourceNotFoundException')
    const others = arn('l').replace('000000000000', '123456789012')
    expect(refusal(() => parseLayerName(others, place))[0]).toBe('AccessDeniedException')
    const strange = 'arn:p9:lambda:-:336691617214:layer:l'
    expect(refusal(() => parseLayerName(strange, place))[0]).toBe('ResourceNotFoundException')
  })

  test('has versions from 1 on', () => {
    expect(requireVersionNumber(1)).toBe(1)
    for (const version of [0, -1, Number.NaN]) {
      expect(refusal(() => requireVersionNumber(version))).toEqual([
        'InvalidParameterValueException',
        'Layer Version Cannot be less than 1',
      ])
    }
  })
})

describe('a function', () => {
  const use = (...arns: string[]) =>
    useLayers(arns, place, ({ name }) => (name === 'gone' ? undefined : published(2, name)))
  const refused = (...arns: string[]) => refusal(() => use(...arns))[1]

  test('has its layers in its own order', () => {
    expect(use(arn('b', 2), arn('a')).map((used) => used.arn)).toEqual([arn('b', 2), arn('a')])
  })

  test('has five at most, each once, of its own region, and only what there is', () => {
    const five = ['a', 'b', 'c', 'd', 'e'].map((name) => arn(name))
    expect(use(...five)).toHaveLength(5)
    expect(refused(...five, arn('f'))).toBe('Cannot reference more than 5 layers.')
    expect(refused(arn('a'), arn('b'), arn('a', 2))).toBe(
      'Two different versions of the same layer are not allowed to be referenced in the same ' +
        `function. ${arn('a')} and ${arn('a', 2)} are versions of the same layer.`,
    )
    expect(refused(arn('gone'))).toBe(`Layer version ${arn('gone')} does not exist.`)
    expect(refused(arn('a', 3))).toBe(`Layer version ${arn('a', 3)} does not exist.`)
    expect(refused(arn('a').replace('us-east-1', 'us-west-2'))).toBe(
      'Layers are not in the same region as the function. ' +
        'Layers are expected to be in region us-east-1.',
    )
  })

  test('has room for 250 MB with all of them', () => {
    requireRoom(262_144_000)
    expect(refusal(() => requireRoom(262_144_001))[1]).toContain(
      'exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes.',
    )
  })
})

describe("a layer version's policy", () => {
  const permission = (id: string, principal = '*') => ({
    id,
    action: 'lambda:GetLayerVersion',
    principal,
  })
  const facts = (revisionId: string, expected?: string) => ({
    resource: arn('l'),
    revisionId,
    expected,
  })
  const { policy } = addLayerPermission(undefined, permission('s1'), facts('r1'))

  test('is text with a statement for each id', () => {
    const { policy: two } = addLayerPermission(
      policy,
      { ...permission('s2', '123456789012'), organization: 'o-1' },
      facts('r2', 'r1'),
    )
    expect(JSON.parse(policyText(two))).toEqual({
      Version: '2012-10-17',
      Id: 'default',
      Statement: [
        {
          Sid: 's1',
          Effect: 'Allow',
          Principal: '*',
          Action: 'lambda:GetLayerVersion',
          Resource: arn('l'),
        },
        {
          Sid: 's2',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::123456789012:root' },
          Action: 'lambda:GetLayerVersion',
          Resource: arn('l'),
          Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
        },
      ],
    })
    expect(removeLayerPermission(two, 's1', facts('r3'))?.statements).toHaveLength(1)
    expect(removeLayerPermission(policy, 's1', facts('r3', 'r1'))).toBeUndefined()
  })

  test('refuses an id that is taken, one that is not there, and another revision', () => {
    const add = (expected?: string) => () =>
      addLayerPermission(policy, permission('s1'), facts('r2', expected))
    const remove = (id: string, expected?: string) => () =>
      removeLayerPermission(policy, id, facts('r2', expected))
    expect(refusal(add())).toEqual([
      'ResourceConflictException',
      'The statement id (s1) provided already exists. ' +
        'Please provide a new statement id, or remove the existing statement.',
    ])
    expect(refusal(remove('none'))[1]).toBe('Statement none is not found in resource policy.')
    for (const stale of [add('r0'), remove('s1', 'r0')]) {
      expect(refusal(stale)).toEqual([
        'PreconditionFailedException',
        'The Revision Id provided does not match the latest Revision Id. ' +
          'Call the GetLayerPolicy API to retrieve the latest Revision Id',
      ])
    }
    expect(refusal(() => removeLayerPermission(undefined, 's1', facts('r2')))[1]).toBe(
      'No policy is associated with the given resource.',
    )
  })

  test('has a limit', () => {
    let long = policy
    const fill = () => {
      for (let count = 2; ; count += 1) {
        long = addLayerPermission(long, permission(`s${count}`), facts('r')).policy
      }
    }
    const [name, message] = refusal(fill)
    expect(name).toBe('PolicyLengthExceededException')
    expect(message).toMatch(/^The final policy size \(20\d{3}\) is bigger than the limit \(20480\)/)
    expect(long.statements.length).toBeGreaterThan(100)
  })
})
