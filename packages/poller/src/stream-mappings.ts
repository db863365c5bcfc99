// PLACEHOLDER
import type { SourceAnswer } from '@hearth/bus/messages'
import type { LoopRun } from './mapping-run.ts'
import type { SourceOptions } from './sources/source.ts'

export const judgeStream = async ({ mapping }: SourceOptions): Promise<SourceAnswer> => ({
  code: 'NotImplementedException',
  message: `Hearth does not read ${mapping.kind} yet.`,
})
export const runStream = async (_: LoopRun): Promise<void> => {
  throw new Error('not yet')
}
