// How functions change: states, versions, revisions, and what is refused.

import { describe, expect, test } from 'vitest'
import {
  checkEnvironment,
  createFunction,
  defaultConfiguration,
  type FunctionDocument,
  isUnsettled,
  publishVersion,
  requireCode,
  requireRevision,
  requireSettled,
  settleFunction,
  updateFunction,
  versionOf,
} from './function.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const moment = (n: number) => ({ now: n, revisionId: `r${n}`, deploymentId: `d${n}` })
const code = { sha256: 'aa', size: 1 }
const configuration = {
  ...defaultConfiguration('f'),
  runtime: 'nodejs24.x',
  handler: 'a.b',
  role: 'r',
}
const born = createFunction(
  { account: place.account, name: 'f', tags: {}, architecture: 'x86_64', code, configuration },
  moment(1),
)
const active = settleFunction(born, 'r2')

describe('a function', () => {
  test('is Pending, then Active with a new revision', () => {
    expect(born.latest).toMatchObject({ state: 'Pending', revisionId: 'r1', version: '$LATEST' })
    expect(active.latest).toMatchObject({
      state: 'Active',
      updateStatus: 'Successful',
      revisionId: 'r2',
    })
    expect(isUnsettled(born.latest)).toBe(true)
    expect(isUnsettled(active.latest)).toBe(false)
  })

  test('cannot be changed while it is being made or changed', () => {
    expect(() => requireSettled(born, place)).toThrow(
      'The operation cannot be performed at this time. An update is in progress for resource: ' +
        'arn:aws:lambda:us-east-1:000000000000:function:f',
    )
    expect(() => requireSettled(active, place)).not.toThrow()
    const updating = updateFunction(active, { code: { sha256: 'bb', size: 2 } }, moment(3))
    expect(() => requireSettled(updating, place)).toThrow()
  })

  test('is a new deployment after every change', () => {
    const updating = updateFunction(
      active,
      { configuration: { ...configuration, memoryMb: 256 } },
      moment(3),
    )
    expect(updating.latest).toMatchObject({
      state: 'Active',
      updateStatus: 'InProgress',
      deploymentId: 'd3',
      code,
      configuration: { memoryMb: 256 },
    })
  })

  test('is changed only by those who know its revision', () => {
    expect(() => requireRevision(active.latest, 'r2')).not.toThrow()
    expect(() => requireRevision(active.latest, undefined)).not.toThrow()
    expect(() => requireRevision(active.latest, 'r1')).toThrow(
      /^The Revision Id provided does not match/,
    )
  })
})

describe('a published version', () => {
  const first = publishVersion(active, { revisionId: 'p1' })
  test('is numbered, found by its number, and keeps its description', () => {
    expect(first.version).toMatchObject({ version: '1', deploymentId: 'd1:1', revisionId: 'p1' })
    expect(versionOf(first.document, '1')).toBe(first.version)
    expect(versionOf(first.document, '2')).toBeUndefined()
    expect(versionOf(first.document, '$LATEST')).toBe(first.document.latest)
    expect(versionOf(first.document, undefined)).toBe(first.document.latest)
  })
  test('is ready at once where nothing is owed to it, and Pending otherwise', () => {
    expect(first.version).toMatchObject({ state: 'Active', updateStatus: 'Successful' })
    const stateOf = (document: FunctionDocument) =>
      publishVersion(document, { revisionId: 'p' }).version
    const updating = updateFunction(active, { code: { sha256: 'bb', size: 2 } }, moment(3))
    const restored = { ...configuration, snapStart: 'PublishedVersions' } as const
    const changed = updateFunction(active, { configuration: restored }, moment(3))
    for (const document of [born, updating, settleFunction(changed, 'r4')]) {
      expect(stateOf(document).state).toBe('Pending')
      expect(stateOf(document)).not.toHaveProperty('updateStatus')
    }
  })
  test('gives $LATEST a new revision where publishing is all that happens', () => {
    expect(first.document.latest.revisionId).toBe('r2')
    const alone = publishVersion(active, { revisionId: 'p1', latestRevisionId: 'r3' })
    expect(alone.document.latest).toEqual({ ...active.latest, revisionId: 'r3' })
    expect(alone.version.revisionId).toBe('p1')
  })
  test('is not made again when nothing has changed', () => {
    const again = publishVersion(first.document, { revisionId: 'p2' })
    expect(again.version).toBe(first.version)
    expect(again.document).toBe(first.document)
  })
  test('nor when what changed was changed back', () => {
    const { configuration: before } = first.document.latest
    const { description: _, ...rest } = before
    const there = { configuration: { ...before, memoryMb: 512 } }
    const back = { configuration: { ...rest, description: 'other words' } }
    const changed = updateFunction(first.document, there, moment(3))
    expect(publishVersion(changed, { revisionId: 'p2' }).version.version).toBe('2')
    const same = updateFunction(changed, back, moment(4))
    expect(publishVersion(same, { revisionId: 'p2' }).version).toBe(first.version)
  })
  test('is refused for other code than was meant', () => {
    expect(() => requireCode(undefined, 'qrvM')).not.toThrow()
    expect(() => requireCode('qrvM', 'qrvM')).not.toThrow()
    expect(() => requireCode('else', 'qrvM')).toThrow(
      'CodeSHA256 (else) is different from current CodeSHA256 in $LATEST (qrvM). ' +
        'Please try again with the CodeSHA256 in $LATEST.',
    )
  })
  test('does not change with $LATEST, and numbers are never used twice', () => {
    const changed = updateFunction(first.document, { code: { sha256: 'bb', size: 2 } }, moment(5))
    const second = publishVersion(changed, { revisionId: 'p3' })
    expect(versionOf(second.document, '1')?.code.sha256).toBe('aa')
    expect(second.version.version).toBe('2')
    const without = { ...second.document, published: [] }
    const later = updateFunction(without, { code: { sha256: 'cc', size: 2 } }, moment(6))
    expect(publishVersion(later, { revisionId: 'p4' }).version.version).toBe('3')
  })
})

describe('environment variables', () => {
  test('may take 4 KB as JSON, and not a byte more', () => {
    const least = JSON.stringify({ A: '' }).length
    expect(() => checkEnvironment({ A: 'x'.repeat(4096 - least) })).not.toThrow()
    expect(() => checkEnvironment({ A: 'x'.repeat(4097 - least) })).toThrow(
      `exceeded the 4KB limit. String measured: {"A":"${'x'.repeat(4097 - least)}"}`,
    )
    expect(() => checkEnvironment({ A: 'é'.repeat((4098 - least) / 2) })).toThrow(/4KB limit/)
  })
  test('may not take the names of the platform', () => {
    expect(() => checkEnvironment({ AWS_REGION: 'x' })).toThrow(/AWS_REGION/)
  })
})
