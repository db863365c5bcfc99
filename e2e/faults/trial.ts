// One trial from its beginning to its verdict: a Hearth of roles apart, a load on it, a nemesis
// among it; then everything is healed and drained, and what was seen outside is held against what
// Hearth's books say. The checker alone decides.

import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda'
import { type Hearth, type Part, startHearth } from '../hearth.ts'
import { hostAddress } from '../listener.ts'
import { type Asked, judge } from './checker.ts'
import { type Evidence, openEvidence } from './evidence.ts'
import { type Figure, isBroken } from './figure.ts'
import { readHistory } from './history.ts'
import { type LoadParts, type Progress, sendLoad } from './load.ts'
import { planStrikes, strike, type Target } from './nemesis.ts'
import { type Notes, startRecorder } from './notes.ts'
import { REPORTING_FUNCTION } from './reporting-function.ts'
import { seeded } from './seed.ts'
import { type Terms, termsFor } from './terms.ts'

export interface TrialOptions extends Asked {
  seed: number
  functions: number
}

export interface Trial {
  figures: Figure[]
  /** The recorder's log. */
  log: string
}

const ACCOUNT = '000000000000'
const MEMORY_MB = 256
const TIMEOUT_SECONDS = 30
/** Each kill, its quiet and its recovery take about as long; the load is spread over all of them. */
const MS_PER_KILL = 7_000
const LOAD_MS_MIN = 10_000
const EVENT_CLIENTS = 6
const CALL_CLIENTS = 4
const DRAINED_MS_MAX = 180_000
/** Nothing has waited and nothing has run for so long: it is over. */
const QUIET_MS = 5_000
const BOOKS_MS_MAX = 30_000

/** Processes of Hearth's by name, with their roles and what is theirs alone. */
const PARTS: Record<string, { roles: string; env?: Record<string, string> }> = {
  gateway: { roles: 'gateway' },
  'scheduler a': { roles: 'scheduler', env: { HEARTH_SCHEDULER_ID: 'a' } },
  'scheduler b': { roles: 'scheduler', env: { HEARTH_SCHEDULER_ID: 'b' } },
  'poller a': { roles: 'poller' },
  'poller b': { roles: 'poller' },
  metering: { roles: 'metering' },
}

export async function runTrial(
  options: TrialOptions,
  tell: (doing: string) => void,
): Promise<Trial> {
  const terms = termsFor(options.functions)
  const log = join(await mkdtemp(join(tmpdir(), 'hearth-faults-')), 'log.jsonl')
  const notes = await startRecorder(log)
  // Once: which address is the host's best changes when the first container starts.
  const host = hostAddress()
  const hearth = await startHearth({
    roles: 'gateway',
    env: {
      HEARTH_SANDBOX_ALLOW: host,
      HEARTH_CONCURRENCY: String(terms.concurrency),
      HEARTH_RETRY_SECONDS: terms.retrySeconds.join(','),
    },
  })
  try {
    tell('starting every role, and making the functions')
    const targets = await startTargets(hearth)
    await createFunctions(hearth, terms)
    await loadAndStrike({ hearth, host, notes, terms, targets, options, tell })
    const evidence = await openEvidence(hearth, ACCOUNT)
    try {
      const figures = await conclude({ evidence, notes, terms, options, tell })
      return { figures, log }
    } finally {
      await evidence.close()
    }
  } finally {
    await hearth.stop()
    notes.close()
  }
}

/** Everything that can be killed; the gateway runs already. */
async function startTargets(hearth: Hearth): Promise<Target[]> {
  const running = new Map<string, Part>([['gateway', hearth.main]])
  const start = async (name: string) => {
    const { roles, env } = PARTS[name] ?? { roles: name }
    running.set(name, await hearth.serve(roles, env))
  }
  const names = Object.keys(PARTS)
  await Promise.all(names.filter((name) => !running.has(name)).map(start))
  const { nats, valkey } = hearth
  return [
    ...names.map((name) => ({
      name,
      kill: async () => void (await running.get(name)?.kill()),
      start: () => start(name),
    })),
    { name: 'NATS', kill: nats.kill, start: nats.start },
    { name: 'Valkey', kill: valkey.kill, start: valkey.start },
  ]
}

async function createFunctions(hearth: Hearth, { functions }: Terms): Promise<void> {
  for (const { name: FunctionName, reserved } of functions) {
    await hearth.create({
      FunctionName,
      MemorySize: MEMORY_MB,
      Timeout: TIMEOUT_SECONDS,
      files: { 'index.mjs': REPORTING_FUNCTION },
    })
    if (reserved === undefined) continue
    await hearth.lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: reserved }),
    )
  }
}

interface Stage {
  hearth: Hearth
  /** Where sandboxes find the recorder. */
  host: string
  notes: Notes
  terms: Terms
  targets: readonly Target[]
  options: TrialOptions
  tell(doing: string): void
}

async function loadAndStrike(stage: Stage): Promise<void> {
  const { hearth, host, notes, terms, targets, options } = stage
  const { note, port } = notes
  const random = seeded(options.seed)
  const names = targets.map(({ name }) => name)
  const strikes = planStrikes(names, options.kills, random)
  const recorder = { host, port }
  const parts: LoadParts = { lambda: hearth.lambda, terms, random, recorder, note }
  const events: Progress = { sent: 0, accepted: 0 }
  const calls: Progress = { sent: 0, accepted: 0 }
  const tell = (doing: string) =>
    stage.tell(`${events.accepted} events accepted, ${calls.accepted} calls answered; ${doing}`)
  // Over whatever comes of it: a nemesis that fails must not leave clients behind.
  let isOver = false
  const isStruck = () => isOver
  const overMs = Math.max(options.kills * MS_PER_KILL, LOAD_MS_MIN)
  await Promise.all([
    load('event', options.events, EVENT_CLIENTS, events),
    load('call', options.calls, CALL_CLIENTS, calls),
    strike(targets, strikes, { note, tell }).finally(() => {
      isOver = true
      tell('the nemesis has done its work')
    }),
  ])

  function load(form: 'call' | 'event', wanted: number, clients: number, progress: Progress) {
    if (wanted === 0) return Promise.resolve()
    return sendLoad(parts, { form, wanted, clients, overMs }, { progress, isOver: isStruck })
  }
}

async function conclude(
  stage: Pick<Stage, 'notes' | 'options' | 'tell' | 'terms'> & { evidence: Evidence },
): Promise<Figure[]> {
  const { evidence, notes, terms, options, tell } = stage
  await drain(evidence, notes, tell)
  tell('reading the books')
  for (const { id, requestId } of await evidence.buried(terms.functions.map(({ name }) => name))) {
    await notes.note({ what: 'buried', id, requestId })
  }
  const history = readHistory(await notes.read())
  const trial = { terms, asked: options }
  // Metering is a little behind what it counts; what is still apart after that is wrong.
  for (const until = performance.now() + BOOKS_MS_MAX; ; await pause(1_000)) {
    const books = await evidence.books()
    const figures = judge(history, books, trial)
    const isEven = figures.every((figure) => !/billed/.test(figure.what) || !isBroken(figure))
    if (!isEven && performance.now() < until) continue
    await writeFile(notes.path.replace('log.jsonl', 'books.json'), JSON.stringify(books))
    return figures
  }
}

async function drain(evidence: Evidence, notes: Notes, tell: Stage['tell']): Promise<void> {
  const until = performance.now() + DRAINED_MS_MAX
  for (let quietSince = performance.now(); performance.now() < until; await pause(1_000)) {
    const { runs } = readHistory(await notes.read())
    const open = runs.filter(({ ending }) => ending === 'none').length
    const waiting = await evidence.waiting()
    tell(`draining: ${waiting} messages wait, ${open} runs are open`)
    if (waiting > 0 || open > 0) quietSince = performance.now()
    else if (performance.now() - quietSince > QUIET_MS) return
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
