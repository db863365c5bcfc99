// What is due next, of very many: a binary heap by time. Pure; it holds marks and no bodies, so
// that a million that wait take little room.

export class DueHeap<Mark extends { dueAt: number }> {
  readonly #marks: Mark[] = []

  get size(): number {
    return this.#marks.length
  }

  push(mark: Mark): void {
    const marks = this.#marks
    let at = marks.length
    marks.push(mark)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = marks[parent] as Mark
      if (above.dueAt <= mark.dueAt) break
      marks[at] = above
      at = parent
    }
    marks[at] = mark
  }

  /** Those whose time has come, earliest first, at most so many. */
  popDue(now: number, max: number): Mark[] {
    const due: Mark[] = []
    while (due.length < max && this.#marks[0] && this.#marks[0].dueAt <= now) due.push(this.#pop())
    return due
  }

  #pop(): Mark {
    const marks = this.#marks
    const top = marks[0] as Mark
    const last = marks.pop() as Mark
    if (marks.length > 0) this.#sink(last)
    return top
  }

  #sink(mark: Mark): void {
    const marks = this.#marks
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= marks.length) break
      const right = left + 1
      const isRight =
        right < marks.length && (marks[right] as Mark).dueAt < (marks[left] as Mark).dueAt
      const child = isRight ? right : left
      const below = marks[child] as Mark
      if (mark.dueAt <= below.dueAt) break
      marks[at] = below
      at = child
    }
    marks[at] = mark
  }
}
