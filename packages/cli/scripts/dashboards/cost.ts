// What it costs: what is billed, what AWS would have charged for it, what it costs here, and how
// much of each budget is used. The ledger is the record; these are its totals as they grow.

import type { Dashboard, Panel } from '../dashboard.ts'
import { rates, top } from '../queries.ts'

const CHARGE = 'sum(lambda_aws_charge_dollars)'
const OWN = 'sum(lambda_own_cost_dollars)'

const now: Panel[] = [
  {
    title: 'AWS would have charged',
    description: "This month, by AWS's price list, its free tier taken off.",
    kind: 'stat',
    unit: 'currencyUSD',
    queries: [[CHARGE, 'AWS']],
    width: 6,
  },
  {
    title: 'It costs here',
    description: 'This month, by the cost of your own machines where you have said it.',
    kind: 'stat',
    unit: 'currencyUSD',
    queries: [[OWN, 'here']],
    width: 6,
  },
  {
    title: 'Budget used',
    description: 'Of the budget that is used most; from 100 % on a hard stop throttles.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [['max(lambda_budget_used_ratio)', 'used']],
    width: 6,
    thresholds: [0.8, 1],
  },
  {
    title: 'Ledger not yet counted',
    description: 'Segments of the ledger that metering has not read; bills lag by so much.',
    kind: 'stat',
    unit: 'short',
    queries: [['max(lambda_ledger_lag_segments)', 'segments']],
    width: 6,
    thresholds: [10, 60],
  },
]

const use: Panel[] = [
  {
    title: 'Requests by function',
    description: 'Billed requests a second, of the ten functions with most of them.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[top(rates('lambda_billed_requests_total', 'function')), '{{function}}']],
    width: 12,
    leadsToFunction: true,
  },
  {
    title: 'Memory by function',
    description: 'Billed GB-seconds a second: gigabytes that are paid for, of the first ten.',
    kind: 'stacked',
    unit: 'decgbytes',
    queries: [[top(rates('lambda_billed_gb_seconds_total', 'function')), '{{function}}']],
    width: 12,
    leadsToFunction: true,
  },
  {
    title: 'Memory by architecture',
    description: 'arm64 costs a fifth less at AWS.',
    kind: 'stacked',
    unit: 'decgbytes',
    queries: [[rates('lambda_billed_gb_seconds_total', 'architecture'), '{{architecture}}']],
    width: 12,
  },
  {
    title: 'Provisioned memory',
    description: 'Gigabytes that are held initialised: in use, and idle but paid for.',
    kind: 'stacked',
    unit: 'decgbytes',
    queries: [
      [rates('lambda_provisioned_gb_seconds_total{kind=~"idle|used"}', 'kind'), '{{kind}}'],
    ],
    width: 12,
  },
]

const money: Panel[] = [
  {
    title: 'Here and at AWS',
    description: 'This month so far, of all accounts.',
    kind: 'lines',
    unit: 'currencyUSD',
    queries: [
      [CHARGE, 'AWS would have charged'],
      [OWN, 'it costs here'],
    ],
    width: 12,
  },
  {
    title: 'Budgets',
    description: 'How much of each is used.',
    kind: 'bars',
    unit: 'percentunit',
    queries: [['max by (budget) (lambda_budget_used_ratio)', '{{budget}}']],
    width: 12,
    thresholds: [0.8, 1],
  },
]

export const COST: Dashboard = {
  uid: 'hearth-cost',
  title: 'Cost',
  description: 'What is billed, what AWS would have charged, and what it costs here.',
  variables: [],
  rows: [
    { title: 'This month', panels: now },
    { title: 'Use', panels: use },
    { title: 'Money', panels: money },
  ],
}
