// The regular expressions of filter patterns, `%a[0-9]{2,3}|b.*c%`: AWS's subset, without groups.
// Pure. A line is looked at once, character by character, with all the places in the expression
// that it may have come to: no expression can make a search take long.

import { PatternFault } from './pattern-fault.ts'

type Fits = (character: string) => boolean

/** One character of an expression that was read. */
interface Step {
  fits: Fits
  /** May be left out. */
  isOptional: boolean
  /** May come again. */
  isRepeated: boolean
}

interface Branch {
  steps: Step[]
  fromStart: boolean
  toEnd: boolean
}

/** Steps of one expression, each `{n}` written out. */
const STEPS_MAX = 512
/** AWS allows no other characters beside letters and digits. */
const PLAIN = /[A-Za-z0-9 :_#=@/;,-]/
const QUANTIFIER = /([?*+])|\{(\d+)(?:(,)(\d*))?\}/y

/** @throws PatternFault for what is none, or what AWS does not have. */
export function parseRegex(text: string): (message: string) => boolean {
  const branches = splitBranches(text).map(parseBranch)
  return (message) => branches.some((branch) => runs(branch, message))
}

/** At each `|` that is neither escaped nor in a class. */
function splitBranches(text: string): string[] {
  const found = text.match(/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^|\\[])+|\|/gs) ?? []
  if (found.join('').length !== text.length) throw new PatternFault('a class that does not end')
  const branches = found.filter((part) => part !== '|')
  if (branches.length * 2 - 1 !== found.length) throw new PatternFault('nothing beside |')
  return branches
}

function parseBranch(text: string): Branch {
  const fromStart = text.startsWith('^')
  const toEnd = /(?<!\\)(\\\\)*\$$/.test(text)
  const end = toEnd ? text.length - 1 : text.length
  const steps: Step[] = []
  let at = fromStart ? 1 : 0
  while (at < end) {
    const [fits, next] = parseCharacter(text, at)
    QUANTIFIER.lastIndex = next
    const found = QUANTIFIER.exec(text)
    steps.push(...repeat(fits, found))
    if (steps.length > STEPS_MAX) throw new PatternFault('too long a regular expression')
    at = found ? QUANTIFIER.lastIndex : next
  }
  return { steps, fromStart, toEnd }
}

function repeat(fits: Fits, quantifier: RegExpExecArray | null): Step[] {
  const once = { fits, isOptional: false, isRepeated: false }
  if (!quantifier) return [once]
  const [, sign, least, comma, most] = quantifier
  if (sign) return [{ fits, isOptional: sign !== '+', isRepeated: sign !== '?' }]
  const from = Number(least)
  const to = comma ? (most ? Number(most) : undefined) : from
  if (from > STEPS_MAX || (to ?? from) > STEPS_MAX || (to ?? from) < from) {
    throw new PatternFault('a count that cannot be')
  }
  const needed = Array.from({ length: from }, () => once)
  if (to === undefined) return [...needed, { fits, isOptional: true, isRepeated: true }]
  const optional = { fits, isOptional: true, isRepeated: false }
  return [...needed, ...Array.from({ length: to - from }, () => optional)]
}

/** @returns what fits, and where the next one begins. */
function parseCharacter(text: string, at: number): [Fits, number] {
  const character = text.charAt(at)
  if (character === '.') return [() => true, at + 1]
  if (character === '\\') return parseEscape(text, at)
  if (character === '[') return parseClass(text, at)
  if (!PLAIN.test(character)) throw new PatternFault(`${character} is not to be had in %...%`)
  return [(other) => other === character, at + 1]
}

const KINDS: Readonly<Record<string, RegExp>> = { d: /\d/, s: /\s/, w: /\w/ }

function parseEscape(text: string, at: number): [Fits, number] {
  const character = text.charAt(at + 1)
  const kind = KINDS[character.toLowerCase()]
  if (kind) {
    const isKind = character.toLowerCase() === character
    return [(other) => kind.test(other) === isKind, at + 2]
  }
  const [code] = /^x[0-9a-f]{2}/i.exec(text.slice(at + 1)) ?? []
  const literal = code ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : character
  if (literal === '' || (!code && /[A-Za-z0-9]/.test(literal))) {
    throw new PatternFault(`\\${literal} is not to be had in %...%`)
  }
  return [(other) => other === literal, at + 2 + (code ? 2 : 0)]
}

/** `[a-z0-9\s]`, or `[^...]` for all others. */
function parseClass(text: string, from: number): [Fits, number] {
  const isNegated = text.charAt(from + 1) === '^'
  const members: Fits[] = []
  let at = from + (isNegated ? 2 : 1)
  while (at < text.length && text.charAt(at) !== ']') {
    const range = /^([^\\\]])-([^\\\]])/.exec(text.slice(at))
    const [, least = '', most = ''] = range ?? []
    if (range && least > most) throw new PatternFault(`${least}-${most} is no range`)
    if (range) members.push((other) => other >= least && other <= most)
    const character = text.charAt(at)
    const [fits, next]: [Fits, number] =
      character === '\\' ? parseEscape(text, at) : [(other) => other === character, at + 1]
    if (!range) members.push(fits)
    at = range ? at + 3 : next
  }
  return [(other) => members.some((fits) => fits(other)) !== isNegated, at + 1]
}

/** Which steps may come next is a set; it grows by what may be left out. */
function runs({ steps, fromStart, toEnd }: Branch, message: string): boolean {
  let places = new Set<number>()
  const enter = (into: Set<number>, from: number) => {
    for (let step = from; !into.has(step); step += 1) {
      into.add(step)
      if (!steps[step]?.isOptional) return
    }
  }
  enter(places, 0)
  for (let at = 0; at < message.length; at += 1) {
    if (places.has(steps.length) && !toEnd) return true
    const next = new Set<number>()
    for (const place of places) {
      const step = steps[place]
      if (!step?.fits(message.charAt(at))) continue
      enter(next, place + 1)
      if (step.isRepeated) enter(next, place)
    }
    if (!fromStart) enter(next, 0)
    if (next.size === 0) return false
    places = next
  }
  return places.has(steps.length)
}
