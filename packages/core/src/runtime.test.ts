// Runtimes by their names: those that are there, and AWS's words for those that are not.

import { expect, test } from 'vitest'
import { requireRuntime } from './runtime.ts'

test('a runtime has its row', () => {
  expect(requireRuntime('nodejs24.x')).toBeDefined()
})

test.each(['nodejs99.x', '', 'constructor', 'toString', '__proto__'])(
  'the runtime %j is refused',
  (name) => {
    expect(() => requireRuntime(name)).toThrow(
      `Value ${name} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set`,
    )
  },
)
