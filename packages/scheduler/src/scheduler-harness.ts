// What the service tests start: a whole scheduler on the real engine, asked directly instead of
// over NATS, with one function's code in a directory. It holds no checks of its own.

import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Acceptance, InvokeMessage, InvokeReply } from '@hearth/bus/messages'
import type { Answerer, Requests } from '@hearth/bus/requests'
import type { FunctionVersion } from '@hearth/core/function'
import {
  type InvocationRecord,
  type InvocationReport,
  STREAMED_BYTES_MAX,
} from '@hearth/core/invocation'
import type { Isolation } from './drivers/docker.ts'
import type { PoolLimits } from './pool.ts'
import { type Scheduler, startScheduler } from './start.ts'
import type { StemsOptions } from './stems.ts'
import type { HeldTokens } from './take.ts'

export interface Answer {
  acceptance: Acceptance
  body: string
  functionError?: string
  logTail?: string
  platformError?: string
  report?: InvocationReport
}

export interface Harness {
  scheduler: Scheduler
  /** The number of its life. */
  life: number
  dataDirectory: string
  /** Messages of the log, in order. */
  log: string[]
  records: InvocationRecord[]
  problems: string[]
  invoke(event?: unknown, options?: Partial<InvokeMessage>): Promise<Answer>
  version(changes: Partial<FunctionVersion['configuration']>): FunctionVersion
  /** The engine's ids of the sandboxes that there are. */
  sandboxes(): Promise<string[]>
  /** As the kernel does when a machine is out of memory. */
  kill(sandbox: string): Promise<void>
  close(): Promise<void>
}

export interface HarnessOptions {
  /** Files of the function by name; programs may be executed. */
  files: Record<string, string>
  configuration?: Partial<FunctionVersion['configuration']>
  limits?: Partial<PoolLimits>
  /** None, unless a test is about them. */
  stems?: Partial<StemsOptions>
  schedulerId?: string
  dataDirectory?: string
  isLedgerAway?: boolean
  hands?: 'auto' | 'off'
  /** None, unless a test is about them. */
  namespacesMax?: number
  isolation?: Partial<Isolation>
}

const run = promisify(execFile)

/** Tokens for everybody: they have tests of their own. */
const ENOUGH: HeldTokens = {
  take: () => 'any',
  wait: async () => 'any',
  give() {},
  wishes: () => [],
  figures: () => ({ limit: 1000, allocated: 0, unreservedRunning: 0, reserved: [] }),
  knows: () => true,
  reasonFor: () => 'ConcurrentInvocationLimitExceeded',
  async close() {},
}

const LIMITS: PoolLimits = {
  memoryMb: 2048,
  concurrency: 1000,
  environmentsMax: 50,
  idleSeconds: 600,
  ageSecondsMax: 14_400,
}

/** With patience: a snapshot's cache may still be filled, and its sandbox leaves something more. */
const REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }

export async function openHarness(options: HarnessOptions): Promise<Harness> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'hearth-test-')))
  const code = join(dataDirectory, 'code')
  await mkdir(code, { recursive: true })
  for (const [name, text] of Object.entries(options.files)) {
    const mode = /^(#!|\x7fELF)/.test(text) ? 0o755 : 0o644
    await mkdir(dirname(join(code, name)), { recursive: true })
    await writeFile(join(code, name), text, { mode })
  }
  const harness = { dataDirectory, log: [], records: [], problems: [] } as unknown as Harness
  const answerers: Answerer<InvokeMessage, Acceptance, InvokeReply>[] = []
  const id = options.schedulerId ?? `test-${randomUUID().slice(0, 8)}`
  harness.scheduler = await startScheduler({
    schedulerId: id,
    owner: id,
    dataDirectory,
    region: 'us-east-1',
    limits: { ...LIMITS, ...options.limits },
    stems: { max: 0, standing: [], ...options.stems },
    streamedBytesMax: STREAMED_BYTES_MAX,
    hands: options.hands ?? 'auto',
    namespacesMax: options.namespacesMax ?? 0,
    isolation: { allow: [], ...options.isolation },
    requests: oneAnswerer(answerers as unknown[]),
    async openTokens({ life }) {
      harness.life = life
      return ENOUGH
    },
    codeDirectory: async () => code,
    layersDirectory: async () => code,
    publishLogs: (_account, _group, batch) => {
      harness.log.push(...batch.events.map((event) => event.message))
    },
    ship: async (_subject, segment) => {
      if (options.isLedgerAway) throw new Error('the ledger is away')
      harness.records.push(...segment.records)
    },
    report: (problem) => harness.problems.push(problem),
  })
  harness.version = (changes) => makeVersion({ ...options.configuration, ...changes })
  const usual = harness.version({})
  harness.invoke = (event = {}, changes = {}) => {
    const answerer = answerers[0]
    if (!answerer) throw new Error('the scheduler answers nobody')
    const meta = { ...makeMessage(usual), ...changes }
    return ask(answerer, meta, Buffer.from(JSON.stringify(event)))
  }
  harness.sandboxes = () => sandboxesOf(id)
  harness.kill = async (sandbox) => void (await run('docker', ['kill', sandbox]))
  let closing: Promise<void> | undefined
  harness.close = () => {
    closing ??= harness.scheduler.close().then(() => rm(dataDirectory, REMOVAL))
    return closing
  }
  return harness
}

async function sandboxesOf(schedulerId: string): Promise<string[]> {
  // What names its scheduler is a sandbox.
  const filter = `label=hearth.scheduler=${schedulerId}`
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', filter])
  return stdout.split('\n').filter((line) => line !== '')
}

function ask(
  answerer: Answerer<InvokeMessage, Acceptance, InvokeReply>,
  meta: InvokeMessage,
  body: Uint8Array,
): Promise<Answer> {
  return new Promise((resolve) => {
    let acceptance: Acceptance = { accepted: true }
    answerer(
      { meta, body },
      {
        first(word) {
          acceptance = word
          if (!word.accepted) resolve({ acceptance, body: '' })
        },
        stream: (_head, body) => body.destroy(),
        last(word, payload) {
          resolve({ acceptance, body: Buffer.from(payload ?? []).toString(), ...word } as Answer)
        },
      },
    )
  })
}

function oneAnswerer(answerers: unknown[]): Requests {
  const closed = { close() {} }
  return {
    answer(_subject, answerer) {
      answerers.push(answerer)
      return closed
    },
    ask: () => Promise.resolve({ kind: 'nobody' }),
    publish() {},
    subscribe: () => closed,
  }
}

export function makeMessage(version: FunctionVersion): InvokeMessage {
  return {
    requestId: randomUUID(),
    account: '000000000000',
    functionName: 'hello',
    invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello',
    version,
    wantsLogTail: false,
    startBy: Date.now() + 1_500,
  }
}

let deployments = 0

export function makeVersion(changes: Partial<FunctionVersion['configuration']>): FunctionVersion {
  deployments += 1
  return {
    version: '$LATEST',
    configuration: {
      description: '',
      runtime: 'nodejs24.x',
      handler: 'index.handler',
      role: 'arn:aws:iam::000000000000:role/any',
      timeoutSeconds: 3,
      memoryMb: 256,
      ephemeralStorageMb: 512,
      logging: { format: 'Text', group: '/aws/lambda/hello' },
      echoed: {},
      ...changes,
    },
    code: { sha256: 'abc', size: 1 },
    architecture: 'x86_64',
    deploymentId: randomUUID(),
    revisionId: randomUUID(),
    lastModified: deployments,
    state: 'Active',
    updateStatus: 'Successful',
  }
}
