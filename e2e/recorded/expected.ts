// What a recorded refusal of AWS's is made of, in short: status and members follow from the
// exception, so that a row of a table need only say which, and in which words.

import type { LambdaClient } from '@aws-sdk/client-lambda'

type Command = Parameters<LambdaClient['send']>[0]

/** One recording: how the case is called, what is asked, and what is answered. */
export type Recorded = readonly [name: string, command: unknown, answer: Answered]

export interface Answered {
  status: number
  code: string
  body: Record<string, unknown>
}

export const arn = (resource: string, service = 'lambda') =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`
export const functionArn = (name: string) => arn(`function:${name}`)

const small = (status: number, code: string) => (message: unknown) => ({
  status,
  code,
  body: { Type: 'User', message },
})
const bare = (status: number, code: string) => (message: unknown) => ({
  status,
  code,
  body: { message },
})

export const invalid = small(400, 'InvalidParameterValueException')
export const tooLarge = bare(413, 'RequestEntityTooLargeException')
/** Some of the same do not say whose fault they are. */
export const invalidBare = bare(400, 'InvalidParameterValueException')
export const badContent = small(400, 'InvalidRequestContentException')
export const denied = bare(403, 'AccessDeniedException')
export const conflict = small(409, 'ResourceConflictException')
export const stale = small(412, 'PreconditionFailedException')
export const unprovisioned = small(404, 'ProvisionedConcurrencyConfigNotFoundException')
export const validation = (...faults: string[]) =>
  bare(
    400,
    'ValidationException',
  )(
    `${faults.length} validation error${faults.length > 1 ? 's' : ''} detected: ${faults.join('; ')}`,
  )
/** The text is in a member with a capital. */
export const missing = (Message: string): Answered => ({
  status: 404,
  code: 'ResourceNotFoundException',
  body: { Type: 'User', Message },
})
export const noFunction = (name: string) => missing(`Function not found: ${functionArn(name)}`)
export const noResource = missing('The resource you requested does not exist.')

export const fault = (value: string, at: string, constraint: string) =>
  `Value '${value}' at '${at}' failed to satisfy constraint: ${constraint}`
export const pattern = (text: string) => `Member must satisfy regular expression pattern: ${text}`
export const among = (...names: string[]) =>
  `Member must satisfy enum value set: [${names.join(', ')}]`

/** Sends a command and resolves with the answer's own bytes, which the SDK hides. */
export async function ask(client: LambdaClient, command: unknown): Promise<Answered> {
  let seen: Answered | undefined
  const copy = command as Command
  copy.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const response = result.response as {
        statusCode: number
        headers: Record<string, string>
      } & {
        body: AsyncIterable<Uint8Array>
      }
      const chunks: Uint8Array[] = []
      for await (const chunk of response.body) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      const { statusCode: status, headers } = response
      const body = text === '' ? {} : JSON.parse(text)
      seen = { status, code: headers['x-amzn-errortype'] ?? '', body }
      return {
        response: { ...response, body: new Uint8Array(Buffer.concat(chunks)) },
        output: {},
      } as never
    },
    { step: 'deserialize', name: 'recorder', priority: 'low', override: true },
  )
  await client.send(copy).catch(() => {})
  if (!seen) throw new Error('nothing was answered')
  return seen
}
