// How help looks: commander wraps what it lays out itself at the terminal's width, and this file
// the paragraphs that commands add. Tables and examples, which begin with a blank, are left alone.

import type { Command } from 'commander'

const WIDTH = 80
/** Commander gives up wrapping descriptions that have less room, 40 columns unless told. */
const ROOM_MIN = 24

/** Has the help of a program, and of the commands that it is given later, come by here. */
export function shapeHelp(
  program: Command,
  write: (text: string) => void,
  columns: number = WIDTH,
): Command {
  return program.configureHelp({ minWidthToWrap: ROOM_MIN }).configureOutput({
    writeOut: (text) => write(wrapHelp(text, columns)),
    getOutHelpWidth: () => columns,
  })
}

/** Wraps paragraphs in which a line is longer than the width. */
export function wrapHelp(text: string, width: number): string {
  const wrapped: string[] = []
  let paragraph: string[] = []
  const flush = () => {
    const isLong = paragraph.some((line) => line.length > width)
    wrapped.push(...(isLong ? fill(paragraph.join(' '), width) : paragraph))
    paragraph = []
  }
  for (const line of text.split('\n')) {
    if (/^\S/.test(line) && !line.endsWith(':')) {
      paragraph.push(line)
      continue
    }
    flush()
    wrapped.push(line)
  }
  flush()
  return wrapped.join('\n')
}

function fill(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > width && line !== '') {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}
