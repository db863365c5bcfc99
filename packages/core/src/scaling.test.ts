// Scaling by schedule, as laws: the range holds what is provisioned, each occurrence is obeyed
// once, and after any outage what should hold now holds at once.

import { expect, test } from 'vitest'
import { createAlias, deleteAlias, updateAlias } from './alias.ts'
import { createFunction, defaultConfiguration, type FunctionDocument } from './function.ts'
import {
  deleteAction,
  deregisterTarget,
  type Latest,
  putAction,
  registerTarget,
  settleDue,
  targetOf,
} from './scaling.ts'

const configuration = { ...defaultConfiguration('f'), runtime: 'nodejs24.x', handler: 'a.b' }
const fresh = createFunction(
  {
    account: '000000000000',
    name: 'f',
    tags: {},
    architecture: 'x86_64',
    code: { sha256: 'aa', size: 1 },
    configuration: { ...configuration, role: 'r' },
  },
  { now: 1, revisionId: 'r', deploymentId: 'd' },
)
const f: FunctionDocument = { ...fresh, published: [{ ...fresh.latest, version: '1' }] }

const account = (now: number, document = f, limit = 1000) => ({ documents: [document], limit, now })
const register = (document: FunctionDocument, min?: number, max?: number, limit = 1000) =>
  registerTarget(
    document,
    { qualifier: '1', ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    { ...account(5, document, limit), id: 'id' },
  )
const provisioned = ({ concurrency }: FunctionDocument) =>
  concurrency?.provisioned.find(({ version }) => version === '1')?.requested ?? 0

function put(document: FunctionDocument, wish: Parameters<typeof putAction>[1]['wish'], now = 10) {
  const target = targetOf(document, '1')
  if (!target) throw new Error('there is no target')
  return putAction(document, { target, wish }, { now, id: wish.name })
}

/** Schedules here are lists of moments. */
const latest: Latest = ({ schedule }, until) =>
  schedule
    .split(' ')
    .map(Number)
    .filter((at) => at <= until)
    .at(-1)

test('a range brings what is provisioned into it, and an update changes what it names alone', () => {
  const two = register(f, 2, 5)
  expect(provisioned(two)).toBe(2)
  expect(provisioned(register(two, 4))).toBe(4)
  expect(provisioned(register(register(two, 4), 0, 3))).toBe(3)
  expect(provisioned(register(two, 0, 0))).toBe(0)
  expect(targetOf(register(two, 4), '1')).toMatchObject({ id: 'id', min: 4, max: 5, createdAt: 5 })
  // An action that went with the target would surprise.
  const acting = put(two, { name: 'a', schedule: '20', min: 3 })
  expect(targetOf(register(acting, 4), '1')?.actions).toHaveLength(1)
  expect(deregisterTarget(acting, '1').scaling).toBeUndefined()
  expect(provisioned(deregisterTarget(acting, '1'))).toBe(2)
})

test.each([
  ['no range', () => register(f, 1), 'MinCapacity and MaxCapacity are required'],
  ['a range the wrong way round', () => register(f, 3, 2), 'cannot be greater than maximum'],
  ['less than nothing', () => register(f, -1, 2), 'cannot be negative'],
  ['more than the account has', () => register(f, 950, 950), 'below its minimum value of [100]'],
  ['no schedule', () => put(register(f, 1, 2), { name: 'a', min: 1 }), 'Schedule is required'],
  ['no capacity', () => put(register(f, 1, 2), { name: 'a', schedule: '1' }), 'or both'],
  [
    'an action the wrong way round',
    () => put(register(f, 1, 2), { name: 'a', schedule: '1', min: 3, max: 2 }),
    'cannot be greater',
  ],
])('%s is refused', (_name, work, message) => {
  expect(work).toThrow(message)
})

test('an action is updated by what is named, but its times are not kept', () => {
  const first = {
    name: 'a',
    schedule: '1',
    timezone: 'Europe/Berlin',
    min: 1,
    startAt: 7,
    endAt: 9,
  }
  const updated = put(put(register(f, 0, 9), first), { name: 'a', max: 4 }, 20)
  const [action] = targetOf(updated, '1')?.actions ?? []
  expect(action).toEqual({
    id: 'a',
    name: 'a',
    schedule: '1',
    timezone: 'Europe/Berlin',
    min: 1,
    max: 4,
    createdAt: 10,
    settledAt: 20,
  })
})

test('two hundred actions fit, and one more is refused; each can be deleted', () => {
  let full = register(f, 0, 9)
  for (let n = 0; n < 200; n += 1) full = put(full, { name: `${n}`, schedule: '99', min: 1 })
  expect(() => put(full, { name: 'more', schedule: '1', min: 1 })).toThrow('200 scheduled actions')
  expect(() => put(full, { name: '7', schedule: '1', min: 1 })).not.toThrow()
  const target = targetOf(full, '1')
  if (!target) throw new Error('there is no target')
  expect(targetOf(deleteAction(full, target, '7'), '1')?.actions).toHaveLength(199)
  expect(deleteAction(full, target, 'nobody')).toBe(full)
})

test('each occurrence is obeyed once, late ones in their order, and none from before', () => {
  let document = register(f, 0, 9)
  document = put(document, { name: 'high', schedule: '5 20 40 60', min: 5, max: 5 })
  document = put(document, { name: 'low', schedule: '7 30 50', min: 1, max: 1 })
  const settle = (now: number) => {
    const settled = settleDue(document, account(now, document), latest)
    document = settled.document
    return [provisioned(document), settled.occurrences.map(({ action, at }) => `${action} ${at}`)]
  }
  expect(settle(19)).toEqual([0, []])
  const before = document
  expect(settle(20)).toEqual([5, ['high 20']])
  expect(settle(21)).toEqual([5, []])
  expect(settle(55)).toEqual([1, ['high 40', 'low 50']])
  expect(settle(61)).toEqual([5, ['high 60']])
  // Nothing to write when nothing is due: who comes second has not changed the record.
  expect(settleDue(document, account(61, document), latest).document).toBe(document)
  expect(settleDue(before, account(19, before), latest).document).toBe(before)
})

test('a minimum alone raises and never lowers, as on AWS', () => {
  let document = put(register(f, 3, 9), { name: 'a', schedule: '20', min: 1 })
  document = settleDue(document, account(25, document), latest).document
  expect(provisioned(document)).toBe(3)
  expect(targetOf(document, '1')).toMatchObject({ min: 1, max: 9 })
})

test('what cannot be is over all the same, and says why; what is suspended is skipped', () => {
  const tight = put(register(f, 0, 900), { name: 'a', schedule: '20', min: 901, max: 901 })
  const settled = settleDue(tight, account(25, tight), latest)
  expect(settled.occurrences[0]?.problem).toContain('below its minimum value')
  expect(targetOf(settled.document, '1')).toMatchObject({ min: 0, max: 900 })
  const again = settleDue(settled.document, account(26, settled.document), latest)
  expect(again.occurrences).toEqual([])
  const target = targetOf(put(register(f, 0, 9), { name: 'a', schedule: '20', min: 3 }), '1')
  const suspended = { dynamicIn: false, dynamicOut: false, scheduled: true }
  const still = { ...f, scaling: target ? [{ ...target, suspended }] : [] }
  expect(provisioned(settleDue(still, account(25, still), latest).document)).toBe(0)
})

test('a version that is gone is scaled no more, and stops nobody', () => {
  const acting = put(register(f, 1, 9), { name: 'a', schedule: '20', min: 3 })
  const gone = { ...acting, published: [] }
  const { document, occurrences } = settleDue(gone, account(25, gone), latest)
  expect(provisioned(document)).toBe(1)
  expect(occurrences).toHaveLength(1)
})

test('an alias has a target of its own, which follows it from version to version and goes with it', () => {
  const place = { account: '000000000000', region: 'us-east-1' }
  const at = { place, functionName: 'f', name: 'live', revisionId: 'a', now: 7 }
  const two = { ...f, published: ['1', '2'].map((version) => ({ ...fresh.latest, version })) }
  const aliased = createAlias(two, { version: '1' }, at)
  const wish = { qualifier: 'live', min: 2, max: 5 }
  const scaled = registerTarget(aliased, wish, { ...account(5, aliased), id: 'id' })
  const of = ({ concurrency }: FunctionDocument) =>
    concurrency?.provisioned.map(({ alias, version, requested }) => [alias, version, requested])
  expect(of(scaled)).toEqual([['live', '1', 2]])
  const moved = updateAlias(scaled, { version: '2' }, at)
  expect(of(moved)).toEqual([['live', '2', 2]])
  const target = targetOf(moved, 'live')
  if (!target) throw new Error('there is no target')
  const action = { name: 'a', schedule: '20', min: 4 }
  const acting = putAction(moved, { target, wish: action }, { now: 10, id: 'a' })
  const due = settleDue(acting, account(20, acting), latest)
  expect(of(due.document)).toEqual([['live', '2', 4]])
  expect(due.occurrences).toEqual([{ target: 'live', action: 'a', at: 20 }])
  const rest = deleteAlias(due.document, 'live', 21)
  expect([of(rest), targetOf(rest, 'live')]).toEqual([[], undefined])
})
