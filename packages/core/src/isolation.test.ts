// Which tags take a function off the network, and what that makes of its deployment.

import { expect, test } from 'vitest'
import type { FunctionVersion } from './function.ts'
import { checkNetworkTag, isolated, networkOf } from './isolation.ts'

const version = { version: '$LATEST', deploymentId: 'one' } as FunctionVersion

test.each([
  [{}, 'internet'],
  [{ team: 'none' }, 'internet'],
  [{ 'hearth:network': 'internet' }, 'internet'],
  [{ 'hearth:network': 'none' }, 'none'],
])('%j is %s', (tags: Record<string, string>, network) => {
  expect(networkOf(tags)).toBe(network)
  expect(() => checkNetworkTag(tags)).not.toThrow()
})

test('a value that means nothing is refused rather than ignored', () => {
  expect(() => checkNetworkTag({ 'hearth:network': 'None' })).toThrow(
    'The tag hearth:network can be internet or none, not None.',
  )
})

test('a function without a network never shares environments with itself on one', () => {
  const none = isolated(version, { 'hearth:network': 'none' })
  expect(none).toEqual({ ...version, network: 'none', deploymentId: 'one-none' })
  expect(isolated(version, {})).toBe(version)
  expect(version.network).toBeUndefined()
})
