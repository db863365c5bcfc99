// The verbs about events: dead letters and their way back. Options and help only; each loads its
// code when it is called.

import type { Command } from 'commander'
import type { Surroundings } from './main.ts'

export function addEventCommands(program: Command, surroundings: Surroundings) {
  addDeadLetters(program, surroundings)
}

function addDeadLetters(program: Command, { globals, act }: Surroundings) {
  const dlq = program
    .command('dlq')
    .description('events that were given up and have no other place: look at them, try them again')
    .addHelpText(
      'after',
      '\nAn asynchronous event ends here when its attempts or its time are used up and its' +
        '\nfunction has neither an OnFailure destination nor a dead-letter queue, or that could not' +
        '\nbe reached for a day, or the function is gone. They are kept for 14 days.',
    )
  dlq
    .command('ls')
    .description('how many each function has, or those of one function')
    .argument('[function]', 'its name')
    .action(
      act(async (name: string | undefined) =>
        (await import('./dead-letters.ts')).listDeadLetters(globals(), name),
      ),
    )
  dlq
    .command('redrive')
    .description('put events back on the queue, each under a new request id')
    .argument('<function>', 'its name')
    .argument('[requestIds...]', 'these only')
    .addHelpText('after', '\nExample:\n  hearth dlq redrive orders')
    .action(
      act(async (name: string, requestIds: string[]) =>
        (await import('./dead-letters.ts')).redriveDeadLetters(globals(), { name, requestIds }),
      ),
    )
}
