// The test runner's plan. `law` tests are pure and take seconds; `service` tests start real NATS,
// Valkey and Docker; `e2e` tests drive a whole Hearth with the AWS SDK and the AWS CLI.
import { defineConfig } from 'vitest/config'
import { EngineWatch } from './e2e/engine-watch.ts'

/** Tests with servers wait for those, and for clocks, more than for a CPU. */
const WORKERS_MAX = 3
const slow = ['packages/**/*.service.test.ts']
/** Schedulers under fire, and functions that flood, share a machine with no other tests. */
const alone = [
  'e2e/concurrency.test.ts',
  'e2e/faults/events.test.ts',
  'e2e/isolation-limits.test.ts',
]

export default defineConfig({
  test: {
    reporters: ['default', new EngineWatch()],
    projects: [
      {
        test: {
          name: 'law',
          include: ['packages/**/*.test.ts', 'e2e/tidy.test.ts'],
          exclude: [...slow, '**/node_modules/**'],
        },
      },
      {
        test: {
          name: 'service',
          include: slow,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          maxWorkers: WORKERS_MAX,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: ['e2e/tidy.test.ts', ...alone, '**/node_modules/**'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers: WORKERS_MAX,
        },
      },
      {
        test: {
          name: 'alone',
          include: alone,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
