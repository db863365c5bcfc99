// The roles that exist, and the policies of customers' own that roles may have: a record each.
// Their laws are in core/role and core/customer-policy.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { type CustomerPolicy, meaningOf, policyArn } from '@hearth/core/customer-policy'
import type { FindPolicy, Role } from '@hearth/core/role'
import { type NamedRecords, openNamedRecords } from './named-records.ts'

export type Roles = NamedRecords<Role>
export type CustomerPolicies = NamedRecords<CustomerPolicy>

export const openRoles = (bus: Bus): Promise<Roles> => openNamedRecords(bus, BUCKETS.roles)

export const openCustomerPolicies = (bus: Bus): Promise<CustomerPolicies> =>
  openNamedRecords(bus, BUCKETS.customerPolicies)

/** The policy of this very ARN: its name alone could be another's, under another path. */
export function policyByArn(
  policies: Pick<CustomerPolicies, 'cached'>,
  account: string,
  arn: string,
): CustomerPolicy | undefined {
  const found = policies.cached(account, arn.slice(arn.lastIndexOf('/') + 1))
  return found && policyArn(found) === arn ? found : undefined
}

/** What policies of an account's own mean, by their ARNs. */
export function meanings(policies: Pick<CustomerPolicies, 'cached'>, account: string): FindPolicy {
  return (arn) => {
    const policy = policyByArn(policies, account, arn)
    return policy && meaningOf(policy)
  }
}
