// The verifier against AWS's own signer: whatever that signs is accepted, and nothing that was
// changed since is.

import { Sha256 } from '@aws-crypto/sha256-js'
import { ServiceError } from '@hearth/core/error'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVerifier, type SignedRequest } from './sigv4.ts'

/** `make faults` sends more. */
const CASES = Number(process.env.HEARTH_SIGNATURE_CASES ?? 2_700)
/** A case takes half a millisecond on a busy machine. */
const MS_MAX = 5_000 + CASES * 5
/** Of all cases, as many are changed after signing. */
const TAMPERED_SHARE = 0.25
const KEY = { accessKeyId: 'AKID', secretAccessKey: 'secret/+=' }
const KNOWN = { accessKeyId: KEY.accessKeyId, secret: KEY.secretAccessKey }
const NOW = Date.UTC(2026, 10, 24, 12, 30, 15)
const verify = createVerifier({
  region: 'us-east-1',
  services: ['lambda', 'logs'],
  find: (id) => (id === KEY.accessKeyId ? KNOWN : undefined),
})

interface Parts {
  method: string
  path: string
  query: Record<string, string | string[]>
  headers: Record<string, string>
  body: string
}

const signerFor = (region = 'us-east-1', service = 'lambda') =>
  new SignatureV4({ credentials: KEY, region, service, sha256: Sha256 })

/** The query as the SDK puts it on the wire. */
function queryText(query: Parts['query']): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    )
  return Object.entries(query)
    .flatMap(([name, values]) => [values].flat().map((value) => `${encode(name)}=${encode(value)}`))
    .join('&')
}

async function sign(parts: Parts, signer = signerFor(), at = NOW): Promise<SignedRequest> {
  const signed = await signer.sign(
    {
      method: parts.method,
      protocol: 'http:',
      hostname: 'localhost',
      path: parts.path,
      query: parts.query,
      headers: { host: 'localhost:4574', ...parts.headers },
      body: parts.body,
    },
    { signingDate: new Date(at) },
  )
  const headers = Object.fromEntries(
    Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const { method, path } = parts
  return { method, path, query: queryText(parts.query), headers, body: Buffer.from(parts.body) }
}

const SIMPLE: Parts = {
  method: 'POST',
  path: '/2015-03-31/functions/f/invocations',
  query: { Qualifier: '$LATEST' },
  headers: { 'x-amz-log-type': 'Tail', 'content-type': 'application/json' },
  body: '{"a":1}',
}

const names = fc.stringMatching(/^[a-zA-Z0-9 ~_.!*'()$:/+-]{1,8}$/)
const anyParts: fc.Arbitrary<Parts> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  path: fc
    .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), { maxLength: 4 })
    .map((segments) => segments.filter((segment) => !/^\.*$/.test(segment)))
    .map((segments) => `/${segments.map(encodeURIComponent).join('/')}`),
  query: fc.dictionary(
    names,
    fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 })),
    { maxKeys: 3 },
  ),
  headers: fc
    .dictionary(fc.stringMatching(/^x-amz-[a-z]{1,6}$/), fc.stringMatching(/^[ -~]{0,12}$/), {
      maxKeys: 3,
    })
    .filter((headers) => !('x-amz-date' in headers)),
  body: fc.string({ unit: 'grapheme', maxLength: 40 }),
})

const refusal = (request: SignedRequest, now = NOW) => {
  try {
    verify(request, now)
    return undefined
  } catch (error) {
    return error as ServiceError
  }
}

test(
  'whatever the SDK signs is accepted',
  async () => {
    await fc.assert(
      fc.asyncProperty(anyParts, async (parts) => {
        expect(verify(await sign(parts), NOW)).toBe(KNOWN)
      }),
      { numRuns: Math.ceil(CASES * (1 - TAMPERED_SHARE)) },
    )
  },
  MS_MAX,
)

test(
  'whatever is changed after signing is refused',
  async () => {
    const tamper: ((request: SignedRequest) => SignedRequest)[] = [
      (request) => ({ ...request, method: request.method === 'GET' ? 'HEAD' : 'GET' }),
      (request) => ({ ...request, path: `${request.path}x` }),
      (request) => ({ ...request, query: `${request.query}&z=1` }),
      (request) => ({ ...request, body: Buffer.concat([request.body, Buffer.from('!')]) }),
      (request) => ({ ...request, headers: { ...request.headers, host: 'elsewhere' } }),
      (request) => ({ ...request, headers: { ...request.headers, 'x-amz-added': '1' } }),
      (request) => ({
        ...request,
        headers: { ...request.headers, 'x-amz-date': '20261124T123016Z' },
      }),
    ]
    await fc.assert(
      fc.asyncProperty(anyParts, fc.constantFrom(...tamper), async (parts, change) => {
        const error = refusal(change(await sign(parts)))
        expect(error).toBeInstanceOf(ServiceError)
        expect(error?.code).toBe('InvalidSignatureException')
      }),
      { numRuns: Math.ceil(CASES * TAMPERED_SHARE) },
    )
  },
  MS_MAX,
)

test('a head is judged before its body is there, but for the signature itself', async () => {
  const { body: _, ...head } = await sign(SIMPLE)
  expect(() => verify.head(head, NOW)).not.toThrow()
  const codeOf = (change: object, now = NOW) => {
    try {
      verify.head({ ...head, ...change }, now)
      return 'none'
    } catch (error) {
      return (error as ServiceError).code
    }
  }
  const stranger = String(head.headers.authorization).replace('AKID', 'OTHER')
  const strangers = { ...head.headers, authorization: stranger }
  expect(codeOf({ headers: {} })).toBe('MissingAuthenticationTokenException')
  expect(codeOf({ headers: strangers })).toBe('UnrecognizedClientException')
  expect(codeOf({}, NOW + 600_000)).toBe('InvalidSignatureException')
  expect(codeOf({ path: '/elsewhere' })).toBe('none')
})

describe('a signature', () => {
  test.each([
    [4, undefined],
    [-4, undefined],
    [
      6,
      /^Signature expired: 20261124T123015Z is now earlier than 20261124T123115Z \(20261124T123615Z - 5 min\.\)$/,
    ],
    [-6, /^Signature not yet current: 20261124T123015Z is still later than /],
  ])('of %i minutes ago', async (minutes, message) => {
    const error = refusal(await sign(SIMPLE), NOW + minutes * 60_000)
    if (message) expect(error?.message).toMatch(message)
    else expect(error).toBeUndefined()
  })

  test('for another region or service is refused', async () => {
    expect(refusal(await sign(SIMPLE, signerFor('eu-west-1')))?.message).toBe(
      "Credential should be scoped to a valid region, not 'eu-west-1'. ",
    )
    expect(refusal(await sign(SIMPLE, signerFor('us-east-1', 's3')))?.message).toBe(
      "Credential should be scoped to correct service: 'lambda'. ",
    )
  })

  test('by an unknown key is refused', async () => {
    const request = await sign(SIMPLE)
    const authorization = String(request.headers.authorization).replace('AKID', 'OTHER')
    const headers = { ...request.headers, authorization }
    expect(refusal({ ...request, headers })?.code).toBe('UnrecognizedClientException')
  })

  test.each([
    ['nothing', undefined, 'MissingAuthenticationTokenException'],
    ['another algorithm', 'AWS4-HMAC-SHA1 Credential=x', 'IncompleteSignatureException'],
    [
      'no signature',
      'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host',
      'IncompleteSignatureException',
    ],
    [
      'a short credential',
      'AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0',
      'IncompleteSignatureException',
    ],
  ])('of %s is refused', async (_, authorization, code) => {
    const request = await sign(SIMPLE)
    const headers = { ...request.headers, authorization }
    expect(refusal({ ...request, headers })?.code).toBe(code)
  })
})

describe('a presigned address', () => {
  const presign = async (expiresIn: number, signer = signerFor()): Promise<SignedRequest> => {
    const { query = {} } = await signer.presign(
      {
        method: 'GET',
        protocol: 'http:',
        hostname: 'localhost',
        path: '/2015-03-31/functions',
        query: { MaxItems: '5' },
        headers: { host: 'localhost:4574' },
      },
      { expiresIn, signingDate: new Date(NOW) },
    )
    return {
      method: 'GET',
      path: '/2015-03-31/functions',
      query: queryText(query as Parts['query']),
      headers: { host: 'localhost:4574' },
      body: new Uint8Array(0),
    }
  }

  test('is good until it expires', async () => {
    const request = await presign(60)
    expect(refusal(request)).toBeUndefined()
    expect(refusal(request, NOW + 59_000)).toBeUndefined()
    expect(refusal(request, NOW + 61_000)?.code).toBe('InvalidSignatureException')
  })

  test('of a session carries its token', async () => {
    const tokens: (string | undefined)[] = []
    const verifier = createVerifier({
      region: 'us-east-1',
      services: ['lambda'],
      find: (_, token) => {
        tokens.push(token)
        return KNOWN
      },
    })
    const credentials = { ...KEY, sessionToken: 'a+/=' }
    const scope = { region: 'us-east-1', service: 'lambda', sha256: Sha256 }
    const signer = new SignatureV4({ credentials, ...scope })
    expect(verifier(await presign(60, signer), NOW)).toBe(KNOWN)
    expect(verifier(await sign(SIMPLE, signer), NOW)).toBe(KNOWN)
    expect(tokens).toEqual(['a+/=', 'a+/='])
  })

  test('that was changed is refused', async () => {
    const request = await presign(60)
    const query = request.query.replace('MaxItems=5', 'MaxItems=6')
    expect(refusal({ ...request, query })?.code).toBe('InvalidSignatureException')
  })
})
