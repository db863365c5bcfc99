// A NATS whose data lies on a filesystem of its own, in one file that is written past the host's
// page cache: so a copy of the file is what a power cut would leave, and the filesystem can be
// filled without filling the machine's. Made for trials: its
// container may mount, and use loop devices.

import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually, ROOT } from '../hearth.ts'
import { freePort } from '../servers.ts'

export interface NatsOnDisk {
  url: string
  monitorUrl: string
  /** Runs a shell command beside the server; its data is in /data. @returns what it says. */
  run(command: string): Promise<string>
  /** The power goes: nothing is written any more, and `copy` is what the disk has. */
  cutPower(copy: string): Promise<void>
  /** What an operator does: killed and started again, on the same disk. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const execute = promisify(execFile)
const IMAGE = 'hearth/nats:2.15.1'
/** Where Debian has the programs that make filesystems, which not every user's PATH names. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`
const READY_MS = 30_000
/** Loop devices are 7:*, and 10:237 hands out the free ones. */
const MAY_MOUNT = [
  ...['--cap-add', 'SYS_ADMIN'],
  ...['--device-cgroup-rule', 'b 7:* rmw', '--device-cgroup-rule', 'c 10:237 rmw'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
]
/** A filesystem that writes its metadata only when asked to, so that nothing is safe by chance. */
const SCRIPT = [
  'set -e',
  'mkdir -p /data',
  'loop=$(losetup --find --show --direct-io=on /rig/disk)',
  'mount -o commit=300 "$loop" /data',
  'losetup --detach "$loop"',
  'exec nats-server --config /rig/nats.conf',
].join('\n')

/** A file with an empty filesystem. */
export async function makeDisk(path: string, megabytes: number): Promise<void> {
  await writeFile(path, '')
  await truncate(path, megabytes * 1024 * 1024)
  await execute('mkfs.ext4', ['-q', '-F', path], { env: { PATH } })
}

/** A directory for disks, and the way to be rid of it. */
export async function makeRig(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'hearth-disk-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/**
 * The shipped configuration on this disk, or the one that Hearth refuses because it acknowledges
 * before the disk has a message; the disk is mounted and its journal played, as after a boot.
 */
export async function startNatsOnDisk(
  rig: string,
  disk: string,
  { isLazy = false }: { isLazy?: boolean } = {},
): Promise<NatsOnDisk> {
  const [port, monitor] = [await freePort(), await freePort()]
  const own = await mkdtemp(join(rig, 'nats-'))
  const shipped = await readFile(join(ROOT, 'deploy/nats.conf'), 'utf8')
  const lazy = shipped.replace(/.*sync_interval: always.*/, '')
  await writeFile(join(own, 'nats.conf'), isLazy ? lazy : shipped)
  const mounts = [`${join(own, 'nats.conf')}:/rig/nats.conf:ro`, `${disk}:/rig/disk`, '/dev:/dev']
  const { stdout } = await execute('docker', [
    ...['run', '--detach', '--user', '0'],
    ...MAY_MOUNT,
    ...mounts.flatMap((mount) => ['--volume', mount]),
    ...['--publish', `127.0.0.1:${port}:4222`, '--publish', `127.0.0.1:${monitor}:8222`],
    ...['--entrypoint', 'bash', IMAGE, '-c', SCRIPT],
  ])
  const id = stdout.trim()
  const docker = async (...args: string[]) => (await execute('docker', args)).stdout
  await ready(port)
  return {
    url: `nats://127.0.0.1:${port}`,
    monitorUrl: `http://127.0.0.1:${monitor}`,
    run: (command) => docker('exec', id, 'bash', '-c', command),
    async cutPower(copy) {
      await docker('pause', id)
      await copyFile(disk, copy)
    },
    async restart() {
      await docker('kill', id)
      await docker('start', id)
      await ready(port)
    },
    stop: async () => void (await docker('rm', '--force', '--volumes', id)),
  }
}

/** Until the server greets whoever connects. */
function ready(port: number): Promise<void> {
  const greets = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      const settle = (greeted: boolean) => {
        socket.destroy()
        resolve(greeted)
      }
      socket.setTimeout(1_000, () => settle(false))
      socket.on('data', (bytes) => settle(bytes.toString().startsWith('INFO ')))
      socket.on('error', () => settle(false))
      socket.on('close', () => resolve(false))
    })
  return eventually('NATS on its disk answers', greets, READY_MS)
}
