// The verbs about Hearth itself: up, down, clean, status, top, doctor, images, serve. Options and
// help only; each loads its code when it is called.

import { type Command, Option } from 'commander'
import type { Surroundings } from './main.ts'

/** What `hearth top` can be sorted by. */
const SORTS = ['running', 'memory', 'waiting', 'environments', 'name'] as const
export type Sort = (typeof SORTS)[number]

export function addPlatformCommands(program: Command, surroundings: Surroundings) {
  addUpAndDown(program, surroundings)
  addViews(program, surroundings)
  addImages(program, surroundings.act)
  addServe(program, surroundings)
}

function addUpAndDown(program: Command, { globals, act }: Surroundings) {
  program
    .command('up')
    .description('bring up Hearth with all it needs, deploy a sample function and invoke it')
    .addHelpText(
      'after',
      '\nFinds or installs a Docker engine (installs on Debian and Ubuntu as root; elsewhere it' +
        '\nsays what to install), pulls or builds the images, starts the containers and keeps' +
        '\ntheir data in volumes. Run again, it takes seconds and changes nothing.\n' +
        '\nHEARTH_PORT (4574) is where the API will be, HEARTH_PROJECT (hearth) its name:' +
        '\n  HEARTH_PROJECT=second HEARTH_PORT=4575 hearth up\n' +
        '\nSettings hold for one `up`. Those in the file .env beside README.md, or in the one that' +
        '\nHEARTH_ENV_FILE names, hold for all; the environment wins.',
    )
    .option('--observability', 'with Prometheus and Grafana, which stay until `hearth down`')
    .action(
      act(async (options: { observability?: boolean }) =>
        (await import('./up.ts')).up({ ...globals(), ...options }),
      ),
    )

  program
    .command('down')
    .description('stop Hearth; functions, events and the ledger are kept')
    .option('--volumes', 'forget the data too, like `hearth clean`')
    .option('-y, --yes', 'do not ask before data is forgotten')
    .action(act(async (options: object) => (await import('./down.ts')).down(options)))

  program
    .command('clean')
    .description('stop Hearth and forget its data, after saying what goes')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      '\nIt asks on a terminal; elsewhere it takes --yes, and does nothing without.',
    )
    .action(
      act(async (options: object) =>
        (await import('./down.ts')).down({ ...options, volumes: true }),
      ),
    )
}

function addViews(program: Command, { globals, act }: Surroundings) {
  program
    .command('status')
    .description('what runs: the API, NATS, schedulers, execution environments, containers')
    .action(act(async () => (await import('./status.ts')).status(globals())))

  program
    .command('top')
    .description('execution environments by function and state, every second; q ends')
    .option('--once', 'one snapshot, as it is off a terminal')
    .addOption(
      new Option('--sort <by>', 'what comes first')
        .choices(SORTS)
        .default('running' satisfies Sort),
    )
    .addHelpText(
      'after',
      '\nAlso shows the stems that wait, and how the invocations of the last minute began: warm,' +
        '\non a stem, cold, and why. With -o json it prints each state by its name.',
    )
    .action(
      act(async (options: { once?: boolean; sort: Sort }) =>
        (await import('./top.ts')).top({ ...globals(), ...options }),
      ),
    )

  program
    .command('doctor')
    .description('look for what keeps Hearth from running, and say what to do')
    .action(act(async () => (await import('./doctor.ts')).doctor(globals())))
}

function addServe(program: Command, { version, act }: Surroundings) {
  program
    .command('serve')
    .description('run Hearth in the foreground; HEARTH_* variables configure it')
    .option('--roles <list>', 'gateway, scheduler, poller, metering (default: all)')
    .option('--port <number>', 'where the API listens')
    .addHelpText('after', '\nExample:\n  hearth serve --roles gateway,poller,metering --port 8080')
    .action(act((options: ServeOptions) => serve(options, version)))
}

function addImages(program: Command, act: Surroundings['act']) {
  program
    .command('images')
    .description('make sure of the Docker engine and of images')
    .argument(
      '[runtimes...]',
      'runtimes to have images of, such as java21 (default: what up needs)',
    )
    .option('--all', 'every image that there is')
    .addHelpText(
      'after',
      '\n`hearth up` makes what Hearth needs and the images of nodejs22.x, nodejs24.x and' +
        '\npython3.13. `hearth deploy` makes the one that its function needs, on this machine.' +
        '\n\nExample:\n  hearth images java21 ruby3.3',
    )
    .action(act((runtimes: string[], { all }: { all?: true }) => images(runtimes, all)))
}

async function images(runtimes: string[], all = false): Promise<void> {
  const [{ step }, { ensureEngine }, { ensureAllImages, ensureImages }, list] = await Promise.all([
    import('./progress.ts'),
    import('./engine.ts'),
    import('./images.ts'),
    import('./image-list.ts'),
  ])
  const some = runtimes.length > 0 ? list.imagesOf(runtimes) : list.STANDARD_IMAGES
  await step('Docker: an engine.', ensureEngine)
  const title = 'Images: pulled where a registry answers, else built here.'
  const refused = await step(title, async (report) => {
    if (all) return ensureAllImages(report)
    await ensureImages(report, some)
    return []
  })
  for (const sentence of refused) console.log(`Not here: ${sentence}`)
}

interface ServeOptions {
  roles?: string
  port?: string
}

async function serve(options: ServeOptions, version: string): Promise<void> {
  const [{ readConfig }, { serve }] = await Promise.all([
    import('./config.ts'),
    import('./serve.ts'),
  ])
  const config = readConfig({
    ...(options.roles && { HEARTH_ROLES: options.roles }),
    ...(options.port && { HEARTH_PORT: options.port }),
  })
  await serve(config, version)
  // Everything has stopped in order; what a library still holds open must not keep us.
  process.exit(0)
}
