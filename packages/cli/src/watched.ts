// What is watched on a terminal: asked for again and again, and drawn over in place, until q or
// ctrl-C. Trouble while it watches is shown, and survived.

import { explain } from './failures.ts'
import { openScreen } from './full-screen.ts'

export interface Watched<T> {
  endpoint: string
  /** What was asked for already. */
  first: T
  ask(): Promise<T>
  render(found: T, columns: number): string[]
  everyMs: number
}

export async function watch<T>({
  endpoint,
  first,
  ask,
  render,
  everyMs,
}: Watched<T>): Promise<void> {
  let found = first
  let trouble = ''
  const paint = () => {
    const { columns, rows } = screen.size()
    const clock = new Date().toTimeString().slice(0, 8)
    const title = `Hearth at ${endpoint}, ${clock}; q ends`
    const head = [title, ...(trouble ? [trouble] : []), ''].map((line) => line.slice(0, columns))
    const lines = [...head, ...render(found, columns)]
    const more = lines.length - rows
    if (more <= 0) return screen.draw(lines)
    screen.draw([...lines.slice(0, rows - 1), `and ${more + 1} lines more`])
  }
  const screen = openScreen(paint)
  let isOver = false
  const ended = screen.ended.then(() => {
    isOver = true
  })
  try {
    while (!isOver) {
      paint()
      await Promise.race([new Promise((resolve) => setTimeout(resolve, everyMs)), ended])
      if (isOver) return
      try {
        found = await Promise.race([ask(), ended.then(() => found)])
        trouble = ''
      } catch (error) {
        trouble = explain(error, endpoint).message.split('\n', 1)[0] ?? ''
      }
    }
  } finally {
    screen.close()
  }
}
