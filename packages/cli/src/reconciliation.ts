// `hearth bill --reconcile`: has metering read the whole ledger and compare it with what bills are
// made of, says how far it is, and ends with 1 when they differ.

import type { Reconciliation, ReconciliationResult } from '@hearth/bus/bill-messages'
import type { Use } from '@hearth/core/price-list'
import { type ClientOptions, fetchNative } from './client.ts'
import { CommandError, EXIT } from './failures.ts'
import { type Format, show, tableOf } from './output.ts'

const PATH = '/hearth/bill/reconciliation'
const POLL_MS = 500

/** @returns the exit code. */
export async function reconcile(options: ClientOptions & { output: Format }): Promise<number> {
  let found = await fetchNative<Reconciliation>(options, PATH, { body: {} })
  while (found.state === 'running') {
    if (process.stderr.isTTY) process.stderr.write(`\r${found.segments} of ${found.of} segments`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    found = await fetchNative<Reconciliation>(options, PATH)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  if (found.state === 'failed') throw new CommandError(`It could not be found out: ${found.why}`)
  if (found.state === 'none') throw new CommandError('Metering has begun anew: ask again.')
  const result = found
  show(options.output, result, () => renderReconciliation(result))
  return result.isEqual ? EXIT.ok : EXIT.refused
}

export function renderReconciliation(result: ReconciliationResult): string {
  const { attempts, repeated, crashed, provisionedPeriods, segments } = result
  const left = result.leftOut.length > 0 ? [`not compared    ${result.leftOut.join(', ')}: `] : []
  const read =
    `${result.records} records in ${segments} segments: ${attempts} attempts, ` +
    `${repeated} told again, ${crashed} crashed; ${provisionedPeriods} periods of provisioned ` +
    `concurrency (${result.seconds.toFixed(1)} s)`
  return [
    result.isEqual
      ? `ledger = totals  ${result.compared} sums agree`
      : `ledger ≠ totals  ${result.differencesInAll} of ${result.compared} sums differ`,
    read,
    ...left.map((line) => `${line}the ledger has forgotten where they begin`),
    ...(result.isEqual ? [] : ['', renderDifferences(result)]),
  ].join('\n')
}

function renderDifferences({ differences, differencesInAll }: ReconciliationResult): string {
  const rows = differences.flatMap(({ key, ledger, totals }) =>
    (Object.keys(ledger) as (keyof Use)[])
      .filter((name) => ledger[name] !== totals[name])
      .map((name) => [key, name, ledger[name], totals[name]]),
  )
  const more = differencesInAll - differences.length
  const table = tableOf(['account/month/function/architecture', 'of', 'ledger', 'totals'], rows)
  return more > 0 ? `${table}\nand ${more} more` : table
}
