// The house rules about how a file reads: its size, its opening prose, its words, and that core
// stays pure. They scan lines and not a syntax tree, which the formatter's layout makes reliable.

import { isTest, type Source, type Violation } from './house.ts'

const FILE_LINES_MAX = 400
const LINE_LENGTH_MAX = 100
const FUNCTION_LINES_MAX = 60
const PRELUDE_LINES_MAX = 6

const BANNED_PATHS =
  /(^|[/.-])(common|shared|utils?|helpers?|misc|types|base|manager|impl|v2)([/.-]|$)/
/** `images/base` is the image at the base of all others; Docker calls it that. */
const PATHS_ALLOWED = /^images\/base\//
const UNFINISHED = new RegExp(
  [
    '\\bTO' + 'DO\\b',
    '\\bFIX' + 'ME\\b',
    '\\bX' + 'XX\\b',
    '\\.on' + 'ly\\(',
    '\\.sk' + 'ip\\(',
  ].join('|'),
)
/** Nouns that STYLE c.5 replaces, where no vendor forces them on us: what we declare ourselves. */
const BANNED_NOUNS: Readonly<Record<string, string>> = {
  activation: 'invocation',
  slot: 'execution environment',
  trigger: 'event source mapping',
  sink: 'destination',
  quota: 'token or limit',
  job: 'invocation',
}
const DECLARATION = /\b(?:const|let|function|class|interface|type)\s+([A-Za-z_$][\w$]*)/g
/** What core may not touch, being pure. */
const IMPURE =
  /\b(Date\.now|Math\.random|performance\.|crypto\.|process\.|setTimeout|setInterval|fetch\()|new Date\(\)|['"]node:/

export function sizes(source: Source): Violation[] {
  const { path, lines } = source
  if (path.includes('.data.')) return []
  const length = lines.at(-1) === '' ? lines.length - 1 : lines.length
  const whole =
    length > FILE_LINES_MAX ? [{ at: path, what: `${length} lines; split it by noun` }] : []
  const wide = lines.flatMap((text, index) =>
    text.length > LINE_LENGTH_MAX && !isUnbreakable(text)
      ? [{ at: `${path}:${index + 1}`, what: `${text.length} characters; break the line` }]
      : [],
  )
  return [...whole, ...wide, ...longFunctions(source)].map((one) => ({ rule: 'sizes', ...one }))
}

/** One literal or regular expression that leaves too little room: the formatter can't cut it. */
function isUnbreakable(text: string): boolean {
  if (/^\s*(\/\/|\*|#)/.test(text)) return false
  if (/^\s*\/.+\/[a-z]*[,)]?$/.test(text)) return true
  const literals = [
    ...text.matchAll(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`?|\/(?:\\.|[^/\\])+\//g),
  ]
  const longest = Math.max(0, ...literals.map(([literal]) => literal.length))
  return text.length - longest <= LINE_LENGTH_MAX / 2
}

const OPENS =
  /^(\s*)(?:export )?(?:default )?(?:static )?(?:async )?(?:function\b|get |set |[#\w]+(?:<.*>)?\()/
const KEYWORD = /^\s*(?:\} )?(if|for|while|switch|catch|else|return|await|describe|expect)\b/

/** From the line that opens a function to the line that closes it at the same depth. */
function longFunctions({ path, lines }: Source): Omit<Violation, 'rule'>[] {
  if (!path.endsWith('.ts')) return []
  return lines.flatMap((text, index) => {
    const end = endOfFunction(lines, index)
    const length = end === undefined ? 0 : end - index + 1
    return length > FUNCTION_LINES_MAX && !KEYWORD.test(text)
      ? [{ at: `${path}:${index + 1}`, what: `a function of ${length} lines; extract a step` }]
      : []
  })
}

/** @returns undefined where no function with a body starts on this line. */
function endOfFunction(lines: readonly string[], start: number): number | undefined {
  const text = lines[start] ?? ''
  const indent = /^\s*/.exec(text)?.[0] ?? ''
  const from = (after: number, pattern: string) => {
    const wanted = new RegExp(`^${indent}${pattern}`)
    return lines.findIndex((line, at) => at > after && wanted.test(line))
  }
  let body = start
  if (!text.endsWith('=> {')) {
    if (!OPENS.test(text)) return undefined
    // Parameters on lines of their own end with `)` or `})` at the same depth.
    if (/\([{[]?$/.test(text)) body = from(start, '[}\\]]?(?:: .*)?\\)')
    if (!lines[body]?.endsWith('{')) return undefined
  }
  const end = from(body, '\\}')
  return end < 0 ? undefined : end
}

export function words({ path, lines }: Source): Violation[] {
  const banned =
    BANNED_PATHS.test(path) && !PATHS_ALLOWED.test(path)
      ? [{ at: path, what: 'this word says nothing; name the noun' }]
      : []
  const unfinished = lines.flatMap((text, index) =>
    UNFINISHED.test(text)
      ? [{ at: `${path}:${index + 1}`, what: 'unfinished; finish it or open an issue' }]
      : [],
  )
  return [...banned, ...unfinished, ...nouns({ path, lines })].map((one) => ({
    rule: 'words',
    ...one,
  }))
}

function nouns({ path, lines }: Pick<Source, 'path' | 'lines'>): Omit<Violation, 'rule'>[] {
  // Drivers speak their vendor's language.
  if (!/^packages\/.*\.ts$/.test(path) || path.includes('/drivers/')) return []
  return lines.flatMap((text, index) => {
    if (/^\s*(\/\/|\*)/.test(text)) return []
    return [...text.matchAll(DECLARATION)].flatMap(([, name = '']) =>
      name
        .split(/(?=[A-Z])|_/)
        .map((word) => word.toLowerCase().replace(/s$/, ''))
        .filter((word) => Object.hasOwn(BANNED_NOUNS, word))
        .map((word) => ({
          at: `${path}:${index + 1}`,
          what: `${name}: say ${BANNED_NOUNS[word]}, not ${word}`,
        })),
    )
  })
}

export function purity({ path, lines }: Source): Violation[] {
  if (!path.startsWith('packages/core/src/') || isTest(path)) return []
  return lines.flatMap((text, index) =>
    IMPURE.test(text) && !/^\s*(\/\/|\/?\*)/.test(text)
      ? [{ rule: 'purity', at: `${path}:${index + 1}`, what: 'core is pure; take it as argument' }]
      : [],
  )
}

/** Product and harness open with 2 to 6 lines; a test or what runs inside an image with one. */
export function prelude({ path, lines }: Source): Violation[] {
  const isCode = /^(packages|e2e)\/.*\.ts$/.test(path)
  const least = isCode && !isTest(path) && !path.startsWith('e2e/functions/') ? 2 : 1
  const start = lines.findIndex((text) => text !== '' && !text.startsWith('#!'))
  let count = 0
  while (/^(\/\/|\/?\*| \*|#|"""|\w.*"""$)/.test(lines[start + count] ?? '')) count += 1
  const fits = count >= least && (count <= PRELUDE_LINES_MAX || !isCode)
  const wanted = `${least} to ${PRELUDE_LINES_MAX}`
  return fits
    ? []
    : [
        {
          rule: 'prelude',
          at: path,
          what: `opens with ${count} lines of prose; ${wanted} say what it is and never does`,
        },
      ]
}
