// Where webhooks may not go, however it is written: each address goes through the webhook itself,
// whose names mean what the table says. Nothing is sent, since nothing may be.

import type { Delivery } from '@hearth/bus/messages'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openWebhooks, type Resolve } from './webhook.ts'
import { refusalOf } from './webhook-reach.ts'

const delivery = {
  id: 'a',
  as: 'destination',
  condition: 'Failure',
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST',
  body: '{}',
} as Delivery

/** Names that an attacker owns, by what they mean. */
const NAMES: Readonly<Record<string, string[]>> = {
  localhost: ['127.0.0.1', '::1'],
  'localhost.localdomain': ['127.0.0.1'],
  'metadata.google.internal': ['169.254.169.254'],
  'metadata.example.com': ['169.254.169.254', 'fd00:ec2::254'],
  'router.example.com': ['192.168.0.1'],
  'mapped.example.com': ['::ffff:10.0.0.1'],
  'nat64.example.com': ['64:ff9b::7f00:1'],
  'six.example.com': ['2002:7f00:1::'],
  'scoped.example.com': ['fe80::1%eth0'],
  'any.example.com': ['0.0.0.0'],
  'nats.example.com': ['172.17.0.2'],
  'nonsense.example.com': ['not-an-address'],
  '127.0.0.1.nip.example.com': ['127.0.0.1'],
}
const resolve: Resolve = (name, _, callback) => {
  const addresses = NAMES[name] ?? []
  callback(
    null,
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  )
}
const webhooks = openWebhooks({ secrets: [], allow: [] }, resolve)

const V4 = [
  ...['0.0.0.0', '0.0.0.1', '0.255.255.255', '10.0.0.0', '10.0.0.1', '10.255.255.255'],
  ...['100.64.0.0', '100.64.0.1', '100.100.100.200', '100.127.255.255', '127.0.0.0'],
  ...['127.0.0.1', '127.0.0.2', '127.1.2.3', '127.255.255.255', '169.254.0.0'],
  ...['169.254.169.123', '169.254.169.254', '169.254.170.2', '169.254.255.255', '172.16.0.0'],
  ...['172.16.0.1', '172.17.0.1', '172.31.255.255', '192.0.0.0', '192.0.0.1', '192.0.0.170'],
  ...['192.0.0.192', '192.0.2.1', '192.88.99.1', '192.168.0.0', '192.168.1.1'],
  ...['192.168.255.255', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9'],
  ...['10.96.0.1', '172.20.10.5', '172.30.0.1', '192.168.65.2', '169.254.169.250', '127.0.0.53'],
  ...['192.0.0.8', '198.51.100.255', '203.0.113.255', '224.0.0.251', '240.255.255.255'],
  ...['224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.254', '255.255.255.255'],
]
/** What a URL's host may look like and still be one of those: the parser reads them all. */
const V4_FORMS = [
  ...['127.1', '127.0.1', '127.0.0.1.', '0', '0.0', '0x7f.1', '0x7f000001', '0X7F000001'],
  ...['0177.0.0.1', '0177.1', '017700000001', '2130706433', '2130706433.', '2852039166'],
  ...['0xa9fea9fe', '0xa9.0xfe.0xa9.0xfe', '0251.0376.0251.0376', '169.254.43518', '3232235521'],
  ...[
    '0xc0a80001',
    '167772161',
    '0x0a000001',
    '012.0.0.1',
    '10.1',
    '0xac110001',
    '%31%32%37.0.0.1',
  ],
  ...['１２７.０.０.１', '①②⑦.0.0.1', '127。0。0。1', '4294967295', '0xffffffff', '0xe0000001'],
]
const V6 = [
  ...['::', '::1', '0:0:0:0:0:0:0:1', '::127.0.0.1', '::7f00:1', '::10.0.0.1', '::ffff:127.0.0.1'],
  ...['::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:a00:1', '::ffff:169.254.169.254'],
  ...['::ffff:a9fe:a9fe', '::ffff:192.168.1.1', '::ffff:172.17.0.1', '::ffff:0.0.0.0'],
  ...['0:0:0:0:0:ffff:127.0.0.1', '0000:0000:0000:0000:0000:FFFF:7F00:0001'],
  ...['::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '100::1'],
  ...['2001::1', '2001:0:7f00:1::', '2001:1::1', '2001:2::1', '2001:10::1', '2001:20::1'],
  ...['2001:db8::1', '2002::1', '2002:7f00:1::', '2002:a9fe:a9fe::', '2002:c0a8:1::1', '3fff::1'],
  ...['4000::1', '5f00::1', '8000::1', 'c000::1', 'fc00::1', 'fd00::1', 'fd00:ec2::254'],
  ...['fd12:3456:789a::1', 'fe80::1', 'fe80::a9fe:a9fe', 'febf::1', 'fec0::1', 'ff00::1'],
  ...['ff02::1', 'ff05::2', 'ffff::1'],
]
const PATHS = ['/', ':443/hook', ':22/', ':4222/', ':6379/x?y=z', ':8443']
const URLS = [
  ...[...V4, ...V4_FORMS].map((host, at) => `https://${host}${PATHS[at % PATHS.length]}`),
  ...V6.map((host, at) => `https://[${host}]${PATHS[at % PATHS.length]}`),
  ...Object.keys(NAMES).map((host) => `https://${host}/hook`),
  ...['https://LOCALHOST/', 'https://localhost./', 'https://unknown.example.com/'],
]

describe('a webhook', () => {
  test('is tried against enough addresses', () => {
    expect(new Set(URLS).size).toBeGreaterThanOrEqual(150)
  })

  test.each(URLS)('never goes to %s', async (url) => {
    expect(await webhooks.deliver(delivery, { kind: 'webhook', url })).toEqual({
      failed: expect.stringMatching(/which is not public|which is no address|has no address/),
      permanent: true,
    })
  })

  test.each(['http://93.184.216.34/', 'http://[2606:2800:220:1::1]/', 'http://93.184.216.34:443/'])(
    'never goes to %s without TLS',
    async (url) => {
      expect(await webhooks.deliver(delivery, { kind: 'webhook', url })).toEqual({
        failed: expect.stringContaining('plain HTTP'),
        permanent: true,
      })
    },
  )
})

describe('an address', () => {
  const way = { isPlain: false, host: 'hooks.lan', port: 8080 }

  test.each([
    ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0'],
    ...['126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255'],
    ...['172.32.0.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0'],
    ...['223.255.255.255', '2606:4700::1111', '2001:4860:4860::8888', '2a00:1450::1', '2003::1'],
    ...['::ffff:8.8.8.8', '::ffff:808:808'],
  ])('%s is public', (address) => {
    expect(refusalOf(way, address, [])).toBeUndefined()
  })

  test('of IPv4 means the same inside IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const refused = (text: string) => refusalOf(way, text, []) !== undefined
        expect(refused(`::ffff:${address}`)).toBe(refused(address))
      }),
    )
  })

  test.each([
    ['its address', '10.1.2.3', [{ host: '10.1.2.3' }]],
    ['its network', '10.1.2.3', [{ host: '10.1.0.0/16' }]],
    ['its network, inside IPv6', '::ffff:10.1.2.3', [{ host: '10.1.0.0/16' }]],
    ['its name', '10.1.2.3', [{ host: 'Hooks.lan' }]],
    ['its name and port', 'fd00::1', [{ host: 'hooks.lan', port: 8080 }]],
    ['one of several', '10.1.2.3', [{ host: 'a.lan' }, { host: '10.0.0.0/8', port: 8080 }]],
  ])('may be reached, over plain HTTP too, when the operator allows %s', (_, address, allow) => {
    expect(refusalOf({ ...way, isPlain: true }, address, allow)).toBeUndefined()
  })

  test.each([
    ['another address', [{ host: '10.1.2.4' }]],
    ['another network', [{ host: '10.2.0.0/16' }]],
    ['another name', [{ host: 'lan' }]],
    ['another port', [{ host: 'hooks.lan', port: 80 }]],
    ['nothing', []],
  ])('may not be reached when the operator allows %s', (_, allow) => {
    expect(refusalOf(way, '10.1.2.3', allow)).toContain('not public')
  })
})
