// Sandboxes that join a network namespace made ahead are as far apart as those with one of their
// own: no two ever join the same, the rules of the bridge hold, a function without a network has
// none. Whatever dies, nothing of a namespace stays, and no sandbox lives on without its own.

import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, startHearth } from './hearth.ts'
import { NODE } from './isolation/probes.ts'
import { hostAddress } from './listener.ts'

const run = promisify(execFile)
const REFUSED = /^(EHOSTUNREACH|ENETUNREACH|ECONNREFUSED|EACCES|EPERM|ETIMEDOUT|EINVAL)$/
/** hearth-init gives up its scheduler after ten seconds, a holder after twelve. */
const ORPHANED_MS = 20_000

let hearth: Hearth
let server: Server
let port: number

beforeAll(async () => {
  // Without stems every sandbox starts directly.
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  server = createServer((socket) => socket.on('error', () => {}).end('hello'))
  await new Promise<void>((listening) => server.listen(0, '0.0.0.0', listening))
  port = (server.address() as { port: number }).port
  const tags: Record<string, Record<string, string>> = { none: { 'hearth:network': 'none' } }
  for (const FunctionName of ['first', 'second', 'none', 'none-again']) {
    const Tags = tags[FunctionName.split('-')[0] ?? ''] ?? {}
    await hearth.create({ FunctionName, Timeout: 20, files: { 'index.mjs': NODE }, Tags })
  }
})
afterAll(async () => {
  server?.close()
  await hearth?.stop()
})

const ask = async (name: string, event: unknown) => (await hearth.invoke(name, event)).json
const reach = (name: string, to: { host: string; port: number }) => ask(name, { do: 'connect', to })

/** Ids of the holders that run. */
async function holders(): Promise<string[]> {
  const filters = [`label=hearth.owner=${hearth.owner}`, 'label=hearth.holder']
  const args = filters.flatMap((filter) => ['--filter', filter])
  const { stdout } = await run('docker', ['ps', '--quiet', '--no-trunc', ...args])
  return stdout.split('\n').filter((id) => id !== '')
}

/** Whose namespace each sandbox has: `container:` and the holder's id where it has joined. */
async function modes(): Promise<string[]> {
  return inspect('{{.HostConfig.NetworkMode}}', await hearth.sandboxes())
}

async function inspect(format: string, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const args = ['inspect', '--format', format, ...ids]
  // One may end meanwhile; the engine still tells of the others.
  const { stdout } = await run('docker', args).catch((error: { stdout: string }) => error)
  return stdout.trim().split('\n')
}

const holderWaits = () =>
  eventually('a namespace waits', async () => {
    const joined = await modes()
    return (await holders()).some((id) => !joined.includes(`container:${id}`))
  })

test('each sandbox joins a namespace, and none another’s', async () => {
  for (const name of ['first', 'second']) {
    await holderWaits()
    await ask(name, { do: 'addresses' })
  }
  const joined = await modes()
  expect(joined).toHaveLength(2)
  expect(new Set(joined).size).toBe(2)
  const mine = await holders()
  for (const mode of joined) expect(mine).toContain(mode.replace('container:', ''))
})

test('it reaches neither another sandbox nor the host, and knows the host’s name', async () => {
  const [own] = (await ask('first', { do: 'listen', port: 8123 })).ok
  expect(await reach('first', { host: own, port: 8123 })).toEqual({ ok: 'connected' })
  const others = (await ask('second', { do: 'addresses' })).ok
  expect(others).toHaveLength(1)
  expect(others).not.toContain(own)
  expect((await reach('second', { host: own, port: 8123 })).error).toBe('ETIMEDOUT')
  const servers = [hearth.nats.url, hearth.valkey.url, hearth.endpoint].map((url) => new URL(url))
  for (const to of [port, ...servers.map((url) => Number(url.port))]) {
    expect((await reach('second', { host: hostAddress(), port: to })).error).toMatch(REFUSED)
  }
  expect((await reach('second', { host: '169.254.169.254', port: 80 })).error).toMatch(REFUSED)
  const { ok } = await ask('second', { do: 'lookup', name: 'host.docker.internal' })
  expect((await reach('second', { host: ok.address, port })).error).toMatch(REFUSED)
  expect((await reach('second', { host: '127.0.0.1', port })).error).toBe('ECONNREFUSED')
})

test('it sees nothing of its holder, and cannot change what they share', async () => {
  const script =
    'cat /proc/[0-9]*/comm | sort -u; ls /run/hearth; ' +
    'for f in /etc/hosts /etc/resolv.conf /etc/hostname; do (echo x >> $f) 2>&-; echo $?; done'
  const { ok } = await ask('first', { do: 'shell', script })
  expect(ok).not.toContain('holder')
  expect(ok.trim().split('\n').slice(-3)).not.toContain('0')
})

test('a function without a network joins one that has none', async () => {
  await ask('none', { do: 'addresses' })
  await eventually('one waits', async () => {
    const all = await inspect('{{.Id}} {{.HostConfig.NetworkMode}}', await holders())
    const joined = await modes()
    const alone = all.filter((line) => line.endsWith(' none'))
    return alone.some((line) => !joined.includes(`container:${line.split(' ')[0]}`))
  })
  const before = await modes()
  expect((await ask('none-again', { do: 'addresses' })).ok).toEqual([])
  const [fresh] = (await modes()).filter((mode) => !before.includes(mode))
  expect(fresh).toMatch(/^container:/)
  expect((await reach('none-again', { host: '192.0.2.1', port: 80 })).error).toBe('ENETUNREACH')
})

test('a namespace goes with its sandbox, and a sandbox with its namespace', async () => {
  const before = await modes()
  const victim = before.find((mode) => mode.startsWith('container:'))?.replace('container:', '')
  await run('docker', ['kill', victim ?? ''])
  await eventually('its sandbox ends', async () => (await modes()).length < before.length)
  expect(await modes()).not.toContain(`container:${victim}`)
  // Whichever function that was, it starts again.
  for (const name of ['first', 'second'])
    expect((await ask(name, { do: 'addresses' })).ok).toHaveLength(1)
})

test('after kill -9 no holder stays, even if no scheduler comes back; the next one sweeps', async () => {
  await holderWaits()
  await hearth.main.kill()
  await eventually('all have ended', async () => (await holders()).length === 0, ORPHANED_MS)
  const next = await hearth.serve()
  await holderWaits()
  await ask('first', { do: 'addresses' })
  const old = await holders()
  await next.kill()
  const last = await hearth.serve()
  expect((await holders()).filter((id) => old.includes(id))).toEqual([])
  await last.stop()
  expect(await holders()).toEqual([])
})
