// The verbs about aliases: which there are, where they point, a canary and the way back. Options
// and help only; each loads its code when it is called.

import { type Command, InvalidArgumentError } from 'commander'
import type { SetOptions } from './aliases.ts'
import type { Surroundings } from './main.ts'

const HELP = `
A canary is a version that gets a part of the invocations beside the alias's own. To let it have all
of them, set the alias to it; to take it away, roll back.

Examples:
  hearth alias set greeter live --publish             what is deployed is live
  hearth deploy ./greeter
  hearth alias set greeter live --publish --canary 10
  hearth alias set greeter live 4                     the canary was good
  hearth alias rollback greeter live                  it was not`

export function addAliasCommands(program: Command, { globals, act }: Surroundings) {
  const load = () => import('./aliases.ts')
  const client = async () => (await import('./client.ts')).lambdaClient(globals())
  const alias = program
    .command('alias')
    .description("names of functions' versions, and canaries")
    .addHelpText('after', HELP)

  alias
    .command('ls')
    .description('list them, of all functions or of one')
    .argument('[function]', 'name or ARN')
    .action(
      act(async (name: string | undefined) =>
        (await load()).listAliases(await client(), name, globals().output),
      ),
    )

  alias
    .command('set')
    .description('point an alias to a version, or let a version have a part beside it')
    .argument('<function>', 'name or ARN')
    .argument('<alias>', 'made if there is none')
    .argument('[version]', 'default: the newest published one')
    .option('--canary <percent>', 'only so much of the invocations goes to the version', share)
    .option('--weight <share>', 'the same from 0 to 1', share)
    .option('--publish', 'make a version of what the function is now, and take that')
    .option('--description <text>', 'what it is for')
    .action(
      act(
        async (functionName: string, name: string, version: string | undefined, o: SetOptions) => {
          const given = { ...o, version, output: globals().output }
          await (await load()).setAlias(await client(), { functionName, name }, given)
        },
      ),
    )

  alias
    .command('rollback')
    .description("take the canary away: the alias's own version gets everything")
    .argument('<function>', 'name or ARN')
    .argument('<alias>', 'which')
    .action(
      act(async (functionName: string, name: string) =>
        (await load()).rollBack(await client(), { functionName, name }, globals().output),
      ),
    )

  alias
    .command('rm')
    .description('delete an alias; its versions stay')
    .argument('<function>', 'name or ARN')
    .argument('<alias>', 'which')
    .option('-y, --yes', 'do not ask; off a terminal it never does')
    .action(
      act(async (functionName: string, name: string, options: { yes?: boolean }) =>
        (await load()).removeAlias(await client(), { functionName, name }, options),
      ),
    )
}

function share(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number.')
}
