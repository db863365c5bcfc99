// `hearth down`: stops what `hearth up` started. Data stays in its volumes unless it is to be forgotten; sandboxes
// go in any case, because nobody is left to use them.

import { composeDown } from './compose.ts'
import { engineAnswers, ensureCompose } from './engine.ts'
import { step } from './progress.ts'
import { project } from './settings.ts'
import { run } from './shell.ts'

export async function down(options: { volumes: boolean }): Promise<void> {
  if (!(await engineAnswers())) {
    console.error('No Docker engine answers, so nothing of Hearth runs.')
    return
  }
  const title = options.volumes ? 'Stopping Hearth, and forgetting its data' : 'Stopping Hearth'
  await step(title, async (report) => {
    await ensureCompose(report)
    await composeDown(report, options.volumes)
    await removeSandboxes()
  })
  if (!options.volumes)
    console.error('Functions, events and the ledger are kept; `hearth up` finds them again.')
}

async function removeSandboxes(): Promise<void> {
  const filter = `label=hearth.owner=${project()}`
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', filter])
  const ids = stdout.split('\n').filter((id) => id !== '')
  if (ids.length > 0) await run('docker', ['rm', '--force', '--volumes', ...ids])
}
