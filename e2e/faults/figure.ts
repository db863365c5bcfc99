// A figure of the verdict: what was counted, how much of it is allowed, and the cases behind it.
// Pure but for printing; whoever counts does not decide how it is shown.

export interface Figure {
  what: string
  found: number
  /** The most that is allowed; absent where the figure only tells, and judges nothing. */
  allowed?: number
  /** The least that there must be, where the proof would be hollow without. */
  least?: number
  /** Said behind the figure. */
  note?: string
  /** What broke it, each in a few words. */
  cases?: string[]
}

const CASES_SHOWN = 5

export const isBroken = ({ found, allowed, least }: Figure): boolean =>
  (allowed !== undefined && found > allowed) || (least !== undefined && found < least)

/** None may be found; each case is one. */
export const none = (what: string, cases: string[], note?: string): Figure => ({
  what,
  found: cases.length,
  allowed: 0,
  cases,
  ...(note !== undefined && { note }),
})

/** `lost 0`, `duplicates 3 (allowed 41)`; a broken one says so and shows its first cases. */
export function render(figure: Figure): string {
  const { what, found, allowed, least, note, cases = [] } = figure
  const notes = [
    ...(allowed ? [`allowed ${allowed}`] : []),
    ...(least === undefined ? [] : [`at least ${least}`]),
    ...(note ? [note] : []),
  ]
  const line = `${what} ${found}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`
  if (!isBroken(figure)) return line
  const shown = cases.slice(0, CASES_SHOWN).map((one) => `\n    ${one}`)
  const more = cases.length > CASES_SHOWN ? `\n    and ${cases.length - CASES_SHOWN} more` : ''
  return `${line}   BROKEN${shown.join('')}${more}`
}
