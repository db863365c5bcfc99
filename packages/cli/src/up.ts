// `hearth up`: from whatever is here to a function's answer, saying what it does. Every step finds
// out first whether there is anything to do, so that a second run is quick and changes nothing.

import { type ClientOptions, fetchHealth, lambdaClient } from './client.ts'
import { composeContainers, composeLogs, composeUp, reloadPrometheus } from './compose.ts'
import { ensureCompose, ensureEngine } from './engine.ts'
import { CommandError } from './failures.ts'
import { ensureImages } from './images.ts'
import { linksOf, type Observability, prepareObservability, renderLinks } from './observability.ts'
import { type Format, show } from './output.ts'
import { isFree, publishes } from './port.ts'
import { type Report, step } from './progress.ts'
import {
  upEndpoint,
  upGrafanaPort,
  upKey,
  upMetricsPort,
  upPort,
  upPrometheusPort,
  upPublish,
  upRegion,
} from './settings.ts'

import { describeSettings } from './up-settings.ts'

export interface UpOptions {
  output: Format
  /** With Prometheus and Grafana. */
  observability?: boolean
}

const HEALTH_WITHIN_MS = 30_000
const HEALTH_ASK_MS = 2_000
const HEALTH_POLL_MS = 200

export async function up({ output, observability = false }: UpOptions): Promise<void> {
  // The Hearth that starts here is meant, whatever endpoint and credentials the environment names.
  const options: ClientOptions = {
    endpointUrl: upEndpoint(),
    region: upRegion(),
    credentials: upKey(),
  }
  // Before the images, which may take minutes.
  upPublish()
  const settings = describeSettings()
  if (settings) console.error(settings)
  await step(
    'Docker: Hearth runs in containers; an engine and its compose command are used, or installed.',
    async (report) => {
      await ensureEngine(report)
      await ensureCompose(report)
      await requirePort('HEARTH_PORT', upPort())
      await requirePort('HEARTH_METRICS_PORT', upMetricsPort())
    },
  )
  await step(
    'Images: those that are missing are pulled where a registry answers, else built here.',
    ensureImages,
  )
  const watching = await prepareWatching(observability)
  await step(
    'Hearth: NATS keeps the record, Valkey the counters, Hearth does the rest.',
    async (report) => {
      await composeUp(report, watching?.profile)
      if (watching) await reloadPrometheus()
      await healthy(options, report)
    },
  )
  const { greet, renderGreeting } = await import('./sample.ts')
  const greeted = await step(
    'Sample: the function hello is deployed and invoked through the AWS SDK.',
    async (report) => greet(await lambdaClient(options), options, report),
  )
  const links = watching ? linksOf(await composeContainers()) : {}
  show(output, { ...greeted, ...(watching && { links }) }, () =>
    [renderGreeting(greeted), renderLinks(links, watching?.lacking)].join('\n').trimEnd(),
  )
}

/** Once they were asked for they stay, until `hearth down`. */
async function prepareWatching(isAsked: boolean): Promise<Observability | undefined> {
  const running = linksOf(await composeContainers())
  if (!isAsked && Object.keys(running).length === 0) return undefined
  return await step(
    'Metrics: Prometheus keeps and judges them, Grafana shows them where it can be had.',
    async (report) => {
      const wantsGrafana = isAsked || running.Grafana !== undefined
      await requirePort('HEARTH_PROMETHEUS_PORT', upPrometheusPort())
      if (wantsGrafana) await requirePort('HEARTH_GRAFANA_PORT', upGrafanaPort())
      return await prepareObservability(report, wantsGrafana)
    },
  )
}

/** @throws CommandError when another program has the port that compose is about to publish. */
async function requirePort(variable: string, port: number): Promise<void> {
  if ((await isFree(port)) || (await publishes(port))) return
  throw new CommandError(
    `Port ${port} belongs to another program. Stop that one, or choose another port: ` +
      `${variable}=${port + 1} hearth up.`,
  )
}

/** Compose has seen it healthy from inside; clients come from outside. */
async function healthy(options: ClientOptions, report: Report): Promise<void> {
  report(`waiting for ${options.endpointUrl}/health`)
  const until = performance.now() + HEALTH_WITHIN_MS
  for (;;) {
    const health = await fetchHealth(options, HEALTH_ASK_MS).catch(() => undefined)
    if (health?.status === 'ok') return
    if (performance.now() > until) {
      throw new CommandError(
        `Hearth is not ready after ${HEALTH_WITHIN_MS / 1000} s. \`hearth doctor\` looks closer. ` +
          `What it said last:\n${await composeLogs()}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS))
  }
}
