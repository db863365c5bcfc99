// Cold starts beside `docker run` of the same runtime image until the runtime is ready, in turn, so
// that the machine's moods touch both alike.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  InvokeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import type { Hearth } from '../hearth.ts'
import { median } from './load.ts'
import { BODY } from './requests.ts'
import { type Row, row } from './table.ts'

const run = promisify(execFile)
const COLD_STARTS = 5

export async function cold(hearth: Hearth, functionName: string): Promise<Row[]> {
  const floors: number[] = []
  const values: number[] = []
  for (let count = 0; count < COLD_STARTS; count += 1) {
    floors.push(await dockerRun())
    values.push(await firstInvocation(hearth, functionName, count))
  }
  const figures = { floor: median(floors), value: median(values), unit: 'ms' } as const
  return [row('cold start, first answer', figures)]
}

/** Plain Docker: until Node has run its first line. */
async function dockerRun(): Promise<number> {
  const startedAt = performance.now()
  const node = ['--entrypoint', '/var/lang/bin/node', 'hearth/nodejs24.x', '-e', 'console.log(1)']
  await run('docker', ['run', '--rm', '--network', 'hearth-sandboxes', ...node])
  return performance.now() - startedAt
}

/** A new deployment each time, so that nothing is warm. */
async function firstInvocation(
  { lambda }: Hearth,
  functionName: string,
  count: number,
): Promise<number> {
  const name = { FunctionName: functionName }
  await lambda.send(
    new UpdateFunctionConfigurationCommand({ ...name, Description: `cold ${count}` }),
  )
  const patience = { maxWaitTime: 20, minDelay: 1, maxDelay: 1 }
  await waitUntilFunctionUpdatedV2({ client: lambda, ...patience }, name)
  const startedAt = performance.now()
  await lambda.send(new InvokeCommand({ ...name, Payload: BODY }))
  return performance.now() - startedAt
}
