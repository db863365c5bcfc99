// The function of a trial: it tells the recorder that it begins and waits until that is on the
// disk, does nothing for a while, tells how it ends, and ends so. It knows only what its event
// says; how often it has failed before, the recorder tells it.

/** An event of a trial; `waitMs` is for which it does nothing. */
export interface TrialEvent {
  id: string
  functionName: string
  waitMs: number
  /** So many runs for this event fail first. */
  fails: number
  recorder: { host: string; port: number }
}

/** What a run answers, or throws as its error's message. */
export interface TrialAnswer {
  id: string
  nonce: string
}

/** Uses the network below HTTP: a small CPU share is soon used up. */
export const REPORTING_FUNCTION = `
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { hostname } from 'node:os'

export const handler = async ({ id, functionName, waitMs, fails, recorder }, context) => {
  const nonce = randomUUID()
  const socket = connect(recorder)
  const note = async (line) => {
    socket.write(JSON.stringify(line) + '\\n')
    const [answer] = await once(socket, 'data')
    return JSON.parse(answer.toString())
  }
  try {
    const requestId = context.awsRequestId
    const began = { what: 'began', id, functionName, requestId, nonce, host: hostname() }
    const { failed } = await note(began)
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    const isFailure = failed < fails
    await note({ what: 'ended', id, nonce, failed: isFailure })
    if (isFailure) throw new Error(JSON.stringify({ id, nonce }))
    return { id, nonce }
  } finally {
    socket.destroy()
  }
}
`
