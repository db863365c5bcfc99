// Invocation records for tests: one of a small function that did nothing special, with whatever a
// test wants to be otherwise.

import type { InvocationRecord } from '@hearth/core/invocation'

export function recordOf(changes: Partial<InvocationRecord> = {}): InvocationRecord {
  return {
    requestId: 'id',
    attempt: 1,
    account: '000000000000',
    functionName: 'f',
    version: '$LATEST',
    architecture: 'x86_64',
    memoryMb: 128,
    ephemeralStorageMb: 512,
    startedAt: Date.UTC(2026, 10, 3, 12),
    durationMicroseconds: 9_500,
    initMicroseconds: 0,
    billedMs: 10,
    start: 'warm',
    outcome: 'success',
    ...changes,
  }
}
