// hearth-init, the first process of every sandbox, against the protocol of images/README.md: the
// scheduler's own side of the sockets, a real container with the sandbox's restrictions, and a
// shell as the runtime.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'

const docker = promisify(execFile)

interface Sandbox {
  frames: string[]
  output(): string
  /** How many runtime processes have opened a log so far. */
  logs(): number
  send(letter: string, body?: string): void
  /** Answers on the runtime socket. */
  serve(take: (socket: Socket) => void): void
  start(script: string, environment?: string[]): void
  state(): Promise<string>
  docker(verb: 'pause' | 'unpause'): Promise<unknown>
  /** As if the scheduler had died. */
  hangUp(): void
  stop(): Promise<void>
}

const BASE = 'hearth/base:trixie'
const CONFINED = [
  ...['run', '--detach', '--read-only', '--cap-drop', 'ALL', '--user', '1051:1051'],
  ...['--security-opt', 'no-new-privileges', '--network', 'none'],
  ...['--memory', '64m', '--memory-swap', '64m'],
]
const running: Sandbox[] = []
afterEach(async () => {
  for (const sandbox of running.splice(0)) await sandbox.stop()
})

async function startSandbox(): Promise<Sandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-init-'))
  await chmod(folder, 0o755)
  const frames: string[] = []
  const sockets: Socket[] = []
  let output = ''
  let logs = 0
  let control: Socket | undefined
  let serve: (socket: Socket) => void = (socket) => socket.destroy()
  const servers = await listenAll(folder, sockets, {
    'control.sock': (socket) => {
      control = socket
      readFrames(socket, frames)
    },
    'log.sock': (socket) => {
      logs += 1
      socket.on('data', (chunk) => {
        output += chunk.toString()
      })
    },
    'runtime.sock': (socket) => serve(socket),
  })
  const mount = ['--volume', `${folder}:/run/hearth`]
  const { stdout } = await docker('docker', [...CONFINED, ...mount, BASE])
  const id = stdout.trim()
  const send = (letter: string, body = '') => {
    const payload = Buffer.from(letter + body)
    const head = Buffer.alloc(4)
    head.writeUInt32LE(payload.length)
    control?.write(Buffer.concat([head, payload]))
  }
  const sandbox: Sandbox = {
    frames,
    output: () => output,
    logs: () => logs,
    send,
    serve: (take) => {
      serve = take
    },
    start: (script, environment = []) => {
      const fields = ['/tmp', '', '3', '/bin/sh', '-c', script, ...environment]
      send('S', fields.map((field) => `${field}\0`).join(''))
    },
    state: async () =>
      (await docker('docker', ['inspect', '-f', '{{.State.Status}}', id])).stdout.trim(),
    docker: (verb) => docker('docker', [verb, id]),
    hangUp: () => control?.destroy(),
    async stop() {
      await docker('docker', ['rm', '--force', id])
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
      await rm(folder, { recursive: true, force: true })
    },
  }
  running.push(sandbox)
  await expect.poll(() => frames, { timeout: 10_000 }).toEqual(['R'])
  return sandbox
}

function listenAll(
  folder: string,
  sockets: Socket[],
  takers: Record<string, (socket: Socket) => void>,
): Promise<Server[]> {
  return Promise.all(
    Object.entries(takers).map(([name, take]) =>
      listen(folder, name, (socket) => {
        sockets.push(socket)
        socket.on('error', () => {})
        take(socket)
      }),
    ),
  )
}

async function listen(
  folder: string,
  name: string,
  take: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, take)
  await new Promise<void>((listening) => server.listen(join(folder, name), listening))
  await chmod(join(folder, name), 0o777)
  return server
}

function readFrames(socket: Socket, frames: string[]): void {
  let rest = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
      const length = rest.readUInt32LE(0)
      frames.push(rest.toString('latin1', 4, 4 + length))
      rest = rest.subarray(4 + length)
    }
  })
}

const soon = { timeout: 5_000 }

test('starts a process with exactly its environment, and tells how it ended', async () => {
  const sandbox = await startSandbox()
  sandbox.start('env; pwd; id -u; echo to stderr >&2; exit 7', ['A=1', 'B=two words'])
  await expect.poll(() => sandbox.frames, soon).toContain('Xexit 7 oom 0')
  await expect
    .poll(() => sandbox.output().trim().split('\n').sort(), soon)
    .toEqual(['A=1', 'B=two words', 'PWD=/tmp', '/tmp', '1051', 'to stderr'].sort())
})

test('tells the signal that ended a process', async () => {
  const sandbox = await startSandbox()
  sandbox.start('kill -SEGV $$')
  await expect.poll(() => sandbox.frames, soon).toContain('Xsignal 11 oom 0')
})

test('tells a program that it cannot start from one that exits with 127', async () => {
  const sandbox = await startSandbox()
  const ends = async (directory: string, search: string, program: string) => {
    const before = sandbox.frames.length
    sandbox.send('S', [directory, search, '1', program, ''].join('\0'))
    await expect.poll(() => sandbox.frames.length, soon).toBe(before + 1)
    return sandbox.frames.at(-1)
  }
  expect(await ends('/tmp', '', '/not/there')).toBe('Xexec 2 oom 0 /not/there')
  expect(await ends('/tmp', '', '/etc/passwd')).toBe('Xexec 13 oom 0 /etc/passwd')
  expect(await ends('/not/there', '', '/bin/sh')).toBe('Xchdir 2 oom 0 /not/there')
  expect(await ends('/tmp', '/opt:/tmp:', 'thing')).toBe('Xfind 2 oom 0 thing')
  expect(await ends('/tmp', '/bin:/etc', 'fstab')).toBe('Xexec 13 oom 0 /etc/fstab')
  expect(await ends('/tmp', '/opt:/bin', 'true')).toBe('Xexit 0 oom 0')
  sandbox.start('exit 127')
  await expect.poll(() => sandbox.frames.at(-1), soon).toBe('Xexit 127 oom 0')
})

test('passes bytes between 127.0.0.1:9001 and the runtime socket, both ways', async () => {
  const sandbox = await startSandbox()
  const big = 3_000_000
  sandbox.serve((socket) => {
    let got = 0
    socket.on('data', (chunk) => {
      got += chunk.length
    })
    // Answers only when the other half is closed, with more than any buffer holds.
    socket.on('end', () => socket.end(Buffer.alloc(got, 'x')))
  })
  // Perl, which Debian's smallest root has: both halves of one connection, one after the other.
  sandbox.start(
    `perl -MIO::Socket::INET -e '
      my $s = IO::Socket::INET->new("127.0.0.1:9001") or die "refused: $!";
      print $s "y" x ${big}; $s->shutdown(1);
      my ($all, $n) = (0, 0); $all += $n while $n = sysread($s, my $b, 65536);
      print "got $all\\n"'`,
  )
  await expect.poll(() => sandbox.output(), soon).toBe(`got ${big}\n`)
})

test('serves eight connections at a time, and the next when one has gone', async () => {
  const sandbox = await startSandbox()
  let open = 0
  let most = 0
  sandbox.serve((socket) => {
    open += 1
    most = Math.max(most, open)
    socket.on('close', () => {
      open -= 1
    })
    socket.on('data', () => socket.write('!'))
    socket.on('end', () => socket.end())
  })
  sandbox.start(
    `perl -MIO::Socket::INET -e '
      my @s = map { IO::Socket::INET->new("127.0.0.1:9001") or die "refused: $!" } 1..12;
      syswrite $_, "?" for @s;
      for (@s) { sysread $_, my $b, 1; print $b; close $_ }
      print "\\n"'`,
  )
  await expect.poll(() => sandbox.output(), soon).toBe('!!!!!!!!!!!!\n')
  expect(most).toBeLessThanOrEqual(8)
})

test('a runtime whose answerer goes away sees its connection end', async () => {
  const sandbox = await startSandbox()
  sandbox.serve((socket) => socket.once('data', () => socket.destroy()))
  sandbox.start(
    `perl -MIO::Socket::INET -e '
      my $s = IO::Socket::INET->new("127.0.0.1:9001");
      syswrite $s, "?"; my $n = sysread $s, my $b, 1; print "n=", $n // "reset", "\\n"'`,
  )
  await expect.poll(() => sandbox.output(), soon).toMatch(/^n=(0|reset)\n$/)
})

test('kills everything when asked, orphans too, and starts again in the same sandbox', async () => {
  const sandbox = await startSandbox()
  sandbox.start('(sleep 1000 &) ; sleep 1000 & echo up; sleep 1000')
  await expect.poll(() => sandbox.output(), soon).toContain('up')
  sandbox.send('K')
  await expect.poll(() => sandbox.frames, soon).toContain('Xsignal 9 oom 0')
  sandbox.start('echo again; ls -d /proc/[0-9]* | wc -l')
  await expect.poll(() => sandbox.output(), soon).toMatch(/again\n\d+\n/)
  // hearth-init, the shell, and the two ends of its pipe.
  expect(Number(/again\n(\d+)/.exec(sandbox.output())?.[1])).toBeLessThanOrEqual(4)
  expect(sandbox.logs()).toBe(2)
})

test('reaps orphans while its process goes on', async () => {
  const sandbox = await startSandbox()
  sandbox.start(
    'for i in 1 2 3 4 5; do (true &) ; done; sleep 0.3; grep -l "^State:.Z" /proc/[0-9]*/status; echo done',
  )
  await expect.poll(() => sandbox.output(), soon).toBe('done\n')
})

test('knows its memory, and counts what the kernel killed', async () => {
  const sandbox = await startSandbox()
  sandbox.start('a=x; while true; do a=$a$a; done')
  await expect
    .poll(() => sandbox.frames.at(-1), { timeout: 20_000 })
    .toMatch(/^Xsignal 9 oom [1-9]/)
  sandbox.send('M')
  await expect.poll(() => sandbox.frames.at(-1), soon).toMatch(/^M\d+$/)
  const peak = Number(sandbox.frames.at(-1)?.slice(1))
  expect(peak).toBeGreaterThan(50 * 1024 * 1024)
  expect(peak).toBeLessThanOrEqual(64 * 1024 * 1024)
})

test('cannot be traced or killed from inside', async () => {
  const sandbox = await startSandbox()
  sandbox.start(
    'kill -9 1; cat /proc/1/environ; cat /proc/1/mem; readlink /proc/1/fd/3; echo still here',
  )
  await expect.poll(() => sandbox.output(), soon).toContain('still here')
  expect(sandbox.output()).toContain('Permission denied')
  expect(await sandbox.state()).toBe('running')
})

test('ends the sandbox ten seconds after its scheduler is gone', async () => {
  const sandbox = await startSandbox()
  sandbox.start('sleep 1000')
  sandbox.hangUp()
  const startedAt = performance.now()
  await expect.poll(() => sandbox.state(), { timeout: 20_000, interval: 200 }).toBe('exited')
  const waited = performance.now() - startedAt
  expect(waited).toBeGreaterThan(9_000)
  expect(waited).toBeLessThan(15_000)
})

test('ends the sandbox ten seconds after its scheduler fell silent, and not while it speaks', async () => {
  const sandbox = await startSandbox()
  sandbox.start('sleep 1000')
  const speaking = setInterval(() => sandbox.send('A'), 3_000)
  await new Promise((resolve) => setTimeout(resolve, 14_000))
  expect(await sandbox.state()).toBe('running')
  clearInterval(speaking)
  const startedAt = performance.now()
  await expect.poll(() => sandbox.state(), { timeout: 20_000, interval: 200 }).toBe('exited')
  expect(performance.now() - startedAt).toBeGreaterThan(6_000)
})

test('that was frozen for long goes on with what was said meanwhile', async () => {
  const sandbox = await startSandbox()
  sandbox.start('sleep 1000')
  sandbox.send('A')
  await sandbox.docker('pause')
  const speaking = setInterval(() => sandbox.send('A'), 3_000)
  await new Promise((resolve) => setTimeout(resolve, 13_000))
  await sandbox.docker('unpause')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  clearInterval(speaking)
  expect(await sandbox.state()).toBe('running')
})
