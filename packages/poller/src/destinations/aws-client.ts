// What AWS's clients have in common here: one client a region, short tries that end by themselves,
// and end points that may be any compatible server's.

import type { AwsAccess } from '../sources/source.ts'

/** A try that takes longer is a failed one; whoever asked tries again later. */
const TRY_MS = 10_000
/** Tries within one delivery: for what a moment mends. */
const ATTEMPTS_MAX = 2

type Service = Parameters<AwsAccess['endpoint']>[0]

/** What every client of a service is made with. */
export function clientOptions(aws: AwsAccess, service: Service, region: string) {
  const endpoint = aws.endpoint(service)
  return {
    region,
    maxAttempts: ATTEMPTS_MAX,
    ...(endpoint !== undefined && { endpoint }),
    ...(aws.credentials && { credentials: aws.credentials }),
  }
}

/** Ends a request that takes too long. */
export const withinTime = () => ({ abortSignal: AbortSignal.timeout(TRY_MS) })

/** One client for each region, made when it is first wanted. */
export function byRegion<Client extends { destroy(): void }>(make: (region: string) => Client) {
  const clients = new Map<string, Client>()
  return {
    of(region: string): Client {
      const known = clients.get(region)
      if (known) return known
      const client = make(region)
      clients.set(region, client)
      return client
    },
    close() {
      for (const client of clients.values()) client.destroy()
      clients.clear()
    },
  }
}
