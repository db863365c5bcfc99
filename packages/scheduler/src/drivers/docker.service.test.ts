// The Docker driver on the real engine, with hearth-hands and through Docker's API alone, and with
// sandboxes that join a network namespace; then what only one of them can do, and what happens when
// hearth-hands dies. The names of the suites say which control groups they ran on.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import Docker from 'dockerode'
import { describe, expect, test } from 'vitest'
import { openDockerDriver } from './docker.ts'
import {
  CPU,
  driverContract,
  MEMORY,
  ON_DISK,
  openGround,
  SWAP,
  type Way,
} from './driver.contract.ts'
import type { SandboxDriver } from './driver.ts'

const docker = new Docker()
const HAS_CRUN = 'crun' in ((await docker.info()) as { Runtimes: object }).Runtimes
const NANOSECONDS = 1e9
const { CgroupDriver, CgroupVersion } = await docker.info()
const ON = `on cgroup v${CgroupVersion} by ${CgroupDriver}`
/** Whose reload sets the limits of what it started anew. */
const isSystemds = CgroupDriver === 'systemd'
let lives = 0

const way = (
  hands: 'auto' | 'off',
  { joins = false, runtime = '' } = {},
): Way & { owner: string } => {
  lives += 1
  const owner = `driver-${process.pid}-${lives}`
  return {
    owner,
    resizesTmp: hands === 'auto',
    startsDirectly: joins,
    async open(dataDirectory, problems) {
      const driver = await openDockerDriver({
        owner,
        schedulerId: owner,
        epoch: '1',
        dataDirectory,
        hands,
        namespacesMax: joins ? 3 : 0,
        isolation: { allow: [], ...(runtime && { runtime }) },
        report: (problem) => problems.push(problem),
      })
      return joins ? joining(driver, owner) : driver
    },
    async cpuSeconds(id) {
      const stats = await docker
        .getContainer(`hearth-${id}`)
        .stats({ stream: false, 'one-shot': true })
      return stats.cpu_stats.cpu_usage.total_usage / NANOSECONDS
    },
  }
}

/** Each sandbox that starts directly finds a namespace, and is seen to have joined it. */
function joining(driver: SandboxDriver, owner: string): SandboxDriver {
  return {
    ...driver,
    async start(spec) {
      await expect.poll(() => holdersOf(owner), { timeout: 20_000 }).not.toEqual([])
      const holders = await holdersOf(owner)
      await driver.start(spec)
      const { HostConfig } = await docker.getContainer(`hearth-${spec.id}`).inspect()
      const mode = HostConfig.NetworkMode?.replace('container:', '')
      if (spec.codeDirectory) expect(holders).toContain(mode)
      else expect(holders).not.toContain(mode)
    },
  }
}

/** Ids of the containers whose namespaces wait or are joined. */
async function holdersOf(owner: string): Promise<string[]> {
  const label = [`hearth.owner=${owner}`, 'hearth.holder']
  return (await docker.listContainers({ filters: { label } })).map(({ Id }) => Id)
}

/** The process number of a Hearth's hearth-hands on this machine. */
async function handsOf(owner: string): Promise<number> {
  const label = [`hearth.owner=${owner}`, 'hearth.hands']
  const [container] = await docker.listContainers({ filters: { label } })
  if (!container) return 0
  return (await docker.getContainer(container.Id).inspect()).State.Pid
}

const mountsBelow = async (directory: string) => {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table.split('\n').filter((line) => line.includes(` ${directory}/mounts/`))
}

/** What hearth-hands has told systemd of sandboxes. */
async function dropIns(): Promise<string[]> {
  const names = await readdir('/run/systemd/system', { recursive: true })
  return names.filter((name) => name.endsWith('/90-hearth.conf'))
}

describe(`with hearth-hands, ${ON}`, () => driverContract(way('auto')))
describe(`through Docker's API alone, ${ON}`, () => driverContract(way('off')))
describe(`in joined network namespaces, ${ON}`, () => driverContract(way('auto', { joins: true })))
// An engine without crun has nothing to hold to the contract; sandboxes run in runc there.
describe.skipIf(!HAS_CRUN)(`in joined network namespaces, by crun, ${ON}`, () =>
  driverContract(way('auto', { joins: true, runtime: 'crun' })),
)

describe(`hearth-hands, ${ON}`, () => {
  const hands = way('auto')
  const ground = openGround(hands)

  test('is no sandbox, and has only the privileges that it needs', async () => {
    expect(await ground.driver.list()).toEqual([])
    const status = await readFile(`/proc/${await handsOf(hands.owner)}/status`, 'utf8')
    // CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_SYS_CHROOT, CAP_SYS_PTRACE and CAP_SYS_ADMIN.
    const capabilities = [1, 3, 18, 19, 21].reduce((sum, bit) => sum + 2 ** bit, 0)
    expect(status).toMatch(new RegExp(`CapBnd:\\s+0*${capabilities.toString(16)}\n`))
    expect(ground.problems).toEqual([])
  })

  test('gives a /tmp that is no memory, and takes it away with the sandbox', async () => {
    const { id, run } = await ground.start({ memoryMb: 64 })
    const script = 'head -c 300M /dev/zero > /tmp/big && stat -c %s /tmp/big'
    expect(await run(script)).toBe(`${300 * 1024 * 1024}\n`)
    expect(await run('stat -c %s /tmp/big')).toBe(`${300 * 1024 * 1024}\n`)
    expect((await mountsBelow(ground.dataDirectory)).join('\n')).toContain(id)
    await ground.driver.stop(id)
    expect((await mountsBelow(ground.dataDirectory)).join('\n')).not.toContain(id)
    expect(await readdir(join(ground.dataDirectory, 'mounts', hands.owner))).not.toContain(id)
  })

  test('shows no code from outside the data directory', async () => {
    const { id, run } = await ground.start()
    const elsewhere = await mkdtemp(join(tmpdir(), 'hearth-elsewhere-'))
    await writeFile(join(elsewhere, 'index.js'), 'elsewhere')
    const figures = { memoryMb: 256, cpus: 1, tmpMb: 512 }
    await ground.driver.specialise(id, { ...figures, codeDirectory: elsewhere })
    // It is refused there, and linked or copied instead.
    expect(await run('cat /var/task/index.js; grep -c " /var/task " /proc/self/mountinfo')).toBe(
      'elsewhere1\n',
    )
    await rm(elsewhere, { recursive: true })
  })

  test.runIf(isSystemds)('keeps its limits when systemd reads its units again', async () => {
    const [direct, stem] = await Promise.all([
      ground.start({ codeDirectory: ground.codeDirectory }),
      ground.start(),
    ])
    const { codeDirectory, driver } = ground
    await driver.specialise(stem.id, { codeDirectory, memoryMb: 192, cpus: 0.5, tmpMb: 512 })
    await driver.setCpus(direct.id, 0.25)
    const figures = `${MEMORY}; ${SWAP}; ${CPU}`
    const before = [await direct.run(figures), await stem.run(figures)]
    expect(before[1]).toMatch(new RegExp(`^${192 * 1024 * 1024}\n.*\n10000\n$`))
    execFileSync('systemctl', ['daemon-reload'])
    // With the next unit that starts it writes what it has read.
    execFileSync('systemd-run', ['--quiet', '--scope', '--slice=system.slice', 'true'])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect([await direct.run(figures), await stem.run(figures)]).toEqual(before)
    await driver.stop(direct.id)
    await driver.stop(stem.id)
    expect(await dropIns()).toEqual([])
  })

  test('may be killed at any time: work goes on, and another one comes', async () => {
    const [frozen, stem] = await Promise.all([ground.start(), ground.start()])
    await ground.driver.freeze(frozen.id)
    const victim = await handsOf(hands.owner)
    process.kill(victim, 'SIGKILL')
    const figures = { memoryMb: 192, cpus: 1, tmpMb: 512 }
    await ground.driver.specialise(stem.id, { ...figures, codeDirectory: ground.codeDirectory })
    expect(await stem.run('cat /var/task/inner/index.js')).toBe('hello')
    await ground.driver.freeze(stem.id)
    await ground.driver.thaw(stem.id)
    const late = await ground.start()
    expect(await late.run('echo on')).toBe('on\n')
    // Docker cannot thaw what it did not freeze; the next hearth-hands can.
    await ground.driver.thaw(frozen.id)
    expect(await frozen.run('echo on')).toBe('on\n')
    await expect.poll(() => handsOf(hands.owner), { timeout: 20_000 }).toBeGreaterThan(0)
    expect(await handsOf(hands.owner)).not.toBe(victim)
    expect(ground.problems).toHaveLength(1)
    await ground.driver.freeze(late.id)
    await ground.driver.stop(late.id)
  })
})

test('what a killed scheduler and a killed hearth-hands leave goes in the next life', async () => {
  const dataDirectory = await mkdtemp(join(ON_DISK, 'hearth-driver-'))
  const { owner, open } = way('auto')
  const child = await startFrozen(dataDirectory, owner)
  const hands = await handsOf(owner)
  process.kill(hands, 'SIGKILL')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect((await mountsBelow(dataDirectory)).length).toBeGreaterThan(2)
  const driver = await open(dataDirectory, [])
  const left = await driver.list()
  expect(left).toHaveLength(1)
  expect(await mountsBelow(dataDirectory)).toHaveLength(2)
  for (const { id } of left) await driver.stop(id)
  expect(await driver.list()).toEqual([])
  await driver.close()
  expect(await mountsBelow(dataDirectory)).toEqual([])
  await rm(dataDirectory, { recursive: true })
})

test('hearth-hands whose scheduler was killed undoes what it did, and ends', async () => {
  const dataDirectory = await mkdtemp(join(ON_DISK, 'hearth-driver-'))
  const { owner, open } = way('auto')
  const child = await startFrozen(dataDirectory, owner)
  child.kill('SIGKILL')
  await expect.poll(() => handsOf(owner), { timeout: 10_000 }).toBe(0)
  expect(await mountsBelow(dataDirectory)).toEqual([])
  if (isSystemds) expect(await dropIns()).toEqual([])
  const driver = await open(dataDirectory, [])
  for (const { id } of await driver.list()) await driver.stop(id)
  await driver.close()
  await rm(dataDirectory, { recursive: true })
})

/** A scheduler of its own process, with one frozen sandbox. */
async function startFrozen(dataDirectory: string, owner: string) {
  const href = (name: string) => pathToFileURL(join(import.meta.dirname, name)).href
  const script = join(dataDirectory, 'victim.ts')
  await writeFile(
    script,
    `import { openDockerDriver } from '${href('docker.ts')}'
     import { openSandboxChannel } from '${href('../sandbox-channel.ts')}'
     const [dataDirectory, owner] = process.argv.slice(2)
     const driver = await openDockerDriver({ owner, schedulerId: owner, epoch: '0',
       dataDirectory, hands: 'auto', namespacesMax: 1,
       isolation: { allow: [] }, report: console.error })
     const socketDirectory = dataDirectory + '/run'
     await openSandboxChannel(socketDirectory, { side: {}, events: { ready() {}, exited() {},
       output() {}, outputEnded() {}, lost() {} } })
     await driver.start({ id: owner, image: 'hearth/base:trixie', memoryMb: 128, cpus: 1,
       tmpMb: 512, socketDirectory })
     await driver.freeze(owner)
     console.log('frozen')`,
  )
  const child = spawn(process.execPath, [script, dataDirectory, owner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(createInterface(child.stdout), 'line')
  return child
}
