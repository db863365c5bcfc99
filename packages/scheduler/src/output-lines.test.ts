// Lines and marks out of output that is cut anywhere, and lines without an end.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LINE_BYTES_MAX, LineReader } from './output-lines.ts'

function read(pieces: Buffer[]): string[] {
  const heard: string[] = []
  const reader = new LineReader({
    line: (text) => heard.push(text),
    mark: (requestId) => heard.push(`<end of ${requestId}>`),
  })
  for (const piece of pieces) reader.take(piece)
  reader.cut()
  return heard
}

/** The stream in pieces of these lengths, and the rest. */
function cut(stream: Buffer, lengths: number[]): Buffer[] {
  let at = 0
  const pieces = lengths.map((length) => {
    at += length
    return stream.subarray(at - length, at)
  })
  return [...pieces, stream.subarray(at)]
}

test('lines and marks are the same however the output is cut', () => {
  const part = fc.constantFrom('', 'one', 'zwölf €', '\0END id-1', 'half a line\0END id-2', '\r')
  const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), cuts, (lines, lengths) => {
      const stream = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const pieces = cut(stream, lengths)
      const expected = lines.flatMap((line) => {
        const [text = '', id] = line.split('\0END ')
        if (id === undefined) return [text]
        return text === '' ? [`<end of ${id}>`] : [text, `<end of ${id}>`]
      })
      expect(read(pieces)).toEqual(expected)
    }),
  )
})

test('a line without an end is cut at its limit, a mark never', () => {
  const id = '00000000-0000-0000-0000-000000000000'
  for (let short = 0; short < 50; short += 1) {
    const long = 'x'.repeat(LINE_BYTES_MAX - short)
    const heard = read([Buffer.from(`${long}\0END ${id}\n`)])
    expect(heard.at(-1)).toBe(`<end of ${id}>`)
    expect(heard.slice(0, -1).join('')).toBe(long)
  }
})

test('a megabyte without line ends, byte by byte, is quick', () => {
  const bytes = Buffer.alloc(1024 * 1024, 'x')
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 7) pieces.push(bytes.subarray(at, at + 7))
  const began = performance.now()
  expect(read(pieces).map((line) => line.length)).toEqual(Array(4).fill(LINE_BYTES_MAX))
  expect(performance.now() - began).toBeLessThan(2_000)
})
