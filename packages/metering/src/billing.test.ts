// What attempts cost in units, at the edges of what comes free.

import type { InvocationRecord } from '@hearth/core/invocation'
import { NO_USE } from '@hearth/core/price-list'
import { expect, test } from 'vitest'
import { useOf } from './billing.ts'

const FREE = 6_291_456

function record(changes: Partial<InvocationRecord>): InvocationRecord {
  return {
    requestId: 'id',
    attempt: 1,
    account: '000000000000',
    functionName: 'f',
    version: '$LATEST',
    architecture: 'x86_64',
    memoryMb: 128,
    ephemeralStorageMb: 512,
    startedAt: 0,
    durationMicroseconds: 0,
    initMicroseconds: 0,
    billedMs: 10,
    start: 'warm',
    outcome: 'success',
    ...changes,
  }
}

test.each([
  [undefined, 0],
  [0, 0],
  [FREE, 0],
  [FREE + 1, 1],
  [200_000_000, 200_000_000 - FREE],
])('a response of %s streamed bytes counts %s', (streamedBytes, counted) => {
  const use = useOf(record(streamedBytes === undefined ? {} : { streamedBytes }))
  expect(use).toEqual({ ...NO_USE, requests: 1, mbMs: 1280, streamedBytes: counted })
})

test('a crash of the platform is free, whatever it streamed', () => {
  expect(useOf(record({ outcome: 'crashed', streamedBytes: 2 * FREE }))).toEqual(NO_USE)
})

test('an attempt in a provisioned environment has a price of its own', () => {
  const use = useOf(record({ start: 'provisioned' }))
  expect(use).toEqual({ ...NO_USE, requests: 1, provisionedMbMs: 1280 })
})

test('storage counts over 512 MB', () => {
  expect(useOf(record({ ephemeralStorageMb: 1024 })).storageMbMs).toBe(5120)
})
