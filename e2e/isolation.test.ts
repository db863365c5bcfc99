// Probes from inside functions against the kernel, the host's files and the platform's own: each is
// something that a function must not be able to do, and where it can be shown, the same probe with
// more privileges shows that it would have told.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'
import { compileProbe, NODE, PYTHON, resultsOf } from './isolation/probes.ts'

const docker = promisify(execFile)
let hearth: Hearth
let program: Uint8Array

beforeAll(async () => {
  ;[hearth, program] = await Promise.all([startHearth(), compileProbe()])
  const secret = { Variables: { SECRET: 'nobody-else-sees-this' } }
  await Promise.all([
    hearth.create({
      FunctionName: 'node',
      files: { 'index.mjs': NODE, probe: program },
      Timeout: 60,
      MemorySize: 512,
      Environment: secret,
    }),
    hearth.create({
      FunctionName: 'python',
      Runtime: 'python3.13',
      files: { 'index.py': PYTHON },
      Timeout: 60,
      MemorySize: 256,
      Environment: secret,
    }),
  ])
})
afterAll(() => hearth?.stop())

const ask = async (name: 'node' | 'python', event: unknown) =>
  (await hearth.invoke(name, event)).json
const read = async (path: string): Promise<string> =>
  (await ask('node', { do: 'read', path })).ok ?? ''

/** What the compiled probe hears: EPERM wherever a privilege would be needed. */
const REFUSED = [
  ...['unshare-user', 'unshare-mount', 'unshare-network', 'clone-user', 'clone-network', 'setns'],
  ...['sethostname', 'mount', 'remount', 'umount', 'pivot_root', 'chroot', 'fsopen', 'open_tree'],
  ...['name_to_handle_at', 'mknod-device', 'swapon', 'io_uring_setup', 'bpf', 'perf_event_open'],
  ...['userfaultfd', 'keyctl', 'add_key', 'kexec_load', 'init_module', 'reboot', 'syslog'],
  ...['settimeofday', 'iopl', 'ptrace-init', 'ptrace-child', 'process_vm_readv'],
  ...['process_vm_writev', 'setuid', 'setgid', 'setgroups', 'raw', 'packet', 'vsock', 'alg', 'key'],
  'netlink-uevent',
]
/** Files that are not there, not to be written or not to be read; which of these is the kernel's. */
const OUT_OF_REACH = [
  ...['init-environ', 'init-memory', 'init-maps', 'sysrq', 'kcore', 'kmsg', 'mem'],
  ...['core-pattern', 'ip-forward', 'cgroup'],
]
/** What name resolution and ordinary programs need. */
const ALLOWED = ['netlink-route', 'unix', 'tcp']
/** What the same program may do with more privileges; the rest some kernels lack. */
const CONTROLS = [
  ...['unshare-mount', 'unshare-network', 'clone-network', 'setns', 'sethostname', 'mount'],
  ...['umount', 'pivot_root', 'chroot', 'name_to_handle_at', 'mknod-device', 'bpf', 'reboot'],
  ...['settimeofday', 'ptrace-init', 'ptrace-child', 'process_vm_readv', 'process_vm_writev'],
  ...['init-environ', 'setuid', 'setgid', 'setgroups', 'raw', 'packet', 'netlink-uevent'],
]

describe('the kernel', () => {
  let results: Record<string, string>
  beforeAll(async () => {
    results = resultsOf((await ask('node', { do: 'probe' })).ok ?? '')
  })

  test.each(REFUSED)('refuses %s', (name) => {
    expect(results[name]).toBe('EPERM')
  })
  test.each(OUT_OF_REACH)('has %s out of reach', (name) => {
    expect(results[name]).toMatch(/^(EACCES|ENOENT|ENXIO|EPERM|EROFS)$/)
  })
  test.each(ALLOWED)('allows %s', (name) => {
    expect(results[name]).toBe('allowed')
  })
  test('lets libraries fall back from clone3, and kills 32-bit calls', () => {
    expect(results.clone3).toBe('ENOSYS')
    // Where the kernel itself has no 32-bit calls, that is a fault before any filter is asked.
    expect(results['int-0x80']).toMatch(/^(Bad system call|ENOSYS|Segmentation fault)$/)
  })
  test('would have told: with more privileges the probe does all that', async () => {
    const allowed = await probeWithPrivileges()
    expect(CONTROLS.filter((name) => allowed[name] !== 'allowed')).toEqual([])
  })
})

async function probeWithPrivileges(): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-control-'))
  await writeFile(join(folder, 'probe'), program)
  await chmod(join(folder, 'probe'), 0o755)
  const capabilities = [
    ...['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'SYS_BOOT', 'SYS_RAWIO', 'SYS_TIME'],
    ...['SYS_CHROOT', 'SYSLOG', 'DAC_READ_SEARCH'],
  ]
  try {
    const { stdout } = await docker('docker', [
      ...['run', '--rm', '--tmpfs', '/tmp:exec,dev', '--volume', `${folder}:/probe:ro`],
      ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
      ...capabilities.flatMap((capability) => ['--cap-add', capability]),
      ...['--entrypoint', '/bin/sh', 'hearth/base:trixie', '-c', '/probe/probe; true'],
    ])
    return resultsOf(stdout)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe('a function’s process', () => {
  test('has no capabilities, no way to more of them, and a system call filter', async () => {
    const status = await read('/proc/self/status')
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(status).toMatch(new RegExp(`^${set}:\t0{16}$`, 'm'))
    }
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(status).toMatch(/^Seccomp:\t2$/m)
  })

  test('is a user of its own, by AWS’s name, in no other group', async () => {
    const { ok } = await ask('node', { do: 'me' })
    expect(ok.user).toMatchObject({ username: 'sbx_user1051', uid: ok.uid, gid: ok.uid })
    expect(ok.groups.filter((group: number) => group !== ok.gid)).toEqual([])
    const [uid, name, core, files] = (await ask('python', { do: 'me' })).ok
    expect([name, core, files]).toEqual(['sbx_user1051', [0, 0], [1024, 1024]])
    expect(uid).not.toBe(ok.uid)
  })

  test('gains nothing by programs that change the user', async () => {
    const [uid] = (await ask('python', { do: 'me' })).ok
    const { ok: paths } = await ask('python', { do: 'setuid_files' })
    expect(paths).toContain('/usr/bin/su')
    const event = { do: 'spawn', path: '/usr/bin/su' }
    expect((await ask('python', event)).ok).toEqual([uid, uid, uid, uid])
    const script = `${PYTHON}\nprint(handler(${JSON.stringify(event)}, None)['ok'][1])`
    const command = [
      'run',
      '--rm',
      '--user',
      '1051',
      '--entrypoint',
      '/var/lang/bin/python3',
      'hearth/python3.13',
    ]
    const { stdout } = await docker('docker', [...command, '-c', script])
    expect(stdout).toMatch(/^0$/m)
  })

  test('sees its own processes and no others', async () => {
    const { ok } = await ask('node', { do: 'list', path: '/proc' })
    const pids = ok.filter((name: string) => /^\d+$/.test(name))
    expect(pids.length).toBeLessThan(10)
    expect(await read('/proc/1/comm')).toBe('hearth-init\n')
    expect((await ask('node', { do: 'shell', script: 'kill -9 1; echo alive' })).ok).toBe('alive\n')
  })
})

describe('files', () => {
  const places = ['/', '/var/task/', '/var/runtime/', '/opt/', '/etc/', '/run/hearth/', '/usr/bin/']
  test.each(places)('nothing can be written to %s', async (place) => {
    const path = `${place}probe`
    expect((await ask('node', { do: 'write', path })).error).toMatch(/^(EROFS|EACCES)$/)
    expect((await ask('python', { do: 'write', path })).error).toMatch(/^(EROFS|EACCES)$/)
  })

  test('/tmp can be written, and holds no device and no setuid program', async () => {
    expect(await ask('node', { do: 'write', path: '/tmp/probe' })).toEqual({ ok: null })
    expect((await ask('python', { do: 'device' })).error).toBe('EPERM')
    expect(await read('/proc/self/mounts')).toMatch(/ \/tmp \S+ \S*nosuid,nodev/)
  })

  test('only harmless devices are there, and no terminal of anybody', async () => {
    const { ok } = await ask('node', { do: 'list', path: '/dev' })
    const usual =
      /^(core|fd|full|mqueue|null|ptmx|pts|random|shm|std(in|out|err)|tty|urandom|zero)$/
    expect(ok.filter((name: string) => !usual.test(name))).toEqual([])
  })

  test('Docker’s socket and the host’s data are not there', async () => {
    const paths = ['/var/run/docker.sock', '/run/docker.sock', '/var/lib/docker', '/.dockerinit']
    for (const path of [...paths, hearth.dataDirectory]) {
      expect((await ask('node', { do: 'list', path })).error).toMatch(/^ENOENT$/)
    }
    for (const path of paths.slice(0, 2)) {
      expect((await ask('python', { do: 'connect', to: { path } })).error).toBe('ENOENT')
    }
  })
})

describe('the platform', () => {
  test('Docker knows none of a function’s variables', async () => {
    const ids = await hearth.sandboxes()
    const { stdout } = await docker('docker', ['inspect', ...ids])
    expect(ids.length).toBeGreaterThan(1)
    expect((await ask('node', { do: 'me' })).ok.environment.SECRET).toBe('nobody-else-sees-this')
    expect(stdout).not.toContain('nobody-else-sees-this')
  })

  test('the control socket answers nobody but hearth-init', async () => {
    const start = [3, 0, 0, 0, 0x53, 0, 0]
    expect(await ask('node', { do: 'control', bytes: start })).toEqual({ ok: { heard: 0 } })
    const leave = [9, 0, 0, 0, ...Buffer.from('Xexit 0 o')]
    expect(await ask('node', { do: 'control', bytes: leave })).toEqual({ ok: { heard: 0 } })
    expect((await ask('node', { do: 'me' })).ok.uid).toBeGreaterThan(0)
  })

  test('the sockets are the sandbox’s own, and no link leads out of their directory', async () => {
    const { ok } = await ask('node', { do: 'me' })
    for (const name of ['control.sock', 'log.sock', 'runtime.sock']) {
      const { ok: socket } = await ask('node', { do: 'mode', path: `/run/hearth/${name}` })
      expect(socket).toEqual({ uid: ok.uid, mode: 0o600 })
    }
    const link = { do: 'symlink', path: '/run/hearth/out', to: '/etc/shadow' }
    expect((await ask('node', link)).error).toMatch(/^(EROFS|EACCES)$/)
    expect((await ask('node', { do: 'list', path: '/run/hearth/..' })).ok).not.toContain(
      'docker.sock',
    )
    const out = { do: 'read', path: '/run/hearth/../../../../../etc/shadow' }
    expect((await ask('node', out)).error).toMatch(/^(EACCES|ENOENT)$/)
  })
})
