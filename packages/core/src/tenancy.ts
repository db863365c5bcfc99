// Tenancy: a function may have its execution environments kept apart by tenant, from its creation
// on and for good (AWS's TenancyConfig). The law says who must name a tenant, who must not, and
// what such a function cannot have. Pure.

import { ServiceError } from './error.ts'
import type { Configuration } from './function.ts'

/** Whatever is configured as a function is. */
interface Configured {
  configuration: Pick<Configuration, 'tenancy'>
}

/** In the words of AWS's guide, and of `sam local`. */
const MISSING =
  'The invoked function is enabled with tenancy configuration. ' +
  'Add a valid tenant ID in your request and try again.'
const NEEDLESS =
  'The invoked function is not enabled with tenancy configuration. ' +
  'Remove the tenant ID from your request and try again.'

/** Why an invocation that names this tenant, or none, is refused; undefined when it is not. */
export function tenantFault(
  { configuration }: Configured,
  tenantId: string | undefined,
): ServiceError | undefined {
  const isPerTenant = configuration.tenancy === 'PER_TENANT'
  if (isPerTenant === (tenantId !== undefined)) return undefined
  return new ServiceError('InvalidParameterValueException', isPerTenant ? MISSING : NEEDLESS)
}

/**
 * What starts environments before anybody asks, or invokes without a tenant, is not for functions
 * with tenants (Lambda guide, "tenant isolation"). @throws ServiceError in the guide's words.
 */
export function refuseTenancy({ configuration }: Configured, feature: string): void {
  if (configuration.tenancy === undefined) return
  throw new ServiceError(
    'InvalidParameterValueException',
    `Tenant isolation mode is not supported with functions that use ${feature}.`,
  )
}
