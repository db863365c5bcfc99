// What an extension subscribes to, as it asks for it by the Telemetry API or the older Logs API:
// the limits, the defaults and the refusals of AWS. Pure.

/** Which events, in which form, where to, and how many at a time. */
export interface Subscription {
  api: 'logs' | 'telemetry'
  types: readonly TelemetryType[]
  /** Whether lines of JSON logs are told as objects. */
  hasObjects: boolean
  destination: Destination
  buffering: Buffering
}

export type TelemetryType = 'extension' | 'function' | 'platform'
export type Destination =
  | { protocol: 'HTTP'; port: number; path: string }
  | { protocol: 'TCP'; port: number }

/** A batch leaves when it has so many events, so many bytes, or so old a first one. */
export interface Buffering {
  maxItems: number
  maxBytes: number
  timeoutMs: number
}

export interface SubscriptionFault {
  errorType: 'ValidationError'
  errorMessage: string
}

const TYPES: readonly unknown[] = ['platform', 'function', 'extension'] satisfies TelemetryType[]
const SCHEMAS = {
  logs: ['2020-08-15', '2021-03-18'],
  telemetry: ['2022-07-01', '2022-12-13', '2025-01-29'],
}
/** The first whose lines may be objects. */
const OBJECTS_SINCE = '2022-12-13'
/** Lambda guide, "Telemetry API reference": least, most and default. */
const LIMITS = {
  maxItems: { min: 1_000, max: 10_000, usual: 10_000 },
  maxBytes: { min: 262_144, max: 1_048_576, usual: 262_144 },
  timeoutMs: { min: 25, max: 30_000, usual: 1_000 },
} as const satisfies Record<keyof Buffering, { min: number; max: number; usual: number }>
const HOSTS = ['sandbox.localdomain', 'sandbox']
const PORT_MAX = 65_535

type Members = Record<string, unknown>

export function readSubscription(
  api: Subscription['api'],
  body: Buffer | undefined,
): Subscription | SubscriptionFault {
  const wish = readObject(body)
  if (!wish) return fault('the body must be a JSON object')
  const { schemaVersion, types } = wish
  const known = SCHEMAS[api]
  const schema = schemaVersion ?? (api === 'logs' ? known[0] : undefined)
  if (typeof schema !== 'string' || !known.includes(schema)) {
    return fault(`schemaVersion must be one of ${known.join(', ')}`)
  }
  if (!Array.isArray(types) || types.length === 0 || !types.every((one) => TYPES.includes(one))) {
    return fault(`types must be a list of some of ${TYPES.join(', ')}`)
  }
  const destination = readDestination(wish.destination)
  if (typeof destination === 'string') return fault(destination)
  const buffering = readBuffering(wish.buffering ?? {})
  if (typeof buffering === 'string') return fault(buffering)
  const hasObjects = api === 'telemetry' && schema >= OBJECTS_SINCE
  return { api, types: [...new Set(types)], hasObjects, destination, buffering }
}

function readObject(body: Buffer | undefined): Members | undefined {
  try {
    const value: unknown = JSON.parse(String(body))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @returns the destination, or why it is none. */
function readDestination(value: unknown): Destination | string {
  if (!isObject(value)) return 'destination must be an object'
  const { protocol, URI, port } = value
  if (protocol === 'TCP') {
    return isPort(port) ? { protocol, port } : `destination.port must be from 1 to ${PORT_MAX}`
  }
  if (protocol !== 'HTTP') return 'destination.protocol must be HTTP or TCP'
  if (typeof URI !== 'string' || !URL.canParse(URI)) return 'destination.URI must be a URI'
  const { protocol: scheme, hostname, port: uriPort, pathname, search } = new URL(URI)
  if (scheme !== 'http:' || !HOSTS.includes(hostname)) {
    return `destination.URI host must be ${HOSTS[0]}`
  }
  const ownPort = Number(uriPort || 80)
  if (!isPort(ownPort)) return `destination.URI port must be from 1 to ${PORT_MAX}`
  return { protocol, port: ownPort, path: pathname + search }
}

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PORT_MAX

/** @returns the figures, or which of them is out of its limits. */
function readBuffering(value: unknown): Buffering | string {
  if (!isObject(value)) return 'buffering must be an object'
  const figures: Buffering = { maxItems: 0, maxBytes: 0, timeoutMs: 0 }
  for (const name of ['maxItems', 'maxBytes', 'timeoutMs'] as const) {
    const { min, max, usual } = LIMITS[name]
    const figure = value[name] ?? usual
    if (!Number.isInteger(figure) || Number(figure) < min || Number(figure) > max) {
      return `buffering.${name} must be an integer from ${min} to ${max}`
    }
    figures[name] = Number(figure)
  }
  return figures
}

const fault = (errorMessage: string): SubscriptionFault => ({
  errorType: 'ValidationError',
  errorMessage,
})
