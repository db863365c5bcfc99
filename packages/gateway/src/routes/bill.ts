// Hearth's own routes of the bill, and of the proof that it is right: the question is passed on to
// whoever keeps the books, and the answer to the caller, as it is.

import { setTimeout as sleep } from 'node:timers/promises'
import type {
  BillQuestion,
  BillWord,
  ReconcileQuestion,
  Reconciliation,
} from '@hearth/bus/bill-messages'
import { SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import { GROUPINGS, GROUPINGS_MAX, parseGroupings } from '@hearth/core/bill'
import { ServiceError } from '@hearth/core/error'
import type { WireAnswer } from '../contract.ts'

interface BillParts {
  account: string
  requests: Pick<Requests, 'ask'>
}

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/
/**
 * Books that are being read from the beginning answer between two segments. When their keeper dies,
 * or was paused for longer than its lease, another takes them after five seconds and a half.
 */
const WITHIN_MS = 8_000
/** Nobody had the question, so it may be put again. */
const AGAIN_MS = 200
const HEADERS = { 'content-type': 'application/json' }
const EMPTY = new Uint8Array(0)

/** `?month=YYYY-MM`, and `?by=function,day` for groups beside it. */
export async function getBill(
  { account, requests }: BillParts,
  { month, by }: Record<string, string>,
): Promise<WireAnswer> {
  if (month !== undefined && !MONTH.test(month)) {
    throw invalid(`month must be YYYY-MM, such as 2026-11.`)
  }
  const groupings = by === undefined ? undefined : parseGroupings(by)
  if (by !== undefined && !groupings) {
    const known = `${GROUPINGS.join(', ')} and tag:KEY`
    throw invalid(`by must be one or more of ${known}, with commas, and ${GROUPINGS_MAX} at most.`)
  }
  const question = { account, ...(month && { month }), ...(groupings && { by: groupings }) }
  const { first, last } = await askMetering<BillQuestion, BillWord>(
    requests,
    { subject: SUBJECTS.bill, question },
    ({ made }) => made,
  )
  if (!first.made && first.because === 'too long') throw invalid(first.why)
  if (!first.made) throw silent(`the books cannot be read: ${first.why}`)
  const { body } = await last.catch(() => {
    throw silent()
  })
  return { status: 200, headers: HEADERS, body }
}

/** Begins one if that is asked for, and says how far it is. */
export async function tellReconciliation(
  { requests }: BillParts,
  question: ReconcileQuestion,
): Promise<WireAnswer> {
  const { first } = await askMetering<ReconcileQuestion, Reconciliation>(
    requests,
    { subject: SUBJECTS.reconciliation, question },
    () => false,
  )
  return { status: 200, headers: HEADERS, body: JSON.stringify(first) }
}

/** Again while nobody is there: the books change hands, or are opened anew after a failure. */
async function askMetering<Question, First>(
  requests: Pick<Requests, 'ask'>,
  { subject, question }: { subject: string; question: Question },
  promisesLast: (first: First) => boolean,
) {
  const until = performance.now() + WITHIN_MS
  for (;;) {
    const answer = await requests.ask<Question, First, object>(
      subject,
      { meta: question, body: EMPTY },
      { firstWithinMs: until - performance.now(), lastWithinMs: WITHIN_MS, promisesLast },
    )
    if (answer.kind === 'answered') return answer
    if (answer.kind === 'silent' || performance.now() + AGAIN_MS >= until) throw silent()
    await sleep(AGAIN_MS)
  }
}

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
const silent = (why = 'metering does not answer.') =>
  new ServiceError('ServiceUnavailableException', `Service is unavailable: ${why}`)
