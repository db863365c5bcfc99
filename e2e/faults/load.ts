// The load of a trial: clients that send events and calls at a steady pace, through every failure,
// and tell the recorder before they ask and after they heard. Each request is sent once: a client
// that hears nothing does not know, and says so.

import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import type { Answer, Form, Note } from './history.ts'
import type { TrialAnswer, TrialEvent } from './reporting-function.ts'
import type { Random } from './seed.ts'
import type { FunctionTerms, Terms } from './terms.ts'

export interface LoadParts {
  lambda: LambdaClient
  terms: Terms
  random: Random
  recorder: TrialEvent['recorder']
  note(note: Note): Promise<unknown>
}

/** So many are to be accepted, or answered, spread over so long by so many clients. */
export interface Load {
  form: Form
  wanted: number
  clients: number
  overMs: number
}

export interface Progress {
  sent: number
  accepted: number
}

/** A client whose request failed waits a little, as SDKs do. */
const AFTER_FAILURE_MS = 200
/** A load that is hardly ever accepted must end, too. */
const SENT_PER_WANTED_MAX = 4
/** No run of a trial takes so long; an answer that has not come by then never will. */
const ANSWER_MS_MAX = 60_000

/** Resolves when as many were accepted as wanted, and `isOver`. */
export async function sendLoad(
  parts: LoadParts,
  load: Load,
  { progress, isOver }: { progress: Progress; isOver(): boolean },
): Promise<void> {
  const everyMs = (load.overMs * load.clients) / load.wanted
  const client = async (number: number) => {
    for (let turn = 0; ; turn += 1) {
      const enough = progress.accepted >= load.wanted && isOver()
      if (enough || progress.sent >= load.wanted * SENT_PER_WANTED_MAX) return
      progress.sent += 1
      const nextAt = performance.now() + everyMs * parts.random.between(0.5, 1.5)
      const answer = await ask(parts, { form: load.form, client: number, turn })
      if (answer.outcome === 'ok') progress.accepted += 1
      const restMs = nextAt - performance.now()
      await pause(Math.max(restMs, answer.outcome === 'ok' ? 0 : AFTER_FAILURE_MS))
    }
  }
  await Promise.all(Array.from({ length: load.clients }, (_, number) => client(number)))
}

async function ask(
  { lambda, terms, random, recorder, note }: LoadParts,
  { form, client, turn }: { form: Form; client: number; turn: number },
): Promise<Answer> {
  const id = `${form}-${client}-${turn}`
  const { functions } = terms
  const index = Math.floor(random.next() * functions.length)
  const { name, fails, waitMs } = functions[index] as FunctionTerms
  const waits = Math.floor(waitMs * random.next())
  const event: TrialEvent = { id, functionName: name, waitMs: waits, fails, recorder }
  await note({ what: 'invoked', id, form, functionName: name, client })
  const answer = await invoke(lambda, form, event).catch(outcomeOf)
  await note({ what: 'answered', id, ...answer })
  return answer
}

async function invoke(lambda: LambdaClient, form: Form, event: TrialEvent): Promise<Answer> {
  const { $metadata, Payload } = await lambda.send(
    new InvokeCommand({
      FunctionName: event.functionName,
      InvocationType: form === 'event' ? 'Event' : 'RequestResponse',
      Payload: JSON.stringify(event),
    }),
    { abortSignal: AbortSignal.timeout(ANSWER_MS_MAX) },
  )
  const { requestId } = $metadata
  const named = requestId === undefined ? {} : { requestId }
  if (form === 'event') return { outcome: 'ok', ...named }
  const told = readAnswer(Buffer.from(Payload ?? []).toString())
  if ('reason' in told) return { outcome: 'unknown', ...named, ...told }
  return { outcome: 'ok', ...named, echo: told.id, nonce: told.nonce }
}

/** The function's answer, or what it threw as its message; or why the platform spoke for it. */
function readAnswer(text: string): TrialAnswer | { reason: string } {
  const answer = JSON.parse(text) as TrialAnswer & { errorType?: string; errorMessage?: string }
  const { errorType, errorMessage } = answer
  if (errorType === undefined) return answer
  if (errorType !== 'Error' || !errorMessage?.startsWith('{')) {
    return { reason: `${errorType}: ${errorMessage}` }
  }
  return JSON.parse(errorMessage) as TrialAnswer
}

function outcomeOf(error: Error & { $metadata?: { httpStatusCode?: number } }): Answer {
  const status = error.$metadata?.httpStatusCode ?? 0
  const isRefusal = status >= 400 && status < 500
  return { outcome: isRefusal ? 'refused' : 'unknown', reason: `${status} ${error.name}` }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
