// Laws of what is shown: tables that can be read and cut, amounts with the digits that say
// something, and lines that can be pasted into a shell.

import type { Bill, ShownUse } from '@hearth/core/bill'
import { describe, expect, test } from 'vitest'
import { renderBill, renderCsv } from './bill.ts'
import { hasDefaultProfile, isLoopback } from './credentials.ts'
import { clock, renderFindings } from './doctor.ts'
import { renderFunctions } from './functions.ts'
import { bytes, dollars, pretty, tableOf } from './output.ts'
import { curlLine, renderGreeting } from './sample.ts'
import { renderStatus } from './status.ts'

test('a table has columns, no frame and no blanks at the end of a line', () => {
  const rows = [
    ['one', 1],
    ['eleven', 11],
  ]
  expect(tableOf(['name', 'n'], rows)).toBe(
    ['name      n', 'one       1', 'eleven   11'].join('\n'),
  )
  expect(tableOf(['name', 'n'], [])).toBe('name   n')
})

test.each([
  [0, '$0.00'],
  [12.345, '$12.35'],
  [0.01, '$0.01'],
  [0.00123, '$0.0012'],
  [0.0000002, '$0.00000020'],
])('%s dollars are %s', (amount, expected) => {
  expect(dollars(amount)).toBe(expected)
})

test('sizes and JSON are laid out for reading', () => {
  expect([0, 1023, 1024, 1_572_864].map(bytes)).toEqual(['0 B', '1023 B', '1.0 KB', '1.5 MB'])
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(pretty('not JSON')).toBe('not JSON')
})

test('functions are listed by what people look for', () => {
  const shown = renderFunctions([
    {
      FunctionName: 'greeter',
      Runtime: 'nodejs24.x',
      MemorySize: 256,
      Timeout: 7,
      State: 'Active',
      CodeSize: 2048,
      LastModified: '2026-11-24T12:00:00.000+0000',
    },
  ])
  expect(shown.split('\n')[1]).toBe(
    'greeter    nodejs24.x   256 MB   7 s       Active   2.0 KB   2026-11-24 12:00:00',
  )
  expect(renderFunctions([])).toContain('No functions yet')
})

const shownUse = (given: Partial<ShownUse>): ShownUse => ({
  requests: 0,
  gbSeconds: 0,
  provisionedGbSeconds: 0,
  configuredGbSeconds: 0,
  idleGbSeconds: 0,
  storageGbSeconds: 0,
  streamedGb: 0,
  awsListPrice: 0,
  charges: [],
  ownCost: 0,
  ...given,
})

test('a bill shows use, free tier and both costs', () => {
  const bill: Bill = {
    account: '000000000000',
    month: '2026-11',
    rows: [
      {
        functionName: 'small',
        architecture: 'x86_64',
        ...shownUse({ requests: 1, gbSeconds: 0.001 }),
      },
      {
        functionName: 'large',
        architecture: 'arm64',
        ...shownUse({ requests: 3, gbSeconds: 400_000, awsListPrice: 1e-7 }),
      },
    ],
    requests: 4,
    gbSeconds: 400_000.001,
    freeTier: {
      requests: 1_000_000,
      gbSeconds: 400_000,
      requestsUsed: 4,
      gbSecondsUsed: 400_000,
    },
    awsCharge: 0.0042,
    total: shownUse({ requests: 4, gbSeconds: 400_000.001 }),
    books: { segmentsBehind: 0 },
  }
  const shown = renderBill(bill)
  expect(shown).toContain('Account 000000000000, 2026-11 (UTC)')
  expect(shown).toContain('4 of 1000000 requests (0.0 %), 400000 of 400000 GB-seconds (100.0 %)')
  expect(shown).toMatch(/cost here +\$0\.00/)
  expect(shown).toMatch(/cost on AWS +\$0\.0042/)
  expect(shown.indexOf('large')).toBeLessThan(shown.indexOf('small'))
  expect(shown).not.toContain('provisioned')
  const total = shownUse({ configuredGbSeconds: 2, ownCost: 3 })
  const full = renderBill({ ...bill, total, books: { segmentsBehind: 7 } })
  expect(full).toContain('provisioned')
  expect(full).toMatch(/cost here +\$3\.00$/m)
  expect(full).toContain('not counted yet 7 segments')
  const csv = renderCsv(bill).split('\r\n')
  expect(csv[0]).toMatch(/^function,architecture,requests,gbSeconds,.*,awsListPrice,ownCost$/)
  expect(csv[2]).toBe('large,arm64,3,400000,0,0,0,0,0,0.0000001,0')
})

describe('status and doctor', () => {
  test('say what is missing', () => {
    const health = { status: 'unavailable', version: '1', roles: ['gateway'], nats: false }
    const shown = renderStatus('http://h', { ...health, schedulers: [] }, [])
    expect(shown).toContain('Hearth 1 at http://h: unavailable')
    expect(shown).toContain('NATS: out of reach')
    expect(shown).toContain('No scheduler is alive')
  })

  test('say ok, or what to do', () => {
    const findings = [
      { what: 'Node', well: true, fix: 'never shown' },
      { what: 'port', well: false, fix: 'Choose another.' },
    ]
    expect(renderFindings(findings)).toBe('ok    Node\nFIX   port: Choose another.')
  })

  test('judge the clock by what a signature tolerates', () => {
    expect(clock(0, 149_000).well).toBe(true)
    expect(clock(0, 200_000)).toMatchObject({ well: false, what: "clock, 200 s from Hearth's" })
    expect(clock(200_000, 0).well).toBe(false)
    expect(clock(Number.NaN, 0).well).toBe(true)
  })
})

test('what follows hearth up can be pasted', () => {
  const shown = renderGreeting({
    answer: '{"message":"Hello, Hearth!"}',
    outcome: 'created',
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello',
    url: 'http://abc.lambda-url.us-east-1.localhost:4574/',
    memoryMb: 128,
    cold: true,
    firstMs: 386.4,
    warmMs: 6.12,
    invocations: 11,
  })
  expect(shown).toMatch(/first answer +386 ms \(cold/)
  expect(shown).toMatch(/warm answers +6\.1 ms \(median of 10\)/)
  expect(shown).toContain('export AWS_ENDPOINT_URL_LAMBDA=http://localhost:4574')
  expect(shown).toContain('aws --endpoint-url http://localhost:4574 lambda invoke')
  expect(shown).toMatch(/\n {2}curl --resolve /)
  expect(shown).toContain('  http://localhost:4574/console\n')
  expect(shown).toMatch(/alias hearth='.*node.*main\.ts'/)
  expect(shown).not.toContain('undefined')
})

describe('the curl line', () => {
  test('resolves names under localhost itself', () => {
    expect(curlLine('http://abc.lambda-url.us-east-1.localhost:4574/')).toBe(
      `curl --resolve abc.lambda-url.us-east-1.localhost:4574:127.0.0.1 ` +
        `'http://abc.lambda-url.us-east-1.localhost:4574/?name=you'`,
    )
    expect(curlLine('http://abc.localhost/')).toContain('--resolve abc.localhost:80:127.0.0.1')
  })
  test('leaves other names to the resolver', () => {
    expect(curlLine('https://abc.example.org/')).toBe("curl 'https://abc.example.org/?name=you'")
  })
})

describe('credentials', () => {
  test.each([
    ['http://localhost:4574', true],
    ['http://127.0.0.1:4574', true],
    ['http://[::1]:4574', true],
    ['http://lambda.us-east-1.localhost:4574', true],
    ['http://localhost.example.org', false],
    ['http://127.0.0.1.example.org', false],
    ['http://10.0.0.1', false],
  ])('%s is on this machine: %s', (endpoint, expected) => {
    expect(isLoopback(endpoint)).toBe(expected)
  })

  test.each([
    ['', false],
    ['[default]\naws_access_key_id = A\n', true],
    ['[default]\nregion = eu-west-1\n', false],
    ['[other]\naws_access_key_id=A\n[default]\nregion=x\n', false],
    ['[ profile default ]\nsso_session = x\n', true],
    ['[default]\n# aws_access_key_id = A\n', false],
  ])('a profile file %j leads to credentials: %s', (text, expected) => {
    expect(hasDefaultProfile(text)).toBe(expected)
  })
})
