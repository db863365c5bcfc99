// What `hearth invoke` says of a start, as a table.

import { expect, test } from 'vitest'
import { describeStart } from './start-note.ts'

test.each([
  ['cold; reason="evicted for memory"', 'Cold start: evicted for memory.'],
  ['stem; reason="first invocation"', 'Started on a stem: first invocation.'],
  ['restored; reason="all environments busy"', 'Restored from a snapshot: all environments busy.'],
  ['provisioned', 'On provisioned concurrency.'],
  ['warm', undefined],
  ['something else entirely', undefined],
  [undefined, undefined],
])('%s: %s', (header, said) => {
  expect(describeStart(header)).toBe(said)
})
