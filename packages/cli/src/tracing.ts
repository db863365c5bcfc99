// Traces as the operator's configuration has them: to the collector that it names, or none. Each
// span says which process it is of.

import { hostname } from 'node:os'
import { openTraces, type Traces } from '@hearth/bus/traces'
import type { Config } from './config.ts'

/** Undefined where no collector is named. */
export async function openTracesOf(config: Config, version: string): Promise<Traces | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, HEARTH_ROLES: roles } = config
  if (endpoint === undefined) return undefined
  return await openTraces({
    endpoint,
    serviceName: config.OTEL_SERVICE_NAME,
    resource: {
      'service.version': version,
      'service.instance.id': `${hostname()}:${process.pid}`,
      'hearth.roles': [...roles],
    },
  })
}
