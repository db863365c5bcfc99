// `hearth down` and `hearth clean`: stop what `hearth up` started. Data stays in its volumes unless
// it is to be forgotten; sandboxes go in any case, because nobody is left to use them. Images and
// other projects are left alone.

import { composeDown } from './compose.ts'
import { ENGINE_HANGS, engineState, ensureCompose } from './engine.ts'
import { CommandError } from './failures.ts'
import { confirmedByPerson, step } from './progress.ts'
import { removeNetworks } from './sandbox-networks.ts'
import { project } from './settings.ts'
import { run } from './shell.ts'

export interface DownOptions {
  volumes?: boolean
  yes?: boolean
}

export async function down({ volumes = false, yes = false }: DownOptions): Promise<void> {
  const name = project()
  const state = await engineState()
  if (state === 'hangs') throw new CommandError(ENGINE_HANGS)
  if (state === 'silent') {
    console.error('No Docker engine answers, so nothing of Hearth runs.')
    if (!volumes) return
    throw new CommandError('Its data can only be forgotten by Docker: start the engine first.')
  }
  if (volumes && !(await agreed(name, yes))) {
    throw new CommandError('Nothing was stopped, nothing forgotten.')
  }
  const title = volumes ? 'Stopping Hearth, and forgetting its data.' : 'Stopping Hearth.'
  await step(title, async (report) => {
    await ensureCompose(report)
    await composeDown(report, volumes)
    await removeSandboxes(name)
    if (volumes) await removeNetworks()
  })
  if (!volumes) {
    console.error('Functions, events and the ledger are kept; `hearth up` finds them again.')
  }
}

/** Says what goes, and asks unless it was agreed beforehand. */
async function agreed(name: string, yes: boolean): Promise<boolean> {
  const filter = `label=com.docker.compose.project=${name}`
  const { stdout } = await run('docker', ['volume', 'ls', '--quiet', '--filter', filter])
  const volumes = linesOf(stdout)
  if (volumes.length === 0) {
    console.error(`There is no data of ${name} to forget.`)
    return true
  }
  console.error(
    'This forgets every function with its code, settings and URL, all logs and the ledger:\n' +
      `  volumes ${volumes.join(', ')}`,
  )
  return yes || confirmedByPerson('Forget all of it?')
}

/** A sandbox is labelled by the Hearth that owns it, which compose names after the project. */
async function removeSandboxes(name: string): Promise<void> {
  const filter = `label=hearth.owner=${name}`
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', filter])
  const ids = linesOf(stdout)
  if (ids.length > 0) await run('docker', ['rm', '--force', '--volumes', ...ids])
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')
