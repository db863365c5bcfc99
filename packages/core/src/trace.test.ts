// The two spellings of a trace.

import { expect, test } from 'vitest'
import { readTraceHeader, readTraceparent, renderTraceHeader } from './trace.ts'

const TRACE = '5759e988bd862e3fe1be46a994272793'
const PARENT = '53995c3f42cd8ad8'
const HEADER = `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=${PARENT};Sampled=1`

test('X-Ray’s header is read, and written again', () => {
  const place = readTraceHeader(HEADER)
  expect(place).toEqual({ traceId: TRACE, parentId: PARENT, isSampled: true })
  expect(place && renderTraceHeader(place)).toBe(HEADER)
})

test.each([
  ['Root=1-5759e988-bd862e3fe1be46a994272793', { traceId: TRACE }],
  ['Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?', { traceId: TRACE }],
  ['sampled=0; root=1-5759E988-BD862E3FE1BE46A994272793', { traceId: TRACE, isSampled: false }],
  ['Root=1-5759e988-bd862e3fe1be46a994272793;Parent=none', { traceId: TRACE }],
  ['Self=1-2-3', undefined],
  ['Root=1-a-b', undefined],
  ['', undefined],
])('%s is read as %j', (header, place) => {
  expect(readTraceHeader(header)).toEqual(place)
})

test('what is not of the place stays in the header', () => {
  const next = { traceId: TRACE, parentId: 'aaaaaaaaaaaaaaaa', isSampled: false }
  expect(renderTraceHeader(next, `${HEADER};Lineage=a1b2c3d4:3;Self=x`)).toBe(
    'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=aaaaaaaaaaaaaaaa;Sampled=0' +
      ';Lineage=a1b2c3d4:3;Self=x',
  )
})

test.each([
  [`00-${TRACE}-${PARENT}-01`, true],
  [`00-${TRACE}-${PARENT}-00`, false],
  [`01-${TRACE}-${PARENT}-03-more`, true],
])('traceparent %s is sampled: %s', (header, isSampled) => {
  expect(readTraceparent(header)).toEqual({ traceId: TRACE, parentId: PARENT, isSampled })
})

test.each([
  `ff-${TRACE}-${PARENT}-01`,
  `00-${'0'.repeat(32)}-${PARENT}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${PARENT}-01`,
  '00-short',
  '',
])('traceparent %j is none', (header) => {
  expect(readTraceparent(header)).toBeUndefined()
})
