// `hearth doctor`: looks at everything that Hearth stands on and says of each that it is well, or
// what to do. It changes nothing, and one broken thing never keeps it from looking at the next.

import { statfs } from 'node:fs/promises'
import { arch, availableParallelism, platform, totalmem } from 'node:os'
import { type ClientOptions, endpointOf, fetchHealth, lambdaClient } from './client.ts'
import { isLoopback } from './credentials.ts'
import { ENGINE_HANGS, engineState, mayHang } from './engine.ts'
import { CommandError, EXIT, explain } from './failures.ts'
import { type Format, show } from './output.ts'
import { isFree, publishes } from './port.ts'
import { networkFault } from './sandbox-networks.ts'
import { project, upPort } from './settings.ts'
import { attempt, succeeds } from './shell.ts'

/** What was looked at; `fix` says what to do when it is not well. */
export interface Finding {
  what: string
  well: boolean
  fix?: string
}

const NODE_MAJOR_MIN = 22
const MEMORY_GB_MIN = 1
const DISK_GB_MIN = 2
/** A signature is refused when its time is off by five minutes; half of that is time to act. */
const CLOCK_SECONDS_MAX = 150

export async function doctor(options: ClientOptions & { output: Format }): Promise<void> {
  const endpoint = endpointOf(options)
  const here = isLoopback(endpoint)
  const findings = [machine(), node()]
  if (here) findings.push(...(await docker()), await port(), await disk())
  findings.push(...(await api(options, endpoint)))
  show(options.output, findings, () => renderFindings(findings))
  const broken = findings.filter(({ well }) => !well)
  if (broken.length === 0) return
  throw new CommandError(
    `${broken.length} of ${findings.length} need a hand; the first one first.`,
    EXIT.refused,
  )
}

export function renderFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ what, well, fix }) => (well ? `ok    ${what}` : `FIX   ${what}: ${fix}`))
    .join('\n')
}

function machine(): Finding {
  const gigabytes = totalmem() / 1024 ** 3
  const known = ['x64', 'arm64'].includes(arch())
  const what = `${platform()} ${arch()}, ${availableParallelism()} CPUs, ${gigabytes.toFixed(1)} GB`
  if (!known) return { what, well: false, fix: 'Hearth has images for x64 and arm64 only.' }
  return {
    what,
    well: gigabytes >= MEMORY_GB_MIN,
    fix: `Functions need memory; use a machine with ${MEMORY_GB_MIN} GB or more.`,
  }
}

function node(): Finding {
  const { node: version } = process.versions
  return {
    what: `Node ${version}`,
    well: Number(version.split('.')[0]) >= NODE_MAJOR_MIN,
    fix: 'Hearth runs on Node 24: `npm ci` brings it, and make uses it.',
  }
}

async function docker(): Promise<Finding[]> {
  if ((await engineState()) === 'hangs') {
    return [{ what: 'Docker engine', well: false, fix: ENGINE_HANGS }]
  }
  const format = '{{.ServerVersion}}{{range $name, $_ := .Runtimes}} {{$name}}{{end}}'
  const { status, stdout } = await attempt('docker', ['info', '--format', format], {})
  if (status !== 0) {
    const fix =
      'Start Docker, or install it; as root on Debian or Ubuntu `hearth up` does both. If it ' +
      'runs, your user may lack the right to use it (group docker).'
    return [{ what: 'Docker engine', well: false, fix }]
  }
  const [composes, absent, fault] = await Promise.all([
    succeeds('docker', ['compose', 'version']),
    absentImages(),
    networkFault(),
  ])
  return [
    { what: engine(stdout), well: true },
    {
      what: 'docker compose',
      well: composes,
      fix: 'Install the Docker Compose plugin; as root on Debian or Ubuntu `hearth up` does it.',
    },
    {
      what: 'images',
      well: absent.length === 0,
      fix: `\`hearth images\` pulls or builds ${absent.join(', ')}.`,
    },
    {
      what: 'sandboxes kept from the host and private networks',
      well: fault === undefined,
      fix: `They are not: ${fault}. Restart Hearth to set the rules, or close these with a firewall.`,
    },
  ]
}

/** An engine is well without crun, and its functions start slower. */
function engine(said: string): string {
  const [version = '', ...runtimes] = said.trim().split(' ')
  const crun = runtimes.includes('crun') ? 'with crun' : 'without crun, which would start faster'
  const fault = mayHang(version) ? '; it can hang under load, which 20.10.27 mends' : ''
  return `Docker engine ${version}, ${crun}${fault}`
}

async function absentImages(): Promise<string[]> {
  const { STANDARD_IMAGES } = await import('./image-list.ts')
  const here = await Promise.all(
    STANDARD_IMAGES.map(({ tag }) => succeeds('docker', ['image', 'inspect', tag])),
  )
  return STANDARD_IMAGES.filter((_, index) => !here[index]).map(({ tag }) => tag)
}

async function port(): Promise<Finding> {
  const number = upPort()
  const ours = await publishes(number)
  return {
    what: ours ? `port ${number}, published by ${project()}` : `port ${number}`,
    well: ours || (await isFree(number)) || (await answers(number)),
    fix: 'Another program has it. Stop that one, or set HEARTH_PORT to another port.',
  }
}

/** A Hearth that was started by `hearth serve` has the port rightly. */
const answers = (number: number) =>
  fetchHealth({ endpointUrl: `http://127.0.0.1:${number}` }).then(
    () => true,
    () => false,
  )

async function disk(): Promise<Finding> {
  const format = '{{.DockerRootDir}}'
  const { stdout } = await attempt('docker', ['info', '--format', format], {})
  // Docker Desktop's folder is inside its own machine, where we cannot look.
  const path = stdout.trim() || '/'
  const found = await statfs(path).catch(() => statfs('/'))
  const gigabytes = (found.bavail * found.bsize) / 1024 ** 3
  return {
    what: `${gigabytes.toFixed(0)} GB of disk free for Docker`,
    well: gigabytes >= DISK_GB_MIN,
    fix:
      'Make room (`docker system df` shows where it went): with less than ' +
      `${DISK_GB_MIN} GB NATS may refuse events.`,
  }
}

/** Reach, readiness, clock and credentials; each needs the one before. */
async function api(options: ClientOptions, endpoint: string): Promise<Finding[]> {
  const what = `Hearth at ${endpoint}`
  const health = await fetchHealth(options).catch((error: unknown) => explain(error, endpoint))
  if (health instanceof Error) return [{ what, well: false, fix: health.message }]
  const reason = health.nats ? 'no scheduler is alive' : 'NATS is out of reach'
  return [
    {
      what: `${what}, version ${health.version}`,
      well: health.status === 'ok',
      fix: `It is ${health.status}: ${reason}. \`hearth status\` and \`docker logs\` show more.`,
    },
    clock(health.date, Date.now()),
    await credentials(options, endpoint),
  ]
}

/** @param date what the server's clock says, in milliseconds since the epoch; NaN when unknown. */
export function clock(date: number, now: number): Finding {
  const seconds = Math.round(Math.abs(now - date) / 1000)
  return {
    what: Number.isNaN(date) ? 'clock' : `clock, ${seconds} s from Hearth's`,
    well: !(seconds > CLOCK_SECONDS_MAX),
    fix: 'Set the clock (NTP): signatures with a wrong time are refused.',
  }
}

async function credentials(options: ClientOptions, endpoint: string): Promise<Finding> {
  const what = 'credentials'
  try {
    const { ListFunctionsCommand } = await import('@aws-sdk/client-lambda')
    const client = await lambdaClient(options)
    await client.send(new ListFunctionsCommand({ MaxItems: 1 }))
    const { accessKeyId } = await client.config.credentials()
    return { what: `${what} of ${accessKeyId}`, well: true }
  } catch (error) {
    return { what, well: false, fix: explain(error, endpoint).message }
  }
}
