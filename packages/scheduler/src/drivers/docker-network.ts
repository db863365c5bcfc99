// The network of sandboxes: a bridge whose rules (images/network) let them reach the internet, name
// servers and what the operator allows, and neither the host nor one another. Sandboxes under the
// same rules share a bridge, so Hearths that allow different things never share one.

import { createHash } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import type Docker from 'dockerode'
import { explain, isConflict, isGone } from './docker-engine.ts'

/** An address, a network as CIDR, or a name; every port unless one is given. */
export interface Destination {
  host: string
  port?: number
}

export interface SandboxNetwork {
  id: string
  /** The host as sandboxes address it; nothing answers there unless it is allowed. */
  gateway: string
}

const NAME = 'hearth-sandboxes'
export const NETWORK_LABEL = 'hearth.network'
const RULES_IMAGE = 'hearth/network:trixie'
/** How functions name the host; it is what Docker Desktop calls it. */
export const HOST_NAME = 'host.docker.internal'
const RULES_MS_MAX = 30_000
const LOG_HEADER_BYTES = 8

/** @throws Error when a name in `allow` is unknown; what cannot be guarded is only reported. */
export async function openNetwork(
  docker: Docker,
  allow: readonly Destination[],
  report: (problem: string) => void,
): Promise<SandboxNetwork> {
  const resolved = (await Promise.all(allow.map(resolve))).flat()
  const { Id, Options = {}, IPAM } = await ensureNetwork(docker, networkName(allow))
  const gateway = IPAM?.Config?.[0]?.Gateway ?? ''
  const bridge = Options['com.docker.network.bridge.name'] ?? `br-${Id.slice(0, 12)}`
  const destinations = resolved.map(({ host, port }) =>
    [host === HOST_NAME ? gateway : host, ...(port === undefined ? [] : [port])].join(' '),
  )
  await guard(docker, [bridge, ...destinations]).catch((error: unknown) => {
    const reason = isGone(error) ? explain(error, RULES_IMAGE) : (error as Error).message
    report(
      `sandboxes are not kept from the host's ports and from private networks: ${reason}. ` +
        'Run trusted functions only, or close these with a firewall of your own.',
    )
  })
  return { id: Id, gateway }
}

/**
 * By what is written and not by addresses: a name that moves has its rules set anew and not a
 * network more, of which an engine has room for twenty or thirty.
 */
export function networkName(allow: readonly Destination[]): string {
  if (allow.length === 0) return NAME
  return `${NAME}-${createHash('sha256').update(JSON.stringify(allow)).digest('hex').slice(0, 8)}`
}

/** A name may have many addresses; all are meant. */
async function resolve({ host, ...rest }: Destination): Promise<Destination[]> {
  if (host === HOST_NAME || isIPv4(host.split('/')[0] ?? '')) return [{ host, ...rest }]
  const found = await lookup(host, { all: true, family: 4 }).catch(() => [])
  if (found.length === 0) {
    throw new Error(
      `HEARTH_SANDBOX_ALLOW or HEARTH_FUNCTION_ENDPOINT names ${host}, which has no address here.`,
    )
  }
  const addresses = found.map(({ address }) => address).sort()
  return addresses.map((address) => ({ host: address, ...rest }))
}

/**
 * A bridge on which the engine, too, lets nobody reach another. Engines before 25 make a second
 * network of the same name for schedulers that start at once, and both then go by their ids alone:
 * the oldest is everybody's, and who made another takes it back.
 */
async function ensureNetwork(docker: Docker, name: string): Promise<Docker.NetworkInspectInfo> {
  const [found] = await networksOf(docker, name)
  if (found) return found
  const network = {
    Name: name,
    Driver: 'bridge',
    CheckDuplicate: true,
    Labels: { [NETWORK_LABEL]: name },
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  }
  const made = await docker.createNetwork(network).catch((error: unknown) => {
    // Another scheduler on this engine was quicker.
    if (!isConflict(error)) throw new Error(explainNetwork(error as Error))
  })
  const [oldest] = await networksOf(docker, name)
  if (!oldest) throw new Error(`The network ${name} is gone as soon as it is made.`)
  if (made && made.id !== oldest.Id) await made.remove().catch(() => {})
  return oldest
}

/** Engines say it in two ways (libnetwork's default address pools). */
const NO_ADDRESSES = /non-overlapping|address pools/

function explainNetwork({ message }: Error): string {
  const advice = NO_ADDRESSES.test(message)
    ? ` \`docker network prune --filter label=${NETWORK_LABEL}\` removes those that no container ` +
      'uses; a Hearth that had no sandbox just then needs a restart.'
    : ''
  return `Docker made no network for sandboxes: ${message}.${advice}`
}

/** The oldest first; the engine's filter takes any part of a name. */
async function networksOf(docker: Docker, name: string): Promise<Docker.NetworkInspectInfo[]> {
  const filters = { name: [`^${name}$`] }
  const networks = await docker.listNetworks({ filters }).catch((error: unknown) => {
    throw new Error(explain(error, ''))
  })
  return networks
    .filter(({ Name }) => Name === name)
    .sort((a, b) => a.Created.localeCompare(b.Created) || a.Id.localeCompare(b.Id))
}

/** Puts the rules in place. @throws Error with the reason why that is not possible here. */
async function guard(docker: Docker, args: string[]): Promise<void> {
  const container = await docker.createContainer({
    Image: RULES_IMAGE,
    Cmd: ['apply', ...args],
    HostConfig: {
      NetworkMode: 'host',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: ['NET_ADMIN', 'NET_RAW'],
      // Where users are mapped, root in a container is nobody to the host's network.
      UsernsMode: 'host',
    },
  })
  try {
    await container.start()
    const late = new Promise<never>((_, reject) => {
      const error = new Error('the rules took too long')
      setTimeout(() => reject(error), RULES_MS_MAX).unref()
    })
    const { StatusCode } = await Promise.race([container.wait(), late])
    if (StatusCode === 0) return
    const said = await container.logs({ stdout: true, stderr: true })
    throw new Error(lastLine(said) || `the rules could not be set (status ${StatusCode})`)
  } finally {
    await container.remove({ force: true }).catch(() => {})
  }
}

/** Docker puts a header before each piece of output. */
function lastLine(log: Buffer): string {
  let text = ''
  for (let at = 0; at + LOG_HEADER_BYTES <= log.length; ) {
    const end = at + LOG_HEADER_BYTES + log.readUInt32BE(at + 4)
    text += log.toString('utf8', at + LOG_HEADER_BYTES, end)
    at = end
  }
  return text.trim().split('\n').at(-1) ?? ''
}
