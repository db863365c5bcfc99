// Streams and functions for tests of stream mappings: a loop with a function that the test plays,
// on real checkpoints, and what it was given, told and left behind.

import { matches, parsePattern } from '@hearth/core/event-pattern'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import type { Checkpoints } from '@hearth/store/checkpoints'
import { followProgress, type MappingProgress } from './mapping-progress.ts'
import type { Shares } from './shares.ts'
import type { StreamSource } from './sources/source.ts'
import { runStreamMapping, sharesOf } from './stream-loop.ts'

export const REGION = 'eu-central-1'
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' }

export interface StreamEvent {
  Records: Record<string, unknown>[]
  [more: string]: unknown
}
/** The function: what it answers; it may throw what the door throws. */
export type Play = (event: StreamEvent) => Promise<{ answer?: unknown; failed?: true }>

export interface Loop {
  events: StreamEvent[]
  told: Record<string, unknown>[]
  progress: MappingProgress
  /** Lets finish what runs. */
  stop(): Promise<void>
}

export interface LoopWish {
  mapping: EventSourceMapping
  source: StreamSource
  checkpoints: Checkpoints
  play: Play
  epoch?: number
  shares?: Pick<Shares, 'share'>
  deliver?(record: string): Promise<void>
}

export function runLoop(wish: LoopWish): Loop {
  const { mapping, source, checkpoints, play } = wish
  const end = new AbortController()
  const progress = followProgress(mapping)
  const events: StreamEvent[] = []
  const told: Record<string, unknown>[] = []
  const patterns = mapping.filters.map((text) => parsePattern(text))
  const invoke = async (request: InvocationRequest): Promise<InvocationResult> => {
    const event = JSON.parse(Buffer.from(request.payload).toString())
    events.push(event)
    const { answer, failed } = await play(event)
    return {
      requestId: request.requestId,
      executedVersion: '$LATEST',
      payload: Buffer.from(JSON.stringify(answer ?? null)),
      ...(failed && { functionError: 'Unhandled' as const }),
      report: { outcome: 'success', durationMs: 1, billedMs: 1, maxMemoryMb: 1, start: 'warm' },
    }
  }
  const loop = runStreamMapping(
    mapping,
    {
      ...{ source, checkpoints, invoke, progress, region: REGION },
      shares: wish.shares ?? sharesOf({ epoch: wish.epoch ?? 1, lost: end.signal }),
      passes: (filtered) =>
        patterns.length === 0 || patterns.some((pattern) => matches(pattern, filtered)),
      deliver: async (record) => {
        await wish.deliver?.(record)
        told.push(JSON.parse(record))
      },
    },
    end.signal,
  )
  let stopped: Promise<void> | undefined
  return {
    ...{ events, told, progress },
    stop() {
      end.abort()
      stopped ??= loop.then(() => source.close())
      return stopped
    },
  }
}

export async function eventually(what: () => boolean | Promise<boolean>, withinMs = 30_000) {
  for (const giveUpAt = Date.now() + withinMs; !(await what()); ) {
    if (Date.now() > giveUpAt) throw new Error('it did not come to that')
    await pause(50)
  }
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
export const fine: Play = async () => ({})
