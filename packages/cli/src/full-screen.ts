// A terminal's whole screen, for what is watched and not scrolled: drawn over in place, so that
// nothing flickers, and given back as it was, whatever ends us. It knows keys and lines only.

export interface Screen {
  size(): { columns: number; rows: number }
  /** Shows these lines, cut at the screen's height. */
  draw(lines: readonly string[]): void
  /** Resolves when q, ctrl-C or a signal asked for the end. */
  readonly ended: Promise<void>
  /** Gives the terminal back. */
  close(): void
}

/** A terminal that does not know its size says 0. */
const COLUMNS = 80
const ROWS = 24
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const CTRL_C = '\x03'

/** Takes the terminal; `redraw` is called when its size has changed. */
export function openScreen(redraw: () => void): Screen {
  const { stdin, stdout } = process
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const press = (keys: Buffer) => {
    if (/[qQ]/.test(keys.toString()) || keys.includes(CTRL_C)) end()
  }
  const restore = () => void stdout.write(LEAVE)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  stdout.write(ENTER)
  process.once('exit', restore)
  for (const signal of signals) process.once(signal, end)
  stdout.on('resize', redraw)
  if (stdin.isTTY) {
    stdin.setRawMode(true)
    stdin.on('data', press)
  }
  const size = () => ({ columns: stdout.columns || COLUMNS, rows: stdout.rows || ROWS })
  return {
    ended,
    size,
    draw(lines) {
      const shown = lines.slice(0, size().rows)
      stdout.write(HOME + shown.map((line) => line + CLEAR_LINE).join('\r\n') + CLEAR_BELOW)
    },
    close() {
      if (stdin.isTTY) {
        stdin.setRawMode(false)
        stdin.off('data', press)
        stdin.pause()
      }
      stdout.off('resize', redraw)
      for (const signal of signals) process.off(signal, end)
      process.off('exit', restore)
      restore()
    },
  }
}
