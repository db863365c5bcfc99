// Which engines may start no container any more after many have come and gone.

import { expect, test } from 'vitest'
import { mayHang } from './engine.ts'

test.each([
  ['19.03.15', true],
  ['20.10.24+dfsg1', true],
  ['20.10.26', true],
  ['20.10.27', false],
  ['20.10.27+dfsg1', false],
  ['20.11.0', false],
  ['23.0.0', false],
  ['28.5.1-ce', false],
])('%s: %s', (version, may) => {
  expect(mayHang(version)).toBe(may)
})
