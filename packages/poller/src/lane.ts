// One lane of a queue at work: takes what waits, hands each message to its handler, and is done
// with it only when the handler is. Whoever is refused for now is held and tried again, first
// after a second and at last after five minutes, and nobody behind it is taken meanwhile. How many
// are in hand follows what gets through.

import type { Lane as Source, Taken } from '@hearth/bus/queues'

/**
 * What became of a message: done with, or not now. `until` is the latest time at which it wants to
 * be looked at again, in milliseconds since the epoch.
 */
export type Handled = 'done' | { later: true; until?: number }

export interface LaneOptions {
  source: Source
  /** The server may have forgotten the lane, or was away. */
  reopen(): Promise<Source>
  handle(taken: Taken): Promise<Handled>
  /** Whether there is room for one more in all lanes together; a lane with none may have one. */
  room(own: number): number
  /** Told when a message comes into hand, or leaves it. */
  counted(change: 1 | -1): void
  report(problem: string): void
}

const WORKING_MS = 10_000
const WINDOW_START = 4
const WINDOW_MAX = 1_000
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 300_000
/** Where others of the lane get through, whoever was refused tries again this soon. */
const CROWDED_MS = 100
const FULL_MS = 50
/** About as many seconds without anything end a lane. */
const IDLE_ROUNDS = 5
const DONE_TRIES = 3

export class Lane {
  readonly #options: LaneOptions
  readonly #held = new Set<() => void>()
  #source: Source
  #window = WINDOW_START
  #inHand = 0
  #running = 0
  #refusals = 0
  /** On our own monotonic clock. */
  #pausedUntil = 0
  #closing = false
  #rung = false
  #finished: Promise<void>

  constructor(options: LaneOptions) {
    this.#options = options
    this.#source = options.source
    this.#finished = this.#turn()
  }

  /** Resolves when the lane has been empty for a while, or is closed, and nothing is in hand. */
  get finished(): Promise<void> {
    return this.#finished
  }

  get isPaused(): boolean {
    return performance.now() < this.#pausedUntil
  }

  /** Something came: the lane does not end before it has looked. */
  ring(): void {
    this.#rung = true
  }

  /** What was refused may get through now: everything is tried again at once. */
  resume(): void {
    this.#pausedUntil = 0
    this.#refusals = 0
    for (const look of [...this.#held]) look()
  }

  /** Takes nothing more, gives back what is only held, and lets finish what runs. */
  close(): Promise<void> {
    this.#closing = true
    this.resume()
    return this.#finished
  }

  async #turn(): Promise<void> {
    for (let idle = 0; !this.#closing && !this.#isOver(idle); ) {
      const free = this.#free()
      if (free === 0) {
        await pause(FULL_MS)
        continue
      }
      let count = 0
      this.#rung = false
      try {
        for await (const taken of this.#source.take(free)) {
          count += 1
          // What arrives as the lane closes was asked for before.
          if (this.#closing) taken.giveBack()
          else void this.#work(taken)
        }
      } catch (error) {
        this.#options.report(`a queue could not be read: ${error}`)
        await pause(PAUSE_MS_MIN)
        // With nothing in hand whoever looks next opens the lane anew. What runs may take a quarter
        // of an hour, and the others of the lane must not wait for that.
        if (this.#inHand === 0) break
        this.#source = await this.#options.reopen().catch(() => this.#source)
      }
      idle = count === 0 ? idle + 1 : 0
    }
    while (this.#inHand > 0) await pause(FULL_MS)
  }

  #isOver(idle: number): boolean {
    return idle >= IDLE_ROUNDS && this.#inHand === 0 && !this.#rung
  }

  #free(): number {
    if (this.isPaused) return 0
    return Math.min(Math.max(this.#window - this.#inHand, 0), this.#options.room(this.#inHand))
  }

  async #work(taken: Taken): Promise<void> {
    this.#inHand += 1
    this.#options.counted(1)
    const beat = setInterval(() => taken.working(), WORKING_MS)
    try {
      for (;;) {
        const handled = await this.#handle(taken)
        if (handled === 'done') return await finish(taken)
        if (this.#closing) return taken.giveBack()
        this.#refused()
        await this.#hold(handled.until)
        // Another may be at it by now; what it does there needs no company.
        if (!taken.isOurs()) return
        if (this.#closing) return taken.giveBack()
      }
    } catch (error) {
      this.#options.report(`a message is left for another turn: ${error}`)
    } finally {
      clearInterval(beat)
      this.#inHand -= 1
      this.#options.counted(-1)
    }
  }

  async #handle(taken: Taken): Promise<Handled> {
    this.#running += 1
    try {
      const handled = await this.#options.handle(taken)
      if (handled === 'done') this.#succeeded()
      return handled
    } catch (error) {
      this.#options.report(`a message could not be handled: ${error}`)
      return { later: true }
    } finally {
      this.#running -= 1
    }
  }

  #succeeded(): void {
    this.#refusals = 0
    this.#pausedUntil = 0
    this.#window = Math.min(this.#window + 1, WINDOW_MAX)
    // Where one got through, the next may.
    const [next] = this.#held
    next?.()
  }

  #refused(): void {
    if (this.#running > 0) {
      this.#window = Math.max(this.#running, 1)
      this.#pausedUntil = performance.now() + CROWDED_MS
      return
    }
    if (this.isPaused) return
    this.#window = Math.max(Math.floor(this.#window / 2), 1)
    const wait = Math.min(PAUSE_MS_MIN * 2 ** this.#refusals, PAUSE_MS_MAX)
    this.#refusals += 1
    this.#pausedUntil = performance.now() + wait
  }

  /** Until the lane's pause is over, the message's own time has come, or somebody calls. */
  #hold(until: number | undefined): Promise<void> {
    const pauseMs = Math.max(this.#pausedUntil - performance.now(), CROWDED_MS)
    const ownMs = until === undefined ? pauseMs : Math.max(until - Date.now(), 0)
    return new Promise((resolve) => {
      const look = () => {
        clearTimeout(timer)
        this.#held.delete(look)
        resolve()
      }
      const timer = setTimeout(look, Math.min(pauseMs, ownMs))
      this.#held.add(look)
    })
  }
}

/** Nobody knows whether an unanswered word was heard; it may be said again. */
async function finish(taken: Taken): Promise<void> {
  for (let left = DONE_TRIES; ; left -= 1) {
    try {
      return await taken.done()
    } catch (error) {
      if (left === 1) throw error
    }
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
