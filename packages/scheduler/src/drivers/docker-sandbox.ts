// One sandbox as a Docker container: its figures, and who froze it. hearth-hands does the work
// where it is at hand; Docker's API otherwise, ten to forty times slower. Docker is always told
// whole figures, because it does not know what hearth-hands did.

import { mkdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type Docker from 'dockerode'
import { type DockerError, isConflict, isGone } from './docker-engine.ts'
import type { DockerHands } from './docker-hands.ts'
import { isStem } from './docker-start.ts'
import { cpuLimits, memoryLimits } from './docker-template.ts'
import type { SandboxSpec, Specialisation } from './driver.ts'
import { type Hands, HandsLost, HandsRefused } from './hands.ts'
import { linkTree } from './link-tree.ts'

export interface DockerSandboxParts {
  id: string
  container: Docker.Container
  /** Its own part of the mounts directory. */
  directory: string
  dataDirectory: string
  hands: DockerHands | undefined
  report(problem: string): void
}

interface Figures {
  memoryMb: number
  cpus: number
  tmpMb: number
}

/** What hearth-hands says of control groups whose container is gone. */
const GONE = ['ENOENT', 'ENODEV', 'ESRCH']
/** What Docker cannot do waits so long for the next hearth-hands. */
const THAW_MS_MAX = 10_000
const DETACH_MS_MAX = 120_000
/** To hearth-hands, a stem's layers are the code of another sandbox, which has this in its name. */
const LAYERS = '-layers'

export class DockerSandbox {
  readonly id: string
  readonly #parts: DockerSandboxParts
  /** Undefined for one that an earlier life of the scheduler left. */
  #figures: Figures | undefined
  #tmp: 'mounted' | 'memory' = 'memory'
  /** What makes hearth-hands find it: its first process, and its container's whole id. */
  #whereabouts: [pid: string, containerId: string] | undefined
  /** Whether hearth-hands knows it. */
  #known: Promise<boolean> = Promise.resolve(false)
  #frozenBy: 'hands' | 'engine' | undefined
  /** Counts wishes to freeze or thaw; only the last one is worth falling back for. */
  #wish = 0
  /** Freezing and thawing that take long enough for another wish to come meanwhile. */
  #slowDone: Promise<unknown> = Promise.resolve()

  constructor(parts: DockerSandboxParts) {
    this.#parts = parts
    this.id = parts.id
  }

  get codeDirectory(): string {
    return join(this.#parts.directory, 'task')
  }

  /** What a stem sees at /opt: a place of its own beside the code's. */
  get layersDirectory(): string {
    return join(`${this.#parts.directory}${LAYERS}`, 'task')
  }

  get tmpDirectory(): string | undefined {
    return this.#tmp === 'mounted' ? join(this.#parts.directory, 'tmp') : undefined
  }

  /** What must be there before the container is created: directories, and /tmp if it can be. */
  async prepare(spec: SandboxSpec): Promise<void> {
    const { memoryMb, cpus, tmpMb } = spec
    this.#figures = { memoryMb, cpus, tmpMb }
    const { directory, hands } = this.#parts
    await mkdir(this.codeDirectory, { recursive: true, mode: 0o755 })
    if (isStem(spec) && !spec.ownImage) await this.#awaitLibraries()
    if (!hands) return
    await mkdir(join(directory, 'tmp'), { recursive: true, mode: 0o755 })
    if (!hands.canMountTmp) return
    try {
      await this.#mountTmp(tmpMb)
      this.#tmp = 'mounted'
    } catch (error) {
      // The loss was reported already.
      if (!(error instanceof HandsRefused)) return
      this.#parts.report(`the /tmp of ${this.id} counts as its memory: ${error.message}`)
    }
  }

  /** A loader that looked for a library where no folder was never looks there again. */
  async #awaitLibraries(): Promise<void> {
    for (const directory of [this.codeDirectory, this.layersDirectory]) {
      await mkdir(join(directory, 'lib'), { recursive: true, mode: 0o755 })
    }
  }

  /** The container has started: hearth-hands learns which it is, while the runtime boots. */
  started(): void {
    const { hands } = this.#parts
    if (hands) this.introduce(hands)
  }

  /** @returns whether that helper knows it now. */
  introduce(hands: Pick<Hands, 'ask'>): Promise<boolean> {
    this.#known = this.#adoptBy(hands).then(
      () => true,
      () => false,
    )
    return this.#known
  }

  async specialise(specialisation: Specialisation): Promise<void> {
    const { codeDirectory, layersDirectory, ...figures } = specialisation
    if (!(await this.#known) && this.#figures?.tmpMb !== figures.tmpMb) throw this.#tmpStays()
    await Promise.all([
      codeDirectory === undefined ? undefined : this.#giveCode(codeDirectory),
      layersDirectory === undefined ? undefined : this.#giveLayers(layersDirectory),
      this.#giveTmp(figures.tmpMb),
      this.#limit(figures),
    ])
  }

  /** Harmless when it is gone. */
  async setCpus(cpus: number): Promise<void> {
    await this.#limit({ cpus }).catch((error: DockerError) => {
      if (!isGone(error)) throw error
    })
  }

  async freeze(): Promise<void> {
    this.#wish += 1
    const wish = this.#wish
    await this.#slowDone
    if (wish !== this.#wish) return
    this.#frozenBy = 'hands'
    if (await this.#byHands('freeze')) return
    if (wish !== this.#wish) return
    this.#frozenBy = 'engine'
    await this.#slowly(() => this.#pause())
  }

  async thaw(): Promise<void> {
    this.#wish += 1
    await this.#slowDone
    const by = this.#frozenBy
    this.#frozenBy = undefined
    if (by === 'engine') await this.#slowly(() => this.#parts.container.unpause())
    if (by !== 'hands' || (await this.#byHands('thaw'))) return
    // Docker can thaw only what it froze.
    await this.#slowly(() => this.#askPatiently(THAW_MS_MAX, 'thaw'))
  }

  /** Kills and removes it, frozen or not, with its mounts. */
  async stop(): Promise<void> {
    await this.#release().catch(() => {})
    const { container, directory } = this.#parts
    await container.remove({ force: true, v: true }).catch((error: unknown) => {
      if (!isGone(error) && !isConflict(error)) throw error
    })
    await Promise.all([
      this.#clear(this.id, directory),
      this.#clear(`${this.id}${LAYERS}`, `${directory}${LAYERS}`),
    ])
  }

  /** Unmounts what is in a directory of ours, and removes it. */
  async #clear(name: string, directory: string): Promise<void> {
    const forget = () => rm(directory, { recursive: true, force: true }).catch(() => {})
    try {
      await this.#parts.hands?.ask('detach', name)
    } catch {
      this.#askPatiently(DETACH_MS_MAX, 'detach', name).then(forget, () => {})
    }
    await forget()
  }

  /** On older engines a frozen process does not die. */
  async #release(): Promise<void> {
    const { container, hands } = this.#parts
    await this.#known
    // Of one that an earlier life left, we cannot know who froze it.
    const isUnknown = !this.#figures
    if (this.#frozenBy === 'engine' || (isUnknown && (await container.inspect()).State.Paused)) {
      await container.unpause()
    } else if (hands && (isUnknown || this.#frozenBy === 'hands')) {
      if (isUnknown) await this.#adoptBy(hands)
      await hands.ask('thaw', this.id)
    }
  }

  async #adoptBy(hands: Pick<Hands, 'ask'>): Promise<void> {
    if (!this.#whereabouts) {
      const { State, Id } = await this.#parts.container.inspect()
      this.#whereabouts = [String(State.Pid), Id]
    }
    await hands.ask('adopt', this.id, ...this.#whereabouts)
  }

  /** A helper that was lost in the midst of it may have frozen it, and then Docker cannot. */
  async #pause(): Promise<void> {
    try {
      await this.#parts.container.pause()
    } catch (error) {
      if (isGone(error) || isConflict(error) || !this.#parts.hands) throw error
      this.#frozenBy = 'hands'
      await this.#askPatiently(THAW_MS_MAX, 'freeze')
    }
  }

  async #giveCode(codeDirectory: string): Promise<void> {
    const name = relative(this.#parts.dataDirectory, codeDirectory)
    if (await this.#byHands('code', name)) return
    await linkTree(codeDirectory, this.codeDirectory)
  }

  async #giveLayers(layersDirectory: string): Promise<void> {
    const { hands, dataDirectory } = this.#parts
    if (hands && (await this.#known)) {
      const name = relative(dataDirectory, layersDirectory)
      const isMounted = await hands.ask('code', `${this.id}${LAYERS}`, name).then(
        () => true,
        () => false,
      )
      if (isMounted) return
    }
    await linkTree(layersDirectory, this.layersDirectory)
  }

  async #giveTmp(tmpMb: number): Promise<void> {
    if (!this.#figures || this.#figures.tmpMb === tmpMb) return
    if (this.#tmp === 'memory') throw this.#tmpStays()
    await this.#mountTmp(tmpMb)
    this.#figures.tmpMb = tmpMb
  }

  async #mountTmp(tmpMb: number): Promise<void> {
    const { hands } = this.#parts
    // Formatted once for each size, and then there.
    await hands?.ask('template', String(tmpMb))
    await hands?.ask('tmp', this.id, String(tmpMb))
  }

  async #limit(change: Partial<Figures>): Promise<void> {
    if (!this.#figures) throw new Error(`sandbox ${this.id} is of an earlier life`)
    this.#figures = { ...this.#figures, ...change, tmpMb: this.#figures.tmpMb }
    const memory = memoryLimits(this.#figures.memoryMb)
    const cpu = cpuLimits(this.#figures.cpus)
    const bytes = change.memoryMb === undefined ? 0 : memory.Memory
    const fields = [bytes, cpu.CpuPeriod, cpu.CpuQuota].map(String)
    if (await this.#byHands('limit', ...fields)) return
    await this.#parts.container.update({ ...memory, ...cpu })
  }

  /** @returns whether it is done, or needless because the container is gone. */
  async #byHands(verb: string, ...fields: string[]): Promise<boolean> {
    const { hands } = this.#parts
    if (!hands || !(await this.#known)) return false
    try {
      await hands.ask(verb, this.id, ...fields)
      return true
    } catch (error) {
      // A freeze that a thaw overtook is as good as done.
      if (error instanceof HandsRefused && error.code === 'ECANCELED') return true
      if (isGoneForHands(error) && verb !== 'code') return this.#isGone()
      if (error instanceof HandsLost || error instanceof HandsRefused) return false
      throw error
    }
  }

  async #isGone(): Promise<boolean> {
    return this.#parts.container.inspect().then(
      ({ State }) => !State.Running,
      (error) => isGone(error),
    )
  }

  async #askPatiently(withinMs: number, verb: string, name = this.id): Promise<void> {
    await this.#parts.hands?.askPatiently(withinMs, verb, name).catch((error: unknown) => {
      if (!isGoneForHands(error)) throw error
    })
  }

  /** One after the other; a container that is gone, or already as it should be, is fine. */
  #slowly(act: () => Promise<unknown>): Promise<void> {
    const done = this.#slowDone.then(act).then(
      () => {},
      async (error: unknown) => {
        if (!isGone(error) && !isConflict(error) && !(await this.#isGone())) throw error
      },
    )
    this.#slowDone = done.catch(() => {})
    return done
  }

  #tmpStays(): Error {
    return new Error(`the /tmp of sandbox ${this.id} cannot change its size without hearth-hands`)
  }
}

function isGoneForHands(error: unknown): boolean {
  return error instanceof HandsRefused && GONE.includes(error.code)
}
