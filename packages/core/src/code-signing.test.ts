// The laws of code signing: what is wished replaces what was, and what nobody here could keep is
// not promised.

import { describe, expect, test } from 'vitest'
import { withSigning } from './code-signing.ts'

const bare = { account: '000000000000', id: 'csc-1', publishers: [], tags: {} }
const profile = 'arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/1234567890'

describe('a code signing configuration', () => {
  test('keeps what is not wished anew', () => {
    const made = withSigning(bare, { publishers: [profile], description: 'd', policy: 'Warn' }, 1)
    expect(made).toEqual({ ...bare, publishers: [profile], description: 'd', modifiedAt: 1 })
    expect(withSigning(made, { description: 'e' }, 2)).toEqual({
      ...made,
      description: 'e',
      modifiedAt: 2,
    })
  })

  test('does not promise to verify', () => {
    expect(() => withSigning(bare, { publishers: [profile], policy: 'Enforce' }, 1)).toThrow(
      'Hearth cannot verify signatures of code',
    )
  })

  test.each([0, 21])('allows no %i publishers', (count) => {
    const publishers = Array.from({ length: count }, () => profile)
    expect(() => withSigning(bare, { publishers }, 1)).toThrow('Between 1 and 20')
  })
})
