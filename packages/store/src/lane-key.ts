// The name of a lane on a queue: a digest, because a subject's tokens must be ids of our own, and
// what a lane is named after may be of any length and have any characters.

import { createHash } from 'node:crypto'

const DIGITS = 24

/** The same for the same parts, wherever it is made. */
export const laneKey = (...parts: string[]) =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, DIGITS)
