// How far a shard is wholly done, while several lanes work on its records at a time and some are
// passed over. It only moves over what is done, in the order of the shard, and never goes back.

export interface Watermark {
  /** In the order of the shard. @returns what is to be called once the record is done. */
  take(position: string): () => void
  /** The position of the last record before which, itself included, all are done. */
  reached(): string | undefined
  /** Records that were taken and are above the mark. */
  waiting(): number
}

export function openWatermark(): Watermark {
  const taken: { position: string; isDone: boolean }[] = []
  let [from, reached] = [0, undefined as string | undefined]
  const rise = () => {
    for (let next = taken[from]; next?.isDone; next = taken[from]) {
      reached = next.position
      from += 1
    }
    // Taking the front off each time would cost the length of the list for every record.
    if (from > 1_000 && from * 2 > taken.length) drop()
  }
  const drop = () => {
    taken.splice(0, from)
    from = 0
  }
  return {
    take(position) {
      const entry = { position, isDone: false }
      taken.push(entry)
      return () => {
        if (entry.isDone) return
        entry.isDone = true
        rise()
      }
    },
    reached: () => reached,
    waiting: () => taken.length - from,
  }
}
