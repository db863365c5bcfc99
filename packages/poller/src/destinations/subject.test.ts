// A function's owner may name any subject as a destination that is not Hearth's own, or events,
// timers and bills could be forged. Each stream that Hearth has is kept from them.

import { STREAMS, SUBJECTS } from '@hearth/bus/messages'
import { targetOf } from '@hearth/core/destination'
import { expect, test } from 'vitest'

const patterns = Object.values(STREAMS).map((stream) =>
  typeof stream === 'function' ? stream(3).subjects : stream.subjects,
)
const subjects = Object.values(SUBJECTS).map((one) => (typeof one === 'function' ? one('a') : one))

test.each([
  ...patterns.map((pattern) => pattern.replace('>', 'a.b')),
  ...patterns.map((pattern) => pattern.replace('.>', '')),
  ...subjects,
])("%s is Hearth's own and no destination", (subject) => {
  expect(targetOf(`arn:aws-hearth:jetstream-subject:us-east-1:000000000000:${subject}`)).toBe(
    undefined,
  )
})
