// The log of attempts against kill -9 at any byte, a ledger that goes away, and a life after this
// one: nothing is lost, nothing is recorded twice, and what never ended is recorded as crashed.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InvocationRecord } from '@hearth/core/invocation'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AttemptStart, openAttemptLog } from './attempt-log.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'attempts-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A ledger that stores each subject once, as the stream does. */
class Ledger {
  readonly subjects = new Map<string, InvocationRecord[]>()
  isAway = false

  readonly ship = async (subject: string, segment: { records: InvocationRecord[] }) => {
    if (this.isAway) throw new Error('away')
    if (!this.subjects.has(subject)) this.subjects.set(subject, segment.records)
  }

  get outcomes(): string[] {
    const records = [...this.subjects.values()].flat()
    return records.map(({ requestId, outcome }) => `${requestId} ${outcome}`).sort()
  }
}

const begin = (requestId: string): AttemptStart => ({
  requestId,
  attempt: 1,
  account: '000000000000',
  functionName: 'f',
  version: '$LATEST',
  architecture: 'x86_64',
  memoryMb: 128,
  ephemeralStorageMb: 512,
  startedAt: 1,
})
const end = (requestId: string): InvocationRecord => ({
  ...begin(requestId),
  durationMicroseconds: 1500,
  initMicroseconds: 0,
  billedMs: 2,
  start: 'warm',
  outcome: 'success',
})
const nobody = () => {}
const open = (ledger: Ledger, epoch: string, problems: string[] = []) =>
  openAttemptLog({
    directory,
    schedulerId: 's',
    epoch,
    ship: ledger.ship,
    report: (problem) => problems.push(problem),
  })

test('what ended is shipped and its file deleted; what runs stays until the next life', async () => {
  const ledger = new Ledger()
  const log = open(ledger, '1')
  for (const id of ['a', 'b', 'c']) log.begin(begin(id), nobody)
  log.end(end('a'), nobody)
  log.end(end('c'), nobody)
  await log.close()
  expect(ledger.outcomes).toEqual(['a success', 'c success'])
  await open(ledger, '2').close()
  expect(ledger.outcomes).toEqual(['a success', 'b crashed', 'c success'])
  await open(ledger, '3').close()
  expect(ledger.outcomes).toHaveLength(3)
})

test('whoever writes is called when the line is on disk, and never before', async () => {
  const log = open(new Ledger(), '1')
  const onDisk = () =>
    readdirSync(directory)
      .map((name) => readFileSync(join(directory, name), 'utf8'))
      .join('')
  const told: string[] = []
  const ids = Array.from({ length: 40 }, (_, number) => `id-${number}-`)
  for (const id of ids) {
    log.begin(begin(id), () => {
      expect(onDisk()).toContain(`{"begin":{"requestId":"${id}"`)
      told.push(`begin ${id}`)
    })
    log.end(end(id), () => {
      expect(onDisk()).toContain(`{"end":{"requestId":"${id}"`)
      told.push(`end ${id}`)
    })
  }
  await expect.poll(() => told.length).toBe(80)
  expect(told).toEqual(ids.flatMap((id) => [`begin ${id}`, `end ${id}`]))
  await log.close()
})

test('a crash at any byte, with or without the ledger having it, loses and doubles nothing', async () => {
  const text = [
    { begin: begin('a') },
    { begin: begin('b') },
    { end: end('a') },
    { begin: begin('c') },
    { end: end('c') },
  ].map((line) => `${JSON.stringify(line)}\n`)
  const whole = text.join('')
  const bytesOf = (lines: number) => text.slice(0, lines).join('').length
  const crash = fc.tuple(fc.integer({ min: 0, max: whole.length }), fc.integer({ max: 3, min: 1 }))
  await fc.assert(
    fc.asyncProperty(crash, async ([bytes, lives]) => {
      writeFileSync(join(directory, '1-0.jsonl'), whole.slice(0, bytes))
      const ledger = new Ledger()
      for (let life = 0; life < lives; life += 1) await open(ledger, String(2 + life)).close()
      const fate = (id: string, begun: number, ended: number) => {
        if (bytes >= bytesOf(ended) - 1) return [`${id} success`]
        return bytes >= bytesOf(begun) - 1 ? [`${id} crashed`] : []
      }
      const b = bytes >= bytesOf(2) - 1 ? ['b crashed'] : []
      expect(ledger.outcomes).toEqual([...fate('a', 1, 3), ...b, ...fate('c', 4, 5)])
    }),
    { numRuns: 60 },
  )
})

test('a segment that the ledger already had is not counted again', async () => {
  const ledger = new Ledger()
  const log = open(ledger, '1')
  log.begin(begin('a'), nobody)
  await new Promise<void>((written) => log.end(end('a'), written))
  const [name = ''] = readdirSync(directory)
  const kept = readFileSync(join(directory, name))
  await log.close()
  // As if we had died between the ledger's answer and the deletion.
  writeFileSync(join(directory, name), kept)
  await open(ledger, '2').close()
  expect(ledger.outcomes).toEqual(['a success'])
})

test('while the ledger is away segments wait on disk, and are shipped when it is back', async () => {
  const ledger = new Ledger()
  ledger.isAway = true
  const problems: string[] = []
  const log = open(ledger, '1', problems)
  for (let number = 0; number < 10_000; number += 1) log.end(end(String(number)), nobody)
  await expect.poll(() => problems.length).toBeGreaterThan(0)
  expect(readdirSync(directory).length).toBeGreaterThan(20)
  ledger.isAway = false
  await log.close()
  expect(ledger.outcomes).toHaveLength(10_000)
  expect(Math.max(...[...ledger.subjects.values()].map((one) => one.length))).toBe(500)
})

test('an answer whose extensions work on is recorded once: whole, or as it was after a crash', async () => {
  const ledger = new Ledger()
  const log = open(ledger, '1')
  for (const id of ['whole', 'crashed']) {
    log.begin(begin(id), nobody)
    log.answered(end(id), nobody)
  }
  // More than a segment goes by meanwhile, so that they are repeated in the next.
  for (let n = 0; n < 500; n += 1) log.end(end(`other ${n}`), nobody)
  log.end({ ...end('whole'), billedMs: 400 }, nobody)
  await log.close()
  await open(ledger, '2').close()
  const billed = [...ledger.subjects.values()].flat().filter((one) => !/other/.test(one.requestId))
  expect(billed.map(({ requestId, outcome, billedMs }) => [requestId, outcome, billedMs])).toEqual([
    ['whole', 'success', 400],
    ['crashed', 'success', 2],
  ])
})
