// An engine that plays sandboxes inside this process: it boots, asks for work, answers, hangs,
// exits and dies as its script says, on whatever clock the test runs. It speaks to environments as
// a real sandbox's sockets do, and notes every law of the seam that the scheduler breaks.

import type { Attempt } from '../attempt.ts'
import type { ResponseStream } from '../response-stream.ts'
import type { ChannelOwner, OpenChannel } from '../sandbox-channel.ts'
import type { SandboxDriver, SandboxListing, SandboxSpec } from './driver.ts'

/** What happens next, each asked for when it happens; times in milliseconds. */
export interface FakeScript {
  start(): { ms: number; outcome: 'runs' | 'refused' | 'silent' }
  init(): { ms: number; outcome: 'asks' | 'error' | 'exits' | 'hangs' | 'dies' }
  run(): {
    ms: number
    outcome: 'answers' | 'fails' | 'answers twice' | 'breaks off' | 'exits' | 'hangs' | 'dies'
    /** In how many it sends its answer, if the caller takes a stream; none: in one piece. */
    pieces: number
    /** How long it takes to ask for more; never when Infinity. */
    settleMs: number
  }
  stop(): { ms: number }
  specialise(): { ms: number; outcome: 'done' | 'refused' }
}

type FakeRun = ReturnType<FakeScript['run']>

/** A streamed answer is its request's id (36 bytes), again and again; a few pieces fill a buffer. */
const PIECE_BYTES = 36 * 600
/** A runtime whose stream broke off asks for more once the environment has given it up. */
const BROKEN_MS = 250

export class FakeEngine {
  readonly #script: FakeScript
  /** Who listens for a sandbox, known by its socket directory. */
  readonly #ears = new Map<string, ChannelOwner>()
  readonly #sandboxes = new Map<string, FakeSandbox>()
  /** Laws that were broken, as sentences. */
  readonly broken: string[] = []
  memoryMbPeak = 0
  runningPeak = 0
  #running = 0

  constructor(script: FakeScript, canResizeTmp = true) {
    this.#script = script
    this.driver = { ...this.#driver, canResizeTmp }
  }

  /** Sandboxes that hold memory. */
  get sandboxes(): number {
    return this.#sandboxes.size
  }

  readonly openChannel: OpenChannel = async (directory, owner) => {
    this.#ears.set(directory, owner)
    const sandbox = () => this.#byDirectory(directory)
    return {
      startProcess: ({ environment }) => sandbox()?.startProcess('HEARTH_STEM' in environment),
      killProcesses: () => sandbox()?.killProcesses(),
      memoryPeak: () => after(1).then(() => 1024 * 1024),
      close: async () => {
        this.#ears.delete(directory)
      },
    }
  }

  readonly driver: SandboxDriver
  readonly #driver: Omit<SandboxDriver, 'canResizeTmp'> = {
    extensionsProgram: async () => '/none',
    findImage: async () => ({ code: 'InvalidImage', reason: 'there are no images here' }),
    start: async (spec) => {
      const ears = this.#ears.get(spec.socketDirectory)
      if (!ears) throw new Error('nobody listens for this sandbox')
      const { ms, outcome } = this.#script.start()
      const sandbox = new FakeSandbox(spec, ears, this.#script, this)
      this.#sandboxes.set(spec.id, sandbox)
      this.#measure()
      await after(ms)
      sandbox.isCreated = true
      if (outcome === 'refused') throw new Error('the engine refused')
      if (outcome === 'runs') sandbox.boot()
    },
    stop: async (id) => {
      const sandbox = this.#sandboxes.get(id)
      // As on a real engine, what is still being created cannot be removed, and comes to be.
      if (!sandbox?.isCreated) return
      sandbox.die()
      await after(this.#script.stop().ms)
      this.#sandboxes.delete(id)
    },
    list: async (): Promise<SandboxListing[]> =>
      [...this.#sandboxes.keys()].map((id) => ({ id, schedulerId: 'fake', epoch: '1' })),
    specialise: async (id, { memoryMb, tmpMb }) => {
      const { ms, outcome } = this.#script.specialise()
      await after(ms)
      const sandbox = this.#sandboxes.get(id)
      if (sandbox && sandbox.tmpMb !== tmpMb && !this.driver.canResizeTmp) {
        this.broken.push('a stem was taken that cannot have such a /tmp')
      }
      if (!sandbox || outcome === 'refused') throw new Error('the engine refused')
      sandbox.memoryMb = memoryMb
      this.#measure()
    },
    setCpus: async () => {},
    freezeAfterMs: 100,
    freeze: async (id) => this.#sandboxes.get(id)?.freeze(),
    thaw: async (id) => {
      await after(1)
      this.#sandboxes.get(id)?.thaw()
    },
    close: async () => {},
  }

  /** Counts invocations that run, in all sandboxes. */
  count(change: 1 | -1): void {
    this.#running += change
    this.runningPeak = Math.max(this.runningPeak, this.#running)
  }

  #measure(): void {
    const memoryMb = [...this.#sandboxes.values()].reduce((sum, one) => sum + one.memoryMb, 0)
    this.memoryMbPeak = Math.max(this.memoryMbPeak, memoryMb)
  }

  #byDirectory(directory: string): FakeSandbox | undefined {
    return [...this.#sandboxes.values()].find((one) => one.socketDirectory === directory)
  }
}

class FakeSandbox {
  memoryMb: number
  readonly tmpMb: number
  readonly socketDirectory: string
  isCreated = false
  readonly #ears: ChannelOwner
  readonly #script: FakeScript
  readonly #engine: FakeEngine
  /** Grows with each process, so that what a dead one had planned does not happen. */
  #process = 0
  #running: string | undefined
  /** The deployment that it runs, and for whom; from the first invocation to the end. */
  #owner: string | undefined
  #isAlive = true
  #isFrozen = false

  constructor(spec: SandboxSpec, ears: ChannelOwner, script: FakeScript, engine: FakeEngine) {
    this.memoryMb = spec.memoryMb
    this.tmpMb = spec.tmpMb
    this.socketDirectory = spec.socketDirectory
    this.#ears = ears
    this.#script = script
    this.#engine = engine
  }

  boot(): void {
    if (this.#isAlive) this.#ears.events.ready()
  }

  freeze(): void {
    if (this.#running !== undefined) this.#engine.broken.push('frozen while it ran')
    this.#isFrozen = true
  }

  thaw(): void {
    this.#isFrozen = false
  }

  startProcess(isStem: boolean): void {
    this.#process += 1
    this.#finish()
    const { ms, outcome } = this.#script.init()
    this.#later(ms, () => {
      if (isStem && outcome === 'asks') {
        this.#ears.side.specialisation(() => this.#initialise())
      } else this.#initialised(outcome)
    })
  }

  #initialise(): void {
    const { ms, outcome } = this.#script.init()
    this.#later(ms, () => this.#initialised(outcome))
  }

  #initialised(outcome: ReturnType<FakeScript['init']>['outcome']): void {
    if (outcome === 'asks') this.#ask()
    else if (outcome === 'error') this.#ears.side.initFailed(Buffer.from('{"errorType":"Init"}'))
    else if (outcome === 'exits') this.#exit({ status: 1 })
    else if (outcome === 'dies') this.#lose()
  }

  killProcesses(): void {
    const had = this.#process
    this.#process += 1
    this.#finish()
    if (had > 0) this.#later(2, () => this.#ears.events.exited({ signal: 9 }, 0))
  }

  die(): void {
    this.#isAlive = false
    this.#process += 1
    this.#finish()
  }

  #ask(): void {
    const asked = this.#ears.side.next((attempt) => this.#run(attempt))
    if (!asked) this.#engine.broken.push('a runtime was refused work that it might ask for')
  }

  #run({ message: { requestId, version, tenantId = '' } }: Attempt): void {
    const { broken } = this.#engine
    const owner = `${version.deploymentId} for ${tenantId}`
    this.#owner ??= owner
    if (this.#owner !== owner) broken.push('an environment served two deployments, or two tenants')
    if (this.#running !== undefined) broken.push('two invocations at a time in one environment')
    if (this.#isFrozen) broken.push('an invocation in a frozen environment')
    if (!this.#isAlive) return
    this.#running = requestId
    this.#engine.count(1)
    const run = this.#script.run()
    this.#later(run.ms, () => {
      const { side } = this.#ears
      const stream = run.pieces > 0 ? side.stream(requestId, 'text/plain') : undefined
      if (!stream) return this.#conclude(requestId, run, undefined)
      if (side.stream(requestId, 'text/plain')) broken.push('a second stream was opened')
      this.#stream(requestId, stream, run)
    })
  }

  /** One piece after the other, no faster than they are read. */
  #stream(requestId: string, stream: ResponseStream, run: FakeRun): void {
    const process = this.#process
    const goOn = () => {
      if (this.#process !== process) return
      this.#later(1, () => this.#stream(requestId, stream, { ...run, pieces: run.pieces - 1 }))
    }
    if (run.pieces === 0) return this.#conclude(requestId, run, stream)
    const how = stream.write(Buffer.alloc(PIECE_BYTES, requestId))
    if (how === 'go on') return goOn()
    if (how === 'wait') return stream.whenRead(goOn)
    this.#finish()
    const isTaken = this.#ears.side.respondTooLarge(requestId, stream.bytesMax)
    if (!isTaken) this.#engine.broken.push('an answer that is too large was not taken as one')
    this.#settle(run)
  }

  /** The run's end, after all that was streamed of it. */
  #conclude(requestId: string, run: FakeRun, stream: ResponseStream | undefined): void {
    const { outcome } = run
    const { side } = this.#ears
    if (outcome === 'hangs') return
    const breaks = outcome === 'breaks off' || outcome === 'exits' || outcome === 'dies'
    if (stream && breaks) side.streamBroken(requestId)
    if (outcome === 'exits') return this.#exit({ status: 3 })
    if (outcome === 'dies') return this.#lose()
    this.#finish()
    if (stream && outcome === 'breaks off') return this.#later(BROKEN_MS, () => this.#settle(run))
    const failed = outcome === 'fails' || outcome === 'breaks off'
    const body = Buffer.from(stream && !failed ? '' : requestId)
    const isTaken = failed ? side.fail(requestId, body) : side.respond(requestId, body)
    if (!isTaken) this.#engine.broken.push('an answer in time was refused')
    if (outcome === 'answers twice' && side.respond(requestId, body)) {
      this.#engine.broken.push('a second answer was taken')
    }
    this.#settle(run)
  }

  #settle({ settleMs }: FakeRun): void {
    if (Number.isFinite(settleMs)) this.#later(settleMs, () => this.#ask())
  }

  #finish(): void {
    if (this.#running !== undefined) this.#engine.count(-1)
    this.#running = undefined
  }

  #exit(exit: { status: number }): void {
    this.#process += 1
    this.#finish()
    this.#ears.events.exited(exit, 0)
  }

  #lose(): void {
    this.die()
    this.#ears.events.lost()
  }

  /** Does something later, unless the process has ended by then. */
  #later(ms: number, act: () => void): void {
    const process = this.#process
    const actIfAlive = () => {
      if (this.#isAlive && this.#process === process) act()
    }
    if (ms === 0) actIfAlive()
    else setTimeout(actIfAlive, ms)
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
