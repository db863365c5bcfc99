// The harness's way to the recorder, which it starts as a process of its own. One connection, and
// a note is noted when the recorder's disk has it; answers come in the order of the notes.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NODE } from '../hearth.ts'
import type { Line, Note } from './history.ts'
import type { Noted } from './recorder.ts'

export interface Notes {
  /** Where the recorder writes. */
  path: string
  port: number
  /** Resolves when the recorder's disk has it. */
  note(note: Note): Promise<Noted>
  /** Everything that was recorded until now. */
  read(): Promise<Line[]>
  close(): void
}

const RECORDER = fileURLToPath(new URL('recorder.ts', import.meta.url))

export async function startRecorder(path: string): Promise<Notes> {
  const recorder = spawn(NODE, [RECORDER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [first] = (await once(createInterface(recorder.stdout), 'line')) as [string]
  const port = Number(first)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const answers: PromiseWithResolvers<Noted>[] = []
  createInterface(socket).on('line', (text) => answers.shift()?.resolve(JSON.parse(text) as Noted))
  // Without its recorder a trial proves nothing, and must not wait for ever.
  socket.on('close', () => {
    for (const { reject } of answers.splice(0)) reject(new Error('the recorder is gone'))
  })
  return {
    path,
    port,
    note(note) {
      const noted = Promise.withResolvers<Noted>()
      if (socket.destroyed) noted.reject(new Error('the recorder is gone'))
      else answers.push(noted)
      socket.write(`${JSON.stringify(note)}\n`)
      return noted.promise
    },
    async read() {
      const text = await readFile(path, 'utf8')
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
    },
    close() {
      socket.destroy()
      recorder.kill()
    },
  }
}
