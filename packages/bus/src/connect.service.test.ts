// How a connection to NATS ends when the server says nothing any more.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startNats } from '../../../e2e/servers.ts'
import { connectBus } from './connect.ts'

const run = promisify(execFile)

test('a server that is frozen keeps nobody from ending', async () => {
  const nats = await startNats()
  const bus = await connectBus(nats)
  const { stdout } = await run('docker', ['ps', '--quiet', '--filter', `publish=${portOf(nats)}`])
  await run('docker', ['pause', stdout.trim()])
  try {
    const asked = performance.now()
    await bus.close()
    expect(performance.now() - asked).toBeLessThan(8_000)
  } finally {
    await run('docker', ['unpause', stdout.trim()])
    await nats.stop()
  }
})

const portOf = ({ url }: { url: string }) => new URL(url).port
