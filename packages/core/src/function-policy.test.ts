// Policies of functions change by AWS's laws: each qualifier has its own, the revision of its
// version guards it, and it goes with its version.

import { expect, test } from 'vitest'
import { createFunction, defaultConfiguration, publishVersion } from './function.ts'
import {
  addPermission,
  deletePolicy,
  effectivePolicy,
  putPolicy,
  removePermission,
  showPolicy,
  withoutPolicy,
} from './function-policy.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const configuration = { ...defaultConfiguration('f'), runtime: 'r', handler: 'h', role: 'x' }
const made = createFunction(
  {
    ...{ account: place.account, name: 'f', tags: {}, architecture: 'x86_64' },
    ...{ code: { sha256: 'aa', size: 1 }, configuration },
  },
  { now: 0, revisionId: 'r0', deploymentId: 'd' },
)
const { document } = publishVersion(made, { revisionId: 'v1' })
const at = (more: object = {}) => ({ place, name: 'f', revisionId: 'r1', ...more })
const wish = (statementId: string) => ({
  statementId,
  action: 'lambda:InvokeFunction',
  principal: '*',
})

test('each qualifier has a policy and a revision of its own', () => {
  const own = addPermission(document, wish('a'), at())
  const both = addPermission(own, wish('b'), at({ qualifier: '1', revisionId: 'v2' }))
  expect(showPolicy(both, at())).toMatchObject({
    policy: { Statement: [{ Sid: 'a' }] },
    revisionId: 'r1',
  })
  expect(showPolicy(both, at({ qualifier: '1' }))).toMatchObject({
    policy: { Statement: [{ Sid: 'b', Resource: expect.stringMatching(/:f:1$/) }] },
    revisionId: 'v2',
  })
  expect(both.latest.revisionId).toBe('r1')
  expect(effectivePolicy(withoutPolicy(both, '1'), '1')).toBeUndefined()
  expect(effectivePolicy(both, undefined)).toBe(effectivePolicy(both, '$LATEST'))
})

test('a stale revision changes nothing', () => {
  const own = addPermission(document, wish('a'), at({ expected: 'r0' }))
  const stale = at({ expected: 'r0', revisionId: 'r2' })
  for (const change of [
    () => addPermission(own, wish('b'), stale),
    () => removePermission(own, 'a', stale),
    () => putPolicy(own, '{}', stale),
    () => deletePolicy(own, stale),
  ]) {
    expect(change).toThrow('Call the GetPolicy API to retrieve the latest Revision Id')
  }
  const without = removePermission(own, 'a', { ...stale, expected: 'r1' })
  expect(() => showPolicy(without, at())).toThrow('does not exist')
})

test('a policy has 20 KB at most, however it grows', () => {
  const long = { ...wish('a'), sourceArn: `arn:aws:s3:::${'x'.repeat(21_000)}` }
  expect(() => addPermission(document, long, at())).toThrow(
    /^The final policy size \(\d+\) is bigger than the limit \(20480\)\.$/,
  )
  expect(() => putPolicy(document, ' '.repeat(20_481), at())).toThrow('(20481)')
})

test('a policy is put whole, with one statement or several', () => {
  const statement = { Effect: 'Allow', Principal: '*', Action: 'lambda:*', Resource: '*' }
  const put = putPolicy(document, JSON.stringify({ Id: 'x', Statement: statement }), at())
  expect(showPolicy(put, at()).policy).toEqual({ Id: 'x', Statement: [statement] })
  expect(() => putPolicy(document, '{"Statement":[]}', at())).toThrow('it has no Statement')
})
