// Which roles have which policies, where others make, attach and delete them at the same time. A
// policy and a role are two records, and no write takes both: whoever attaches writes the role and
// then the policy, so that whoever deletes the policy, having looked at the roles, is too late.

import { type CustomerPolicy, policyArn } from '@hearth/core/customer-policy'
import { ServiceError } from '@hearth/core/error'
import type { Role } from '@hearth/core/role'
import { type CustomerPolicies, policyByArn, type Roles } from './roles.ts'

interface Parts {
  roleRecords: Pick<Roles, 'change' | 'freshList' | 'list'>
  policyRecords: Pick<CustomerPolicies, 'cached' | 'change' | 'create' | 'fresh'>
}

/** @throws ServiceError for a policy that there is not, or no more. */
export async function attachPolicy(
  { roleRecords, policyRecords }: Parts,
  on: { account: string; role: string; arn: string },
  attach: (role: Role | undefined) => Role,
): Promise<void> {
  const { account, arn } = on
  const policy = policyByArn(policyRecords, account, arn)
  await roleRecords.change(account, on.role, attach)
  // AWS's own stay.
  if (!policy) return
  const isSame = (found: CustomerPolicy | undefined) => found?.id === policy.id
  const now = await policyRecords.change(account, policy.name, (found) =>
    // A write of its own, though nothing is new: whoever means to delete it has to look again.
    found && isSame(found) ? { ...found } : found,
  )
  if (isSame(now)) return
  await roleRecords.change(account, on.role, (role) => role && without(role, arn))
  throw new ServiceError('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`)
}

/** @param require throws while the policy may not go: told how many roles have it. */
export async function deletePolicy(
  { roleRecords, policyRecords }: Parts,
  { account, name }: Pick<CustomerPolicy, 'account' | 'name'>,
  require: (policy: CustomerPolicy | undefined, attachments: number) => void,
): Promise<void> {
  await policyRecords.change(account, name, async (policy) => {
    const roles = policy ? await roleRecords.freshList(account) : []
    require(policy, roles.filter((role) => policy && has(role, policyArn(policy))).length)
    return undefined
  })
}

/** A new one is nobody's, whatever was attached under its name when a gateway died. */
export async function storePolicy(
  { roleRecords, policyRecords }: Parts,
  policy: CustomerPolicy,
): Promise<'created' | 'exists'> {
  const { account, name } = policy
  const arn = policyArn(policy)
  for (const bearer of roleRecords.list(account).filter((role) => has(role, arn))) {
    await roleRecords.change(account, bearer.name, async (role) => {
      const isLeft = role && !(await policyRecords.fresh(account, name))
      return isLeft ? without(role, arn) : role
    })
  }
  return policyRecords.create(policy)
}

const has = ({ attached }: Role, arn: string) => attached.includes(arn)

const without = (role: Role, arn: string): Role => ({
  ...role,
  attached: role.attached.filter((one) => one !== arn),
})
