// Probes from inside functions against the network: nothing of the host, of the platform or of
// other sandboxes answers, the internet and name servers do, an operator's exception holds for what
// it names, and a function can be without any network.

import { execFile } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'
import { NODE, PYTHON } from './isolation/probes.ts'
import { hostAddress } from './listener.ts'

const run = promisify(execFile)
/** What the rules answer at once; where they only drop, the function waits in vain. */
const REFUSED = /^(EHOSTUNREACH|ENETUNREACH|ECONNREFUSED|EACCES|EPERM|ETIMEDOUT|EINVAL)$/
/** Without the rules nobody would answer there, so only an answer at once is proof. */
const AT_ONCE = /^(EHOSTUNREACH|EINVAL)$/

let hearth: Hearth
let server: Server
let port: number
let gateway: string

beforeAll(async () => {
  hearth = await startHearth()
  // Those who probe hang up before they have read.
  server = createServer((socket) => socket.on('error', () => {}).end('hello'))
  await new Promise<void>((listening) => server.listen(0, '0.0.0.0', listening))
  port = (server.address() as { port: number }).port
  await deploy(hearth, 'node')
  await hearth.create({
    FunctionName: 'python',
    Runtime: 'python3.13',
    Timeout: 20,
    files: { 'index.py': PYTHON },
  })
  const { stdout } = await run('docker', [
    ...['network', 'inspect', '--format', '{{(index .IPAM.Config 0).Gateway}}'],
    'hearth-sandboxes',
  ])
  gateway = stdout.trim()
})
afterAll(async () => {
  server?.close()
  await hearth?.stop()
})

const deploy = (where: Hearth, FunctionName: string, Tags: Record<string, string> = {}) =>
  where.create({ FunctionName, Timeout: 20, files: { 'index.mjs': NODE }, Tags })
const ask = async (name: string, event: unknown, where = hearth) =>
  (await where.invoke(name, event)).json
const reach = (to: { host: string; port: number }, name = 'node') =>
  ask(name, { do: 'connect', to })

/** Whether this machine itself gets an answer: what a probe would have found without the rules. */
function answersHere(to: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(to)
    socket.setTimeout(3_000, () => socket.destroy(new Error('late')))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      resolve(true)
      socket.destroy()
    })
  })
}

const hostAddresses = () =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)

/** The addresses of a container that runs here, by the image that it runs. */
async function containerAddress(image: string): Promise<string> {
  const { stdout } = await run('docker', ['ps', '--quiet', '--filter', `ancestor=${image}`])
  const id = stdout.split('\n')[0] ?? ''
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  return (await run('docker', ['inspect', '--format', format, id])).stdout.trim()
}

describe('the host', () => {
  test('answers on none of its addresses, the gateway among them', async () => {
    const addresses = hostAddresses()
    expect(addresses).toContain(gateway)
    for (const host of addresses) {
      expect(await answersHere({ host, port })).toBe(true)
      expect([host, (await reach({ host, port })).error]).toEqual([
        host,
        expect.stringMatching(REFUSED),
      ])
    }
    expect((await reach({ host: gateway, port }, 'python')).error).toMatch(REFUSED)
  })

  test('is not the sandbox’s own loopback', async () => {
    expect((await reach({ host: '127.0.0.1', port })).error).toBe('ECONNREFUSED')
  })

  test('shows none of its ports of NATS, Valkey, Hearth and Docker', async () => {
    const urls = [hearth.nats.url, hearth.nats.monitorUrl, hearth.valkey.url, hearth.endpoint]
    const ports = [...urls.map((url) => Number(new URL(url).port)), 2375, 2376]
    for (const published of ports) {
      expect((await reach({ host: gateway, port: published })).error).toMatch(REFUSED)
    }
    const { hostname, port: nats } = new URL(hearth.nats.url)
    expect(await answersHere({ host: hostname, port: Number(nats) })).toBe(true)
  })

  test('has a name, and still does not answer', async () => {
    const { ok } = await ask('node', { do: 'lookup', name: 'host.docker.internal' })
    expect(ok.address).toBe(gateway)
    expect((await reach({ host: 'host.docker.internal', port })).error).toMatch(REFUSED)
  })
})

describe('other containers', () => {
  test.each([
    ['hearth/nats:2.15.1', 4222],
    ['hearth/valkey:8.1', 6379],
  ])('%s cannot be reached at its own address', async (image, its) => {
    const to = { host: await containerAddress(image), port: its }
    expect(await answersHere(to)).toBe(true)
    expect((await reach(to)).error).toMatch(REFUSED)
    expect((await reach(to, 'python')).error).toMatch(REFUSED)
  })

  test('a sandbox reaches no other, whoever’s it is', async () => {
    await deploy(hearth, 'listener')
    const { ok } = await ask('listener', { do: 'listen', port: 8123 })
    const own = ok[0]
    // It is frozen when it idles, so it is asked again while the other one tries.
    const itself = await reach({ host: own, port: 8123 }, 'listener')
    expect(itself).toEqual({ ok: 'connected' })
    const [other, python] = await Promise.all([
      reach({ host: own, port: 8123 }),
      reach({ host: own, port: 8123 }, 'python'),
    ])
    expect([other.error, python.error]).toEqual(['ETIMEDOUT', 'ETIMEDOUT'])
    expect(new Set([own, ...(await ask('node', { do: 'addresses' })).ok]).size).toBe(2)
  })
})

describe('private destinations', () => {
  const places = [
    ...['169.254.169.254', '169.254.170.2', '10.1.2.3', '172.31.255.254', '192.168.1.1'],
    ...['100.100.100.200', '198.18.0.1'],
  ]
  test.each(places)('%s is refused at once', async (host) => {
    const startedAt = performance.now()
    expect((await reach({ host, port: 80 })).error).toMatch(AT_ONCE)
    expect((await reach({ host, port: 443 }, 'python')).error).toMatch(AT_ONCE)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  test('metadata by datagram is refused too', async () => {
    const to = { host: '169.254.169.254', port: 123 }
    const { error } = await ask('python', { do: 'send', to, bytes: [1] })
    expect(error).toMatch(/^(EHOSTUNREACH|EACCES|ECONNREFUSED)$/)
  })

  test('IPv6 leads nowhere', async () => {
    for (const host of ['fd00::1', 'fe80::1', '2001:db8::1']) {
      expect((await reach({ host, port: 80 })).error).toMatch(
        /^(ENETUNREACH|EADDRNOTAVAIL|EINVAL)$/,
      )
    }
  })
})

describe('the internet', () => {
  test('is reached, and its names are known, exactly where the host’s are', async () => {
    const { stdout } = await run('npm', ['config', 'get', 'registry'])
    const { hostname: name, protocol } = new URL(stdout.trim())
    const found = await lookup(name, { family: 4 }).catch(() => undefined)
    const heard = await ask('node', { do: 'lookup', name })
    expect(heard.ok?.address).toBe(found?.address)
    if (!found) return
    const to = { host: found.address, port: protocol === 'https:' ? 443 : 80 }
    expect((await reach(to)).ok === 'connected').toBe(await answersHere(to))
    expect((await reach(to, 'python')).ok === 'connected').toBe(await answersHere(to))
  })

  test('name servers answer names and nothing else', async () => {
    const configuration = await readFile('/etc/resolv.conf', 'utf8')
    const host = /^nameserver ([\d.]+)$/m.exec(configuration)?.[1] ?? ''
    const isPrivate = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host)
    if (isPrivate) expect((await reach({ host, port: 80 })).error).toMatch(REFUSED)
    expect((await ask('node', { do: 'lookup', name: 'localhost' })).ok.address).toBe('127.0.0.1')
  })
})

describe('what the operator allows', () => {
  let permissive: Hearth
  beforeAll(async () => {
    const allow = `${hostAddress()}:${port}`
    permissive = await startHearth({ env: { HEARTH_SANDBOX_ALLOW: allow } })
    await deploy(permissive, 'node')
  })
  afterAll(() => permissive?.stop())

  test('is reached, and nothing beside it', async () => {
    const ask1 = (to: object) => ask('node', { do: 'connect', to }, permissive)
    expect(await ask1({ host: hostAddress(), port })).toEqual({ ok: 'connected' })
    const nats = Number(new URL(permissive.nats.url).port)
    expect((await ask1({ host: hostAddress(), port: nats })).error).toMatch(REFUSED)
    expect((await ask1({ host: '10.1.2.3', port })).error).toMatch(AT_ONCE)
    // The other Hearth's rules are its own.
    expect((await reach({ host: hostAddress(), port })).error).toMatch(REFUSED)
  })

  test('is a name, an address or a network, or Hearth does not start', async () => {
    const start = (entry: string) => startHearth({ env: { HEARTH_SANDBOX_ALLOW: entry } })
    await expect(start('10.0.0.0/33')).rejects.toThrow(
      /ended early[\s\S]*10.0.0.0\/33 is no network/,
    )
    await expect(start('no-such-name.invalid:80')).rejects.toThrow(
      /ended early[\s\S]*which has no address here/,
    )
  })
})

describe('a function without a network', () => {
  test('reaches nothing, not even a name, and works', async () => {
    await deploy(hearth, 'alone', { 'hearth:network': 'none' })
    expect((await ask('alone', { do: 'addresses' })).ok).toEqual([])
    expect((await reach({ host: gateway, port }, 'alone')).error).toBe('ENETUNREACH')
    expect((await reach({ host: '192.0.2.1', port: 80 }, 'alone')).error).toBe('ENETUNREACH')
    const { error } = await ask('alone', { do: 'lookup', name: 'host.docker.internal' })
    expect(error).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/)
  })

  test('is asked for by a value that means something', async () => {
    const wrong = deploy(hearth, 'wrong', { 'hearth:network': 'off' })
    await expect(wrong).rejects.toThrow('can be internet or none, not off')
  })
})

test('an unknown runtime of sandboxes keeps Hearth from starting', async () => {
  const start = startHearth({ env: { HEARTH_SANDBOX_RUNTIME: 'no-such-runtime' } })
  await expect(start).rejects.toThrow(
    /ended early[\s\S]*no-such-runtime, which this engine does not know. It knows/,
  )
})
