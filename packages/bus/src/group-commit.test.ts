// What waits for a disk that does not answer is bounded: whoever comes later is refused at once,
// and there is room again when the disk has taken what waited.

import type { JetStreamClient } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { Crowded, openGroupCommit } from './group-commit.ts'

const MB = 1024 * 1024

/** A server whose disk stands still until it is told to go on. */
function stalled() {
  const disk = Promise.withResolvers<void>()
  const client = {
    publish: () => disk.promise,
    startBatch: async () => {
      await disk.promise
      return { add() {}, commit: async () => {} }
    },
  }
  return { jetstream: client as unknown as JetStreamClient, goOn: disk.resolve }
}

test('messages wait for the disk up to a limit, and those beyond it are refused', async () => {
  const { jetstream, goOn } = stalled()
  const commits = openGroupCommit(jetstream)
  const data = new Uint8Array(MB)
  let refused = 0
  const stored = Array.from({ length: 300 }, (_, n) =>
    commits.store(`S${n % 8}`, { subject: 's', data, id: String(n) }).catch((error) => {
      expect(error).toBeInstanceOf(Crowded)
      refused += 1
    }),
  )
  await new Promise((resolve) => setImmediate(resolve))
  expect(refused).toBeGreaterThanOrEqual(300 - 256)
  expect(refused).toBeLessThan(300 - 240)
  goOn()
  await Promise.all(stored)
  await commits.store('S0', { subject: 's', data, id: 'later' })
})
