// What `hearth up` and `hearth status` say of Prometheus and Grafana: where they are, and kindly
// why one is not.

import { expect, test } from 'vitest'
import type { Container } from './compose.ts'
import { linksOf, renderLinks } from './observability.ts'

const container = (Service: string, port?: number, State = 'running'): Container => ({
  Service,
  State,
  Health: '',
  Status: '',
  ...(port !== undefined && { Publishers: [{ PublishedPort: port }] }),
})

test('links lead to what runs, and to its port as it is published', () => {
  const hearth = container('hearth', 4574)
  expect(linksOf([hearth])).toEqual({})
  expect(linksOf([hearth, container('prometheus', 4590), container('grafana', 4600)])).toEqual({
    Grafana: 'http://localhost:4600',
    Prometheus: 'http://localhost:4590',
  })
  const stopped = [container('grafana', 4600, 'exited'), container('prometheus')]
  expect(linksOf(stopped)).toEqual({})
  // Compose tells a port that is not published as 0.
  expect(linksOf([container('prometheus', 0)])).toEqual({})
})

test('people are told who they are to Grafana, or why there is none', () => {
  const [Grafana, Prometheus] = ['http://localhost:4600', 'http://localhost:4590']
  expect(renderLinks({}, undefined)).toBe('')
  expect(renderLinks({ Grafana, Prometheus }, undefined)).toContain('HEARTH_GRAFANA_PASSWORD')
  const alone = renderLinks({ Prometheus }, 'That image could not be pulled.')
  expect(alone).toContain('Prometheus runs without Grafana. That image could not be pulled.')
  expect(alone).not.toContain('HEARTH_GRAFANA_PASSWORD')
})
