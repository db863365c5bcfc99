// `hearth status` and `hearth doctor`: what runs, and what keeps it from running. Doctor looks at one thing after
// another and says of each that it is well, or what to do.

import { statfs } from 'node:fs/promises'
import { type ClientOptions, CommandError, EXIT, endpointOf } from './client.ts'
import { composeContainers } from './compose.ts'
import { engineAnswers } from './engine.ts'
import { IMAGES } from './images.ts'
import { type Format, show, tableOf } from './output.ts'
import { succeeds } from './shell.ts'

export interface Health {
  status: string
  version: string
  roles: string[]
  nats: boolean
  schedulers: {
    schedulerId: string
    environments: number
    running: number
    memoryMbFree: number
  }[]
}

const HEALTH_MS = 5_000

/** What the API says of itself. @throws CommandError when it does not answer. */
export async function health(options: ClientOptions): Promise<Health> {
  const url = new URL('/health', endpointOf(options))
  const answer = await fetch(url, { signal: AbortSignal.timeout(HEALTH_MS) }).catch((cause) => {
    throw new CommandError(
      `Hearth does not answer at ${endpointOf(options)}. \`hearth up\` starts it.`,
      cause ? EXIT.unreachable : EXIT.refused,
    )
  })
  return (await answer.json()) as Health
}

export async function status(options: ClientOptions & { output: Format }): Promise<void> {
  const [found, containers] = await Promise.all([health(options), composeContainers()])
  show(options.output, { ...found, containers }, () =>
    [
      `Hearth ${found.version} at ${endpointOf(options)}: ${found.status}`,
      `roles: ${found.roles.join(', ')}; NATS: ${found.nats ? 'connected' : 'out of reach'}`,
      '',
      tableOf(
        ['scheduler', 'environments', 'running', 'free memory'],
        found.schedulers.map((one) => [
          one.schedulerId,
          one.environments,
          one.running,
          `${one.memoryMbFree} MB`,
        ]),
      ),
      '',
      tableOf(
        ['container', 'state'],
        containers.map((one) => [one.Service, one.Status || one.State]),
      ),
    ].join('\n'),
  )
  if (found.status !== 'ok') throw new CommandError('Hearth is not ready.', EXIT.refused)
}

interface Finding {
  what: string
  well: boolean
  advice: string
}

const NODE_MAJOR_MIN = 24
const DISK_GB_MIN = 2

/** Looks at everything; throws when something is broken. */
export async function doctor(options: ClientOptions & { output: Format }): Promise<void> {
  const findings = [await nodeFinding(), ...(await dockerFindings()), await diskFinding()]
  const reach = await health(options).catch((error: CommandError) => error)
  findings.push(
    reach instanceof Error
      ? { what: 'the API', well: false, advice: reach.message }
      : { what: 'the API', well: reach.status === 'ok', advice: 'Look at `hearth status`.' },
  )
  show(options.output, findings, () =>
    findings
      .map(({ what, well, advice }) => (well ? `ok    ${what}` : `FIX   ${what}: ${advice}`))
      .join('\n'),
  )
  const broken = findings.filter(({ well }) => !well)
  if (broken.length > 0)
    throw new CommandError(`${broken.length} of ${findings.length} need a hand.`)
}

async function nodeFinding(): Promise<Finding> {
  const major = Number(process.versions.node.split('.')[0])
  return {
    what: `Node ${process.versions.node}`,
    well: major >= NODE_MAJOR_MIN,
    advice: `Hearth needs Node ${NODE_MAJOR_MIN}; \`npm ci\` brings it, and make uses it.`,
  }
}

async function dockerFindings(): Promise<Finding[]> {
  const engine = await engineAnswers()
  const rest = { well: false, advice: 'Start the engine first.' }
  if (!engine) {
    const advice = 'Start Docker, or run `hearth up` as root on Debian or Ubuntu.'
    return [
      { what: 'a Docker engine', well: false, advice },
      { what: 'images', ...rest },
    ]
  }
  const missing: string[] = []
  for (const { tag } of IMAGES) {
    if (!(await succeeds('docker', ['image', 'inspect', tag]))) missing.push(tag)
  }
  return [
    { what: 'a Docker engine', well: true, advice: '' },
    {
      what: 'docker compose',
      well: await succeeds('docker', ['compose', 'version']),
      advice: 'Install the Docker Compose plugin.',
    },
    {
      what: 'images',
      well: missing.length === 0,
      advice: `\`hearth images\` makes ${missing.join(', ')}.`,
    },
  ]
}

async function diskFinding(): Promise<Finding> {
  const { bavail, bsize } = await statfs('/')
  const gigabytes = (bavail * bsize) / 1024 ** 3
  return {
    what: `${gigabytes.toFixed(0)} GB of disk free`,
    well: gigabytes > DISK_GB_MIN,
    advice: `Make room: below ${DISK_GB_MIN} GB NATS may refuse to store events.`,
  }
}
