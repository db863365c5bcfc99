// `hearth invoke`: one synchronous invocation. The answer goes to standard output as it is, the log tail and a
// function's error to standard error, and the exit code says which it was.

import { readFile } from 'node:fs/promises'
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { EXIT } from './client.ts'

export interface InvokeOptions {
  event?: string
  tail?: boolean
  qualifier?: string
  dryRun?: boolean
}

/** @returns the exit code. */
export async function invoke(
  client: LambdaClient,
  name: string,
  options: InvokeOptions,
): Promise<number> {
  const answer = await client.send(
    new InvokeCommand({
      FunctionName: name,
      InvocationType: options.dryRun ? 'DryRun' : 'RequestResponse',
      Payload: await readEvent(options.event),
      ...(options.tail && { LogType: 'Tail' as const }),
      ...(options.qualifier && { Qualifier: options.qualifier }),
    }),
  )
  if (answer.LogResult) process.stderr.write(Buffer.from(answer.LogResult, 'base64'))
  const text = Buffer.from(answer.Payload ?? []).toString('utf8')
  if (answer.FunctionError) {
    console.error(pretty(text))
    return EXIT.refused
  }
  if (!options.dryRun) console.log(process.stdout.isTTY ? pretty(text) : text)
  return EXIT.ok
}

/** JSON as given, `-` for standard input, or a file's content. */
async function readEvent(event: string | undefined): Promise<Uint8Array> {
  if (event === undefined) return Buffer.from('{}')
  if (event === '-') return readStandardInput()
  if (/^\s*[[{"\d]|^\s*(true|false|null)\s*$/.test(event)) return Buffer.from(event)
  return readFile(event)
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
