// Who must name a tenant and who must not, and what a function with tenants cannot have.

import { expect, test } from 'vitest'
import { refuseTenancy, tenantFault } from './tenancy.ts'

const shared = { configuration: {} }
const perTenant = { configuration: { tenancy: 'PER_TENANT' } } as const

test.each([
  ['a shared function without a tenant', shared, undefined, undefined],
  ['a function with tenants, and one', perTenant, 'blue', undefined],
  [
    'a function with tenants, and none',
    perTenant,
    undefined,
    'The invoked function is enabled with tenancy configuration. ' +
      'Add a valid tenant ID in your request and try again.',
  ],
  [
    'a shared function, and a tenant',
    shared,
    'blue',
    'The invoked function is not enabled with tenancy configuration. ' +
      'Remove the tenant ID from your request and try again.',
  ],
])('%s', (_name, version, tenantId, message) => {
  const fault = tenantFault(version, tenantId)
  expect(fault?.message).toBe(message)
  if (fault) expect(fault.code).toBe('InvalidParameterValueException')
})

test('what names no tenant is refused for functions with tenants alone', () => {
  expect(() => refuseTenancy(shared, 'function URLs')).not.toThrow()
  expect(() => refuseTenancy(perTenant, 'function URLs')).toThrow(
    'Tenant isolation mode is not supported with functions that use function URLs.',
  )
})
