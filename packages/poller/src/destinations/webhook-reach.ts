// Which addresses a webhook may reach: the public internet over HTTPS, and what the operator allows
// beside it. It judges the address that a connection is about to be made to, never a name, since
// whoever owns a name can change what it means between a look and a connection.

import { BlockList, isIP } from 'node:net'
import type { WebhookRules } from './destination.ts'

/** Where a request wants to go; the host in lower case, without brackets. */
export interface Way {
  isPlain: boolean
  host: string
  port: number
}

/** IANA's special-purpose registries: what no public server answers at. */
const SPECIAL_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]
/** Within global unicast: Teredo and its neighbours, documentation, and 6to4, which hides IPv4. */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
/** Everything else of IPv6 is private, special, or not yet given out. */
const GLOBAL_V6 = ['2000::/3']

const special = listOf([...SPECIAL_V4, ...SPECIAL_V6])
const global = listOf(GLOBAL_V6)

/** Why a way may not be gone to this address; undefined when it may. */
export function refusalOf(
  way: Way,
  address: string,
  allow: WebhookRules['allow'],
): string | undefined {
  const plain = unmapped(address)
  if (isIP(plain) === 0) return `${way.host} is at ${address}, which is no address.`
  if (isAllowed(way, plain, allow)) return undefined
  if (!isPublic(plain)) {
    return `${way.host} is at ${address}, which is not public; HEARTH_WEBHOOK_ALLOW can allow it.`
  }
  return way.isPlain
    ? `${way.host} is asked over plain HTTP; HEARTH_WEBHOOK_ALLOW can allow it.`
    : undefined
}

function isAllowed(way: Way, address: string, allow: WebhookRules['allow']): boolean {
  return allow.some(({ host, port }) => {
    if (port !== undefined && port !== way.port) return false
    const isNetwork = isIP(host.split('/')[0] ?? '') === 4
    if (!isNetwork) return host.toLowerCase() === way.host
    return isIP(address) === 4 && listOf([host]).check(address, 'ipv4')
  })
}

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4')
  return global.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

/** IPv4 inside IPv6 is judged as what it is; a zone says nothing about the address. */
function unmapped(address: string): string {
  const [bare = ''] = address.split('%')
  if (isIP(bare) !== 6) return bare
  const canonical = new URL(`http://[${bare}]`).hostname
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return bare
  const words = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return words.flatMap((word) => [word >> 8, word & 0xff]).join('.')
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}
