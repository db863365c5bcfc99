// `hearth status`: what runs, as the API says it and, for a Hearth on this machine, as Docker sees
// it. It only looks; what to do about trouble is doctor's.

import { type ClientOptions, endpointOf, fetchHealth, type Health } from './client.ts'
import { type Container, composeContainers } from './compose.ts'
import { isLoopback } from './credentials.ts'
import { CommandError, explain } from './failures.ts'
import { linksOf } from './observability.ts'
import { type Format, show, tableOf } from './output.ts'

/** Prints what there is. @throws CommandError when the API is out of reach or not ready. */
export async function status(options: ClientOptions & { output: Format }): Promise<void> {
  const endpoint = endpointOf(options)
  const [health, containers] = await Promise.all([
    fetchHealth(options).catch((error: unknown) => explain(error, endpoint)),
    isLoopback(endpoint) ? composeContainers().catch(() => []) : [],
  ])
  const lost = health instanceof Error ? health : undefined
  const found = health instanceof Error ? undefined : health
  if (found || containers.length > 0) {
    show(options.output, { endpoint, status: 'out of reach', ...found, containers }, () =>
      renderStatus(endpoint, found, containers),
    )
  }
  if (lost) throw lost
  if (found?.status !== 'ok') {
    throw new CommandError('Hearth is not ready. `hearth doctor` looks closer.')
  }
}

export function renderStatus(
  endpoint: string,
  health: Health | undefined,
  containers: readonly Container[],
): string {
  const parts = health ? [renderHealth(endpoint, health)] : []
  if (containers.length > 0) {
    parts.push(
      tableOf(
        ['container', 'state'],
        containers.map((one) => [one.Service, one.Status || one.State]),
      ),
    )
  }
  const links = Object.entries(linksOf(containers)).map(([name, url]) => `${name}: ${url}`)
  if (links.length > 0) parts.push(links.join('\n'))
  return parts.join('\n\n')
}

function renderHealth(endpoint: string, health: Health): string {
  const nats = health.nats ? 'connected' : 'out of reach'
  const schedulers =
    health.schedulers.length === 0
      ? 'No scheduler is alive, so nothing can be invoked.'
      : tableOf(
          ['scheduler', 'environments', 'running', 'memory free'],
          health.schedulers.map((one) => [
            one.schedulerId,
            one.environments,
            one.running,
            `${one.memoryMbFree} MB`,
          ]),
        )
  return [
    `Hearth ${health.version} at ${endpoint}: ${health.status}`,
    `roles: ${health.roles.join(', ')}; NATS: ${nats}`,
    '',
    schedulers,
  ].join('\n')
}
