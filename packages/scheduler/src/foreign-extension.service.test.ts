// An extension that others wrote, as it is in its package: Sentry's, which registers by the
// Extensions API and listens within the sandbox for what the function's SDK sends (MIT, 6 KB).

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openHarness } from './scheduler-harness.ts'

const run = promisify(execFile)
const PACKAGE = '@sentry/aws-serverless@10.75.2'
const FOLDER = 'package/build/lambda-extension'
/** Sends what no SDK would, so that the extension answers itself and calls nobody. */
const HANDLER = `
exports.handler = async () => {
  const answer = await fetch('http://localhost:9000/envelope', { method: 'POST', body: '{}' })
  return { status: answer.status, text: await answer.text() }
}
`

/** The layer, as Sentry builds it of these files. */
async function fetchLayer(): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-extension-'))
  try {
    await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder])
    await run('sh', ['-c', `tar -xzf *.tgz ${FOLDER}`], { cwd: folder })
    const [program = '', module = ''] = await Promise.all(
      ['sentry-extension', 'index.mjs'].map((name) => readFile(join(folder, FOLDER, name), 'utf8')),
    )
    return { 'extensions/sentry-extension': program, 'sentry-extension/index.mjs': module }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('Sentry’s extension runs unmodified, and serves its function', async () => {
  const layers = [
    { arn: 'arn:aws:lambda:us-east-1:0:layer:sentry:1', code: { sha256: 'a', size: 1 } },
  ]
  const harness = await openHarness({
    files: { 'index.js': HANDLER, ...(await fetchLayer()) },
    configuration: { layers },
  })
  try {
    for (let call = 0; call < 2; call += 1) {
      const answer = await harness.invoke({}, { startBy: Date.now() + 30_000 })
      expect(JSON.parse(answer.body)).toEqual({
        status: 400,
        text: '{"error":"Invalid envelope: missing DSN"}',
      })
    }
    expect(harness.log).toContain(
      'EXTENSION\tName: sentry-extension\tState: Ready\tEvents: [INVOKE,SHUTDOWN]',
    )
  } finally {
    await harness.close()
  }
}, 60_000)
