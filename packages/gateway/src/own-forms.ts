// Values that Hearth takes beside those of AWS's model: webhooks as destinations, and servers of
// NATS and Redis as event sources. A value in one of these forms is good whatever the model says;
// refusals go on naming AWS's forms alone, to the letter.

/** By structure and member. */
export const OWN_FORMS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['OnFailure.Destination', isWebhook],
  ['OnSuccess.Destination', isWebhook],
  ['SelfManagedEventSource.Endpoints', isOwnEndpoints],
])

const ADDRESS_LENGTH_MAX = 2_048
const SERVERS_MAX = 10
const SERVER_LENGTH_MAX = 300
/** `host:port` or a URL; a user and a password may stand before the host. */
const SERVERS: ReadonlyMap<string, RegExp> = new Map([
  ['NATS_SERVERS', /^((nats|tls):\/\/)?([^\s@/]+@)?[\w.-]+:\d{1,5}$/],
  ['REDIS_SERVERS', /^(rediss?:\/\/)?([^\s@/]+@)?[\w.-]+:\d{1,5}(\/\d{1,2})?$/],
])

function isWebhook(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length <= ADDRESS_LENGTH_MAX &&
    /^https?:\/\/\S+$/.test(value)
  )
}

function isOwnEndpoints(value: unknown): boolean {
  const [entry, ...others] = Object.entries(value as Record<string, unknown>)
  if (!entry || others.length > 0) return false
  const [type, servers] = entry
  const form = SERVERS.get(type)
  if (!form || !Array.isArray(servers)) return false
  if (servers.length === 0 || servers.length > SERVERS_MAX) return false
  return servers.every(
    (server) =>
      typeof server === 'string' && server.length <= SERVER_LENGTH_MAX && form.test(server),
  )
}
