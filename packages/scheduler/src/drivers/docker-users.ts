// A user of its own for each sandbox: never two live ones with the same on a host, so that what one
// may signal, read or connect to is never another's. Of each user the sandbox gets an account line,
// because programs ask for their own name, and the sockets of its directory.

import { randomInt } from 'node:crypto'
import { chmod, chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'

export const USER_LABEL = 'hearth.user'

/** Where users come from: blocks of which each scheduler has one. */
interface Range {
  first: number
  blockSize: number
  blocks: number
}

/** Nobody gives these to people, services or containers (systemd's table of user ids). */
const RANGE: Range = { first: 1_900_000_000, blockSize: 16_384, blocks: 8_192 }
/** An engine that maps users has 65,536 of them. */
const MAPPED_RANGE: Range = { first: 10_000, blockSize: 2_000, blocks: 25 }
const SOCKETS = ['control.sock', 'log.sock', 'runtime.sock']

export class SandboxUsers {
  readonly #first: number
  readonly #size: number
  readonly #taken = new Map<string, number>()
  readonly #live = new Set<number>()
  #next = 0

  constructor(first: number, size: number) {
    this.#first = first
    this.#size = size
  }

  /** The one that was free for longest. @throws Error when there is none. */
  take(sandbox: string): number {
    if (this.#live.size >= this.#size) throw new Error('every user of this scheduler is in use')
    let user: number
    do {
      user = this.#first + (this.#next % this.#size)
      this.#next += 1
    } while (this.#live.has(user))
    this.#live.add(user)
    this.#taken.set(sandbox, user)
    return user
  }

  /** The sandbox is gone. */
  giveBack(sandbox: string): void {
    const user = this.#taken.get(sandbox)
    if (user === undefined) return
    this.#taken.delete(sandbox)
    this.#live.delete(user)
  }
}

/** A block in which no sandbox on this engine has a user, whoever started it. */
export async function openUsers(docker: Docker): Promise<SandboxUsers> {
  const { first, blockSize, blocks } = (await mapsUsers(docker)) ? MAPPED_RANGE : RANGE
  const filters = { label: [USER_LABEL] }
  const containers = await docker.listContainers({ all: true, filters })
  const users = containers.map(({ Labels }) => Number(Labels[USER_LABEL]))
  const taken = new Set(users.map((user) => Math.floor((user - first) / blockSize)))
  let block = randomInt(blocks)
  for (let tries = 1; taken.has(block); tries += 1) {
    if (tries > blocks) throw new Error('sandboxes of other schedulers hold every block of users')
    block = (block + 1) % blocks
  }
  return new SandboxUsers(first + block * blockSize, blockSize)
}

/** @returns binds of its account, and its sockets are its own afterwards where that is possible. */
export async function settleIn(socketDirectory: string, user: number): Promise<string[]> {
  const accounts = { passwd: passwd(user), group: group(user) }
  for (const [name, text] of Object.entries(accounts)) {
    await writeFile(join(socketDirectory, name), text, { mode: 0o644 })
  }
  await Promise.all(SOCKETS.map((name) => giveSocket(join(socketDirectory, name), user)))
  return Object.keys(accounts).map((name) => `${name}:/etc/${name}`)
}

/** Only root may give; else its private directory alone keeps others away. */
async function giveSocket(path: string, user: number): Promise<void> {
  if (process.getuid?.() !== 0 || user < RANGE.first) return
  await chown(path, user, user)
  await chmod(path, 0o600)
}

/** The name is AWS's. */
const passwd = (user: number) =>
  'root:x:0:0:root:/root:/usr/sbin/nologin\n' +
  'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n' +
  `sbx_user1051:x:${user}:${user}::/home/sbx_user1051:/usr/sbin/nologin\n`

const group = (user: number) => `root:x:0:\nnogroup:x:65534:\nsbx_user1051:x:${user}:\n`

async function mapsUsers(docker: Docker): Promise<boolean> {
  const { SecurityOptions = [] } = (await docker.info()) as { SecurityOptions?: string[] }
  return SecurityOptions.some((option) => /^name=(userns|rootless)\b/.test(option))
}
