// `hearth top`: live execution environments by function and state. On a terminal it is redrawn
// every second until q or ctrl-C; anywhere else, with --once or as JSON it is one snapshot. Trouble
// while it watches is shown, and survived.

import type { Environments } from '@hearth/gateway'
import { type ClientOptions, endpointOf, fetchNative } from './client.ts'
import { explain } from './failures.ts'
import { openScreen } from './full-screen.ts'
import { type Format, show } from './output.ts'
import type { Sort } from './platform-commands.ts'
import { renderEnvironments } from './top-view.ts'

export interface TopOptions extends ClientOptions {
  output: Format
  once?: boolean
  sort: Sort
}

const EVERY_MS = 1_000

export async function top(options: TopOptions): Promise<void> {
  const ask = () => fetchNative<Environments>(options, '/hearth/environments')
  // The first question is answered, or refused, as any command's.
  const found = await ask()
  if (options.output === 'table' && !options.once && process.stdout.isTTY) {
    return watch(found, ask, options)
  }
  show(options.output, found, () => renderEnvironments(found, options.sort).join('\n'))
}

async function watch(
  first: Environments,
  ask: () => Promise<Environments>,
  options: TopOptions,
): Promise<void> {
  const endpoint = endpointOf(options)
  let found = first
  let trouble = ''
  const paint = () => {
    const { columns, rows } = screen.size()
    const clock = new Date().toTimeString().slice(0, 8)
    const title = `Hearth at ${endpoint}, ${clock}; q ends`
    const head = [title, ...(trouble ? [trouble] : []), ''].map((line) => line.slice(0, columns))
    const lines = [...head, ...renderEnvironments(found, options.sort, columns)]
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
      await Promise.race([new Promise((resolve) => setTimeout(resolve, EVERY_MS)), ended])
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
