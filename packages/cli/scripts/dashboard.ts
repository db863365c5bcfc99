// What a dashboard of Grafana is made of: rows of panels, each with its queries, in the few kinds
// that Hearth's need; and the JSON that Grafana loads. Pure. The layout follows from the order:
// panels fill a row of 24 columns from left to right.

/** What Prometheus is asked, and how a series is called in the legend. */
export type Query = readonly [expression: string, legend: string]

export interface Panel {
  title: string
  /** A sentence or two: what it shows, and what to look for. */
  description: string
  kind: 'bars' | 'lines' | 'stacked' | 'stat' | 'table'
  /** By Grafana's id. */
  unit: string
  queries: readonly Query[]
  /** Columns of 24. */
  width: number
  /** From which value on it turns yellow, and red; falling where the first is the larger. */
  thresholds?: readonly [yellow: number, red: number]
  /** Where the axis ends, if that is known. */
  max?: number
  /** The legend leads to the dashboard of the function that it names. */
  leadsToFunction?: true
}

export interface Dashboard {
  uid: string
  title: string
  description: string
  variables: readonly Variable[]
  rows: readonly { title: string; panels: readonly Panel[] }[]
}

export interface Variable {
  name: string
  label: string
  /** Of this metric the values of the label `name`. */
  metric: string
}

export const DATASOURCE = { type: 'prometheus', uid: 'hearth-prometheus' } as const
const SCHEMA_VERSION = 39
const COLUMNS = 24
const HEIGHT = { stat: 4, other: 8 }
const FUNCTION_UID = 'hearth-function'
const GREEN = 'green'

type Json = Record<string, unknown>

export function renderDashboard({ uid, title, description, variables, rows }: Dashboard): Json {
  return {
    uid,
    title,
    description,
    tags: ['hearth'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    links: [
      {
        type: 'dashboards',
        title: 'Hearth',
        tags: ['hearth'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
      },
    ],
    templating: { list: variables.map(renderVariable) },
    panels: layOut(rows),
  }
}

function renderVariable({ name, label, metric }: Variable): Json {
  const query = `label_values(${metric}, ${name})`
  return {
    type: 'query',
    name,
    label,
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: `variable-${name}` },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  }
}

function layOut(rows: Dashboard['rows']): Json[] {
  const placed: Json[] = []
  let y = 0
  for (const { title, panels } of rows) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    })
    y += 1
    let x = 0
    let deepest = y
    for (const panel of panels) {
      if (x + panel.width > COLUMNS) {
        x = 0
        y = deepest
      }
      const h = panel.kind === 'stat' ? HEIGHT.stat : HEIGHT.other
      const gridPos = { x, y, w: panel.width, h }
      placed.push({ id: placed.length + 1, gridPos, ...renderPanel(panel) })
      x += panel.width
      deepest = Math.max(deepest, y + h)
    }
    y = deepest
  }
  return placed
}

function renderPanel(panel: Panel): Json {
  const { title, description, kind, queries } = panel
  return {
    title,
    description,
    type: {
      bars: 'bargauge',
      lines: 'timeseries',
      stacked: 'timeseries',
      stat: 'stat',
      table: 'table',
    }[kind],
    datasource: DATASOURCE,
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      // What shows the present asks for nothing else.
      ...(kind === 'bars' || kind === 'table'
        ? { instant: true, range: false, format: kind === 'table' ? 'table' : 'time_series' }
        : { instant: false, range: true }),
    })),
    fieldConfig: { defaults: defaultsOf(panel), overrides: [] },
    options: optionsOf(kind),
    ...(kind === 'table' && { transformations: [LABELS_ALONE] }),
  }
}

const LABELS_ALONE = { id: 'organize', options: { excludeByName: { Time: true, Value: true } } }

function defaultsOf({ kind, unit, thresholds, max, leadsToFunction }: Panel): Json {
  const isGraph = kind === 'lines' || kind === 'stacked'
  return {
    unit,
    min: 0,
    ...(max !== undefined && { max }),
    color: { mode: thresholds && !isGraph ? 'thresholds' : 'palette-classic' },
    thresholds: { mode: 'absolute', steps: stepsOf(thresholds) },
    ...(leadsToFunction && { links: [TO_FUNCTION] }),
    ...(isGraph && {
      custom: {
        drawStyle: 'line',
        lineInterpolation: 'smooth',
        lineWidth: 1,
        fillOpacity: kind === 'stacked' ? 30 : 8,
        gradientMode: 'opacity',
        showPoints: 'never',
        spanNulls: 60_000,
        stacking: { mode: kind === 'stacked' ? 'normal' : 'none', group: 'A' },
        thresholdsStyle: { mode: thresholds ? 'dashed' : 'off' },
      },
    }),
  }
}

const TO_FUNCTION = {
  title: 'Function',
  url: `/d/${FUNCTION_UID}?var-function=\${__field.labels.function}&\${__url_time_range}`,
}

/** Rising thresholds turn red above the second, falling ones below it. */
function stepsOf(thresholds: Panel['thresholds']): Json[] {
  if (!thresholds) return [{ color: GREEN, value: null }]
  const [yellow, red] = thresholds
  return yellow < red
    ? [
        { color: GREEN, value: null },
        { color: 'yellow', value: yellow },
        { color: 'red', value: red },
      ]
    : [
        { color: 'red', value: null },
        { color: 'yellow', value: red },
        { color: GREEN, value: yellow },
      ]
}

function optionsOf(kind: Panel['kind']): Json {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false }
  switch (kind) {
    case 'stat':
      return { reduceOptions, colorMode: 'value', graphMode: 'area', textMode: 'auto' }
    case 'bars':
      return { reduceOptions, orientation: 'horizontal', displayMode: 'gradient' }
    case 'table':
      return { showHeader: true, cellHeight: 'sm' }
    default:
      return {
        legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
        tooltip: { mode: 'multi', sort: 'desc' },
      }
  }
}
