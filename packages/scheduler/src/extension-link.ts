// The socket between the scheduler and hearth-extensions in one sandbox. Each connection says in
// its first line what it is: orders and reports, an extension's output, an extension's requests, or
// the way to a port of the sandbox that was asked for. All of it is hostile until it has been
// measured.

import { chmod, copyFile, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { ProcessEnd } from '@hearth/core/invocation'
import { BodyRoom } from './body-room.ts'
import { readFrames, sendFrame } from './frames.ts'
import { serveRuntime } from './runtime-api.ts'
import type { RuntimeSide } from './runtime-side.ts'
import { encodeProcess, listen, type ProcessSpec, readEnd, readOutput } from './sandbox-channel.ts'

/** What hearth-extensions reports. */
export type Call =
  | { name: 'gone' }
  | { name: 'ready' }
  | { name: 'ended'; process: string; exit: ProcessEnd; kills: number }

export interface LinkOwner {
  side: RuntimeSide
  call(call: Call): void
  /** Where an extension's output goes. */
  log(): { take(chunk: Buffer): number; end(): void }
}

export interface ExtensionLink {
  /** The program's path in the sandbox. */
  readonly program: string
  /** Starts an extension, or the runtime, whose name is empty. */
  start(name: string, spec: ProcessSpec): void
  /** To a process and what it has started: `T` asks it to end, `K` kills. */
  signal(name: string, letter: 'K' | 'T'): void
  /** Connects to a port of the sandbox; waits while that is frozen. */
  dial(port: number): Promise<Duplex>
  /** The program has gone; another may come. */
  hangUp(): void
  close(): Promise<void>
}

const SOCKET = 'extensions.sock'
const PROGRAM = 'hearth-extensions'
const GREETING_BYTES_MAX = 300
/** Ten extensions, each with a log and a few requests, and what is on its way to them. */
const CONNECTIONS_MAX = 100
/** Ways to subscribers that are being made at a time, and how long one may take. */
const DIALS_MAX = 20
const DIAL_MS_MAX = 5_000

export async function openExtensionLink(
  directory: string,
  program: string,
  owner: LinkOwner,
): Promise<ExtensionLink> {
  await copyFile(program, join(directory, PROGRAM))
  await chmod(join(directory, PROGRAM), 0o755)
  const link = new Link(owner)
  const path = join(directory, SOCKET)
  await rm(path, { force: true })
  await listen(link.server, path)
  await chmod(path, 0o777)
  return link
}

class Link implements ExtensionLink {
  readonly program = `/run/hearth/${PROGRAM}`
  readonly server: Server
  readonly #owner: LinkOwner
  readonly #sockets = new Set<Socket>()
  readonly #room = new BodyRoom()
  readonly #dials = new Map<number, PromiseWithResolvers<Duplex>>()
  #control: Socket | undefined
  #dialled = 0

  constructor(owner: LinkOwner) {
    this.#owner = owner
    this.server = createServer({ allowHalfOpen: false }, (socket) => this.#adopt(socket))
    this.server.maxConnections = CONNECTIONS_MAX
  }

  start(name: string, spec: ProcessSpec): void {
    this.#send('S', Buffer.concat([text(name), encodeProcess(spec)]))
  }

  signal(name: string, letter: 'K' | 'T'): void {
    this.#send(letter, text(name))
  }

  dial(port: number): Promise<Duplex> {
    if (!this.#control || this.#control.destroyed || this.#dials.size >= DIALS_MAX) {
      return Promise.reject(new Error('nobody is there to connect'))
    }
    this.#dialled += 1
    const id = this.#dialled
    const dial = Promise.withResolvers<Duplex>()
    this.#dials.set(id, dial)
    this.#send('D', text(`${id} ${port}`))
    const late = setTimeout(() => {
      if (this.#dials.delete(id)) dial.reject(new Error('nobody has connected in time'))
    }, DIAL_MS_MAX)
    return dial.promise.finally(() => clearTimeout(late))
  }

  hangUp(): void {
    this.#control?.destroy()
    this.#control = undefined
    this.#rejectDials()
  }

  #rejectDials(): void {
    for (const dial of this.#dials.values()) dial.reject(new Error('the sandbox has ended'))
    this.#dials.clear()
  }

  async close(): Promise<void> {
    this.hangUp()
    this.server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #send(letter: string, body: Buffer): void {
    if (this.#control) sendFrame(this.#control, letter, body)
  }

  #adopt(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    readGreeting(socket, (greeting) => {
      const [what, id = ''] = greeting.split(' ')
      switch (what) {
        case 'control':
          return this.#obey(socket)
        case 'log':
          return readOutput(socket, this.#owner.log())
        case 'api':
          return serveRuntime(this.#owner, socket, this.#room)
        case 'delivery':
        case 'refused':
          return this.#connected(socket, Number(id), what)
        default:
          socket.destroy()
      }
    })
  }

  #obey(socket: Socket): void {
    // Only the first caller is hearth-extensions: it connects before it starts anything.
    if (this.#control) return void socket.destroy()
    this.#control = socket
    socket.on('close', () => {
      if (this.#control !== socket) return
      // It stays the one that was heard first, until the next life: nobody takes its place.
      this.#rejectDials()
      this.#owner.call({ name: 'gone' })
    })
    readFrames(socket, (frame) => {
      if (frame[0] === 'R') return this.#owner.call({ name: 'ready' })
      const end = frame.indexOf('\0')
      if (frame[0] !== 'X' || end < 0) return
      const process = Buffer.from(frame.slice(1, end), 'latin1').toString()
      this.#owner.call({ name: 'ended', process, ...readEnd(frame.slice(end + 1)) })
    })
  }

  #connected(socket: Socket, id: number, what: 'delivery' | 'refused'): void {
    const dial = this.#dials.get(id)
    this.#dials.delete(id)
    if (dial && what === 'delivery') return dial.resolve(socket)
    dial?.reject(new Error('nobody listens there'))
    socket.destroy()
  }
}

/** The first line; what follows it is left for whoever reads next. */
function readGreeting(socket: Socket, greeted: (greeting: string) => void): void {
  let head: Buffer = Buffer.alloc(0)
  const hear = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\n')
    if (end < 0) {
      if (head.length > GREETING_BYTES_MAX) socket.destroy()
      return
    }
    socket.off('data', hear)
    socket.pause()
    if (end + 1 < head.length) socket.unshift(head.subarray(end + 1))
    greeted(head.toString('utf8', 0, end))
    socket.resume()
  }
  socket.on('data', hear)
}

/** As hearth-extensions reads texts: with a NUL at their end. */
const text = (value: string) => Buffer.from(`${value}\0`)
