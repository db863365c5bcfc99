// What the recorder wrote down, and the story that it tells: requests as their clients saw them,
// runs as the functions themselves told of them, faults as they were made. Pure; it believes
// nothing that Hearth says.

/** One line of the log. `at` is in milliseconds of the recorder's own clock, which only goes on. */
export type Line = { at: number } & Note

/** What is told to the recorder. */
export type Note =
  | { what: 'invoked'; id: string; form: Form; functionName: string; client: number }
  | ({ what: 'answered'; id: string } & Answer)
  | {
      what: 'began'
      id: string
      functionName: string
      requestId: string
      nonce: string
      host: string
    }
  | { what: 'ended'; id: string; nonce: string; failed: boolean }
  | { what: 'died'; host: string }
  | { what: 'struck'; target: string }
  | { what: 'healed'; target: string }
  | { what: 'buried'; id: string; requestId: string }

export type Form = 'call' | 'event'

/**
 * `ok` is 202 for an event and 200 for a call; `refused` means that nothing may come of it (4xx);
 * after anything else nobody knows (5xx, or no answer).
 */
export interface Answer {
  outcome: 'ok' | 'refused' | 'unknown'
  /** The request's, where the answer names it. */
  requestId?: string
  /** The run's, where the function's own answer names it. */
  nonce?: string
  /** Which call the function says that it answers. */
  echo?: string
  /** Why it was not ok. */
  reason?: string
}

/** One request of a client. */
export interface Request {
  id: string
  form: Form
  functionName: string
  client: number
  invokedAt: number
  answers: Answer[]
  runs: Run[]
  isBuried: boolean
}

/** One run of a function, from its own first word to its last, or to its sandbox's death. */
export interface Run {
  id: string
  functionName: string
  requestId: string
  nonce: string
  host: string
  began: number
  /** Infinity while it runs. */
  over: number
  ending: 'died' | 'failed' | 'none' | 'succeeded'
}

/** Something was killed; `healed` when it answered again. */
export interface Fault {
  target: string
  struck: number
  healed: number
}

export interface History {
  requests: Map<string, Request>
  /** Every run, by its beginning; those of requests that nobody sent, too. */
  runs: Run[]
  faults: Fault[]
}

export function readHistory(lines: readonly Line[]): History {
  const history: History = { requests: new Map(), runs: [], faults: [] }
  const open = new Map<string, Run>()
  for (const line of [...lines].sort((a, b) => a.at - b.at)) take(history, open, line)
  for (const run of history.runs) history.requests.get(run.id)?.runs.push(run)
  return history
}

function take({ requests, runs, faults }: History, open: Map<string, Run>, line: Line): void {
  switch (line.what) {
    case 'invoked': {
      const { at, what: _, ...asked } = line
      requests.set(line.id, { ...asked, invokedAt: at, answers: [], runs: [], isBuried: false })
      return
    }
    case 'answered': {
      const { at: _at, what: _, id, ...answer } = line
      requests.get(id)?.answers.push(answer)
      return
    }
    case 'began': {
      const { at, what: _, ...told } = line
      const run: Run = { ...told, began: at, over: Number.POSITIVE_INFINITY, ending: 'none' }
      runs.push(run)
      open.set(line.nonce, run)
      return
    }
    case 'ended':
      end(open, open.get(line.nonce), { at: line.at, ending: line.failed ? 'failed' : 'succeeded' })
      return
    case 'died':
      for (const run of [...open.values()]) {
        if (run.host === line.host) end(open, run, { at: line.at, ending: 'died' })
      }
      return
    case 'struck':
      faults.push({ target: line.target, struck: line.at, healed: Number.POSITIVE_INFINITY })
      return
    case 'healed': {
      const fault = faults.findLast(({ target }) => target === line.target)
      if (fault) fault.healed = line.at
      return
    }
    case 'buried': {
      const request = requests.get(line.id)
      if (request) request.isBuried = true
    }
  }
}

function end(
  open: Map<string, Run>,
  run: Run | undefined,
  { at, ending }: { at: number; ending: Run['ending'] },
): void {
  if (!run) return
  run.over = at
  run.ending = ending
  open.delete(run.nonce)
}

/** Accepted means that the client was told so. */
export const isAccepted = ({ answers }: Request) => answers.some(({ outcome }) => outcome === 'ok')
export const isRefused = ({ answers }: Request) =>
  answers.length > 0 && answers.every(({ outcome }) => outcome === 'refused')
