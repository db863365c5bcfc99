#!/usr/bin/env node
// The `hearth` command: its global options, and how a verb's end becomes an exit code. What verbs
// there are is in the command files; a verb's own code is loaded only when it is called.

import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { addAliasCommands } from './alias-commands.ts'
import { addBillCommands } from './bill-commands.ts'
import { addEventCommands } from './event-commands.ts'
import { EXIT, explain } from './failures.ts'
import { addFunctionCommands } from './function-commands.ts'
import { shapeHelp } from './help-text.ts'
import { addIdentityCommands } from './identity-commands.ts'
import type { Format } from './output.ts'
import { addPlatformCommands } from './platform-commands.ts'

export interface Globals {
  endpointUrl?: string
  region?: string
  output: Format
}

/** What the command files need of this one. */
export interface Surroundings {
  globals(): Globals
  version: string
  /** Runs a verb; a failure becomes a sentence and an exit code. A number is an exit code, too. */
  act<A extends unknown[]>(verb: (...given: A) => Promise<unknown>): (...given: A) => Promise<void>
}

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const AFTER = `
Credentials are found like those of any AWS client (AWS_ACCESS_KEY_ID, AWS_PROFILE and so on). Where
nothing is configured and Hearth is on this machine, a fresh install's key is used: hearth/hearth.

Exit codes:
  0  done
  1  the function failed, or the API refused
  2  the command was not understood
  3  Hearth is out of reach

Examples:
  hearth up                              start Hearth and see a function answer
  hearth deploy ./greeter --url          make a function of a folder
  hearth invoke greeter -e '{"name":"Ada"}' --tail
  hearth logs greeter -f`

const program = shapeHelp(
  new Command('hearth'),
  (text) => process.stdout.write(text),
  process.stdout.columns,
)
  .description('Your own Lambda: the AWS Lambda API on your own machine.')
  .version(version)
  .option(
    '--endpoint-url <url>',
    'where Hearth is (default: AWS_ENDPOINT_URL_LAMBDA, then AWS_ENDPOINT_URL, then ' +
      'http://localhost:4574)',
  )
  .option('--region <name>', 'region to sign for (default: AWS_REGION, then us-east-1)')
  .addOption(
    new Option('-o, --output <format>', 'how results look; csv is for bills')
      .choices(['table', 'json', 'csv'])
      .default('table'),
  )
  .addHelpText('after', AFTER)
  .showSuggestionAfterError()
  .showHelpAfterError('Add --help to see what there is.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage))

const surroundings: Surroundings = {
  globals: () => program.opts<Globals>(),
  version,
  act:
    (verb) =>
    async (...given) => {
      try {
        const code = await verb(...given)
        process.exitCode = typeof code === 'number' ? code : EXIT.ok
      } catch (error) {
        await fail(error)
      }
    },
}

async function fail(error: unknown): Promise<void> {
  const { message, exitCode } = explain(error, await namedEndpoint())
  console.error(message)
  process.exitCode = exitCode
}

/** For a sentence about a failure, which may be that there is no endpoint. */
async function namedEndpoint(): Promise<string> {
  const { endpointUrl } = await import('./settings.ts')
  try {
    return program.opts<Globals>().endpointUrl ?? endpointUrl()
  } catch {
    return 'its endpoint'
  }
}

// Whoever reads our output may stop early, as `head` does; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
  throw error
})

addPlatformCommands(program, surroundings)
addFunctionCommands(program, surroundings)
addAliasCommands(program, surroundings)
addEventCommands(program, surroundings)
addIdentityCommands(program, surroundings)
addBillCommands(program, surroundings)
program.hook('preAction', (_, command) => {
  if (program.opts<Globals>().output !== 'csv' || command.name() === 'bill') return
  program.error('error: only `hearth bill` has CSV.', { exitCode: EXIT.usage })
})
program.hook('preAction', async (_, command) => {
  // A server is configured by what its container or unit gives it, and by nothing that lies about.
  if (command.name() === 'serve') return
  try {
    ;(await import('./settings.ts')).readEnvFile()
  } catch (error) {
    program.error(`error: ${(error as Error).message}`, { exitCode: EXIT.usage })
  }
})
await program.parseAsync()
