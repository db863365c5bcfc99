// Sources of mappings at rest: addresses with passwords are not readable in what is stored, come
// back as they were, and do not change their bytes while nothing of them changes.

import { createMapping } from '@hearth/core/event-source-mapping'
import { expect, test } from 'vitest'
import { createEnvelope } from './envelope.ts'
import { mappingSealing } from './sealed-mappings.ts'

const sealing = mappingSealing(createEnvelope([Buffer.alloc(32, 1)]))
const KEY = '000000000000.u'
const about = { account: '000000000000', functionName: 'f', tags: {}, uuid: 'u' }
const own = createMapping(
  {
    ...about,
    kind: 'jetstream',
    selfManaged: {
      endpoints: { NATS_SERVERS: ['nats://me:hunter2@nats:4222'] },
      topics: ['stream/consumer'],
      access: [],
    },
  },
  {},
  1,
)

test('the servers of a source are sealed, and come back', () => {
  const stored = JSON.stringify(sealing.seal(own, KEY))
  expect(stored).not.toMatch(/hunter2|NATS_SERVERS/)
  expect(stored).toContain('"functionName":"f"')
  expect(sealing.open(JSON.parse(stored), KEY)).toEqual(own)
  expect(() => sealing.open(JSON.parse(stored), '000000000000.other')).toThrow()
})

test('they keep their bytes while they are the same', () => {
  const first = sealing.seal(own, KEY)
  const read = sealing.open(JSON.parse(JSON.stringify(first)), KEY)
  expect(sealing.seal({ ...read, batchSize: 2 }, KEY)).toEqual({ ...first, batchSize: 2 })
})

test('a mapping of a source by ARN is stored as it is', () => {
  const arn = 'arn:aws:sqs:us-east-1:000000000000:q'
  const queue = createMapping({ ...about, kind: 'sqs', sourceArn: arn }, {}, 1)
  expect(sealing.seal(queue, KEY)).toEqual(queue)
  expect(sealing.open(sealing.seal(queue, KEY), KEY)).toEqual(queue)
})
