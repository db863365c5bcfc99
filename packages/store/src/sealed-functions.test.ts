// Variables of functions at rest: nothing of them is readable in what is stored, all of it comes
// back, for its own record alone, and what did not change is not sealed anew.

import { createFunction, defaultConfiguration, publishVersion } from '@hearth/core/function'
import { expect, test } from 'vitest'
import { createEnvelope } from './envelope.ts'
import { functionSealing } from './sealed-functions.ts'

const envelope = createEnvelope([Buffer.alloc(32, 1)])
const sealing = functionSealing(envelope)
const KEY = '000000000000.f'
const moment = { now: 1, revisionId: 'r', deploymentId: 'd' }
const documentWith = (environment?: Record<string, string>) =>
  createFunction(
    {
      account: '000000000000',
      name: 'f',
      tags: {},
      architecture: 'x86_64',
      code: { sha256: '00', size: 1 },
      configuration: {
        ...defaultConfiguration('f'),
        runtime: 'nodejs24.x',
        handler: 'index.handler',
        role: 'r',
        ...(environment && { environment }),
      },
    },
    moment,
  )
const SECRET = { PASSWORD: 'correct horse battery staple' }

test('variables are sealed in every version, and come back as they were', () => {
  const { document } = publishVersion(documentWith(SECRET), moment)
  const stored = JSON.stringify(sealing.seal(document, KEY))
  expect(stored).not.toMatch(/PASSWORD|horse/)
  expect(sealing.open(JSON.parse(stored), KEY)).toEqual(document)
})

test('a function without variables is stored as it is', () => {
  const document = documentWith()
  expect(sealing.seal(document, KEY)).toEqual(document)
  expect(sealing.open(sealing.seal(document, KEY), KEY)).toEqual(document)
})

test('what did not change keeps its bytes, in another process, too', () => {
  const { document } = publishVersion(documentWith(SECRET), moment)
  const first = sealing.seal(document, KEY)
  expect(first.published[0]?.configuration.sealedEnvironment).toBe(
    first.latest.configuration.sealedEnvironment,
  )
  const other = functionSealing(envelope)
  const read = other.open(JSON.parse(JSON.stringify(first)), KEY)
  expect(other.seal({ ...read, tags: { a: 'b' } }, KEY)).toEqual({ ...first, tags: { a: 'b' } })
})

test('sealed variables open neither in another record nor under another key', () => {
  const sealed = sealing.seal(documentWith(SECRET), KEY)
  expect(() => sealing.open(sealed, '000000000000.g')).toThrow()
  const stranger = functionSealing(createEnvelope([Buffer.alloc(32, 2)]))
  expect(() => stranger.open(sealed, KEY)).toThrow('This was sealed with master key')
})
