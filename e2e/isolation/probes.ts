// What the isolation tests run inside sandboxes: one function in Node and one in Python that do as
// the event says and answer what came of it, and the compiled probe (probe.c).

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../hearth.ts'

const run = promisify(execFile)

/** To Node: `{ do, ... }`; every answer is `{ ok }` or `{ error: <errno> }`. */
export const NODE = `
import fs from 'node:fs'
import net from 'node:net'
import dns from 'node:dns/promises'
import os from 'node:os'
import { execFileSync, spawn } from 'node:child_process'

const connected = (target) => new Promise((resolve, reject) => {
  const socket = net.connect(target, () => { socket.destroy(); resolve('connected') })
  socket.setTimeout(3000, () => reject(Object.assign(new Error(), { code: 'ETIMEDOUT' })))
  socket.on('error', reject)
})
const servers = []
const verbs = {
  connect: ({ to }) => connected(to),
  listen: ({ port }) => new Promise((resolve) => {
    const server = net.createServer().listen(port, '0.0.0.0', () => resolve(addresses()))
    servers.push(server)
  }),
  addresses: () => addresses(),
  lookup: ({ name }) => dns.lookup(name, { family: 4 }),
  read: ({ path }) => fs.readFileSync(path, 'latin1'),
  list: ({ path }) => fs.readdirSync(path),
  mode: ({ path }) => { const s = fs.statSync(path); return { mode: s.mode & 0o7777, uid: s.uid } },
  write: ({ path }) => fs.writeFileSync(path, 'x'),
  symlink: ({ path, to }) => fs.symlinkSync(to, path),
  probe: () => {
    fs.copyFileSync('/var/task/probe', '/tmp/probe')
    fs.chmodSync('/tmp/probe', 0o755)
    return execFileSync('/tmp/probe', { encoding: 'utf8' })
  },
  shell: ({ script }) => execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }),
  me: () => ({ uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(),
    user: os.userInfo(), environment: { ...process.env } }),
  control: ({ bytes }) => new Promise((resolve) => {
    const socket = net.connect('/run/hearth/control.sock', () => socket.write(Buffer.from(bytes)))
    let heard = 0
    socket.on('data', (chunk) => { heard += chunk.length })
    socket.on('error', () => {})
    socket.on('close', () => resolve({ heard }))
  }),
  fill: ({ path, mb }) => {
    const fd = fs.openSync(path, 'w')
    const block = Buffer.alloc(1 << 20, 1)
    let written = 0
    try { for (; written < mb; written += 1) fs.writeSync(fd, block) } catch (error) {
      return { written, error: error.code }
    } finally { fs.closeSync(fd); fs.unlinkSync(path) }
    return { written }
  },
  fork: async ({ count }) => {
    const children = []
    let error
    try {
      for (let i = 0; i < count && !error; i += 1) {
        const child = spawn('/bin/sleep', ['60'], { stdio: 'ignore' })
        child.on('error', (cause) => { error ??= cause.code })
        if (child.pid) children.push(child)
        if (i % 50 === 0) await new Promise((next) => setTimeout(next, 1))
      }
    } catch (cause) { error = cause.code }
    for (const child of children) child.kill('SIGKILL')
    return { children: children.length, error }
  },
  open: ({ count }) => {
    const fds = []
    let error
    try { for (let i = 0; i < count; i += 1) fds.push(fs.openSync('/dev/null')) } catch (cause) {
      error = cause.code
    }
    for (const fd of fds) fs.closeSync(fd)
    return { opened: fds.length, error }
  },
}
const addresses = () => Object.values(os.networkInterfaces()).flat()
  .filter(({ internal }) => !internal).map(({ address }) => address)

export const handler = async (event) => {
  try {
    return { ok: (await verbs[event.do](event)) ?? null }
  } catch (error) {
    return { error: error.cause?.code ?? error.code ?? String(error) }
  }
}
`

/** The same questions to Python, which makes its own system calls. */
export const PYTHON = `
import errno, os, pwd, resource, socket

def connect(event):
    sort = socket.AF_UNIX if 'path' in event['to'] else socket.AF_INET
    with socket.socket(sort, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        to = event['to']
        connection.connect(to['path'] if 'path' in to else (to['host'], to['port']))
    return 'connected'

def send(event):
    to = (event['to']['host'], event['to']['port'])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(2)
        connection.connect(to)
        connection.send(bytes(event['bytes']))
        return len(connection.recv(4096))

def me(event):
    return [os.getuid(), pwd.getpwuid(os.getuid()).pw_name,
            resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE)]

def setuid_files(event):
    found = []
    for folder, _, names in os.walk('/'):
        if folder.startswith(('/proc', '/sys')):
            continue
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.stat(path).st_mode & 0o6000:
                found.append(path)
    return found

def spawn(event):
    '''The user ids that a program ends with: real, effective, saved, of files.'''
    child = os.posix_spawn(event['path'], [event['path'], '--version'], {})
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    with open(f'/proc/{child}/status') as status:
        users = next(line for line in status if line.startswith('Uid:'))
    os.waitpid(child, 0)
    return [int(user) for user in users.split()[1:]]

def grow(event):
    kept = []
    for _ in range(event['mb']):
        kept.append(bytearray(1 << 20))
    return len(kept)

def raw(event):
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

def read(event):
    with open(event['path'], 'rb') as file:
        return file.read(65536).decode('latin1')

def write(event):
    with open(event['path'], 'w') as file:
        file.write('x')

def device(event):
    os.mknod('/tmp/null', 0o20666, os.makedev(1, 3))

def flood(event):
    for _ in range(event['mb'] * 1024):
        print('x' * 1023)

def handler(event, context):
    try:
        return {'ok': globals()[event['do']](event)}
    except socket.timeout:
        return {'error': 'ETIMEDOUT'}
    except OSError as error:
        return {'error': errno.errorcode.get(error.errno, str(error))}
`

/** The probe, linked so that it runs in any image. */
export async function compileProbe(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-probe-'))
  try {
    const program = join(folder, 'probe')
    const source = join(ROOT, 'e2e/isolation/probe.c')
    await run('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-static', '-o', program, source])
    return await readFile(program)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the probe printed, by name. */
export function resultsOf(output: string): Record<string, string> {
  const lines = output.split('\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...result] = line.split(' ')
      return [name, result.join(' ')]
    }),
  )
}
