// The verbs about identity: access keys, and what roles may do. Options and help only; each loads
// its code when it is called.

import type { Command } from 'commander'
import type { Surroundings } from './main.ts'

const load = () => import('./access-keys.ts')

export function addIdentityCommands(program: Command, surroundings: Surroundings) {
  addKeys(program, surroundings)
  addRoles(program, surroundings)
}

function addKeys(program: Command, { globals, act }: Surroundings) {
  const keys = program
    .command('keys')
    .description('access keys beside the root keys of HEARTH_ACCESS_KEYS, which alone may use this')
    .addHelpText(
      'after',
      '\nExample:\n  hearth keys create --name ci --policy deploy.json\n\nwith deploy.json like this:' +
        '\n  {"Version":"2012-10-17","Statement":[' +
        '\n    {"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}',
    )
  keys
    .command('create')
    .description('make a key; its secret is shown this once')
    .requiredOption('--name <name>', "the user's whose key it is")
    .option('--policy <file>', 'an IAM policy: what the key may do')
    .option('--everything', 'it may do everything but make keys')
    .action(
      act(async (wish: { name: string; policy?: string; everything?: boolean }) =>
        (await load()).createKey(globals(), wish),
      ),
    )
  keys
    .command('ls')
    .description('which there are, and what they may do')
    .action(act(async () => (await load()).listKeys(globals())))
  keys
    .command('rm')
    .description('take a key away; it is refused from then on')
    .argument('<accessKeyId>', 'its id')
    .action(act(async (id: string) => (await load()).deleteKey(globals(), id)))
}

function addRoles(program: Command, { globals, act }: Surroundings) {
  const roles = program
    .command('roles')
    .description('what functions may do when they call Hearth, by the role that each has')
    .addHelpText(
      'after',
      '\nA function of a role that nobody set may invoke others and write logs. One whose role was' +
        '\nset, here or by IAM, may do exactly what its policies say.' +
        '\n\nExample:\n  hearth roles set orders policy.json',
    )
  roles
    .command('set')
    .description('give a role this one policy, in the place of what it had')
    .argument('<role>', 'its name, without the ARN before it')
    .argument('<file>', 'an IAM policy')
    .action(
      act(async (role: string, file: string) => (await load()).setRole(globals(), role, file)),
    )
  roles
    .command('ls')
    .description('which were set, and what they may do')
    .action(act(async () => (await load()).listRoles(globals())))
  roles
    .command('rm')
    .description('forget what was set')
    .argument('<role>', 'its name')
    .action(act(async (role: string) => (await load()).deleteRole(globals(), role)))
}
