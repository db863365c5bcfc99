// The three sockets between the scheduler and one sandbox (images/README.md): orders to
// hearth-init, the runtime's output, and the Runtime API. Whatever comes from the other side is
// hostile until it has been measured: frames are bounded, and garbage ends the channel, never the
// process.

import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { RuntimeExit } from '@hearth/core/invocation'
import { serveRuntime } from './runtime-api.ts'
import type { RuntimeSide } from './runtime-side.ts'

export interface ProcessSpec {
  directory: string
  /** Folders, separated by colons, where a program named without a slash is looked for. */
  search: string
  arguments: readonly string[]
  environment: Readonly<Record<string, string>>
}

export interface ChannelEvents {
  /** hearth-init is connected and waits for orders. */
  ready(): void
  /** The runtime process ended; `kills` counts the sandbox's out-of-memory kills so far. */
  exited(exit: RuntimeExit, kills: number): void
  /** @returns milliseconds for which to read no more, or 0. */
  output(chunk: Buffer): number
  /** A runtime process's output is complete. */
  outputEnded(): void
  /** hearth-init went away, or spoke nonsense. */
  lost(): void
}

/** Who hears what a sandbox says; a stem's owner changes when its function is known. */
export interface ChannelOwner {
  side: RuntimeSide
  events: ChannelEvents
}

export interface SandboxChannel {
  startProcess(spec: ProcessSpec): void
  killProcesses(): void
  /** The high-water mark of the sandbox's memory in bytes; 0 when it cannot be known. */
  memoryPeak(): Promise<number>
  close(): Promise<void>
}

const FRAME_BYTES_MAX = 1024 * 1024
/** hearth-init ends the sandbox after ten seconds without a word that the scheduler lives. */
const ALIVE_MS = 3_000
/** hearth-init answers at once; a sandbox that does not is not waited for. */
const MEMORY_ANSWER_MS = 200
const LENGTH_BYTES = 4
/** hearth-init needs one control connection and one for the log; a runtime rarely more than two. */
const CONNECTIONS_MAX = 8

export type OpenChannel = (directory: string, owner: ChannelOwner) => Promise<SandboxChannel>

/** Listens in a fresh private directory; the sandbox is started afterwards. */
export const openSandboxChannel: OpenChannel = async (directory, owner) => {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const control = new ControlConnection(owner)
  const sockets = new Set<Socket>()
  const servers = [
    (socket: Socket) => control.adopt(socket),
    (socket: Socket) => readLog(socket, owner),
    (socket: Socket) => serveRuntime(owner, socket),
  ].map((serve) =>
    createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      serve(socket)
    }),
  )
  const names = ['control.sock', 'log.sock', 'runtime.sock']
  await Promise.all(
    servers.map(async (server, index) => {
      const path = join(directory, names[index] ?? '')
      server.maxConnections = CONNECTIONS_MAX
      await listen(server, path)
      await chmod(path, 0o777)
    }),
  )
  return {
    startProcess: (spec) => control.send('S', encodeProcess(spec)),
    killProcesses: () => control.send('K'),
    memoryPeak: () => control.memoryPeak(),
    close: async () => {
      control.close()
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A runtime that writes faster than its log may grow has to wait. */
function readLog(socket: Socket, owner: ChannelOwner): void {
  socket.on('data', (chunk) => {
    const pauseMs = owner.events.output(chunk)
    if (pauseMs === 0) return
    socket.pause()
    setTimeout(() => socket.resume(), pauseMs)
  })
  socket.on('close', () => owner.events.outputEnded())
  socket.on('error', () => socket.destroy())
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}

function encodeProcess(spec: ProcessSpec): Buffer {
  const environment = Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`)
  const { directory, search } = spec
  const fields = [directory, search, spec.arguments.length, ...spec.arguments, ...environment]
  return Buffer.from(fields.map((field) => `${field}\0`).join(''))
}

/** The one connection of hearth-init: whole frames out of bytes, and answers to their askers. */
class ControlConnection {
  readonly #owner: ChannelOwner
  #socket: Socket | undefined
  #rest: Buffer = Buffer.alloc(0)
  #memoryAsked: ((bytes: number) => void)[] = []
  #closed = false
  #alive: NodeJS.Timeout | undefined

  constructor(owner: ChannelOwner) {
    this.#owner = owner
  }

  adopt(socket: Socket): void {
    // Only the first caller is hearth-init: it connects before it starts anything else.
    if (this.#socket || this.#closed) {
      socket.destroy()
      return
    }
    this.#socket = socket
    // One that is frozen reads nothing: what it has not read is enough for when it is thawed.
    const tellAlive = () => socket.writableLength === 0 && this.send('A')
    tellAlive()
    this.#alive = setInterval(tellAlive, ALIVE_MS)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearInterval(this.#alive)
      for (const answer of this.#memoryAsked.splice(0)) answer(0)
      if (!this.#closed) this.#owner.events.lost()
    })
  }

  send(letter: string, body: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(LENGTH_BYTES + 1)
    head.writeUInt32LE(body.length + 1)
    head.write(letter, LENGTH_BYTES)
    this.#socket?.write(Buffer.concat([head, body]))
  }

  memoryPeak(): Promise<number> {
    if (!this.#socket || this.#socket.destroyed) return Promise.resolve(0)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(0), MEMORY_ANSWER_MS)
      this.#memoryAsked.push((bytes) => {
        clearTimeout(timer)
        resolve(bytes)
      })
      this.send('M')
    })
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#alive)
    this.#socket?.destroy()
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    while (this.#rest.length >= LENGTH_BYTES) {
      const length = this.#rest.readUInt32LE(0)
      if (length > FRAME_BYTES_MAX) {
        this.#socket?.destroy()
        return
      }
      if (this.#rest.length < LENGTH_BYTES + length) return
      const payload = this.#rest.toString('latin1', LENGTH_BYTES, LENGTH_BYTES + length)
      this.#rest = this.#rest.subarray(LENGTH_BYTES + length)
      this.#hear(payload)
    }
  }

  #hear(payload: string): void {
    if (payload[0] === 'R') this.#owner.events.ready()
    if (payload[0] === 'M') this.#memoryAsked.shift()?.(Number(payload.slice(1)) || 0)
    if (payload[0] !== 'X') return
    const [how = '', code, , kills, ...path] = payload.slice(1).split(' ')
    this.#owner.events.exited(readExit(how, Number(code) || 0, path.join(' ')), Number(kills) || 0)
  }
}

function readExit(how: string, code: number, path: string): RuntimeExit {
  switch (how) {
    case 'signal':
      return { signal: code }
    case 'exec':
    case 'find':
    case 'chdir':
      return { unstartable: how, path, errno: code }
    default:
      return { status: code }
  }
}
