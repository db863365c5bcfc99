// The number of a scheduler's life. It grows with each start, whatever the clock says: the token
// allocator refuses turns of a life that is not newer than the one before, and a clock that was set
// back would leave the host without tokens for as long.

import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { moveDurably, unlessAbsent, writeThrough } from '@hearth/store/durable-files'

const FILE = 'life'

/** Resolves once the disk has it: the time, unless an earlier life was as late. */
export async function beginLife(directory: string, now: number): Promise<number> {
  await mkdir(directory, { recursive: true })
  const former = await readFile(join(directory, FILE), 'utf8').catch(unlessAbsent)
  // What cannot be read was cut short by a power cut, after which nothing of it runs.
  const life = Math.max(now, (Number.parseInt(former ?? '', 10) || 0) + 1)
  const fresh = join(directory, `${FILE}-${randomUUID()}`)
  try {
    await writeThrough(fresh, pieces(`${life}\n`))
    await moveDurably(fresh, join(directory, FILE))
  } finally {
    await rm(fresh, { force: true })
  }
  return life
}

async function* pieces(text: string) {
  yield Buffer.from(text)
}
