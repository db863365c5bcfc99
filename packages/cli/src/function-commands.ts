// The verbs about functions: deploy, invoke, logs, ls, rm, esm. Options and help only; each
// loads its code when it is called.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ResetOptions } from './event-source-mappings.ts'
import type { FunctionSettings } from './function-settings.ts'
import type { InvokeOptions } from './invoke.ts'
import type { LogsOptions } from './logs.ts'
import type { Globals, Surroundings } from './main.ts'

export function addFunctionCommands(program: Command, surroundings: Surroundings) {
  addDeploy(program, surroundings)
  addInvoke(program, surroundings)
  addLogs(program, surroundings)
  addInventory(program, surroundings)
  addMappings(program, surroundings)
}

function addDeploy(program: Command, { globals, act }: Surroundings) {
  program
    .command('deploy')
    .description(
      'create or update a function from a folder, a zip or an image, and wait until it is ready',
    )
    .argument('[path]', 'the folder or zip; without one when --image names an image')
    .option('--name <name>', 'default: the name of the folder')
    .option('--runtime <id>', 'such as nodejs24.x or python3.13 (default: by the files)')
    .option('--handler <name>', 'such as index.handler (default: by the files)')
    .option('--memory <MB>', 'memory', whole)
    .option('--timeout <seconds>', 'timeout', whole)
    .option('--env <NAME=value...>', 'environment variables, after the path', variable)
    .option('--image <name>', 'a container image: on the host already, or pulled from its registry')
    .option('--entry-point <word...>', "in place of the image's ENTRYPOINT")
    .option('--command <word...>', "in place of the image's CMD")
    .option('--working-directory <path>', "in place of the image's WORKDIR")
    .option('--role <arn>', 'execution role: what it may do here, `hearth roles` says')
    .option('--description <text>', 'what it is for')
    .addOption(new Option('--architecture <name>', 'CPU').choices(['x86_64', 'arm64']))
    .addOption(new Option('--log-format <format>', 'log format').choices(['Text', 'JSON']))
    .option('--url', 'give it a function URL that anybody may call')
    .addHelpText(
      'after',
      '\nThe same can be written in the folder as hearth.json, with the fields name, runtime,' +
        '\nhandler, role, description, memory, timeout, ephemeralStorage, environment, image,' +
        '\ncommand, entryPoint, workingDirectory, architecture, logFormat and url; options win. A' +
        '\n.hearthignore lists what stays out of the zip, a pattern a line.\n' +
        '\nExamples:' +
        '\n  hearth deploy ./greeter --memory 256 --env STAGE=prod WORD=Hello' +
        '\n  hearth deploy build.zip --name greeter --handler app.run --runtime python3.13' +
        '\n  hearth deploy --image localhost:5000/greeter:1 --command app.handler',
    )
    .action(
      act((path: string | undefined, options: DeployOptions) => deploy(path, options, globals())),
    )
}

function addInvoke(program: Command, { globals, act }: Surroundings) {
  program
    .command('invoke')
    .description('invoke a function and print its answer')
    .argument('<name>', 'name or ARN')
    .addOption(
      new Option(
        '-e, --event <event>',
        'a file, - for standard input, or JSON (default: {})',
      ).conflicts('payload'),
    )
    .option('--payload <json>', 'the event as JSON')
    .option('-q, --qualifier <version>', 'version or alias')
    .option('--tenant-id <id>', 'for whom, if the function keeps its tenants apart')
    .option('--tail', "show the end of the invocation's log")
    .addOption(
      new Option(
        '--type <type>',
        'Event only queues it; DryRun only checks that it could be invoked',
      )
        .choices(['RequestResponse', 'Event', 'DryRun'])
        .default('RequestResponse'),
    )
    .addHelpText(
      'after',
      '\nThe answer goes to standard output; log, function error and why it was not warm to\nstandard error.\n' +
        '\nExamples:' +
        '\n  hearth invoke greeter -e event.json --tail' +
        '\n  echo \'{"name":"Ada"}\' | hearth invoke greeter -e - | jq .message',
    )
    .action(
      act(async (name: string, options: InvokeOptions) =>
        (await import('./invoke.ts')).invoke(await lambdaOf(globals()), name, options),
      ),
    )
}

function addLogs(program: Command, { globals, act }: Surroundings) {
  program
    .command('logs')
    .description("show a function's log")
    .argument('<name>', 'function or log group')
    .option('-f, --follow', 'go on as lines arrive')
    .option('--since <time>', 'how far back (90s, 10m, 2h, 1d), or a time', '10m')
    .option('--filter <pattern>', 'only lines that fit a filter pattern of CloudWatch')
    .addHelpText(
      'after',
      '\nExamples:\n  hearth logs greeter -f --since 1h --filter ERROR' +
        '\n  hearth logs greeter --filter \'"no good" -harmless\'' +
        '\n  hearth logs greeter --filter \'{ $.level = "ERROR" && $.n > 3 }\'',
    )
    .action(
      act(async (name: string, options: LogsOptions) => {
        const { logsClient } = await import('./client.ts')
        const { output } = globals()
        const client = await logsClient(globals())
        await (await import('./logs.ts')).logs(client, name, { ...options, output })
      }),
    )
}

function addInventory(program: Command, { globals, act }: Surroundings) {
  program
    .command('ls')
    .description('list functions')
    .action(
      act(async () =>
        (await import('./functions.ts')).list(await lambdaOf(globals()), globals().output),
      ),
    )

  program
    .command('rm')
    .description('delete a function')
    .argument('<name>', 'name or ARN')
    .option('-y, --yes', 'do not ask; off a terminal it never does')
    .action(
      act(async (name: string, options: { yes?: boolean }) =>
        (await import('./functions.ts')).remove(await lambdaOf(globals()), name, options),
      ),
    )
}

function addMappings(program: Command, { globals, act }: Surroundings) {
  const esm = program.command('esm').description('event source mappings')
  const load = () => import('./event-source-mappings.ts')

  esm
    .command('ls')
    .description('list them, of all functions or of one')
    .argument('[function]', 'name or ARN')
    .action(
      act(async (name: string | undefined) =>
        (await load()).listMappings(await lambdaOf(globals()), name, globals().output),
      ),
    )

  for (const [verb, enabled, description] of [
    ['pause', false, 'stop reading; what is in hand is finished, and the place is kept'],
    ['resume', true, 'go on reading where it stopped'],
  ] as const) {
    esm
      .command(verb)
      .description(description)
      .argument('<uuid>', 'the mapping')
      .action(
        act(async (uuid: string) => {
          const { output } = globals()
          await (await load()).toggleMapping(await lambdaOf(globals()), uuid, { enabled, output })
        }),
      )
  }

  esm
    .command('reset')
    .description('forget how far it is and read anew: Kinesis, DynamoDB streams and Kafka')
    .argument('<uuid>', 'the mapping')
    .option(
      '--to <place>',
      'latest, trim-horizon, or a time (2h ago, or 2026-01-31T08:00:00Z); default: as it began',
    )
    .option('-y, --yes', 'do not ask; off a terminal it never does')
    .action(
      act(async (uuid: string, options: ResetOptions) =>
        (await load()).resetMapping(globals(), uuid, options),
      ),
    )
}

async function lambdaOf(globals: Globals) {
  return (await import('./client.ts')).lambdaClient(globals)
}

type DeployOptions = FunctionSettings & { env?: Record<string, string> }

async function deploy(
  path: string | undefined,
  { env, ...given }: DeployOptions,
  globals: Globals,
): Promise<void> {
  const startedAt = performance.now()
  const [
    { endpointOf, lambdaClient },
    { isLoopback },
    { ensureRuntime },
    { deploy },
    { bytes, show },
    { checkSettings },
  ] = await Promise.all([
    import('./client.ts'),
    import('./credentials.ts'),
    import('./images.ts'),
    import('./deploy.ts'),
    import('./output.ts'),
    import('./function-settings.ts'),
  ])
  const settings = checkSettings({ ...given, ...(env && { environment: env }) }, 'The command line')
  const { configuration, outcome, url } = await deploy(await lambdaClient(globals), path, {
    given: settings,
    ...(isLoopback(endpointOf(globals)) && { prepareRuntime: ensureRuntime }),
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const end = outcome === 'unchanged' ? outcome : `${outcome} in ${seconds} s`
  const { FunctionArn, Runtime, CodeSize = 0 } = configuration
  const made = Runtime ? `${Runtime}, ${bytes(CodeSize)}` : `image ${settings.image ?? ''}`
  show(globals.output, { ...configuration, url, outcome }, () =>
    [`${FunctionArn} (${made}): ${end}`, ...(url ? [url] : [])].join('\n'),
  )
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

function variable(text: string, others: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at > 0) return { ...others, [text.slice(0, at)]: text.slice(at + 1) }
  throw new InvalidArgumentError('Write NAME=value, and the path before --env.')
}
