// Removes from the disk what the retention of log groups has made invisible: once when a gateway
// starts and every ten minutes. Each gateway does so; what one has removed the other does not find.

import type { Logs } from '@hearth/store/logs'

export interface LogClock {
  close(): void
}

const TURN_MS = 600_000

export function startLogClock(
  logs: Pick<Logs, 'expire'>,
  report: (problem: string) => void,
): LogClock {
  let isAtWork = false
  const turn = () => {
    if (isAtWork) return
    isAtWork = true
    logs
      .expire(Date.now())
      .catch((error) => report(`expired log lines wait: ${error}`))
      .finally(() => {
        isAtWork = false
      })
  }
  turn()
  const timer = setInterval(turn, TURN_MS)
  return { close: () => clearInterval(timer) }
}
