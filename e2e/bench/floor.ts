// The floor of a warm call: keep-alive HTTP to a bare Node server in a container on the same bridge
// as the sandboxes. Nothing that runs functions in containers can be faster.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Target } from './load.ts'
import { plain } from './requests.ts'

const run = promisify(execFile)
const NAME = 'hearth-bench-floor'
const PORT = 8080
const SERVER =
  "require('http').createServer((q, s) => { let b = ''; q.on('data', (c) => { b += c }); " +
  "q.on('end', () => { s.writeHead(200, { 'content-length': b.length }); s.end(b) }) })" +
  '.listen(process.env.PORT)'
/** Starts one such server a port, each a process of its own. */
const SERVERS =
  'for (let n = 0; n < process.env.COUNT; n += 1) ' +
  "require('child_process').spawn(process.execPath, ['-e', process.env.SERVER], " +
  `{ env: { PORT: ${PORT} + n } })`
const START_MS = 1_000
const START_MS_EACH = 100
let started = 0

/**
 * Several servers share the callers out: environments are processes of their own, too, and what so
 * many of them cost a machine is no fault of whoever runs them.
 */
export async function startFloor(count = 1): Promise<Target & { stop(): Promise<void> }> {
  if (started === 0) await removeLeftovers()
  started += 1
  const name = `${NAME}-${started}`
  const stop = async () => void (await run('docker', ['rm', '--force', name]).catch(() => {}))
  const variables = [`PORT=${PORT}`, `COUNT=${count}`, `SERVER=${SERVER}`]
  const args = ['run', '--detach', '--name', name, '--network', 'hearth-sandboxes']
  args.push(...variables.flatMap((one) => ['--env', one]))
  const node = ['--entrypoint', '/var/lang/bin/node', 'hearth/nodejs24.x', '-e']
  await run('docker', [...args, ...node, count === 1 ? SERVER : SERVERS])
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const { stdout } = await run('docker', ['inspect', '-f', format, name])
  const host = stdout.trim()
  const bytes = plain(host)
  await new Promise((resolve) => setTimeout(resolve, START_MS + count * START_MS_EACH))
  return { host, port: PORT, ports: count, request: () => bytes, stop }
}

/** Of a bench that was killed. */
async function removeLeftovers(): Promise<void> {
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', `name=${NAME}`])
  const left = stdout.split('\n').filter(Boolean)
  if (left.length > 0) await run('docker', ['rm', '--force', ...left])
}
