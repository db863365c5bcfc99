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
  `.listen(${PORT})`
const START_MS = 1_000

export async function startFloor(): Promise<Target & { stop(): Promise<void> }> {
  const stop = async () => void (await run('docker', ['rm', '--force', NAME]).catch(() => {}))
  await stop()
  const args = ['run', '--detach', '--name', NAME, '--network', 'hearth-sandboxes']
  const node = ['--entrypoint', '/var/lang/bin/node', 'hearth/nodejs24.x', '-e', SERVER]
  await run('docker', [...args, ...node])
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const { stdout } = await run('docker', ['inspect', '-f', format, NAME])
  const host = stdout.trim()
  const bytes = plain(host)
  await new Promise((resolve) => setTimeout(resolve, START_MS))
  return { host, port: PORT, request: () => bytes, stop }
}
