// A side channel from inside the sandbox: functions under test report to it what they really did,
// apart from everything that Hearth says about them.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'

export interface Report {
  /** Milliseconds since 1970, with fractions. */
  at: number
  what: string
}

export interface Listener {
  /** Where a function can reach it in a Hearth that allows `hostAddress`. */
  url: string
  /** Everything that was reported, in order. */
  heard: string[]
  /** The same with the time at which each was heard. */
  reports: Report[]
  close(): Promise<void>
}

export async function startListener(): Promise<Listener> {
  const heard: string[] = []
  const reports: Report[] = []
  const server = createServer((request, response) => {
    const what = decodeURIComponent((request.url ?? '/').slice(1))
    heard.push(what)
    reports.push({ at: performance.timeOrigin + performance.now(), what })
    response.end()
  })
  await new Promise<void>((listening) => server.listen(0, '0.0.0.0', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${hostAddress()}:${port}`,
    heard,
    reports,
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/**
 * An address of this host that sandboxes reach through their bridge, where they may. The same
 * whenever it is asked for: a bridge has none while nothing is attached to it.
 */
export function hostAddress(): string {
  address ??= findAddress()
  return address
}

let address: string | undefined

function findAddress(): string {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map((address) => ({ name, ...address })),
  )
  const outside = all.filter(({ family, internal }) => family === 'IPv4' && !internal)
  const bridge = outside.find(({ name }) => name === 'docker0') ?? outside[0]
  if (!bridge) throw new Error('this machine has no address that a sandbox could reach')
  return bridge.address
}
