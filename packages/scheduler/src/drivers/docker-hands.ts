// Keeps one hearth-hands at work: a privileged container beside the sandboxes, started through the
// engine, that dials back to us. When it ends while we live, another one takes its place and is
// told of every sandbox; until then its questions fail as lost, and Docker does the work.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { Hands, HandsLost, HandsRefused } from './hands.ts'

export interface DockerHandsOptions {
  docker: Docker
  labels: Record<string, string>
  /** Holds what sandboxes see at /var/task and /tmp; ours alone, as is the data directory. */
  mountsDirectory: string
  dataDirectory: string
  toHost(path: string): string
  report(problem: string): void
  /** Tells a new one of the sandboxes that are there; what it cannot take on is Docker's affair. */
  introduce(hands: Hands): Promise<unknown>
}

export const HANDS_IMAGE = 'hearth/hands:trixie'
/** Every sandbox starts with a /tmp of Lambda's default size unless its function says otherwise. */
const TMP_MB = '512'
/** No sandbox has this name. */
const TRIAL = 'trial'
/** The host's processes, control groups and users; the types do not know all of these. */
const ON_THE_HOST = { PidMode: 'host', CgroupnsMode: 'host', UsernsMode: 'host' }
/** To enter the engine's mount namespace, mount in it, and find any directory. */
const CAPABILITIES = ['SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE', 'DAC_OVERRIDE', 'FOWNER']
/** Loop devices, which make a file system of a file. */
const DEVICES = ['b 7:* rw', 'c 10:237 rw']
/** What statfs says of tmpfs. */
const TMPFS = 0x01021994
const CONNECT_MS_MAX = 15_000
const END_MS_MAX = 5_000
/** After a loss, and after each attempt that failed; the last one for as long as it takes. */
const AGAIN_MS = [50, 1_000, 5_000, 30_000]

export class DockerHands {
  readonly #options: DockerHandsOptions
  #hands: Hands | undefined
  #container: Docker.Container | undefined
  #isClosed = false
  #canMountTmp = true
  /** Those who wait for the next one, because Docker cannot do what they need. */
  readonly #waiting = new Set<(hands: Hands | undefined) => void>()

  private constructor(options: DockerHandsOptions) {
    this.#options = options
  }

  /** Whatever an earlier life left mounted is gone afterwards. @throws when it cannot work here. */
  static async open(options: DockerHandsOptions): Promise<DockerHands> {
    const self = new DockerHands(options)
    await self.#start('fresh')
    return self
  }

  get isAtHand(): boolean {
    return this.#hands !== undefined
  }

  /** Not every host has loop devices and ext4. */
  get canMountTmp(): boolean {
    return this.#canMountTmp
  }

  /** @throws HandsLost at once when there is none; HandsRefused. */
  async ask(verb: string, ...fields: string[]): Promise<void> {
    if (!this.#hands) throw new HandsLost()
    await this.#hands.ask(verb, ...fields)
  }

  /** As `ask`, of the next one if there is none within reach; `withinMs` bounds the wait for it. */
  async askPatiently(withinMs: number, verb: string, ...fields: string[]): Promise<void> {
    const hands = this.#hands ?? (await this.#next(withinMs))
    if (!hands) throw new HandsLost()
    await hands.ask(verb, ...fields)
  }

  /** Resolves once it has unmounted everything and ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    const container = this.#container
    this.#hands?.close()
    for (const tell of this.#waiting) tell(undefined)
    if (!container) return
    await Promise.race([container.wait({ condition: 'removed' }), pause(END_MS_MAX)]).catch(ignore)
    await remove(container)
  }

  #next(withinMs: number): Promise<Hands | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const tell = (hands: Hands | undefined) => {
        clearTimeout(timer)
        this.#waiting.delete(tell)
        resolve(hands)
      }
      const timer = setTimeout(tell, withinMs, undefined)
      this.#waiting.add(tell)
    })
  }

  async #start(life: 'fresh' | 'again'): Promise<void> {
    const { mountsDirectory, dataDirectory, toHost } = this.#options
    const name = `hands-${randomBytes(4).toString('hex')}.sock`
    const place = join(mountsDirectory, name)
    const { connected, stop } = await listen(place)
    let hands: Hands | undefined
    let container: Docker.Container | undefined
    try {
      container = await this.#create(name)
      await container.start()
      hands = new Hands(await connected)
      const [host, data] = [toHost(mountsDirectory), toHost(dataDirectory)]
      await hands.ask('hello', life, host, data, mountsDirectory)
      await this.#tryTmp(hands)
      if (life === 'again') await this.#options.introduce(hands)
    } catch (error) {
      hands?.close()
      if (container) await remove(container)
      throw error
    } finally {
      await stop()
    }
    this.#container = container
    this.#hands = hands
    for (const tell of this.#waiting) tell(hands)
    hands.lost.then(() => this.#replace(hands, container))
  }

  /** Once through all of it, so that no sandbox has to find out. */
  async #tryTmp(hands: Hands): Promise<void> {
    if (!this.#canMountTmp) return
    const { mountsDirectory, report } = this.#options
    if ((await statfs(mountsDirectory)).type === TMPFS) {
      report('the data directory is kept in memory, and so is what functions write to /tmp')
    }
    await mkdir(join(mountsDirectory, TRIAL, 'tmp'), { recursive: true })
    try {
      await hands.ask('template', TMP_MB)
      await hands.ask('tmp', TRIAL, TMP_MB)
      await hands.ask('detach', TRIAL)
    } catch (error) {
      if (!(error instanceof HandsRefused)) throw error
      this.#canMountTmp = false
      report(`what functions write to /tmp counts as their memory: ${error.message}`)
    }
  }

  #create(socketName: string): Promise<Docker.Container> {
    const { docker, labels, mountsDirectory, toHost } = this.#options
    return docker.createContainer({
      Image: HANDS_IMAGE,
      Cmd: [socketName],
      Labels: labels,
      HostConfig: {
        ...ON_THE_HOST,
        CapDrop: ['ALL'],
        CapAdd: CAPABILITIES,
        DeviceCgroupRules: DEVICES,
        SecurityOpt: ['apparmor=unconfined', 'seccomp=unconfined', 'label=disable'],
        ReadonlyRootfs: true,
        NetworkMode: 'none',
        AutoRemove: true,
        LogConfig: { Type: 'none', Config: {} },
        Mounts: [
          {
            Type: 'bind',
            Source: toHost(mountsDirectory),
            Target: '/run/hearth',
            // What is mounted below must not be kept alive by this container. The types lack it.
            BindOptions: { NonRecursive: true } as unknown as { Propagation: 'rprivate' },
          },
        ],
      },
    })
  }

  async #replace(lost: Hands, container: Docker.Container): Promise<void> {
    if (this.#hands === lost) this.#hands = undefined
    if (this.#isClosed) return
    const { report } = this.#options
    report('hearth-hands has ended; until another one is there Docker does its work, slower')
    await remove(container)
    for (let attempt = 0; !this.#isClosed; attempt += 1) {
      await pause(AGAIN_MS[Math.min(attempt, AGAIN_MS.length - 1)] ?? 0)
      if (this.#isClosed) return
      try {
        await this.#start('again')
        break
      } catch (error) {
        if (attempt === 0) report(`hearth-hands could not be started again: ${error}`)
      }
    }
    // We may have been closed while it started.
    if (this.#isClosed) await this.close()
  }
}

/** One connection, on a socket that nobody else sees. */
async function listen(place: string) {
  const server = createServer()
  server.maxConnections = 1
  server.listen(place)
  await once(server, 'listening')
  const timeout = AbortSignal.timeout(CONNECT_MS_MAX)
  const connected = once(server, 'connection', { signal: timeout }).then(
    ([socket]) => socket as Socket,
    () => {
      throw new Error('it does not connect')
    },
  )
  connected.catch(ignore)
  const stop = async () => {
    server.close()
    await rm(place, { force: true })
  }
  return { connected, stop }
}

async function remove(container: Docker.Container): Promise<void> {
  await container.remove({ force: true, v: true }).catch(ignore)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref())
const ignore = () => {}
