// One environment at its edges: which state takes what, and what each limit does. The simulation
// covers the combinations; here are the cases that have a name.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Attempt } from './attempt.ts'
import { Environment } from './environment.ts'
import { stateDiagram, TRANSITIONS } from './environment-states.ts'
import { LogStream } from './log-stream.ts'
import { platformLog } from './platform-log.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'

let happened: string[]
let environment: Environment
/** Ids of the invocations that the runtime has received. */
let given: string[]
let thaw: () => Promise<void>
/** Waits for an environment whose init fails. */
let retry: Attempt | undefined
const note = (text: string) => () => void happened.push(text)

beforeEach(() => {
  vi.useFakeTimers()
  happened = []
  given = []
  retry = undefined
  thaw = async () => void happened.push('thaw')
  const logging = { format: 'Text', group: 'g' } as const
  const names = { functionName: 'f', version: '1', logStream: 's', initializationType: 'on-demand' }
  const facts = { ...names, logging, memoryMb: 128, runtime: 'r', runtimeArn: 'a' }
  const platform = platformLog(facts)
  environment = new Environment({
    id: 'e',
    memoryMb: 128,
    timeoutSeconds: 2,
    why: 'first invocation',
    process: { directory: '/', search: '', arguments: [], environment: {} },
    processAgain: { directory: '/', search: '', arguments: [], environment: {} },
    platform,
    log: new LogStream(platform, () => {}),
    startSandbox: async (self) =>
      self.adopt(
        {
          startProcess: note('process'),
          killProcesses: note('kill'),
          memoryPeak: async () => 0,
          close: async () => {},
        },
        'cold',
      ),
    freezeAfterMs: 100,
    freeze: note('freeze'),
    thaw: () => thaw(),
    stopSandbox: async () => {},
    initialised: note('initialised'),
    events: {
      booted: note('booted'),
      ready: note('ready'),
      initFailed: (_self, { reason }) => {
        happened.push(`init failed: ${reason}`)
        return retry
      },
      stopping: (_self, reason) => happened.push(`stopping: ${reason}`),
      stopped: note('stopped'),
    },
  })
})
afterEach(() => {
  vi.useRealTimers()
})

async function boot(): Promise<void> {
  environment.start()
  await vi.advanceTimersByTimeAsync(1)
  environment.sandboxReady()
  environment.next((taken) => given.push(taken.message.requestId))
  happened.length = 0
}

const attempt = (requestId: string): Attempt => ({
  message: { ...makeMessage(makeVersion({})), requestId },
  payload: Buffer.from('{}'),
  began: (leave) => leave(),
  finished: ({ payload, report }) => happened.push(`${report.outcome}: ${payload}`),
  failed: note('failed'),
})

test('an answer after a timeout is not taken, and the runtime is replaced', async () => {
  await boot()
  environment.invoke(attempt('1'))
  await vi.advanceTimersByTimeAsync(2_000)
  expect(environment.stateName).toBe('Resetting')
  expect(environment.respond('1', Buffer.from('late'))).toBe(false)
  expect(environment.next(() => {})).toBe(false)
  environment.processExited({ signal: 9 }, 0)
  expect(environment.stateName).toBe('Initialising')
  expect(happened[0]).toBe('kill')
  expect(happened[1]).toContain('timed out: {"errorType":"Sandbox.Timedout"')
  expect(happened.slice(2)).toEqual(['process'])
})

test('an answer to another invocation, or a second one, is not taken', async () => {
  await boot()
  environment.invoke(attempt('1'))
  expect(environment.respond('2', Buffer.from('x'))).toBe(false)
  expect(environment.respond('1', Buffer.from('a'))).toBe(true)
  expect(environment.expects('1')).toBe('no more')
  expect(environment.respond('1', Buffer.from('b'))).toBe(false)
  expect(happened).toEqual(['success: a'])
})

test('who settles for long is no longer waited for, and is replaced at its limit', async () => {
  await boot()
  environment.invoke(attempt('1'))
  environment.respond('1', Buffer.from('a'))
  expect(environment.isSoonReady).toBe(true)
  await vi.advanceTimersByTimeAsync(100)
  expect(environment.isSoonReady).toBe(false)
  await vi.advanceTimersByTimeAsync(1_900)
  expect(environment.stateName).toBe('Resetting')
  await vi.advanceTimersByTimeAsync(0)
  environment.processExited({ signal: 9 }, 0)
  environment.next(() => {})
  expect(environment.stateName).toBe('Ready')
})

test.each([
  ['Starting', 60_000, () => {}, 'the engine did not start the sandbox in time'],
  ['Initialising', 10_000, () => environment.sandboxReady(), 'init timed out'],
])('%s has its limit', async (name, limitMs, reach, reason) => {
  environment.start()
  await vi.advanceTimersByTimeAsync(0)
  reach()
  expect(environment.stateName).toBe(name)
  await vi.advanceTimersByTimeAsync(limitMs - 1)
  expect(environment.stateName).toBe(name)
  await vi.advanceTimersByTimeAsync(1)
  expect(happened).toContain(`init failed: ${reason}`)
  expect(environment.stateName).toBe('Stopped')
})

test('a sandbox that cannot be reset is given up', async () => {
  await boot()
  environment.invoke(attempt('1'))
  await vi.advanceTimersByTimeAsync(2_000 + 5_000)
  expect(environment.stateName).toBe('Stopped')
})

test('a lost sandbox answers what ran as killed; a stopping scheduler as its own failure', async () => {
  await boot()
  environment.invoke(attempt('1'))
  environment.sandboxLost()
  expect(happened[1]).toContain('exited: {"errorType":"Runtime.ExitError"')
  expect(happened[1]).toContain('signal: killed')
})

test('what runs when the scheduler stops is not the function’s failure', async () => {
  await boot()
  environment.invoke(attempt('1'))
  environment.abandon('stopping')
  expect(happened).toEqual(['stopping: stopping', 'failed'])
})

test('taking an invocation in any state but Ready is a bug', () => {
  expect(() => environment.invoke(attempt('1'))).toThrow('invoke in Starting')
})

test('every state can be reached, and every one can end', () => {
  const targets = new Set<string>(Object.values(TRANSITIONS).flat())
  for (const name of Object.keys(TRANSITIONS)) {
    if (name !== 'Starting') expect(targets).toContain(name)
  }
  expect(stateDiagram().split('\n')).toContain('  Busy --> Settling')
})

test('one that idles is frozen, and gets its next work once it is thawed', async () => {
  await boot()
  await vi.advanceTimersByTimeAsync(99)
  expect(environment.stateName).toBe('Ready')
  await vi.advanceTimersByTimeAsync(1)
  expect(environment.stateName).toBe('Frozen')
  expect(environment.idleSince).toBeDefined()
  environment.invoke(attempt('1'))
  expect(environment.stateName).toBe('Busy')
  expect(given).toEqual([])
  await vi.advanceTimersByTimeAsync(0)
  expect(given).toEqual(['1'])
  expect(happened).toEqual(['freeze', 'thaw'])
})

test('one that is stopped while it thaws gives its work to nobody', async () => {
  await boot()
  await vi.advanceTimersByTimeAsync(100)
  environment.invoke(attempt('1'))
  environment.abandon('the scheduler stops')
  await vi.advanceTimersByTimeAsync(0)
  expect(given).toEqual([])
  expect(happened).toContain('failed')
})

test('one that cannot be thawed is the platform’s failure, and ends', async () => {
  thaw = () => Promise.reject(new Error('no'))
  await boot()
  await vi.advanceTimersByTimeAsync(100)
  environment.invoke(attempt('1'))
  await vi.advanceTimersByTimeAsync(0)
  expect(given).toEqual([])
  expect(happened).toContain('failed')
  expect(environment.isEnding).toBe(true)
})

/** The function is being loaded for the first time. */
async function load(): Promise<void> {
  environment.start()
  await vi.advanceTimersByTimeAsync(1)
  environment.sandboxReady()
  happened.length = 0
}
const INIT_ERROR = Buffer.from('{"errorType":"Oops"}')

test('an init that fails is tried again within the invocation’s time', async () => {
  await load()
  retry = attempt('1')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(environment.stateName).toBe('Retrying')
  expect(happened).toEqual(['init failed: init timed out', 'kill'])
  // What still comes from the first process is not taken for the second one's.
  expect(environment.initFailed(INIT_ERROR)).toBe(false)
})

test('the second init gives the invocation what is left of its time', async () => {
  await load()
  retry = attempt('1')
  environment.initFailed(INIT_ERROR)
  environment.processExited({ status: 1 }, 0)
  expect(happened).toEqual(['init failed: init error', 'kill', 'process'])
  await vi.advanceTimersByTimeAsync(1_500)
  environment.next((taken) => given.push(taken.message.requestId))
  expect([environment.stateName, given]).toEqual(['Busy', ['1']])
  await vi.advanceTimersByTimeAsync(500)
  expect(happened.at(-1)).toContain('timed out: {"errorType":"Sandbox.Timedout"')
})

test.each<[string, () => unknown, string]>([
  ['reports', () => environment.initFailed(INIT_ERROR), 'init error: {"errorType":"Oops"}'],
  ['exits', () => environment.processExited({ status: 1 }, 0), 'init error: {"errorType":"Runtime'],
  ['takes too long', () => vi.advanceTimersByTimeAsync(2_000), 'timed out: {"errorType":"Sandbox'],
])('a second init that %s is the answer, and the end', async (_how, fail, answer) => {
  await load()
  retry = attempt('1')
  environment.processExited({ status: 1 }, 0)
  expect(environment.stateName).toBe('Retrying')
  await fail()
  expect(happened.join('\n')).toContain(answer)
  expect(environment.isEnding).toBe(true)
})

test('an init that fails with nobody waiting is not tried again', async () => {
  await load()
  environment.initFailed(INIT_ERROR)
  expect(environment.isEnding).toBe(true)
})
