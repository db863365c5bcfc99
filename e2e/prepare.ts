// What `make test` needs beside the npm packages: a Docker engine, the images, and the AWS CLI.
// Says what it installs and why; does nothing where all is there.

import { canInstall, install } from '../packages/cli/src/debian.ts'
import { ensureCompose, ensureEngine } from '../packages/cli/src/engine.ts'
import { ensureImages } from '../packages/cli/src/images.ts'
import { step } from '../packages/cli/src/progress.ts'
import { succeeds } from '../packages/cli/src/shell.ts'

try {
  await step('Docker: an engine, and its compose command', async (report) => {
    await ensureEngine(report)
    await ensureCompose(report)
  })
  await step('Images: the tests run the ones that users run', ensureImages)
  await step('The AWS CLI: the tests drive Hearth with it', async (report) => {
    if (await succeeds('/usr/bin/aws', ['--version'])) return report('it is here')
    if (!(await canInstall())) {
      throw new Error(
        'The tests need the AWS CLI at /usr/bin/aws. Install it, then run this again.',
      )
    }
    await install(['awscli'], report)
  })
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
