// Turns of PromQL that panels share: rates over Grafana's own interval, quantiles of histograms,
// and the first few of many.

import type { Query } from './dashboard.ts'

export const rate = (selector: string) => `rate(${selector}[$__rate_interval])`

/** A rate a second, added up by labels, or altogether. */
export function rates(selector: string, by: string = ''): string {
  return by === '' ? `sum(${rate(selector)})` : `sum by (${by}) (${rate(selector)})`
}

/** The ten largest of what a query gives, each with its name. */
export const top = (expression: string) => `topk(10, ${expression})`

/** Median, 95th and 99th percentile of a histogram whose name comes without its `_bucket`. */
export function quantiles(histogram: string, selector = ''): Query[] {
  return [50, 95, 99].map((percent) => [
    quantile(percent / 100, histogram, { selector }),
    `p${percent}`,
  ])
}

export function quantile(
  share: number,
  histogram: string,
  { selector = '', by = '' }: { selector?: string; by?: string } = {},
): string {
  const labels = by === '' ? 'le' : `le, ${by}`
  return `histogram_quantile(${share}, sum by (${labels}) (${rate(`${histogram}_bucket${selector}`)}))`
}

/** A share of nothing is nothing to show, and not an error. */
export const ratio = (part: string, whole: string) => `${part} / (${whole} > 0)`
