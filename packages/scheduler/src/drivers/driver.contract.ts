// What every driver promises (driver.ts), as one suite that each way of driving Docker runs. The
// sandboxes are real: hearth-init obeys a real channel, and shell scripts in it say what a function
// would see.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { RuntimeSide } from '../runtime-side.ts'
import { openSandboxChannel, type SandboxChannel } from '../sandbox-channel.ts'
import type { SandboxDriver, SandboxSpec, Specialisation } from './driver.ts'

export interface Way {
  open(dataDirectory: string, problems: string[]): Promise<SandboxDriver>
  /** Processor time of a sandbox so far, in seconds. */
  cpuSeconds(id: string): Promise<number>
  /** Whether a stem's /tmp may still change its size. */
  resizesTmp: boolean
  /** Whether sandboxes that are no stems are the ones to look at: they have their code at once. */
  startsDirectly: boolean
}

export interface Sandbox {
  id: string
  /** Runs a shell script in it. @returns what it wrote, once it has ended. */
  run(script: string): Promise<string>
  /** Starts a shell script that never ends; the next one ends it. */
  begin(script: string): void
}

export interface Ground {
  driver: SandboxDriver
  dataDirectory: string
  codeDirectory: string
  problems: string[]
  start(spec?: Partial<SandboxSpec>): Promise<Sandbox>
}

/** Not /tmp, which is memory on many hosts; the kernel counts that as the memory of who writes. */
export const ON_DISK = '/var/tmp'
const IMAGE = 'hearth/base:trixie'
const MB = 1024 * 1024
/** Version 1 of the control groups, or version 2. */
export const MEMORY = 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes 2>&- || cat memory.max'
export const SWAP =
  'cd /sys/fs/cgroup; cat memory/memory.memsw.limit_in_bytes 2>&- || cat memory.swap.max'
export const CPU = 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us 2>&- || cut -d" " -f1 cpu.max'

/** Opens a driver before the tests of a suite, and closes it after them, with nothing left. */
export function openGround(way: Way): Ground {
  const ground = { problems: [] as string[] } as Ground
  const channels = new Map<string, SandboxChannel>()
  beforeAll(async () => {
    ground.dataDirectory = await mkdtemp(join(ON_DISK, 'hearth-driver-'))
    ground.codeDirectory = join(ground.dataDirectory, 'code', 'abc')
    await mkdir(join(ground.codeDirectory, 'inner'), { recursive: true })
    await writeFile(join(ground.codeDirectory, 'inner', 'index.js'), 'hello')
    // What may not be written is to be the mount's doing.
    for (const name of ['', 'inner', 'inner/index.js']) {
      await chmod(join(ground.codeDirectory, name), 0o777)
    }
    ground.driver = await way.open(ground.dataDirectory, ground.problems)
  })
  ground.start = async (changes = {}) => {
    const id = randomBytes(8).toString('hex')
    const socketDirectory = join(ground.dataDirectory, 'run', id)
    const { sandbox, channel, ready } = await openSandbox(id, socketDirectory)
    channels.set(id, channel)
    const usual = { image: IMAGE, memoryMb: 256, cpus: 1, tmpMb: 512 }
    await ground.driver.start({ ...usual, id, socketDirectory, ...changes })
    await ready
    return sandbox
  }
  afterEach(async () => {
    for (const [id, channel] of channels) {
      await ground.driver.stop(id)
      await channel.close()
    }
    channels.clear()
  })
  afterAll(async () => {
    expect(await ground.driver.list()).toEqual([])
    await ground.driver.close()
    await rm(ground.dataDirectory, { recursive: true })
  })
  return ground
}

export function driverContract(way: Way): void {
  const ground = openGround(way)
  codeContract(ground)
  limitsContract(ground, way)
  freezingContract(ground, way)
}

function specialise(ground: Ground, id: string, changes: Partial<Specialisation> = {}) {
  const { codeDirectory } = ground
  const usual = { codeDirectory, memoryMb: 192, cpus: 0.5, tmpMb: 512 }
  return ground.driver.specialise(id, { ...usual, ...changes })
}

function startAny(ground: Ground, way: Way, spec: Partial<SandboxSpec> = {}): Promise<Sandbox> {
  const { codeDirectory } = ground
  return ground.start({ ...spec, ...(way.startsDirectly && { codeDirectory }) })
}

function codeContract(ground: Ground): void {
  test('a sandbox sees its code, and is listed until it is stopped', async () => {
    const { id, run } = await ground.start({ codeDirectory: ground.codeDirectory })
    expect(await run('cat /var/task/inner/index.js')).toBe('hello')
    expect(await run('touch /var/task/x')).toContain('Read-only')
    expect((await ground.driver.list()).map((one) => one.id)).toEqual([id])
    await ground.driver.stop(id)
    await ground.driver.stop(id)
    expect(await ground.driver.list()).toEqual([])
  })

  test('a stem gets its code, for reading alone and at one place alone', async () => {
    const { id, run } = await ground.start()
    // The loader remembers folders that were not there.
    expect(await run('find /var/task')).toBe('/var/task\n/var/task/lib\n')
    await specialise(ground, id)
    expect(await run('cat /var/task/inner/index.js')).toBe('hello')
    expect(await run('touch /var/task/x /var/task/inner/index.js')).toMatch(
      /x': Read-only.*\n.*index.js': Read-only/,
    )
    expect(await run('find / /run /tmp -xdev -name index.js 2>&-')).toBe('')
  })

  test('layers are there at /opt for reading, on a stem and from the start', async () => {
    const { codeDirectory } = ground
    const layersDirectory = join(ground.dataDirectory, 'layers')
    await mkdir(join(layersDirectory, 'lib'), { recursive: true })
    await writeFile(join(layersDirectory, 'lib', 'x.so'), 'layered')
    await Promise.all(['', 'lib'].map((name) => chmod(join(layersDirectory, name), 0o777)))
    const stem = await ground.start()
    expect(await stem.run('find /opt')).toBe('/opt\n/opt/lib\n')
    await specialise(ground, stem.id, { layersDirectory })
    const direct = await ground.start({ codeDirectory, layersDirectory })
    for (const { run } of [stem, direct]) {
      expect(await run('cat /opt/lib/x.so')).toBe('layered')
      expect(await run('touch /opt/x')).toContain('Read-only')
    }
  })
}

function limitsContract(ground: Ground, way: Way): void {
  test('limits hold at once, up and down', async () => {
    const { id, run } = await ground.start()
    for (const memoryMb of [512, 128]) {
      const other = await ground.start()
      await specialise(ground, other.id, { memoryMb, cpus: memoryMb / 1024 })
      expect(await other.run(MEMORY)).toBe(`${memoryMb * MB}\n`)
      expect(await other.run(SWAP)).toMatch(new RegExp(`^(${memoryMb * MB}|0)\n$`))
      expect(await other.run(CPU)).toBe(`${(20_000 * memoryMb) / 1024}\n`)
    }
    await specialise(ground, id, { memoryMb: 192 })
    await ground.driver.setCpus(id, 2)
    expect(await run(`${CPU}; ${MEMORY}`)).toBe(`40000\n${192 * MB}\n`)
  })

  test('a sandbox sees its own control groups and nobody else', async () => {
    const { run } = await ground.start()
    const paths = (await run('cut -d: -f3 /proc/self/cgroup | sort -u')).trim()
    expect(paths).toBe('/')
  })

  test('/tmp is for anybody, holds what it should, and no more', async () => {
    const { run } = await startAny(ground, way, { tmpMb: 96 })
    expect(await run('ls -A /tmp; stat -c "%a %F" /tmp')).toBe('1777 directory\n')
    await run('echo "echo ran" > /tmp/program; chmod +x /tmp/program')
    expect(await run('/tmp/program')).toBe('ran\n')
    const said = await run('head -c 200M /dev/zero > /tmp/big; stat -c %s /tmp/big')
    expect(said).toContain('No space left')
    const bytes = Number(said.split('\n').at(-2))
    expect(bytes).toBeGreaterThan(95 * MB)
    expect(bytes).toBeLessThan(104 * MB)
  })

  test(`a stem's /tmp ${way.resizesTmp ? 'changes its size' : 'keeps its size'}`, async () => {
    const { id, run } = await ground.start()
    expect(ground.driver.canResizeTmp).toBe(way.resizesTmp)
    const change = specialise(ground, id, { tmpMb: 2048 })
    if (!way.resizesTmp) return expect(change).rejects.toThrow('cannot change its size')
    await change
    const free = await run('df -m --output=avail /tmp | tail -1')
    expect(Number(free)).toBeGreaterThanOrEqual(2048)
    expect(Number(free)).toBeLessThan(2048 * 1.03)
  })
}

function freezingContract(ground: Ground, way: Way): void {
  test('a frozen sandbox uses no processor, and goes on when it is thawed', async () => {
    const { id, begin } = await startAny(ground, way)
    begin('while :; do :; done')
    await expect.poll(() => way.cpuSeconds(id), { timeout: 10_000 }).toBeGreaterThan(0.1)
    await ground.driver.freeze(id)
    const before = await way.cpuSeconds(id)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await way.cpuSeconds(id)).toBe(before)
    await ground.driver.thaw(id)
    await expect.poll(() => way.cpuSeconds(id), { timeout: 10_000 }).toBeGreaterThan(before + 0.1)
  })

  test('of freezing and thawing the one that was asked for last holds', async () => {
    const { id, run } = await startAny(ground, way)
    const { freeze, thaw } = ground.driver
    await Promise.all([freeze(id), thaw(id), freeze(id), thaw(id)])
    expect(await run('echo on')).toBe('on\n')
    await Promise.all([freeze(id), thaw(id), freeze(id)])
    const answer = run('echo on')
    expect(await Promise.race([answer, silence(300)])).toBe('silence')
    await thaw(id)
    expect(await answer).toBe('on\n')
    await Promise.all([freeze('none'), thaw('none')])
  })

  test('a frozen sandbox can be stopped', async () => {
    const { id } = await startAny(ground, way)
    await ground.driver.freeze(id)
    await ground.driver.stop(id)
    expect(await ground.driver.list()).toEqual([])
    await ground.driver.thaw(id)
  })
}

const silence = (ms: number) => new Promise<string>((resolve) => setTimeout(resolve, ms, 'silence'))

async function openSandbox(id: string, directory: string) {
  let output = ''
  const events = new EventTarget()
  const tell = (name: string) => () => void events.dispatchEvent(new Event(name))
  const channel = await openSandboxChannel(directory, {
    side: {} as RuntimeSide,
    events: {
      ready: tell('ready'),
      exited() {},
      output(chunk) {
        output += chunk
        return 0
      },
      outputEnded: tell('ended'),
      lost() {},
    },
  })
  const begin = (script: string) => {
    output = ''
    const environment = { PATH: '/usr/bin:/bin' }
    const command = {
      directory: '/',
      search: '',
      arguments: ['/bin/sh', '-c', script],
      environment,
    }
    channel.startProcess(command)
  }
  const sandbox: Sandbox = {
    id,
    begin,
    async run(script) {
      const ended = once(events, 'ended')
      begin(`exec 2>&1; ${script}`)
      await ended
      return output
    },
  }
  return { sandbox, channel, ready: once(events, 'ready') }
}
