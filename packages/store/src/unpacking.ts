// Runs unpack.ts: one process a zip, few at a time, with hard limits and nothing of our
// environment, because what it reads was written by a stranger. A refusal becomes AWS's; a fault
// of this host stays an ordinary error, so that nobody is told that a good zip is bad.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ServiceError } from '@hearth/core/error'
import { type Refusal, UNZIPPED_BYTES_MAX } from './zip-plan.ts'

export interface Unpacking {
  /** The zip's path. */
  zip: string
  /** Hex; the zip is unpacked only if this is its hash. */
  sha256: string
  /** An empty folder. */
  folder: string
}

const PROCESSES_MAX = 2
const HEAP_MB = 256
const MS_MAX = 120_000
const FILE_SIZE_BLOCKS = UNZIPPED_BYTES_MAX / 512
/** What a shell can limit before it becomes Node: core dumps, processor time, size of a file. */
const LIMITS = `ulimit -c 0 && ulimit -t ${MS_MAX / 1000} && ulimit -f ${FILE_SIZE_BLOCKS}`
const UNPACK = fileURLToPath(new URL('./unpack.ts', import.meta.url))
/** AWS's words for each refusal. */
const REFUSALS: Readonly<Record<Refusal, string>> = {
  broken: 'Could not unzip uploaded file. Please check your file, then try to upload again.',
  'too large': `Unzipped size must be smaller than ${UNZIPPED_BYTES_MAX} bytes`,
}

const inTurn = openTurnstile(PROCESSES_MAX)

/**
 * Unpacks a zip into a folder.
 * @throws ServiceError InvalidParameterValueException when the zip is no good or too large.
 */
export function unpackApart(unpacking: Unpacking): Promise<void> {
  const command = [
    process.execPath,
    `--max-old-space-size=${HEAP_MB}`,
    UNPACK,
    unpacking.zip,
    unpacking.folder,
    unpacking.sha256,
  ]
  const options = { timeout: MS_MAX, killSignal: 'SIGKILL', env: {} } as const
  const args = ['-c', `${LIMITS} && exec "$@"`, 'sh', ...command]
  return inTurn(
    () =>
      new Promise((resolve, reject) => {
        execFile('/bin/sh', args, options, (error, output, noise) => {
          if (!error) return resolve()
          const [verdict = '', detail = ''] = output.split('\n')
          const message = REFUSALS[verdict as Refusal]
          const cause = new Error(detail || noise.trim().slice(-500) || error.message)
          if (message)
            reject(new ServiceError('InvalidParameterValueException', message, { cause }))
          else reject(new Error(`code could not be unpacked: ${cause.message}`, { cause }))
        })
      }),
  )
}

/** At most `width` pieces of work at a time; the others wait in order. */
function openTurnstile(width: number) {
  let free = width
  const waiting: (() => void)[] = []
  return async <R>(work: () => Promise<R>): Promise<R> => {
    if (free > 0) free -= 1
    else await new Promise<void>((enter) => waiting.push(enter))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
