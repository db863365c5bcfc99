// How an invocation began, for `hearth invoke`: Hearth says so in a header that AWS does not have,
// so the SDK's answer has no member for it and it is read off the response as it passes.

import type { LambdaClient } from '@aws-sdk/client-lambda'

const HEADER = 'x-hearth-start'
const FORM = /^([a-z]+)(?:; reason="([^"]*)")?$/

/** Listens from now on. @returns what the last answer said; undefined when it was not Hearth's. */
export function listenForStart(client: LambdaClient): () => string | undefined {
  let last: string | undefined
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { headers?: Record<string, string> }
      last = headers?.[HEADER]
      return result
    },
    { step: 'deserialize', name: 'hearthStart', priority: 'low' },
  )
  return () => last
}

/** A sentence for a person; nothing for a warm start, which needs no reason. */
export function describeStart(header: string | undefined): string | undefined {
  const [, start, reason] = FORM.exec(header ?? '') ?? []
  if (!start || start === 'warm') return undefined
  const how = START_WORDS[start] ?? start
  return reason ? `${how}: ${reason}.` : `${how}.`
}

const START_WORDS: Readonly<Record<string, string>> = {
  cold: 'Cold start',
  stem: 'Started on a stem',
  provisioned: 'On provisioned concurrency',
  restored: 'Restored from a snapshot',
}
