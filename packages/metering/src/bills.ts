// Bills from the books: a month's use in money by the terms of that month, and the groups that were
// asked for. The arithmetic is core/bill's; what is known only here are tags, prices and the time.

import type { BillQuestion, BillWord } from '@hearth/bus/bill-messages'
import { SUBJECTS } from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import {
  type Bill,
  type BillGroup,
  type BillTerms,
  GROUPS_MAX,
  type Grouping,
  groupUse,
  makeBill,
} from '@hearth/core/bill'
import { monthAt } from '@hearth/core/budget'
import type { OwnPrices, PriceList } from '@hearth/core/price-list'
import type { Functions } from '@hearth/store/functions'
import type { Books } from './books.ts'

export interface Prices {
  aws: PriceList
  own: OwnPrices
}

export interface BillParts {
  functions: Pick<Functions, 'cached'>
  prices: Prices
  books: Books
  /** The ledger's newest sequence. */
  lastSequence(): Promise<number>
}

export type Month = Omit<Bill, 'books' | 'by' | 'groups'>

/** A month's bill without groups: what budgets and metrics are reckoned from. */
export async function billOf(parts: BillParts, account: string, month: string): Promise<Month> {
  const lines = await parts.books.byMonth(account, month)
  return makeBill({ account, month }, lines, termsOf(parts, account, month))
}

export async function billFor(parts: BillParts, question: BillQuestion): Promise<Bill> {
  const { account, by } = question
  const month = question.month ?? monthAt(Date.now())
  const bill = await billOf(parts, account, month)
  const groups = by && (await groupsOf(parts, { ...question, by }, month))
  const { newestAt, position } = parts.books
  const segmentsBehind = Math.max((await parts.lastSequence()) - position, 0)
  return {
    ...bill,
    ...(groups && by && { by, groups }),
    books: {
      segmentsBehind,
      ...(newestAt !== undefined && { upTo: new Date(newestAt).toISOString() }),
    },
  }
}

async function groupsOf(
  parts: BillParts,
  { account, by, month: asked }: BillQuestion & { by: Grouping[] },
  month: string,
): Promise<BillGroup[]> {
  const isOfAll = asked === undefined && by.includes('month')
  const months = isOfAll ? await parts.books.months(account) : [month]
  const groups: BillGroup[] = []
  for (const one of months) {
    const lines = by.includes('day')
      ? await parts.books.byDay(account, one)
      : await parts.books.byMonth(account, one)
    groups.push(...groupUse({ account, by }, lines, termsOf(parts, account, one)))
  }
  return groups
}

function termsOf({ functions, prices }: BillParts, account: string, month: string): BillTerms {
  return {
    prices: prices.aws,
    own: prices.own,
    monthShare: shareOf(month, Date.now()),
    tagsOf: (name) => functions.cached(account, name)?.tags,
  }
}

/** How much of a month is over at a time, from 0 to 1. */
export function shareOf(month: string, now: number): number {
  const [year = 0, number = 1] = month.split('-').map(Number)
  const from = Date.UTC(year, number - 1)
  return Math.min(Math.max((now - from) / (Date.UTC(year, number) - from), 0), 1)
}

/** Answers whoever asks for bills, as long as the books are kept here. */
export function answerBills(requests: Requests, parts: BillParts): Subscription {
  return requests.answer<BillQuestion, BillWord, object>(SUBJECTS.bill, ({ meta }, respond) => {
    billFor(parts, meta).then(
      (bill) => {
        const count = bill.groups?.length ?? 0
        if (count > GROUPS_MAX) {
          const why = `The bill would have ${count} groups, and ${GROUPS_MAX} at most are shown.`
          return respond.first({ made: false, because: 'too long', why })
        }
        respond.first({ made: true })
        respond.last({}, Buffer.from(JSON.stringify(bill)))
      },
      (error) => respond.first({ made: false, because: 'unavailable', why: String(error) }),
    )
  })
}
