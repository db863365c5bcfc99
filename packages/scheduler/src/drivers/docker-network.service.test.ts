// The network of sandboxes on the real engine, when many schedulers that start at once want it, and
// when a name among its rules has moved.

import Docker from 'dockerode'
import { expect, test } from 'vitest'
import { NETWORK_LABEL, networkName, openNetwork } from './docker-network.ts'

const docker = new Docker()

test('schedulers that start at once come to share one network, and later ones find it', async () => {
  // A destination that nobody else allows, so that this network is of no other test.
  const allow = [{ host: '192.0.2.1', port: 1 + (process.pid % 60_000) }]
  const open = () => openNetwork(docker, allow, () => {})
  const opened = await Promise.all(Array.from({ length: 6 }, open))
  const later = await open()
  const { Name } = await docker.getNetwork(later.id).inspect()
  const filters = { label: [`${NETWORK_LABEL}=${Name}`] }
  const left = await docker.listNetworks({ filters })
  await Promise.all(left.map(({ Id }) => docker.getNetwork(Id).remove()))
  const ids = left.toSorted((a, b) => a.Created.localeCompare(b.Created)).map(({ Id }) => Id)
  expect(later.id).toBe(ids[0])
  expect(ids).toEqual(expect.arrayContaining(opened.map(({ id }) => id)))
})

test('a name that has moved leads to the same network, and other rules to another', async () => {
  const allow = [{ host: 'localhost', port: 1 + (process.pid % 60_000) }]
  const { id } = await openNetwork(docker, allow, () => {})
  const network = docker.getNetwork(id)
  const { Name } = await network.inspect()
  await network.remove()
  // By the address that it has at the moment it would be another.
  const addressed = networkName([{ ...allow[0], host: '127.0.0.1' }])
  expect([Name, Name === addressed]).toEqual([networkName(allow), false])
})
