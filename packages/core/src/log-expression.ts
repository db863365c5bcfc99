// The conditions in a filter pattern's braces and brackets: comparisons, joined by && and ||, of
// what a selector or a field's name stands for. Pure. Each comparison looks at a list of values,
// which is empty where nothing is there: only NOT EXISTS holds for that.

import { parseRegex } from './log-regex.ts'
import { PatternFault } from './pattern-fault.ts'

export { PatternFault }

type Test<Event> = (event: Event) => boolean
type Subject<Event> = (cursor: Cursor) => (event: Event) => unknown[]

/** Regular expressions in one pattern, as many as AWS allows. */
const REGEX_MAX = 2

/** A place in a pattern that is being read. */
export class Cursor {
  readonly #text: string
  #at = 0
  #regexes = 0

  constructor(text: string) {
    this.#text = text
  }

  /** What a sticky expression finds here, behind blanks; then moves on. */
  take(pattern: RegExp): RegExpExecArray | null {
    this.#skipBlanks()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found) this.#at = pattern.lastIndex
    return found
  }

  takes(word: string): boolean {
    this.#skipBlanks()
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  expect(word: string): void {
    if (!this.takes(word)) throw new PatternFault(`${word} is missing at ${this.#at}`)
  }

  end(): void {
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw new PatternFault(`too much at ${this.#at}`)
  }

  countRegex(): void {
    this.#regexes += 1
    if (this.#regexes > REGEX_MAX) throw new PatternFault('more than 2 regular expressions')
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1
  }
}

/** `&&` binds closer than `||`. */
export function parseExpression<Event>(
  cursor: Cursor,
  subject: Subject<Event>,
): (event: Event) => boolean {
  const tests = [parseAll(cursor, subject)]
  while (cursor.takes('||')) tests.push(parseAll(cursor, subject))
  return (event) => tests.some((fits) => fits(event))
}

function parseAll<Event>(cursor: Cursor, subject: Subject<Event>): Test<Event> {
  const tests = [parseOne(cursor, subject)]
  while (cursor.takes('&&')) tests.push(parseOne(cursor, subject))
  return (event) => tests.every((fits) => fits(event))
}

function parseOne<Event>(cursor: Cursor, subject: Subject<Event>): Test<Event> {
  if (cursor.takes('(')) {
    const fits = parseExpression(cursor, subject)
    cursor.expect(')')
    return fits
  }
  const valuesOf = subject(cursor)
  if (cursor.take(/NOT\s+EXISTS\b/iy)) return (event) => valuesOf(event).length === 0
  if (cursor.take(/EXISTS\b/iy)) return (event) => valuesOf(event).length > 0
  const [, literal] = cursor.take(/IS\s+(TRUE|FALSE|NULL)\b/iy) ?? []
  const fits = literal ? isLiteral(JSON.parse(literal.toLowerCase())) : parseComparison(cursor)
  return (event) => valuesOf(event).some(fits)
}

const isLiteral = (literal: unknown) => (value: unknown) => value === literal

const OPERATOR = /!=|>=|<=|=|>|</y
const QUOTED = /"((?:\\.|[^"\\])*)"/y
const REGEX = /%((?:\\.|[^%\\])+)%/y
const BARE = /(?:[^\s()[\]{}&|,"]|&(?!&)|\|(?!\|))+/y
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function parseComparison(cursor: Cursor): Test<unknown> {
  const [operator] = cursor.take(OPERATOR) ?? []
  if (!operator) throw new PatternFault('a comparison is missing')
  if (operator !== '=' && operator !== '!=') return parseOrder(cursor, operator)
  const isEqual = parseEquality(cursor)
  if (operator === '=') return isEqual
  return (value) => isScalar(value) && !isEqual(value)
}

function parseOrder(cursor: Cursor, operator: string): Test<unknown> {
  const [text = ''] = cursor.take(BARE) ?? []
  if (!NUMBER.test(text)) throw new PatternFault(`a number is missing after ${operator}`)
  const limit = Number(text)
  return (value) => {
    const number = numberOf(value)
    if (number === undefined) return false
    if (operator === '>') return number > limit
    if (operator === '<') return number < limit
    return operator === '>=' ? number >= limit : number <= limit
  }
}

/** A quoted text is a text; a bare one may be a number, too, or part of one (`4*`). */
function parseEquality(cursor: Cursor): Test<unknown> {
  const [, regex] = cursor.take(REGEX) ?? []
  if (regex !== undefined) {
    cursor.countRegex()
    const fits = parseRegex(regex)
    return (value) => typeof value === 'string' && fits(value)
  }
  const [quotation, quoted = ''] = cursor.take(QUOTED) ?? []
  if (quotation !== undefined) {
    const fits = wildcards(quoted.replace(/\\(.)/g, '$1'))
    return (value) => typeof value === 'string' && fits(value)
  }
  const [text = ''] = cursor.take(BARE) ?? []
  if (text === '') throw new PatternFault('a value is missing')
  if (text === '*') return () => true
  const number = NUMBER.test(text) ? Number(text) : undefined
  const fits = wildcards(text)
  return (value) =>
    (number !== undefined && numberOf(value) === number) || (isScalar(value) && fits(String(value)))
}

const isScalar = (value: unknown) => typeof value !== 'object' || value === null

/** Fields of a line are texts, and some of them numbers. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined
}

/** Whether a text is the pattern, in which `*` stands for anything. Linear, not by backtracking. */
function wildcards(pattern: string): (text: string) => boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return (text) => text === head
  return (text) => {
    if (text.length < head.length + tail.length) return false
    if (!text.startsWith(head) || !text.endsWith(tail)) return false
    const inner = text.slice(head.length, text.length - tail.length)
    let at = 0
    for (const part of rest) {
      at = inner.indexOf(part, at)
      if (at < 0) return false
      at += part.length
    }
    return true
  }
}
