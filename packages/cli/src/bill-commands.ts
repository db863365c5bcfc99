// The verbs about money: the bill, its export and its proof, and budgets. Options and help only;
// each loads its code when it is called.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BillOptions } from './bill.ts'
import type { BudgetOptions } from './budgets.ts'
import type { Surroundings } from './main.ts'

export function addBillCommands(program: Command, surroundings: Surroundings) {
  addBill(program, surroundings)
  addBudgets(program, surroundings)
}

function addBill(program: Command, { globals, act }: Surroundings) {
  program
    .command('bill')
    .description('what a month used, and what that costs here and on AWS')
    .option('--month <YYYY-MM>', 'default: this month, UTC')
    .option(
      '--by <groups>',
      'function, version, alias, tenant, architecture, day, month, account, tag:KEY; several with ' +
        'commas',
    )
    .option('--watch', 'again every second; q ends')
    .addOption(
      new Option('--cur', "as CSV with the columns of AWS's Cost and Usage Report").conflicts([
        'by',
        'watch',
      ]),
    )
    .addOption(
      new Option(
        '--reconcile',
        'read the whole ledger and prove that the bills are right',
      ).conflicts(['by', 'cur', 'month', 'watch']),
    )
    .addHelpText(
      'after',
      '\nRows show list prices; the free tier is the account’s, and comes off the total. Tags are' +
        '\nthose that functions have now. What it costs here is told by HEARTH_PRICES_FILE.' +
        '\nWith --reconcile the exit code is 1 when ledger and bills differ.\n' +
        '\nExamples:' +
        '\n  hearth bill --by tag:team' +
        '\n  hearth bill --month 2026-10 --by function,day -o csv > october.csv' +
        '\n  hearth bill --cur > report.csv',
    )
    .action(
      act(async (options: BillOptions & { reconcile?: true }) =>
        options.reconcile
          ? (await import('./reconciliation.ts')).reconcile(globals())
          : (await import('./bill.ts')).bill({ ...globals(), ...options }),
      ),
    )
}

function addBudgets(program: Command, { globals, act }: Surroundings) {
  const budget = program
    .command('budget')
    .description('so much a month: whom to tell when it is used, and whether to stop then')
    .addHelpText(
      'after',
      '\nExamples:' +
        '\n  hearth budget set all --limit 50 --alert 50 80 --tell https://example.com/hook' +
        '\n  hearth budget set calls --function orders --unit requests --limit 90000 --stop',
    )
  const load = () => import('./budgets.ts')
  budget
    .command('ls')
    .description('which there are, and how far each is')
    .action(act(async () => (await load()).listBudgets(globals())))
  budget
    .command('set')
    .description('make one, or put another in its place')
    .argument('<name>', 'its name')
    .requiredOption('--limit <amount>', 'a month, UTC', positive)
    .addOption(
      new Option('--unit <unit>', 'of the limit')
        .choices(['aws-dollars', 'own-dollars', 'gb-seconds', 'requests'])
        .default('aws-dollars'),
    )
    .addOption(
      new Option('--function <name>', 'of this function (default: of the account)').conflicts(
        'tag',
      ),
    )
    .option('--tag <KEY=value>', 'of all functions with this tag')
    .option('--alert <percent...>', 'when somebody is told (default: 80 100)')
    .option('--tell <destination>', 'who: a webhook, or the ARN of a topic, queue or subject')
    .option('--stop', 'refuse invocations when it is used up')
    .action(
      act(async (name: string, options: BudgetOptions) =>
        (await load()).setBudget(globals(), name, options),
      ),
    )
  budget
    .command('rm')
    .description('forget one; what it stopped runs again')
    .argument('<name>', 'its name')
    .action(act(async (name: string) => (await load()).removeBudget(globals(), name)))
}

function positive(text: string): number {
  const amount = Number(text)
  if (text !== '' && Number.isFinite(amount) && amount > 0) return amount
  throw new InvalidArgumentError('It must be a number above 0.')
}
