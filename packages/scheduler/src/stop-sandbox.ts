// The end of a sandbox: removed by the engine, and its sockets after it. An engine that is busy is
// asked again; one that will not is reported, and the next start of the scheduler tries once more.

import type { SandboxDriver } from './drivers/driver.ts'
import type { SandboxChannel } from './sandbox-channel.ts'

/** A sandbox that will not go is tried again after each of these, and then reported. */
const STOP_AGAIN_MS = [500, 2_000, 8_000]

/** Resolves when the sandbox is gone or was given up; never rejects. */
export async function stopSandbox(
  parts: { driver: SandboxDriver; report(problem: string): void },
  id: string,
  channel: SandboxChannel | undefined,
): Promise<void> {
  for (const againMs of [...STOP_AGAIN_MS, undefined]) {
    try {
      await parts.driver.stop(id)
      break
    } catch (error) {
      parts.report(`sandbox ${id} could not be removed: ${error}`)
      if (againMs === undefined) break
      await new Promise((resolve) => setTimeout(resolve, againMs))
    }
  }
  await channel?.close().catch((error) => parts.report(`the sockets of ${id} remain: ${error}`))
}
