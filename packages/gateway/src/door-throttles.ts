// The last hour's throttles, as the doors of all gateways and pollers counted them: a spent budget
// or a reserved concurrency of 0 refuses before any scheduler hears of it. All are asked when
// somebody looks, and whoever says nothing in time is missed.

import type { DoorThrottles, FunctionHour, ThrottleQuestion } from '@hearth/bus/figures'
import { SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import { HOUR_MINUTES, type Hour } from './history.ts'

/** Long enough for a way to NATS and back; a page waits for it. */
const LISTEN_MS = 250
/** Under load it takes longer: our own door at least is heard, or NATS is out of reach. */
const LISTENS_MAX = 4

export async function gatherThrottles(
  requests: Pick<Requests, 'publish' | 'subscribe'>,
  question: ThrottleQuestion,
): Promise<DoorThrottles[]> {
  // Answers to somebody else's question are heard, too, and each door counts once.
  const told = new Map<string, DoorThrottles>()
  const listening = requests.subscribe<DoorThrottles>(SUBJECTS.throttles, (answer) => {
    if (answer.functionName === question.functionName) told.set(answer.doorId, answer)
  })
  requests.publish(SUBJECTS.throttlesWanted, question)
  for (let count = 0; count < LISTENS_MAX && (count === 0 || told.size === 0); count += 1) {
    await new Promise((resolve) => setTimeout(resolve, LISTEN_MS))
  }
  listening.close()
  return [...told.values()]
}

/** The same hour with its throttles; who was never let in is among its functions, too. */
export function withThrottles(hour: Hour, told: readonly DoorThrottles[]): Hour {
  const minutes = sums(told.flatMap((one) => one.minutes))
  const functions = sums(told.flatMap((one) => one.functions))
  const known = hour.functions.map((one) => {
    const throttles = functions.get(one.functionName) ?? 0
    functions.delete(one.functionName)
    return { ...one, throttles }
  })
  return {
    ...hour,
    minutes: hour.minutes.map((one) => ({ ...one, throttles: minutes.get(one.minute) ?? 0 })),
    functions: [...known, ...[...functions].map(refused)],
  }
}

const refused = ([functionName, throttles]: [string, number]): FunctionHour => ({
  ...{ functionName, throttles, errors: 0, durationMs: 0 },
  invocations: Array.from({ length: HOUR_MINUTES }, () => 0),
})

function sums<Key>(counts: readonly (readonly [Key, number])[]): Map<Key, number> {
  const found = new Map<Key, number>()
  for (const [key, count] of counts) found.set(key, (found.get(key) ?? 0) + count)
  return found
}
