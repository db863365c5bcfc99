// Addresses and CIDR ranges, IPv4 and IPv6, as EventBridge's `cidr` compares them. Pure: addresses
// become whole numbers, and what is no address becomes nothing.

interface Address {
  bits: 32 | 128
  value: bigint
}

export interface IpRange extends Address {
  prefixBits: number
}

const GROUPS = 8

/** `10.0.0.0/24` or `2001:db8::/32`; undefined for anything else. */
export function parseRange(text: string): IpRange | undefined {
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const parsed = parseAddress(address)
  const prefixBits = Number(length)
  if (!parsed || length === '' || prefixBits > parsed.bits) return undefined
  return { ...parsed, prefixBits }
}

export function isWithin(range: IpRange, text: string): boolean {
  const address = parseAddress(text)
  if (address?.bits !== range.bits) return false
  const ignored = BigInt(range.bits - range.prefixBits)
  return address.value >> ignored === range.value >> ignored
}

/** However the two are written. */
export function isSameAddress(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)]
  return a !== undefined && a.bits === b?.bits && a.value === b.value
}

function parseAddress(text: string): Address | undefined {
  const four = parseFour(text)
  if (four !== undefined) return { bits: 32, value: four }
  const six = parseSix(text)
  return six === undefined ? undefined : { bits: 128, value: six }
}

function parseFour(text: string): bigint | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  if (bytes.some((byte) => byte > 255)) return undefined
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function parseSix(text: string): bigint | undefined {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text)) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map(groupsOf)
  if (!head || (halves.length === 2 && !tail)) return undefined
  const after = tail ?? []
  const zeros = GROUPS - head.length - after.length
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined
  const groups = [...head, ...Array<number>(zeros).fill(0), ...after]
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n)
}

/** Groups of 16 bits; the last two may be written as an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 ? parseFour(part) : undefined
    if (four !== undefined) groups.push(Number(four >> 16n), Number(four & 0xffffn))
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}
