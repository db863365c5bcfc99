// How provisioned concurrency looks on the wire: what was asked for beside what the schedulers say
// they keep. Pure; nothing of it is stored, so it is as true as the last heartbeats.

import type { ProvisionedConcurrencyConfigListItem } from '@aws-sdk/client-lambda'
import type { ProvisionedShare } from '@hearth/bus/messages'
import type { ProvisionedConcurrency } from '@hearth/core/concurrency'
import { lastModified } from './function-view.ts'

export function viewProvisioned(
  { requested, modifiedAt }: ProvisionedConcurrency,
  shares: readonly ProvisionedShare[],
): Omit<ProvisionedConcurrencyConfigListItem, 'FunctionArn'> {
  // What is kept for an earlier configuration is not yet what was asked for.
  const current = shares.filter((share) => share.modifiedAt === modifiedAt)
  const sum = current.reduce((total, { initialised }) => total + initialised, 0)
  const initialised = Math.min(sum, requested)
  const failed = current.find((share) => share.failed !== undefined)?.failed
  return {
    RequestedProvisionedConcurrentExecutions: requested,
    AvailableProvisionedConcurrentExecutions: initialised,
    AllocatedProvisionedConcurrentExecutions: initialised,
    ...statusOf(initialised >= requested, failed),
    LastModified: lastModified(modifiedAt),
  }
}

function statusOf(isReady: boolean, failed: string | undefined) {
  if (isReady) return { Status: 'READY' as const }
  return failed === undefined
    ? { Status: 'IN_PROGRESS' as const }
    : { Status: 'FAILED' as const, StatusReason: failed }
}
