// What became of synchronous calls: each answer is the one answer to its own call, made by a run of
// it, and no call runs twice, whatever dies. Pure.

import { type Figure, none } from './figure.ts'
import type { History, Request } from './history.ts'

export function judgeCalls({ requests }: History): Figure[] {
  const calls = [...requests.values()].filter(({ form }) => form === 'call')
  return [
    none(
      'calls run twice',
      calls.filter(({ runs }) => runs.length > 1).map((call) => `${call.id}: ${call.runs.length}`),
    ),
    none('answers of another call', calls.flatMap(crossed)),
    none(
      'calls answered more than once',
      calls.filter(({ answers }) => answers.length > 1).map(({ id }) => id),
    ),
  ]
}

function crossed({ id, answers, runs }: Request): string[] {
  return answers
    .filter(({ outcome }) => outcome === 'ok')
    .filter(({ echo, nonce }) => echo !== id || !runs.some((run) => run.nonce === nonce))
    .map(({ echo, nonce }) => `${id} was answered for ${echo} by run ${nonce}`)
}
