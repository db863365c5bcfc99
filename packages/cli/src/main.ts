#!/usr/bin/env node
// The `hearth` command: which verbs there are, and where each lives. A verb's code is loaded only when it is
// called, so that help and small verbs start quickly.

import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { DeploySettings } from './deploy.ts'
import type { InvokeOptions } from './invoke.ts'
import type { LogsOptions } from './logs.ts'
import type { Format } from './output.ts'

interface Globals {
  endpointUrl?: string
  region?: string
  output: Format
}

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const program = new Command('hearth')
  .description('Your own Lambda: the AWS Lambda API on your own machine.')
  .version(version)
  .option(
    '--endpoint-url <url>',
    'where Hearth is (default: AWS_ENDPOINT_URL_LAMBDA, then port 4574 here)',
  )
  .option('--region <name>', 'region to sign for (default: AWS_REGION, then us-east-1)')
  .addOption(
    new Option('-o, --output <format>', 'how results look')
      .choices(['table', 'json'])
      .default('table'),
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 the function or the API said no; 2 the command was not understood; 3 Hearth is out of reach.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

const globals = () => program.opts<Globals>()

/** Runs a verb; a failure becomes a sentence and an exit code. */
const act =
  <A extends unknown[]>(verb: (...given: A) => Promise<unknown>) =>
  async (...given: A): Promise<void> => {
    try {
      const code = await verb(...given)
      process.exitCode = typeof code === 'number' ? code : 0
    } catch (error) {
      const { explain } = await import('./client.ts')
      const { message, exitCode } = explain(error, globals())
      console.error(message)
      process.exitCode = exitCode
    }
  }

const lambda = async () => (await import('./client.ts')).lambdaClient(globals())

program
  .command('up')
  .description('bring up Hearth with all it needs, deploy a sample function and invoke it')
  .action(act(async () => (await import('./up.ts')).up()))

program
  .command('down')
  .description('stop Hearth; functions, events and the ledger are kept')
  .option('--volumes', 'forget the data too')
  .action(
    act(async ({ volumes = false }: { volumes?: boolean }) =>
      (await import('./down.ts')).down({ volumes }),
    ),
  )

program
  .command('status')
  .description('what runs')
  .action(act(async () => (await import('./status.ts')).status(globals())))

program
  .command('doctor')
  .description('look for what keeps Hearth from running, and say what to do')
  .action(act(async () => (await import('./status.ts')).doctor(globals())))

program
  .command('images')
  .description('make sure of the Docker engine and of every image')
  .action(
    act(async () => {
      const [{ step }, { ensureEngine }, { ensureImages }] = await Promise.all([
        import('./progress.ts'),
        import('./engine.ts'),
        import('./images.ts'),
      ])
      await step('A Docker engine', ensureEngine)
      await step('Images', ensureImages)
    }),
  )

program
  .command('deploy')
  .description('create or update a function from a folder or a zip')
  .argument('<path>', 'the folder or zip')
  .option('--name <name>', 'default: the name of the folder')
  .option('--runtime <id>', 'such as nodejs24.x or python3.13 (default: by the files)')
  .option('--handler <name>', 'such as index.handler')
  .option('--memory <MB>', 'memory size', Number)
  .option('--timeout <seconds>', 'timeout', Number)
  .option('--role <arn>', 'execution role; kept and shown, and never assumed')
  .option('--description <text>')
  .option('--env <NAME=value...>', 'environment variables')
  .option('--log-format <format>', 'Text or JSON')
  .option('--url', 'give it a public function URL')
  .addHelpText('after', '\nExample:\n  hearth deploy ./greeter --memory 256 --env STAGE=prod --url')
  .action(
    act(async (path: string, options: DeploySettings & { env?: string[] }) => {
      const [{ deploy }, { show, bytes }] = await Promise.all([
        import('./deploy.ts'),
        import('./output.ts'),
      ])
      const { env, ...given } = options
      const environment = env && Object.fromEntries(env.map(splitPair))
      const done = await deploy(await lambda(), path, {
        ...given,
        ...(environment && { environment }),
      })
      const { FunctionArn, Runtime, CodeSize } = done.configuration
      show(globals().output, { ...done.configuration, url: done.url }, () =>
        [
          `${FunctionArn} (${Runtime}, ${bytes(CodeSize ?? 0)})${done.changed ? '' : ': unchanged'}`,
          ...(done.url ? [done.url] : []),
        ].join('\n'),
      )
    }),
  )

program
  .command('invoke')
  .description('invoke a function and print its answer')
  .argument('<name>', 'name or ARN')
  .option('-e, --event <json>', 'JSON, a file that holds it, or - for standard input')
  .option('-q, --qualifier <version>')
  .option('--tail', "show the invocation's log")
  .option('--dry-run', 'only check that it could be invoked')
  .action(
    act(async (name: string, options: InvokeOptions) =>
      (await import('./invoke.ts')).invoke(await lambda(), name, options),
    ),
  )

program
  .command('logs')
  .description("show a function's log")
  .argument('<name>', 'function or log group')
  .option('-f, --follow', 'go on as lines arrive')
  .option('--since <span>', 'how far back: 90s, 10m, 2h, 1d', '10m')
  .option('--filter <terms>', 'only lines with all of these')
  .action(
    act(async (name: string, options: LogsOptions) => {
      const { logsClient } = await import('./client.ts')
      await (await import('./logs.ts')).logs(logsClient(globals()), name, options)
    }),
  )

program
  .command('ls')
  .description('list functions')
  .action(act(async () => (await import('./functions.ts')).list(await lambda(), globals().output)))

program
  .command('rm')
  .description('delete a function')
  .argument('<name>')
  .action(
    act(async (name: string) => (await import('./functions.ts')).remove(await lambda(), name)),
  )

program
  .command('bill')
  .description('requests and GB-seconds of a month, and what they cost')
  .option('--month <YYYY-MM>', 'default: this month')
  .action(
    act(async ({ month }: { month?: string }) => {
      const { fetchBill } = await import('./client.ts')
      const bill = await fetchBill(globals(), month)
      ;(await import('./functions.ts')).showBill(bill, globals().output)
    }),
  )

program
  .command('serve')
  .description('run Hearth in the foreground; HEARTH_* variables configure it')
  .option('--roles <list>', 'gateway, scheduler, metering (default: all)')
  .option('--port <number>', 'where the API listens')
  .action(
    act(async (options: { roles?: string; port?: string }) => {
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
    }),
  )

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
}

await program.parseAsync()
