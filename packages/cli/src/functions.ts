// `hearth ls`, `hearth rm` and `hearth bill`: what there is, what goes, and what it cost.

import {
  DeleteFunctionCommand,
  type FunctionConfiguration,
  type LambdaClient,
  paginateListFunctions,
} from '@aws-sdk/client-lambda'
import type { Bill } from '@hearth/core/bill'
import { bytes, dollars, type Format, show, tableOf } from './output.ts'

export async function list(client: LambdaClient, output: Format): Promise<void> {
  const found: FunctionConfiguration[] = []
  for await (const page of paginateListFunctions({ client }, {}))
    found.push(...(page.Functions ?? []))
  show(output, found, () =>
    found.length === 0
      ? 'No functions yet. `hearth deploy <folder>` makes one.'
      : tableOf(
          ['function', 'runtime', 'memory', 'timeout', 'state', 'code', 'modified'],
          found.map((one) => [
            one.FunctionName ?? '',
            one.Runtime ?? '',
            `${one.MemorySize} MB`,
            `${one.Timeout} s`,
            one.State ?? '',
            bytes(one.CodeSize ?? 0),
            (one.LastModified ?? '').slice(0, 19).replace('T', ' '),
          ]),
        ),
  )
}

export async function remove(client: LambdaClient, name: string): Promise<void> {
  await client.send(new DeleteFunctionCommand({ FunctionName: name }))
  console.error(`${name} is gone.`)
}

export function showBill(bill: Bill, output: Format): void {
  const { freeTier } = bill
  show(output, bill, () =>
    [
      `Account ${bill.account}, ${bill.month}`,
      '',
      tableOf(
        ['function', 'architecture', 'requests', 'GB-seconds'],
        [
          ...bill.rows.map((row) => [
            row.functionName,
            row.architecture,
            row.requests,
            row.gbSeconds.toFixed(3),
          ]),
          ['all', '', bill.requests, bill.gbSeconds.toFixed(3)],
        ],
      ),
      '',
      `free tier   ${freeTier.requestsUsed} of ${freeTier.requests} requests, ` +
        `${freeTier.gbSecondsUsed.toFixed(3)} of ${freeTier.gbSeconds} GB-seconds`,
      `cost here   $0.00`,
      `AWS         ${dollars(bill.awsCharge)} after its free tier, at list prices`,
    ].join('\n'),
  )
}
