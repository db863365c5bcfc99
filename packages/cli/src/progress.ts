// Telling a person how long work goes: a spinner on a terminal, plain lines elsewhere. Work reports
// what it does; nobody but this file decides how that looks. Results never come here: they go to
// standard output.

import { usageError } from './failures.ts'
import { watched } from './settings.ts'

/** Work says what it is doing now. */
export type Report = (doing: string) => void

const REFRESH_MS = 500
/** What docker and apt say of every small thing; a person wants to know of steps and packages. */
const NOISE = [
  /^(--->|Removing intermediate|DEPRECATED|BuildKit is|environment-variable)/,
  /^(\(Reading database|\d+%|\d+ files and|debconf:|Selecting previously|Preparing to|Get:\d)/,
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: other programs colour what they say.
const CONTROL = /\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u001f\u007f]/g

/** Runs a step under a title; the end shows what came of it and how long it took. */
export async function step<T>(title: string, work: (report: Report) => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  const shown = (report: Report) => work((doing) => hear(doing, report))
  return watched() ? spun(title, shown, elapsed) : plain(title, shown, elapsed)
}

/** Passes on what is worth it, as plain text. */
export function hear(doing: string, report: Report): void {
  const text = doing.replaceAll(CONTROL, '').trim()
  if (text !== '' && !NOISE.some((noise) => noise.test(text))) report(text)
}

async function spun<T>(
  title: string,
  work: (report: Report) => Promise<T>,
  elapsed: () => string,
): Promise<T> {
  const { default: ora } = await import('ora')
  const spinner = ora({ text: title, stream: process.stderr }).start()
  let doing = ''
  const show = () => {
    spinner.text = `${title} (${elapsed()})${doing && `: ${doing}`}`
  }
  const timer = setInterval(show, REFRESH_MS)
  try {
    const result = await work((next) => {
      doing = next
      show()
    })
    spinner.succeed(`${title} (${elapsed()})`)
    return result
  } catch (error) {
    spinner.fail(`${title} (${elapsed()})`)
    throw error
  } finally {
    clearInterval(timer)
  }
}

async function plain<T>(
  title: string,
  work: (report: Report) => Promise<T>,
  elapsed: () => string,
): Promise<T> {
  console.error(title)
  let last = ''
  const result = await work((doing) => {
    // Some programs repeat a line while nothing moves; a log needs it once.
    if (doing !== last) console.error(`  ${doing}`)
    last = doing
  })
  console.error(`  done in ${elapsed()}`)
  return result
}

/** Asks before something is lost. Where nobody watches, the command line is taken at its word. */
export async function confirmed(question: string): Promise<boolean> {
  return canAsk() ? asked(question) : true
}

/**
 * Asks before all is lost. Where nobody can be asked it takes a word more on the command line, or
 * `yes n | hearth clean` would mean yes. @throws CommandError that says so.
 */
export async function confirmedByPerson(question: string): Promise<boolean> {
  if (canAsk()) return asked(question)
  throw usageError(
    'Nobody can be asked here, so nothing was stopped, nothing forgotten. Add --yes to forget all ' +
      'of it (`make clean CLEAN=--yes`).',
  )
}

const canAsk = () => watched() && process.stdin.isTTY === true

async function asked(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await asking.question(`${question} [y/N] `)).trim())
  } finally {
    asking.close()
  }
}
