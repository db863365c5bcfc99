// Policies that are attached, deleted and made anew at the same time, by gateways whose caches are
// their own, on a real NATS: what is attached is there, and what was deleted is on no role.

import { type Bus, connectBus } from '@hearth/bus/connect'
import { createPolicy, noPolicy, policyArn, requireUnused } from '@hearth/core/customer-policy'
import { attachRolePolicy, createRole, LAMBDA_TRUST, type Role } from '@hearth/core/role'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { attachPolicy, deletePolicy, storePolicy } from './attachments.ts'
import { meanings, openCustomerPolicies, openRoles } from './roles.ts'

const account = '000000000000'
const text = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 'lambda:*', Resource: '*' },
})
const ROUNDS = 60

let nats: Nats
let buses: Bus[]
let gateways: Awaited<ReturnType<typeof openGateway>>[]

const policyOf = (name: string, id = name) =>
  createPolicy({ account, name, text }, { id: `ANPA${id}`, now: 1 })
const arnOf = (name: string) => policyArn(policyOf(name))

async function openGateway(bus: Bus) {
  const roleRecords = await openRoles(bus)
  const policyRecords = await openCustomerPolicies(bus)
  const parts = { roleRecords, policyRecords }
  return {
    ...parts,
    make: (name: string, id = name) => storePolicy(parts, policyOf(name, id)),
    attach: (role: string, arn: string) =>
      attachPolicy(parts, { account, role, arn }, (found) =>
        attachRolePolicy(found as Role, arn, meanings(policyRecords, account)),
      ),
    remove: (name: string) =>
      deletePolicy(parts, { account, name }, (policy, attachments) => {
        if (!policy) throw noPolicy(arnOf(name))
        requireUnused(policy, attachments)
      }),
  }
}

beforeAll(async () => {
  nats = await startNats()
  const { url, monitorUrl } = nats
  buses = await Promise.all([0, 1].map(() => connectBus({ url, monitorUrl })))
  gateways = await Promise.all(buses.map(openGateway))
  for (const name of ['r', 's', 'left']) {
    const role = createRole({ account, name, trust: LAMBDA_TRUST }, { id: name, now: 1 })
    await gateways[0]?.roleRecords.create(role)
  }
})
afterAll(async () => {
  await Promise.all((buses ?? []).map((bus) => bus.close()))
  await nats?.stop()
})

const pair = () => gateways as [(typeof gateways)[0], (typeof gateways)[0]]
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
const attachedTo = async (role: string) =>
  (await pair()[0].roleRecords.fresh(account, role))?.attached ?? []

test('a policy that another gateway has just attached is not deleted', async () => {
  const [here, there] = pair()
  await here.make('own')
  const hear = () => there.policyRecords.cached(account, 'own') !== undefined
  while (!hear()) await pause(1)
  await there.attach('s', arnOf('own'))
  // Whatever this one has heard of it: the very next thing it does.
  const stale = { ...here.roleRecords, list: () => [] }
  const parts = { roleRecords: stale, policyRecords: here.policyRecords }
  await expect(
    deletePolicy(parts, { account, name: 'own' }, (policy, attachments) => {
      if (policy) requireUnused(policy, attachments)
    }),
  ).rejects.toMatchObject({ code: 'DeleteConflict' })
  expect(await here.policyRecords.fresh(account, 'own')).toBeDefined()
})

test('whoever has looked before it was attached is too late to delete it', async () => {
  const [here, there] = pair()
  await here.make('looked')
  while (!there.policyRecords.cached(account, 'looked')) await pause(1)
  let looks = 0
  const looking = async () => {
    const seen = await here.roleRecords.freshList(account)
    looks += 1
    if (looks === 1) await there.attach('s', arnOf('looked'))
    return seen
  }
  const parts = { ...here, roleRecords: { ...here.roleRecords, freshList: looking } }
  const deleted = deletePolicy(parts, { account, name: 'looked' }, (policy, attachments) => {
    if (policy) requireUnused(policy, attachments)
  })
  expect([await codeOf(deleted), looks]).toEqual(['DeleteConflict', 2])
  expect(await attachedTo('s')).toContain(arnOf('looked'))
})

test('whoever attaches while it goes is refused, and leaves nothing', async () => {
  const [here, there] = pair()
  await here.make('going')
  while (!there.policyRecords.cached(account, 'going')) await pause(1)
  const slow: typeof there.policyRecords = {
    ...there.policyRecords,
    async change(...args) {
      // Between the two writes: it is on the role, whom the other has seen without it.
      await here.policyRecords.change(account, 'going', () => undefined)
      return there.policyRecords.change(...args)
    },
  }
  const parts = { ...there, policyRecords: slow }
  const attached = attachPolicy(parts, { account, role: 's', arn: arnOf('going') }, (role) =>
    attachRolePolicy(role as Role, arnOf('going'), meanings(there.policyRecords, account)),
  )
  expect(await codeOf(attached)).toBe('NoSuchEntity')
  expect(await attachedTo('s')).not.toContain(arnOf('going'))
})

test('of attaching and deleting at the same time one is refused', async () => {
  const [here, there] = pair()
  for (let round = 0; round < ROUNDS; round += 1) {
    const name = `p${round}`
    await here.make(name)
    while (!there.policyRecords.cached(account, name)) {
      await pause(1)
    }
    const [attached, deleted] = await Promise.all([
      codeOf(there.attach('r', arnOf(name))),
      pause(round % 4).then(() => codeOf(here.remove(name))),
    ])
    const isThere = (await here.policyRecords.fresh(account, name)) !== undefined
    const has = (await attachedTo('r')).includes(arnOf(name))
    expect({ attached, deleted, isThere, has }).toEqual(
      isThere
        ? { attached: 'done', deleted: 'DeleteConflict', isThere, has: true }
        : { attached: 'NoSuchEntity', deleted: 'done', isThere, has: false },
    )
    // Roles have ten at most.
    await here.roleRecords.change(account, 'r', (role) => role && { ...role, attached: [] })
  }
})

test('a policy that is made anew is on no role that had the one before', async () => {
  const [here] = pair()
  const arn = arnOf('again')
  // What a gateway leaves that dies between its two writes while another deletes.
  await here.roleRecords.change(account, 'left', (role) => role && { ...role, attached: [arn] })
  expect(await here.make('again', 'new')).toBe('created')
  expect(await attachedTo('left')).toEqual([])
  await here.attach('left', arn)
  expect(await here.make('again', 'newer')).toBe('exists')
  expect(await attachedTo('left')).toEqual([arn])
})
