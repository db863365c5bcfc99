// `hearth invoke`: one invocation. The answer goes to standard output as it is; the log tail, why
// it was not warm and a function's error go to standard error, and the exit code says which it was.
// It never invokes twice.

import { readFile } from 'node:fs/promises'
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { EXIT, usageError } from './failures.ts'
import { pretty } from './output.ts'
import { describeStart, listenForStart } from './start-note.ts'

export interface InvokeOptions {
  event?: string
  payload?: string
  tail?: boolean
  qualifier?: string
  tenantId?: string
  type: 'RequestResponse' | 'Event' | 'DryRun'
}

/** @returns the exit code. */
export async function invoke(
  client: LambdaClient,
  name: string,
  options: InvokeOptions,
): Promise<number> {
  const start = listenForStart(client)
  const answer = await client.send(
    new InvokeCommand({
      FunctionName: name,
      InvocationType: options.type,
      Payload: options.payload ? parsed(options.payload) : await readEvent(options.event),
      ...(options.tail && { LogType: 'Tail' as const }),
      ...(options.qualifier && { Qualifier: options.qualifier }),
      ...(options.tenantId !== undefined && { TenantId: options.tenantId }),
    }),
  )
  if (answer.LogResult) process.stderr.write(Buffer.from(answer.LogResult, 'base64'))
  const note = describeStart(start())
  if (note) console.error(note)
  const payload = Buffer.from(answer.Payload ?? [])
  if (answer.FunctionError) {
    console.error(`The function failed (${answer.FunctionError}):\n${pretty(payload.toString())}`)
    return EXIT.refused
  }
  if (options.type === 'Event') {
    console.error(`Queued as ${answer.$metadata.requestId}; \`hearth logs ${name}\` shows it run.`)
  } else if (options.type === 'DryRun') console.error(`${name} can be invoked; it was not.`)
  else if (process.stdout.isTTY) console.log(pretty(payload.toString()))
  else process.stdout.write(Buffer.concat([payload, Buffer.from('\n')]))
  return EXIT.ok
}

/**
 * What a file holds, `-` for standard input, or JSON as given. @throws CommandError when it is none
 * of these.
 */
async function readEvent(event: string | undefined): Promise<Uint8Array> {
  if (event === undefined) return Buffer.from('{}')
  if (event === '-') return readStandardInput()
  const held = await readFile(event).catch((error: NodeJS.ErrnoException) => error)
  if (!(held instanceof Error)) return held
  if (held.code === 'EISDIR') throw usageError(`${event} is a folder. Name a file that holds JSON.`)
  return parsed(event)
}

function parsed(text: string): Uint8Array {
  try {
    JSON.parse(text)
  } catch (error) {
    const { message } = error as Error
    throw usageError(`${text.slice(0, 60)} is neither a file that can be read nor JSON: ${message}`)
  }
  return Buffer.from(text)
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
