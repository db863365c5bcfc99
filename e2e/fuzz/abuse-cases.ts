// What comes to an open port that no client of AWS would send: bytes for a socket, and what may
// come back. A server may answer with a refusal or hang up; it may not fail, and it may not wait
// for ever.

export interface AbuseCase {
  bytes: string | Buffer
  /** Statuses that may come first; without them any refusal, or none. */
  statuses?: readonly number[]
  /** As many answers must come, one after the other. */
  answers?: number
  /** We hang up in the middle of it. */
  leaves?: true
}

const HOST = 'Host: localhost'
const request = (line: string, headers: readonly string[] = [], body = '') =>
  `${[line, HOST, ...headers].join('\r\n')}\r\n\r\n${body}`
const get = (path: string, ...headers: string[]) => request(`GET ${path} HTTP/1.1`, headers)
const INVOKE = 'POST /2015-03-31/functions/keeper/invocations HTTP/1.1'
const CREATE = 'POST /2015-03-31/functions HTTP/1.1'
const TOO_LARGE = 'Content-Length: 1000000000000'
const CHUNKED = 'Transfer-Encoding: chunked'
const TEXT = 'Content-Type: text/plain'
const REFUSED = [400, 403, 404, 405, 413, 414, 417, 431, 501, 505]
const BAD = [400]
/** Nobody whom we know sends it, and it is bad: whichever shows first. */
const UNSIGNED = [400, 403]

const LINES: Record<string, AbuseCase> = {
  nonsense: { bytes: 'nonsense\r\n\r\n', statuses: BAD },
  'no path': { bytes: 'GET\r\n\r\n', statuses: BAD },
  'another version': { bytes: 'GET /health HTTP/9.9\r\n\r\n' },
  'HTTP/2 by prior knowledge': { bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  'a TLS hello': { bytes: Buffer.from('16030100a5010000a10303', 'hex'), statuses: BAD },
  'zero bytes': { bytes: Buffer.alloc(64), statuses: BAD },
  'a zero byte in a method': { bytes: request('G\0ET /health HTTP/1.1'), statuses: BAD },
  'a zero byte in a path': { bytes: get('/hea\0lth'), statuses: [400, 403, 404] },
  'an unknown method': { bytes: request('FROBNICATE /health HTTP/1.1'), statuses: BAD },
  'a path of 60 KB': { bytes: get(`/${'a'.repeat(60_000)}`), statuses: [414, 431] },
  CONNECT: { bytes: request('CONNECT localhost:22 HTTP/1.1') },
  TRACE: { bytes: request('TRACE /health HTTP/1.1'), statuses: REFUSED },
  'OPTIONS *': { bytes: request('OPTIONS * HTTP/1.1'), statuses: REFUSED },
  'a path without a slash': { bytes: get('health'), statuses: REFUSED },
  'an absolute address': { bytes: get('http://localhost/health'), statuses: [200, ...REFUSED] },
  'an address of elsewhere': { bytes: get('http://169.254.169.254/latest'), statuses: REFUSED },
  'a bad absolute address': { bytes: get('http://[::/health'), statuses: REFUSED },
  'two slashes': { bytes: get('//etc/passwd'), statuses: REFUSED },
  'a path that climbs': { bytes: get('/../../../../etc/passwd'), statuses: REFUSED },
  'a path that climbs, encoded': { bytes: get('/%2e%2e/%2e%2e/etc/passwd'), statuses: REFUSED },
  'code by a path that climbs': { bytes: get('/hearth/code/..%2f..%2fkey'), statuses: REFUSED },
  'half an escape': { bytes: get('/2015-03-31/functions/%'), statuses: REFUSED },
  'no escape': { bytes: get('/2015-03-31/functions/%zz'), statuses: REFUSED },
  'bytes that are no text': { bytes: get('/2015-03-31/functions/%ff%fe'), statuses: REFUSED },
  'raw bytes in a path': { bytes: Buffer.from(get('/f\xff\xfe'), 'latin1') },
  'half an escape in a query': { bytes: get('/2015-03-31/functions?Marker=%'), statuses: REFUSED },
  'a URL of nobody': { bytes: get(`/function-urls/${'a'.repeat(32)}/%zz?%`), statuses: REFUSED },
  'a fragment': { bytes: get('/health#x?y'), statuses: [200, ...REFUSED] },
}

const HEADERS: Record<string, AbuseCase> = {
  'no host': { bytes: 'GET /health HTTP/1.1\r\n\r\n', statuses: BAD },
  'two hosts': { bytes: get('/health', 'Host: elsewhere'), statuses: [200, 400] },
  'an empty host': { bytes: 'GET /health HTTP/1.1\r\nHost:\r\n\r\n', statuses: [200, 400] },
  'a bad host': { bytes: 'GET /health HTTP/1.1\r\nHost: a b\\c\r\n\r\n', statuses: [200, 400] },
  'a host that is an address': {
    bytes: 'GET /x HTTP/1.1\r\nHost: http://a/b?c@d:99999\r\n\r\n',
    statuses: REFUSED,
  },
  'a host of bytes': {
    bytes: Buffer.from('GET /x HTTP/1.1\r\nHost: \xe9\xff\r\n\r\n', 'latin1'),
    statuses: REFUSED,
  },
  'a header of 60 KB': { bytes: get('/health', `X-A: ${'a'.repeat(60_000)}`), statuses: [431] },
  'ten thousand headers': {
    bytes: get('/health', ...Array.from({ length: 10_000 }, (_, at) => `X-${at}: a`)),
    statuses: [431],
  },
  'three hundred short headers': {
    bytes: get('/health', ...Array.from({ length: 300 }, (_, at) => `X-${at}: a`)),
    statuses: [200],
  },
  'a zero byte in a header': { bytes: get('/health', 'X-A: a\0b'), statuses: BAD },
  'no name': { bytes: get('/health', ': a'), statuses: BAD },
  'a blank before the colon': { bytes: get('/health', 'X-A : a'), statuses: BAD },
  'a folded header': { bytes: get('/health', 'X-A: a', ' b'), statuses: [200, 400] },
  'bare line feeds': { bytes: 'GET /health HTTP/1.1\nHost: a\n\n', statuses: [200, 400] },
  'a strange authorisation': {
    bytes: get('/2015-03-31/functions', 'Authorization: AWS4-HMAC-SHA256 Credential=////,,==;'),
    statuses: [403],
  },
  'a strange length and hash': {
    bytes: get('/2015-03-31/functions', 'X-Amz-Content-Sha256: \xff', 'X-Amz-Date: never'),
    statuses: [403],
  },
  'a wish for another protocol': {
    bytes: get('/health', 'Connection: Upgrade', 'Upgrade: websocket'),
    statuses: [200, 400],
  },
  'a wish for h2c': {
    bytes: get('/health', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'),
    statuses: [200, 400],
  },
  'a strange expectation': { bytes: get('/health', 'Expect: nonsense'), statuses: [417] },
}

const BODIES: Record<string, AbuseCase> = {
  'length and chunks': {
    bytes: request(INVOKE, ['Content-Length: 5', CHUNKED], '0\r\n\r\nGET /health HTTP/1.1\r\n\r\n'),
    statuses: BAD,
  },
  'chunks, but not at last': {
    bytes: request(INVOKE, ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
    statuses: [400, 403, 501],
  },
  'two kinds of chunks': {
    bytes: request(INVOKE, [CHUNKED, 'Transfer-Encoding: x'], '0\r\n\r\n'),
    statuses: [400, 403, 501],
  },
  'two lengths': {
    bytes: request(INVOKE, ['Content-Length: 2', 'Content-Length: 3'], '{}'),
    statuses: BAD,
  },
  'a length with a sign': { bytes: request(INVOKE, ['Content-Length: +2'], '{}'), statuses: BAD },
  'a negative length': { bytes: request(INVOKE, ['Content-Length: -2'], '{}'), statuses: BAD },
  'a list of lengths': { bytes: request(INVOKE, ['Content-Length: 2, 2'], '{}'), statuses: BAD },
  'chunks that are no numbers': {
    bytes: request(INVOKE, [CHUNKED], 'zz\r\n\r\n'),
    statuses: UNSIGNED,
  },
  'a chunk of an endless size': {
    bytes: request(INVOKE, [CHUNKED], `${'F'.repeat(40)}\r\n`),
    statuses: UNSIGNED,
  },
  'a chunk longer than it says': {
    bytes: request(CREATE, [CHUNKED], '2\r\n{}}}}}\r\n0\r\n\r\n'),
    statuses: UNSIGNED,
  },
  'a chunk with a long extension': {
    bytes: request(INVOKE, [CHUNKED], `2;${'x'.repeat(60_000)}\r\n{}\r\n0\r\n\r\n`),
    statuses: [400, 403, 413],
  },
  'a body that is cut off': {
    bytes: request(CREATE, ['Content-Length: 1000'], '{'),
    leaves: true,
  },
  'chunks that are cut off': { bytes: request(CREATE, [CHUNKED], '5\r\n{'), leaves: true },
  'an invocation that is cut off': { bytes: request(INVOKE, [CHUNKED], '5\r\n{'), leaves: true },
  'a URL that is cut off': {
    bytes: request(`POST /function-urls/${'a'.repeat(32)}/ HTTP/1.1`, [CHUNKED], '5\r\n{'),
    statuses: [403],
  },
  'a length beyond all limits': { bytes: request(CREATE, [TOO_LARGE]), statuses: [403] },
  'an invocation beyond all limits': { bytes: request(INVOKE, [TOO_LARGE]), statuses: [403] },
  'an expectation of too much': {
    bytes: request(CREATE, [TOO_LARGE, 'Expect: 100-continue']),
    statuses: [100, 403],
  },
  'an expectation that is met': {
    bytes: request(CREATE, ['Content-Length: 2', 'Expect: 100-continue'], '{}'),
    statuses: [100],
  },
  'a body with a GET': { bytes: request('GET /health HTTP/1.1', ['Content-Length: 2'], '{}') },
}

const PIPELINED: Record<string, AbuseCase> = {
  'fifty requests at once': { bytes: get('/health').repeat(50), statuses: [200], answers: 50 },
  // Node tells of the second at once, while the first is being answered.
  'a good request and nonsense': {
    bytes: `${get('/health')}nonsense\r\n\r\n`,
    statuses: [200, 400],
  },
  'a request for everybody, unsigned': {
    bytes: request(INVOKE, ['Content-Length: 2'], '{}').repeat(20),
    statuses: [403],
    answers: 20,
  },
}

/** The same of a function URL that is for everybody, whose function gives back what came. */
export function urlAbuses(id: string): Record<string, AbuseCase> {
  const at = `/function-urls/${id}`
  const post = (body: string, ...headers: string[]) =>
    request(
      `POST ${at}/ HTTP/1.1`,
      [`Content-Length: ${Buffer.byteLength(body)}`, ...headers],
      body,
    )
  const statuses = [200]
  return {
    'a URL with names of every object': {
      bytes: get(`${at}/?constructor=1&__proto__=2&toString=3&=4&5`, '__proto__: x', 'toString: y'),
      statuses,
    },
    'a URL with what is no escape': { bytes: get(`${at}/%zz/%?%=%&%ff`), statuses },
    'a URL that climbs': { bytes: get(`${at}/../../etc/passwd`), statuses },
    'a URL with raw bytes': {
      bytes: Buffer.from(get(`${at}/`, 'X: \xff\x80'), 'latin1'),
      statuses,
    },
    'a URL with strange cookies': { bytes: get(`${at}/`, 'Cookie: ;;=; a', 'Cookie: b'), statuses },
    'a URL with a strange trace': { bytes: get(`${at}/`, 'X-Amzn-Trace-Id: ;;==Root='), statuses },
    'a URL with a body of no text': {
      bytes: Buffer.from(
        request(`POST ${at}/ HTTP/1.1`, ['Content-Length: 3', TEXT], '\xff\xfe\x00'),
        'latin1',
      ),
      statuses,
    },
    'a URL with a strange type': { bytes: post('{', 'Content-Type: ;/,"'), statuses },
    'a URL with an unknown method': {
      bytes: request(`PROPFIND ${at}/ HTTP/1.1`),
      statuses: [200, 400, 405],
    },
    'a URL with too large a body': {
      bytes: request(`POST ${at}/ HTTP/1.1`, [TOO_LARGE]),
      statuses: [413],
    },
    'a URL that wants another protocol': {
      bytes: get(`${at}/`, 'Connection: Upgrade', 'Upgrade: websocket'),
      statuses: [200, 400],
    },
    'a URL by a host with nothing behind it': {
      bytes: `GET / HTTP/1.1\r\nHost: ${id}.lambda-url.us-east-1.\r\n\r\n`,
      statuses,
    },
  }
}

export const ABUSES: Readonly<Record<string, AbuseCase>> = {
  ...LINES,
  ...HEADERS,
  ...BODIES,
  ...PIPELINED,
}
