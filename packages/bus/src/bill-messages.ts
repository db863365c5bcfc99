// What is asked of whoever keeps the books, and answered: bills, and whether ledger and totals
// agree. A part of the table in messages, whose subjects it is about.

import type { Grouping } from '@hearth/core/bill'
import type { Use } from '@hearth/core/price-list'

/** A bill, as it is asked for. */
export interface BillQuestion {
  account: string
  /** `YYYY-MM`; the current month when absent. */
  month?: string
  /** Groups beside it; where one is by month and none is named, those of every month. */
  by?: Grouping[]
}

/** Why there is no bill, if there is none: it would be too long, or the books are out of reach. */
export type BillWord =
  | { made: true }
  | { made: false; because: 'too long' | 'unavailable'; why: string }

export interface ReconcileQuestion {
  /** Begins anew unless one is under way; otherwise it is only told how far the last one is. */
  start?: true
}

/** The ledger read whole and added up apart from the totals, and what became of it. */
export type Reconciliation =
  | { state: 'none' }
  | { state: 'running'; segments: number; of: number }
  | { state: 'failed'; why: string }
  | ReconciliationResult

export interface ReconciliationResult {
  state: 'done'
  isEqual: boolean
  /** The ledger's sequence up to which both were compared. */
  position: number
  segments: number
  records: number
  /** Distinct attempts that count. */
  attempts: number
  /** Records of attempts that another record has counted, and of crashes. */
  repeated: number
  crashed: number
  provisionedPeriods: number
  /** Sums compared: one an account, month, function and architecture. */
  compared: number
  /** Months that are only partly in the ledger any more, and were not compared. */
  leftOut: string[]
  /** At most some of them. */
  differences: ReconciliationDifference[]
  differencesInAll: number
  seconds: number
}

export interface ReconciliationDifference {
  /** `account/month/function/architecture`. */
  key: string
  ledger: Use
  totals: Use
}
