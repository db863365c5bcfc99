// What metrics tell of concurrency: the account's limit, what is set aside of it, and what runs
// here against the rest. Pure; read from the functions' documents and the tokens in hand.

import { unreservedPool } from '@hearth/core/concurrency'
import type { FunctionDocument } from '@hearth/core/function'

export interface ConcurrencyFigures {
  limit: number
  /** Reserved, and provisioned for functions without a reserve. */
  allocated: number
  /** Running here with a token of what the account has left. */
  unreservedRunning: number
  reserved: { functionName: string; count: number }[]
}

export function concurrencyFigures(
  { documents, limit }: { documents: readonly FunctionDocument[]; limit: number },
  runningIn: (pool: string) => number,
): ConcurrencyFigures {
  const pool = unreservedPool({ documents, limit })
  return {
    limit,
    allocated: limit - pool.limit,
    unreservedRunning: runningIn(pool.name),
    reserved: documents.flatMap(({ name, concurrency }) =>
      concurrency?.reserved === undefined
        ? []
        : [{ functionName: name, count: concurrency.reserved }],
    ),
  }
}
