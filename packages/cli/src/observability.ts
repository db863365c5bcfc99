// Prometheus and Grafana beside Hearth, for whoever asks for them once: their images, which of them
// compose is to start, and where they are then. Grafana can only be pulled; where no registry has
// it, Prometheus runs alone.

import type { Container } from './compose.ts'
import { CommandError } from './failures.ts'
import { GRAFANA, imagesFor, PROMETHEUS } from './image-list.ts'
import { ensureImages } from './images.ts'
import type { Report } from './progress.ts'

/** Of deploy/compose.yaml: both, or Prometheus alone. */
export type Profile = 'observability' | 'prometheus'

export interface Observability {
  profile: Profile
  /** Why Grafana is not here, and what to do about it. */
  lacking?: string
}

/**
 * Makes sure of the images; of Grafana's only where that is wanted. @throws Error where there can
 * be no Prometheus either.
 */
export async function prepareObservability(
  report: Report,
  wantsGrafana: boolean,
): Promise<Observability> {
  await ensureImages(report, imagesFor(PROMETHEUS))
  if (!wantsGrafana) return { profile: 'prometheus' }
  try {
    await ensureImages(report, imagesFor(GRAFANA))
    return { profile: 'observability' }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return { profile: 'prometheus', lacking: error.message }
  }
}

const SERVICES = ['grafana', 'prometheus'] as const
const NAMES = { grafana: 'Grafana', prometheus: 'Prometheus' }

/** Where those that run can be looked at, by name. */
export function linksOf(containers: readonly Container[]): Record<string, string> {
  const found = SERVICES.flatMap((service) => {
    const own = containers.find(({ Service, State }) => Service === service && State === 'running')
    const port = own?.Publishers?.find(({ PublishedPort }) => PublishedPort > 0)?.PublishedPort
    return port === undefined ? [] : [[NAMES[service], `http://localhost:${port}`]]
  })
  return Object.fromEntries(found)
}

/** For people, after `hearth up`. */
export function renderLinks(links: Record<string, string>, lacking: string | undefined): string {
  const rows = Object.entries(links).map(([name, url]) => `  ${name.padEnd(11)} ${url}`)
  if (rows.length === 0) return ''
  const hint = links.Grafana
    ? ['', 'Grafana asks who you are: hearth, and what HEARTH_GRAFANA_PASSWORD says (hearth).']
    : []
  const sorry = lacking ? ['', `Prometheus runs without Grafana. ${lacking}`] : []
  return ['', 'Look at its metrics:', '', ...rows, ...hint, ...sorry].join('\n')
}
