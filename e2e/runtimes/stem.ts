// A stem for tests: a runtime's bootstrap in a container of its own image, and the test as the
// scheduler behind its socket. The function's code is put in place only when it is specialised, as
// it is in life.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const docker = promisify(execFile)
const PREFIX = '/2018-06-01/runtime'
const WITHIN_MS = 30_000

type Files = Record<string, string | Uint8Array>

export interface StemAnswer {
  /** `response`, `error` or `init/error`. */
  kind: string
  errorType: string | undefined
  text: string
}

export interface Stem {
  /** Resolves once the runtime has booted and asks what it is; with the milliseconds it took. */
  booted: Promise<number>
  /** Puts the code and a layer in place and tells the environment; resolves when it asks for work, or fails. */
  specialise(
    files: Files,
    environment: Record<string, string>,
    layer?: Files,
  ): Promise<StemAnswer | 'ready'>
  invoke(event: unknown): Promise<StemAnswer>
  output(): string
  stop(): Promise<void>
}

/** Starts a stem of an image; nothing of the function is known to it. */
export async function startStem(image: string): Promise<Stem> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-stem-'))
  const [code, opt] = [join(folder, 'task'), join(folder, 'opt')]
  await Promise.all([mkdir(code), mkdir(opt)])
  await Promise.all([folder, code, opt].map((path) => chmod(path, 0o755)))
  const calls = new Calls()
  const server = createServer((request, response) => void calls.take(request, response))
  await new Promise<void>((listening) =>
    server.listen(join(folder, 'runtime.sock'), () => listening()),
  )
  await chmod(join(folder, 'runtime.sock'), 0o777)
  const name = `hearth-stem-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  const startedAt = performance.now()
  const child = run(name, image, folder)
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk.toString()
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk.toString()
  })
  return {
    booted: calls.of('specialisation').then(() => performance.now() - startedAt),
    async specialise(files, environment, layer = {}) {
      await Promise.all([fill(code, files), fill(opt, layer)])
      const parked = await calls.of('specialisation')
      answer(parked.response, JSON.stringify({ environment }))
      const next = await Promise.race([calls.of('next'), calls.of('init/error')])
      return next.name === 'next' ? 'ready' : finish(next)
    },
    async invoke(event) {
      const { response } = await calls.of('next')
      calls.forget()
      answer(response, JSON.stringify(event), {
        'Lambda-Runtime-Aws-Request-Id': 'request-1',
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + 10_000),
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:000000000000:function:f',
      })
      return finish(await Promise.race([calls.of('response'), calls.of('error')]))
    },
    output: () => output,
    async stop() {
      await docker('docker', ['rm', '--force', name]).catch(() => {})
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function fill(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}

function run(name: string, image: string, folder: string): ChildProcess {
  const environment = {
    HEARTH_STEM: '1',
    HEARTH_RUNTIME_SOCKET: '/run/hearth/runtime.sock',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    LAMBDA_TASK_ROOT: '/var/task',
    ONLY_IN_THE_STEM: 'yes',
  }
  return spawn('docker', [
    ...['run', '--name', name, '--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL'],
    ...['--user', '1051:1051', '--network', 'none', '--memory', '256m', '--workdir', '/'],
    ...['--volume', `${folder}:/run/hearth`, '--volume', `${folder}/task:/var/task:ro`],
    ...['--volume', `${folder}/opt:/opt:ro`],
    ...Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...['--entrypoint', '/var/runtime/bootstrap', image],
  ])
}

interface Call {
  name: string
  request: IncomingMessage
  body: string
  response: ServerResponse
}

/** What the runtime has asked, by name; whoever waits for a name gets the call once it is there. */
class Calls {
  readonly #seen = new Map<string, Call>()
  readonly #waiting: { name: string; resolve(call: Call): void }[] = []

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const name = path === '/hearth/specialisation' ? 'specialisation' : nameOf(path)
    let body = ''
    for await (const chunk of request) body += chunk
    const call = { name, request, body, response }
    this.#seen.set(name, call)
    for (const { name: wanted, resolve } of this.#waiting) if (wanted === name) resolve(call)
  }

  of(name: string): Promise<Call> {
    const seen = this.#seen.get(name)
    if (seen) return Promise.resolve(seen)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, resolve })
      const late = () => reject(new Error(`the runtime did not ask for ${name}`))
      setTimeout(late, WITHIN_MS).unref()
    })
  }

  forget(): void {
    this.#seen.clear()
  }
}

const nameOf = (path: string) =>
  path.endsWith('/init/error') ? 'init/error' : (path.slice(PREFIX.length).split('/').at(-1) ?? '')

function finish({ name, request, body, response }: Call): StemAnswer {
  answer(response, '{"status":"OK"}')
  const errorType = request.headers['lambda-runtime-function-error-type']
  return { kind: name, errorType: errorType?.toString(), text: body }
}

function answer(response: ServerResponse, body: string, headers: Record<string, string> = {}) {
  response.writeHead(200, { ...headers, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
