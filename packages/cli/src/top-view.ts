// What `hearth top` shows, as lines of a width: each scheduler, its stems, how the last minute's
// invocations began and why, and the environments of each function by state. Pure; top.ts asks and
// full-screen.ts draws.

import type { FunctionCensus, StartCount } from '@hearth/bus/messages'
import type { Environments } from '@hearth/gateway'
import { tableOf } from './output.ts'
import type { Sort } from './platform-commands.ts'

/** States by the column that counts them; the exact ones are in the JSON. */
const COLUMNS = {
  starting: ['Starting', 'Initialising', 'Resetting'],
  ready: ['Ready', 'Settling'],
  frozen: ['Frozen'],
} as const
const HEADINGS = ['function', 'running', 'waiting', ...Object.keys(COLUMNS), 'memory']
/** What the columns after the name take, blanks included. */
const NUMBERS_WIDTH = 62
const NAME_WIDTH_MIN = 12
const MEMORY_WIDTH = 7
const MB_PER_GB = 1024

/** Lines of at most `width` characters; without one, of any length. */
export function renderEnvironments(found: Environments, sort: Sort, width?: number): string[] {
  const functions = sortFunctions(mergeFunctions(found), sort)
  const nameWidth = Math.max((width ?? Number.POSITIVE_INFINITY) - NUMBERS_WIDTH, NAME_WIDTH_MIN)
  const lines = [
    ...renderSchedulers(found),
    '',
    ...renderStems(found),
    ...renderStarts(found.schedulers.flatMap(({ starts }) => starts)),
    '',
    ...(functions.length === 0
      ? ['No function has an execution environment.']
      : tableOf(
          HEADINGS,
          functions.map((one) => row(one, nameWidth)),
        ).split('\n')),
  ]
  return lines.map((line) => cut(line, width ?? line.length))
}

/** A function version on several schedulers is one row. */
export function mergeFunctions({ schedulers }: Environments): FunctionCensus[] {
  const merged = new Map<string, FunctionCensus>()
  for (const one of schedulers.flatMap(({ functions }) => functions)) {
    const key = `${one.account}/${one.functionName}/${one.version}`
    const known = merged.get(key)
    merged.set(key, known ? add(known, one) : one)
  }
  return [...merged.values()]
}

function add(a: FunctionCensus, b: FunctionCensus): FunctionCensus {
  const states = { ...a.states }
  for (const [state, count] of Object.entries(b.states))
    states[state] = (states[state] ?? 0) + count
  return {
    ...a,
    states,
    waiting: a.waiting + b.waiting,
    running: a.running + b.running,
    memoryMb: a.memoryMb + b.memoryMb,
  }
}

/** Most of what was asked for first, then running, then memory. */
export function sortFunctions(functions: FunctionCensus[], sort: Sort): FunctionCensus[] {
  const first = (one: FunctionCensus) => {
    if (sort === 'environments') return countEnvironments(one)
    if (sort === 'memory') return one.memoryMb
    return sort === 'name' ? 0 : one[sort]
  }
  return functions.toSorted((a, b) => {
    const byName = a.functionName.localeCompare(b.functionName) || compareVersions(a, b)
    if (sort === 'name') return byName
    return first(b) - first(a) || b.running - a.running || b.memoryMb - a.memoryMb || byName
  })
}

const compareVersions = (a: FunctionCensus, b: FunctionCensus) =>
  a.version.localeCompare(b.version, undefined, { numeric: true })

function row(one: FunctionCensus, nameWidth: number): (number | string)[] {
  const name = one.version === '$LATEST' ? one.functionName : `${one.functionName}:${one.version}`
  const counts = Object.values(COLUMNS).map((states) =>
    states.reduce((sum, state) => sum + (one.states[state] ?? 0), 0),
  )
  const size = memory(one.memoryMb).padStart(MEMORY_WIDTH)
  return [cut(name, nameWidth), one.running, one.waiting, ...counts, size]
}

function renderSchedulers({ schedulers, silent }: Environments): string[] {
  if (schedulers.length + silent.length === 0) {
    return ['No scheduler is alive, so nothing can be invoked.']
  }
  const rows = schedulers.map(({ schedulerId, functions, memoryMb, memoryMbFree }) => [
    schedulerId,
    sum(functions, ({ running }) => running),
    sum(functions, countEnvironments),
    `${memory(memoryMbFree)} of ${memory(memoryMb)}`,
  ])
  const table = tableOf(['scheduler', 'running', 'environments', 'memory free'], rows)
  return [
    ...(rows.length > 0 ? table.split('\n') : []),
    ...silent.map((id) => `${id} does not answer; its environments are missing here.`),
  ]
}

function renderStems({ schedulers }: Environments): string[] {
  const kinds = new Map<string, Map<string, number>>()
  for (const { kind, state, count } of schedulers.flatMap(({ stems }) => stems)) {
    const states = kinds.get(kind) ?? new Map<string, number>()
    kinds.set(kind, states.set(state, (states.get(state) ?? 0) + count))
  }
  const shown = [...kinds].map(([kind, states]) => {
    const counts = [...states].map(([state, count]) => `${count} ${state.toLowerCase()}`)
    return `${kind.replace(/^hearth\//, '')} ${counts.join(', ')}`
  })
  return [`stems: ${shown.join('; ') || 'none'}`]
}

/** A line for each way to start, with its reasons; the most frequent first. */
export function renderStarts(starts: readonly StartCount[]): string[] {
  const kinds = new Map<string, Map<string, number>>()
  for (const { start, coldReason = '', count } of starts) {
    const reasons = kinds.get(start) ?? new Map<string, number>()
    kinds.set(start, reasons.set(coldReason, (reasons.get(coldReason) ?? 0) + count))
  }
  const byCount = <T>(counts: Iterable<[T, number]>) => [...counts].sort(([, a], [, b]) => b - a)
  const totals = [...kinds].map(([start, reasons]): [string, number] => {
    const why = byCount(reasons)
      .filter(([reason]) => reason !== '')
      .map(([reason, count]) => `${reason} (${count})`)
    return [why.length > 0 ? `${start}: ${why.join(', ')}` : start, sum(reasons, ([, n]) => n)]
  })
  const lines = byCount(totals).map(([text, count]) => `${count} ${text}`)
  const label = 'started in the last minute: '
  if (lines.length === 0) return [`${label}none`]
  return lines.map((line, index) => (index === 0 ? label : ' '.repeat(label.length)) + line)
}

const countEnvironments = ({ states }: FunctionCensus) => sum(Object.values(states), (n) => n)

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}

const memory = (mb: number) => (mb < MB_PER_GB ? `${mb} MB` : `${(mb / MB_PER_GB).toFixed(1)} GB`)

const cut = (text: string, width: number) =>
  text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`
