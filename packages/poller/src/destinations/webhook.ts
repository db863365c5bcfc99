// Webhooks as targets: one POST of JSON, signed as Standard Webhooks has it. Whose address that is
// comes from a function's owner, so the address that a connection really goes to is judged, no
// redirect is followed, and of the answer only the status counts.

import { type LookupAddress, lookup } from 'node:dns'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent, type RequestOptions, request as secureRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { Delivery } from '@hearth/bus/messages'
import { notForDeadLetters } from './dead-letter.ts'
import { uuidOf } from './delivery-id.ts'
import { type Delivered, type Deliverer, never, type WebhookRules } from './destination.ts'
import { refusalOf, type Way } from './webhook-reach.ts'
import { signatureOf } from './webhook-signature.ts'

const TRY_MS = 10_000
/** As much of an answer as is taken in, so that a server can finish; none of it is looked at. */
const ANSWER_BYTES_MAX = 1_048_576
/** Connections to one host at a time. */
const CONNECTIONS_MAX = 16
/** Of the 4xx those that say "later"; every other one means that this request is not wanted. */
const PASSING = new Set([408, 429])

/** The system's resolver, as far as it is needed. */
export type Resolve = (
  name: string,
  options: { all: true; family?: number | 'IPv4' | 'IPv6' },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** This address may not be reached, whatever is tried. */
class Refused extends Error {}

export function openWebhooks(
  { secrets, allow, authorities }: WebhookRules,
  resolve: Resolve = lookup,
): Deliverer<'webhook'> {
  const plain = new PlainAgent({ maxSockets: CONNECTIONS_MAX })
  const secure = new Agent({
    maxSockets: CONNECTIONS_MAX,
    ...(authorities && { ca: [...getCACertificates('default'), authorities] }),
  })
  return {
    async deliver(delivery, { url }) {
      const unfit = notForDeadLetters(delivery, 'a webhook')
      if (unfit) return never(unfit)
      const address = URL.canParse(url) ? new URL(url) : undefined
      if (!address) return never('A webhook needs a whole address.')
      const way = wayOf(address)
      const refusal = isIP(way.host) ? refusalOf(way, way.host, allow) : undefined
      if (refusal) return never(refusal)
      try {
        const status = await post(address, delivery.body, {
          agent: way.isPlain ? plain : secure,
          headers: headersOf(delivery, secrets),
          lookup: judging(way, allow, resolve),
        })
        return meaningOf(status, way.host)
      } catch (error) {
        if (error instanceof Refused) return never(error.message)
        throw error
      }
    },
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

function wayOf({ protocol, hostname, port }: URL): Way {
  const isPlain = protocol === 'http:'
  return {
    isPlain,
    host: hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''),
    port: port === '' ? (isPlain ? 80 : 443) : Number(port),
  }
}

/** The answer's status; the rest of it is let in, up to a limit, and forgotten. */
function post(address: URL, body: string, options: RequestOptions): Promise<number> {
  const send = address.protocol === 'http:' ? plainRequest : secureRequest
  return new Promise((answered, failed) => {
    const signal = AbortSignal.timeout(TRY_MS)
    const request = send(address, { ...options, method: 'POST', signal }, (response) => {
      answered(response.statusCode ?? 0)
      let seen = 0
      response.on('error', () => undefined)
      response.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (seen > ANSWER_BYTES_MAX) response.destroy()
      })
    })
    request.on('error', failed)
    request.end(body)
  })
}

/** Resolves a name once, and hands on what may be reached: the connection goes there alone. */
function judging(way: Way, allow: WebhookRules['allow'], resolve: Resolve): LookupFunction {
  return (name, options, callback) => {
    const { family } = options
    resolve(name, { all: true, ...(family !== undefined && { family }) }, (error, addresses) => {
      if (error) return callback(error, [])
      const refusals = addresses.map(({ address }) => refusalOf(way, address, allow))
      const open = addresses.filter((_, index) => refusals[index] === undefined)
      const [first] = open
      if (!first) return callback(new Refused(refusals[0] ?? `${name} has no address.`), [])
      if (options.all) callback(null, open)
      else callback(null, first.address, first.family)
    })
  }
}

function headersOf(delivery: Delivery, secrets: readonly string[]): Record<string, string> {
  const id = `msg_${uuidOf(delivery.id).replaceAll('-', '')}`
  const timestamp = Math.floor(Date.now() / 1000)
  return {
    'content-type': 'application/json',
    'user-agent': 'Hearth',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    ...(secrets.length > 0 && {
      'webhook-signature': signatureOf({ id, timestamp, body: delivery.body }, secrets),
    }),
  }
}

function meaningOf(status: number, host: string): Delivered {
  if (status >= 200 && status < 300) return 'delivered'
  const permanent = status >= 300 && status < 500 && !PASSING.has(status)
  return { failed: `${host} answered ${status}.`, permanent }
}
