// The recorder: a process outside Hearth that is told over TCP what clients asked and heard, what
// functions did, and what was killed, and hears from the engine which sandboxes died. It stamps
// everything by its own clock, and answers only when its disk has the line. It judges nothing.
// `node recorder.ts FILE` prints its port.

import { open } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { watchDeaths } from '../deaths.ts'
import type { Line, Note } from './history.ts'

/** What the recorder answers to a note, once it is on the disk. */
export interface Noted {
  /** How many runs for this request had failed before this line. */
  failed: number
}

interface Waiting {
  line: Line
  noted: () => void
}

const DEATHS_EVERY_MS = 250
const [path = ''] = process.argv.slice(2)
const file = await open(path, 'a')
const failures = new Map<string, number>()
const waiting: Waiting[] = []
let isWriting = false

/** The lines that wait share one turn of the disk. */
async function write(): Promise<void> {
  if (isWriting) return
  isWriting = true
  while (waiting.length > 0) {
    const batch = waiting.splice(0)
    await file.appendFile(batch.map(({ line }) => `${JSON.stringify(line)}\n`).join(''))
    await file.datasync()
    for (const { noted } of batch) noted()
  }
  isWriting = false
}

function record(line: Line, noted: () => void = () => {}): void {
  waiting.push({ line, noted })
  void write()
}

function hear(note: Note, socket: Socket): void {
  const line = { at: performance.timeOrigin + performance.now(), ...note }
  const id = 'id' in note ? note.id : ''
  const noted: Noted = { failed: failures.get(id) ?? 0 }
  if (note.what === 'ended' && note.failed) failures.set(id, noted.failed + 1)
  record(line, () => socket.write(`${JSON.stringify(noted)}\n`))
}

const server = createServer((socket) => {
  // A sandbox that is killed resets its connection, and the reader of lines passes that on.
  const gone = () => socket.destroy()
  socket.on('error', gone)
  const reader = createInterface(socket).on('error', gone)
  reader.on('line', (text) => hear(JSON.parse(text) as Note, socket))
})
const deaths = await watchDeaths()
setInterval(() => {
  for (const { at, what } of deaths.reports.splice(0)) {
    record({ at, what: 'died', host: what.split(' ')[1] ?? '' })
  }
}, DEATHS_EVERY_MS)
server.listen(0, '0.0.0.0', () => console.log((server.address() as AddressInfo).port))
process.once('SIGTERM', () => {
  deaths.close()
  process.exit(0)
})
