#!/usr/bin/env node
// The `hearth` command: which verbs there are, and where each lives. A verb's code is loaded only when it is
// called, so that help and small verbs start quickly.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const program = new Command('hearth').version(version)

program
  .command('serve')
  .description('run Hearth in the foreground; HEARTH_* variables configure it')
  .option('--roles <list>', 'gateway, scheduler, metering (default: all)')
  .option('--port <number>', 'where the API listens')
  .action(async (options: { roles?: string; port?: string }) => {
    const [{ readConfig }, { serve }] = await Promise.all([
      import('./config.ts'),
      import('./serve.ts'),
    ])
    const config = readConfig({
      ...(options.roles && { HEARTH_ROLES: options.roles }),
      ...(options.port && { HEARTH_PORT: options.port }),
    })
    await serve(config, version)
    process.exit(0)
  })

await program.parseAsync()
