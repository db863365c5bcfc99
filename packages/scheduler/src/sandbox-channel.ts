// The three sockets between the scheduler and one sandbox (images/README.md): orders to
// hearth-init, the runtime's output, and the Runtime API. Whatever comes from the other side is
// hostile until it has been measured: frames are bounded, and garbage ends the channel, never the
// process.

import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ProcessEnd } from '@hearth/core/invocation'
import { BodyRoom } from './body-room.ts'
import { readFrames, sendFrame } from './frames.ts'
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
  exited(exit: ProcessEnd, kills: number): void
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
  /** For a reason that extensions are told, where there are any. */
  killProcesses(reason?: 'failure' | 'timeout'): void
  /** The high-water mark of the sandbox's memory in bytes; 0 when it cannot be known. */
  memoryPeak(): Promise<number>
  close(): Promise<void>
}

/** hearth-init ends the sandbox after ten seconds without a word that the scheduler lives. */
const ALIVE_MS = 3_000
/** hearth-init answers at once; a sandbox that does not is not waited for. */
const MEMORY_ANSWER_MS = 200
/** hearth-init needs one control connection and one for the log; a runtime rarely more than two. */
const CONNECTIONS_MAX = 8

export type OpenChannel = (directory: string, owner: ChannelOwner) => Promise<SandboxChannel>

/** Listens in a fresh private directory; the sandbox is started afterwards. */
export const openSandboxChannel: OpenChannel = async (directory, owner) => {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const control = new ControlConnection(owner)
  const sockets = new Set<Socket>()
  const room = new BodyRoom()
  const servers = [
    (socket: Socket) => control.adopt(socket),
    (socket: Socket) => readLog(socket, owner),
    (socket: Socket) => serveRuntime(owner, socket, room),
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

const readLog = (socket: Socket, owner: ChannelOwner) =>
  readOutput(socket, {
    take: (chunk) => owner.events.output(chunk),
    end: () => owner.events.outputEnded(),
  })

/** A process that writes faster than its log may grow has to wait. */
export function readOutput(
  socket: Socket,
  log: { take(chunk: Buffer): number; end(): void },
): void {
  socket.on('data', (chunk) => {
    const pauseMs = log.take(chunk)
    if (pauseMs === 0) return
    socket.pause()
    setTimeout(() => socket.resume(), pauseMs)
  })
  socket.on('close', () => log.end())
  socket.on('error', () => socket.destroy())
}

export function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}

export function encodeProcess(spec: ProcessSpec): Buffer {
  const environment = Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`)
  const { directory, search } = spec
  const fields = [directory, search, spec.arguments.length, ...spec.arguments, ...environment]
  return Buffer.from(fields.map((field) => `${field}\0`).join(''))
}

/** The one connection of hearth-init: whole frames out of bytes, and answers to their askers. */
class ControlConnection {
  readonly #owner: ChannelOwner
  #socket: Socket | undefined
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
    readFrames(socket, (frame) => this.#hear(frame))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearInterval(this.#alive)
      for (const answer of this.#memoryAsked.splice(0)) answer(0)
      if (!this.#closed) this.#owner.events.lost()
    })
  }

  send(letter: string, body?: Buffer): void {
    if (this.#socket) sendFrame(this.#socket, letter, body)
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

  #hear(payload: string): void {
    if (payload[0] === 'R') this.#owner.events.ready()
    if (payload[0] === 'M') this.#memoryAsked.shift()?.(Number(payload.slice(1)) || 0)
    if (payload[0] !== 'X') return
    const { exit, kills } = readEnd(payload.slice(1))
    this.#owner.events.exited(exit, kills)
  }
}

/** How a process ended, in hearth-init's words. */
export function readEnd(words: string): { exit: ProcessEnd; kills: number } {
  const [how = '', code, , kills, ...path] = words.split(' ')
  return { exit: readExit(how, Number(code) || 0, path.join(' ')), kills: Number(kills) || 0 }
}

function readExit(how: string, code: number, path: string): ProcessEnd {
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
