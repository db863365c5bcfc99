// The tumbling window of a shard: gives the function the state that it returned last, takes the
// next one in the same breath in which records become done, and invokes it once more when the
// window is over. The state travels in the checkpoint, so that it outlives its keeper.

import type { BatchOutcome } from '@hearth/core/batch-outcome'
import { type BatchParts, workBatch } from './batch-work.ts'
import type { LaneStep, Taken } from './shard-lane.ts'
import { STATE_BYTES_MAX, stateIn, type WindowState, windowFacts } from './tumbling-window.ts'

export interface WindowKeeper {
  open(): WindowState | undefined
  work(step: LaneStep, stop: AbortSignal, moved: () => void): Promise<void>
}

/** undefined for a mapping without windows. */
export function openWindow(
  parts: BatchParts,
  kept: WindowState | undefined,
): WindowKeeper | undefined {
  const { mapping, shard } = parts
  const seconds = mapping.tumblingWindowSeconds
  if (seconds === 0) return undefined
  let window = kept
  const run = async (
    records: Taken[],
    stop: AbortSignal,
    end: { isFinal: boolean; endsEarly: boolean },
  ) => {
    const extra = () => {
      const sourceArn = mapping.sourceArn ?? ''
      return window ? windowFacts(window, { seconds, shard, sourceArn, ...end }) : {}
    }
    const answered = (payload: string, outcome: BatchOutcome) => {
      if (!window || outcome.kind === 'failed' || end.isFinal) return
      window = { ...window, state: stateIn(payload) }
    }
    await workBatch(parts, { records, stop, extra, answered })
  }
  const close = async (stop: AbortSignal, moved: () => void, endsEarly: boolean) => {
    await run([], stop, { isFinal: true, endsEarly })
    if (stop.aborted) return
    window = undefined
    moved()
  }
  return {
    open: () => window,
    async work(step, stop, moved) {
      if (step.kind === 'close window') return close(stop, moved, false)
      window ??= { startsAt: step.windowStartsAt ?? 0, state: {} }
      await run(step.records, stop, { isFinal: false, endsEarly: false })
      const isLarge = Buffer.byteLength(JSON.stringify(window.state)) > STATE_BYTES_MAX
      if (isLarge && !stop.aborted) await close(stop, moved, true)
    },
  }
}
