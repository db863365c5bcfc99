// Webhooks against a real server with a certificate of its own: what it receives, what each of its
// answers means, and that a name is looked up once and gone to where it was judged.

import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer as createPlainServer, type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Delivery } from '@hearth/bus/messages'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openWebhooks, type Resolve } from './webhook.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const delivery: Delivery = {
  id: 'request.failed',
  account: '000000000000',
  target: '',
  as: 'destination',
  condition: 'Failure',
  functionName: 'f',
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST',
  body: '{"version":"1.0","ü":"ÿ"}',
  requestId: 'request',
  createdAt: 0,
}

let certificate: { key: string; cert: string }
let server: Server
let port: number
let listener: RequestListener
const heard: { headers: Record<string, unknown>; body: string; url: string; method: string }[] = []

/** A server's own certificate, for the names that these tests call it by. */
async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-certificate-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = 'subjectAltName=DNS:hooks.lan,DNS:localhost,IP:127.0.0.1'
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', '/CN=hooks.lan', '-addext', names, '-keyout', key, '-out', cert],
  ])
  const made = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
  await rm(folder, { recursive: true })
  return made
}

beforeAll(async () => {
  certificate = await makeCertificate()
  server = createServer(certificate, (request, response) => listener(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server?.closeAllConnections()
  server?.close()
})
beforeEach(() => {
  heard.length = 0
  answerWith(204)
})

/** Hears a request to its end and answers it. */
function answerWith(status: number, headers: Record<string, string> = {}, body = ''): void {
  listener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { headers: sent, url = '', method = '' } = request
      heard.push({ headers: sent, url, method, body: Buffer.concat(chunks).toString() })
      response.writeHead(status, headers).end(body)
    })
  }
}

/** Each name by a list of addresses, one list a look-up. */
function resolverOf(...answers: string[][]): Resolve & { asked: string[] } {
  const asked: string[] = []
  const resolve: Resolve = (name, _, callback) => {
    const addresses = answers[asked.length] ?? ['192.168.255.1']
    asked.push(name)
    const found = addresses.map((address) => ({ address, family: 4 }))
    setImmediate(callback, null, found)
  }
  return Object.assign(resolve, { asked })
}

const here = [{ host: '127.0.0.1' }]
const post = (
  path = '/hook?key=1',
  options: { resolve?: Resolve; secrets?: string[]; host?: string; authorities?: string } = {},
) => {
  const { resolve = resolverOf(['127.0.0.1']), secrets = [SECRET], host = 'hooks.lan' } = options
  const authorities = options.authorities ?? certificate.cert
  const webhooks = openWebhooks({ secrets, allow: here, authorities }, resolve)
  const target = { kind: 'webhook', url: `https://${host}:${port}${path}` } as const
  return webhooks.deliver(delivery, target).finally(() => webhooks.close?.())
}

test('a webhook is one POST of the record, signed as any receiver can check', async () => {
  expect(await post()).toBe('delivered')
  const [request] = heard
  expect(heard).toHaveLength(1)
  expect(request).toMatchObject({ method: 'POST', url: '/hook?key=1', body: delivery.body })
  const { headers } = request as { headers: Record<string, string> }
  expect(headers).toMatchObject({
    host: `hooks.lan:${port}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(delivery.body)),
    'webhook-id': expect.stringMatching(/^msg_[0-9a-f]{32}$/),
    'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
  })
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${delivery.body}`
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(text).digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${signature}`)
  expect(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']))).toBeLessThan(60)
})

test('a second try has the same id, and without a secret there is no signature', async () => {
  await post()
  await post('/', { secrets: [] })
  expect(heard[0]?.headers['webhook-id']).toBe(heard[1]?.headers['webhook-id'])
  expect(heard[1]?.headers).not.toHaveProperty('webhook-signature')
})

describe('an answer', () => {
  test.each([200, 201, 202, 204, 299])('of %i means delivered', async (status) => {
    answerWith(status)
    expect(await post()).toBe('delivered')
  })

  test.each([400, 401, 403, 404, 405, 410, 413, 422])('of %i means never', async (status) => {
    answerWith(status)
    expect(await post()).toEqual({ failed: `hooks.lan answered ${status}.`, permanent: true })
  })

  test.each([408, 429, 500, 502, 503, 504])('of %i means later', async (status) => {
    answerWith(status)
    expect(await post()).toEqual({ failed: `hooks.lan answered ${status}.`, permanent: false })
  })

  test.each([301, 302, 303, 307, 308])('of %i is not followed', async (status) => {
    answerWith(status, { location: `https://127.0.0.1:${port}/elsewhere` })
    expect(await post()).toEqual({ failed: `hooks.lan answered ${status}.`, permanent: true })
    expect(heard.map(({ url }) => url)).toEqual(['/hook?key=1'])
  })

  test('that never ends is cut off and counts by its status', async () => {
    const cut = Promise.withResolvers<number>()
    listener = (request, response) => {
      request.resume()
      let sent = 0
      response.writeHead(200)
      const pour = () => {
        const chunk = Buffer.alloc(65_536)
        while (!response.destroyed) {
          sent += chunk.length
          if (!response.write(chunk)) return void response.once('drain', pour)
        }
      }
      response.on('close', () => cut.resolve(sent))
      pour()
    }
    expect(await post()).toBe('delivered')
    expect(await cut.promise).toBeLessThan(64 * 1_048_576)
  })

  test('that does not come in ten seconds is not waited for', async () => {
    listener = (request) => request.resume()
    const before = Date.now()
    await expect(post()).rejects.toMatchObject({ name: 'AbortError' })
    expect(Date.now() - before).toBeLessThan(20_000)
  })
})

describe('a name', () => {
  test('is looked up once: what it means later is of no account', async () => {
    const resolve = resolverOf(['127.0.0.1'], ['10.0.0.1'])
    expect(await post('/', { resolve })).toBe('delivered')
    expect(resolve.asked).toEqual(['hooks.lan'])
  })

  test('is gone to at those of its addresses that are allowed', async () => {
    const resolve = resolverOf(['10.0.0.1', '127.0.0.1', '169.254.169.254'])
    expect(await post('/', { resolve })).toBe('delivered')
  })

  test('that means a forbidden address hears nothing', async () => {
    const resolve = resolverOf(['127.0.0.2'])
    expect(await post('/', { resolve })).toMatchObject({ permanent: true })
    expect(heard).toEqual([])
  })

  test('that cannot be resolved may be resolved later', async () => {
    const resolve: Resolve = (name, _, callback) =>
      callback(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }), [])
    await expect(post('/', { resolve })).rejects.toThrow('no hooks.lan')
  })

  test('must be in the certificate, and the certificate known', async () => {
    await expect(post('/', { host: 'other.lan' })).rejects.toThrow(/altnames/)
    await expect(post('/', { authorities: '' })).rejects.toThrow(/self-signed/)
    expect(heard).toEqual([])
  })
})

test('plain HTTP is spoken where the operator allows it', async () => {
  const plain = createPlainServer((request, response) => listener(request, response))
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const { port: at } = plain.address() as AddressInfo
  const url = `http://127.0.0.1:${at}/`
  const allowing = (allow: { host: string; port?: number }[]) =>
    openWebhooks({ secrets: [], allow }).deliver(delivery, { kind: 'webhook', url })
  try {
    expect(await allowing([{ host: '127.0.0.0/8', port: at }])).toBe('delivered')
    expect(await allowing([{ host: '127.0.0.0/8', port: at + 1 }])).toMatchObject({
      permanent: true,
    })
    expect(heard).toHaveLength(1)
  } finally {
    plain.close()
  }
})
