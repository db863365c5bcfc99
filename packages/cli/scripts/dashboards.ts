// Writes Grafana's dashboards: one JSON file for each description in dashboards/. A test sees to it
// that the files are those of today. Run: node packages/cli/scripts/dashboards.ts

import { mkdirSync, writeFileSync } from 'node:fs'
import { type Dashboard, renderDashboard } from './dashboard.ts'
import { COLD_STARTS } from './dashboards/cold-starts.ts'
import { COST } from './dashboards/cost.ts'
import { EVENTS } from './dashboards/events.ts'
import { FUNCTION } from './dashboards/function.ts'
import { OVERVIEW } from './dashboards/overview.ts'

export const DASHBOARDS: readonly Dashboard[] = [OVERVIEW, FUNCTION, EVENTS, COLD_STARTS, COST]
export const FOLDER = new URL('../../../deploy/grafana/dashboards/', import.meta.url)

export const fileOf = ({ uid }: Dashboard) => new URL(`${uid}.json`, FOLDER)
export const textOf = (dashboard: Dashboard) =>
  `${JSON.stringify(renderDashboard(dashboard), undefined, 1)}\n`

if (import.meta.main) {
  mkdirSync(FOLDER, { recursive: true })
  for (const one of DASHBOARDS) writeFileSync(fileOf(one), textOf(one))
}
