// Ids that follow from a delivery's own: targets that know an id take a second try for what it is.
// They are never made of chance or of the time.

import { createHash } from 'node:crypto'

/** A UUID (version 8: of the maker's own rule) that is the same for the same text. */
export function uuidOf(id: string): string {
  const hash = createHash('sha256').update(id).digest()
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
