// The page of operations tells the truth: it is what the schemas and the routes say today, its
// notes are about members that exist, and each member that it calls obeyed is read by somebody.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ACCEPTED, REFUSED } from '../scripts/operations.data.ts'
import { PAGE, renderPage, rows } from '../scripts/operations.ts'
import { OPERATIONS } from './contract.ts'
import { requireObeyable } from './function-wish.ts'
import { requireObeyableMapping } from './mapping-wish.ts'
import { ROUTES } from './routes/table.ts'

const here = fileURLToPath(new URL('./', import.meta.url))
const readers = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !/\.(test|data)\./.test(path))
  .map((path) => readFileSync(`${here}${path}`, 'utf8'))
  .join('\n')
/** The name of what is inside. */
const lastOf = (member: string) => member.slice(member.lastIndexOf('.') + 1)
/** The body of a request as it is; the contract hands it over without naming it. */
const UNNAMED = ['Payload', 'InvokeArgs']

describe('the page of operations', () => {
  test('is up to date; else run scripts/operations.ts', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(renderPage())
  })

  test('has every operation of the SDK, and nothing is routed that the SDK does not have', () => {
    expect(rows().map(({ name }) => name)).toEqual([...OPERATIONS.keys()].sort())
    expect([...ROUTES.keys()].filter((name) => !OPERATIONS.has(name))).toEqual([])
  })

  test('calls no member obeyed that nobody reads', () => {
    const unread = rows()
      .filter(({ answered }) => answered)
      .flatMap(({ name, obeyed }) => obeyed.map((member) => ({ name, member })))
      .filter(({ member }) => !UNNAMED.includes(member))
      .filter(({ member }) => !new RegExp(`\\b${lastOf(member)}\\b`).test(readers))
    expect(unread).toEqual([])
  })

  test.each([
    ['accepted', ACCEPTED],
    ['refused', REFUSED],
  ] as const)('explains only members that are %s', (kind, notes) => {
    const told = rows().flatMap((row) =>
      row[kind].flatMap((member) => [member, lastOf(member), `${row.name}.${member}`]),
    )
    expect(Object.keys(notes).filter((note) => !told.includes(note))).toEqual([])
  })
})

/** A wish for a member, within whatever it is inside of. */
const wishFor = (member: string, value: unknown) =>
  member.split('.').reduceRight((inner: unknown, name) => ({ [name]: inner }), value) as object

describe('a member that the page calls refused', () => {
  const values: Readonly<Record<string, unknown>> = {
    Layers: ['arn'],
    FileSystemConfigs: [{}],
    Queues: ['q'],
    LoggingConfig: { SystemLogLevel: 'INFO' },
  }
  /** What goes with a bucket is refused with it; what invocations refuse is tested with them. */
  const elsewhere = ['DurableExecutionName', 'FunctionScalingConfig', 'RuntimeVersionArn']
  const cases = rows()
    .filter(({ answered }) => answered)
    .flatMap(({ name, refused }) => refused.map((member) => [name, member] as const))
    .filter(([, member]) => !elsewhere.includes(member) && !lastOf(member).startsWith('S3'))
  test.each(cases)('of %s is: %s', (name, member) => {
    const wish = wishFor(member, values[lastOf(member)] ?? {})
    const ask = name.includes('EventSourceMapping') ? requireObeyableMapping : requireObeyable
    expect(() => ask(wish)).toThrow(/^Hearth does not have .* yet, so nothing was changed\.$/)
  })
})
