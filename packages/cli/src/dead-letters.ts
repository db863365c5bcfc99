// `hearth dlq`: what was given up, and its way back onto the queue. The gateway does both; this
// file only asks and lays out.

import { type ClientOptions, fetchNative } from './client.ts'
import { type Format, show, tableOf } from './output.ts'

interface Counts {
  functions: { functionName: string; count: number }[]
  ofDeletedFunctions: number
}

interface Page {
  letters: Letter[]
  next?: number
}

interface Letter {
  requestId: string
  reason: string
  attempts: number
  givenUpAt: string
  payload?: string
  target?: string
}

const PATH = '/hearth/dead-letters'
const PAYLOAD_SHOWN_MAX = 60

export async function listDeadLetters(
  options: ClientOptions & { output: Format },
  name: string | undefined,
): Promise<void> {
  if (name === undefined) {
    const counts = await fetchNative<Counts>(options, PATH)
    return show(options.output, counts, () => renderCounts(counts))
  }
  const letters: Letter[] = []
  for (let from: number | undefined = 0; from !== undefined; ) {
    const query = { function: name, from: String(from) }
    const page: Page = await fetchNative<Page>(options, PATH, { query })
    letters.push(...page.letters)
    from = page.next
  }
  show(options.output, letters, () => renderLetters(name, letters))
}

export async function redriveDeadLetters(
  options: ClientOptions,
  { name, requestIds }: { name: string; requestIds: string[] },
): Promise<void> {
  const body = { functionName: name, ...(requestIds.length > 0 && { requestIds }) }
  const { redriven } = await fetchNative<{ redriven: number }>(options, PATH, { body })
  console.log(`${redriven} of ${name} are on their way again.`)
}

function renderCounts({ functions, ofDeletedFunctions }: Counts): string {
  const rows = functions.map(({ functionName, count }) => [functionName, count])
  if (ofDeletedFunctions > 0) rows.push(['(functions that are gone)', ofDeletedFunctions])
  return rows.length === 0 ? 'Nothing was given up.' : tableOf(['function', 'given up'], rows)
}

function renderLetters(name: string, letters: readonly Letter[]): string {
  if (letters.length === 0) return `Nothing of ${name} was given up.`
  return tableOf(
    ['request id', 'given up (UTC)', 'attempts', 'reason', 'event, or whom it could not tell'],
    letters.map((letter) => [
      letter.requestId,
      letter.givenUpAt.slice(0, 19).replace('T', ' '),
      letter.attempts,
      letter.reason,
      letter.target ?? (letter.payload ?? '').slice(0, PAYLOAD_SHOWN_MAX),
    ]),
  )
}
