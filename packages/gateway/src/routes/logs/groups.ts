// Log groups: made by hand here, or by a function's first line (store/logs); their retention, which
// is obeyed on reading and on the disk; and their protection. Keys of KMS cannot be obeyed and are
// refused; AWS's classes differ in price alone and are echoed.

import { ServiceError } from '@hearth/core/error'
import type { LogGroup } from '@hearth/store/log-groups'
import {
  arnOf,
  findGroup,
  GROUP_NAME,
  IDENTIFIER,
  type Input,
  type LogsCaller,
  nameOf,
  noSuchGroup,
  pageOf,
  readInteger,
  readList,
  readText,
  refuse,
  requireText,
  violation,
} from './input.ts'
import { readTags } from './tags.ts'

/** PutRetentionPolicy's values. */
const RETENTION_DAYS = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922],
  ...[3288, 3653],
]
const CLASSES = ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY']
const PAGE_MAX = 50

export async function createLogGroup(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logGroupName', GROUP_NAME)
  const logClass = readText(input, 'logGroupClass', { values: CLASSES }) ?? 'STANDARD'
  if (logClass === 'DELIVERY') throw refuse('Hearth has no log groups of the class DELIVERY.')
  if (readText(input, 'kmsKeyId') !== undefined) {
    throw refuse('Hearth has no KMS: log groups cannot have a kmsKeyId.')
  }
  const made = await caller.logs.groups.create({
    account: caller.place.account,
    name,
    createdAt: Date.now(),
    tags: readTags(input.tags),
    logClass,
    ...(input.deletionProtectionEnabled === true && { isProtected: true }),
  })
  if (made === 'created') return {}
  throw new ServiceError('ResourceAlreadyExistsException', 'The specified log group already exists')
}

export async function deleteLogGroup(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logGroupName', GROUP_NAME)
  const { account, isProtected } = await findGroup({ logGroupName: name }, caller)
  if (isProtected) {
    const text = 'The specified log group has deletion protection enabled.'
    throw new ServiceError('ValidationException', text)
  }
  await caller.logs.removeGroup(account, name)
  return {}
}

export async function describeLogGroups(input: Input, caller: LogsCaller): Promise<object> {
  const prefix = readText(input, 'logGroupNamePrefix', GROUP_NAME)
  const part = readText(input, 'logGroupNamePattern', { most: 512 })
  const logClass = readText(input, 'logGroupClass', { values: CLASSES })
  const identifiers = readList(input, 'logGroupIdentifiers', { countMax: PAGE_MAX })
  if (prefix !== undefined && part !== undefined) {
    throw refuse(
      'LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.',
    )
  }
  const names = identifiers?.map(nameOf)
  const { logs, place } = caller
  const found = logs.groups
    .list(place.account)
    .filter((group) => group.name.startsWith(prefix ?? '') && group.name.includes(part ?? ''))
    .filter((group) => logClass === undefined || group.logClass === logClass)
    .filter((group) => names?.includes(group.name) ?? true)
  const limit = readInteger(input, 'limit', [1, PAGE_MAX]) ?? PAGE_MAX
  const token = readText(input, 'nextToken')
  const { page, ...next } = pageOf(found, (group) => group.name, { limit, token })
  return { logGroups: await Promise.all(page.map((group) => view(group, caller))), ...next }
}

async function view(group: LogGroup, { logs, place }: LogsCaller): Promise<object> {
  const { name, createdAt, retentionDays, logClass, isProtected } = group
  return {
    logGroupName: name,
    creationTime: createdAt,
    ...(retentionDays !== undefined && { retentionInDays: retentionDays }),
    metricFilterCount: 0,
    arn: `${arnOf(place, name)}:*`,
    storedBytes: await logs.lines.bytesOf(place.account, name),
    logGroupClass: logClass,
    logGroupArn: arnOf(place, name),
    deletionProtectionEnabled: isProtected ?? false,
  }
}

export async function putRetentionPolicy(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logGroupName', GROUP_NAME)
  const days = input.retentionInDays ?? null
  if (days === null) throw violation('retentionInDays', null, 'Member must not be null')
  if (!RETENTION_DAYS.includes(days as number)) {
    const text = `Member must satisfy enum value set: [${RETENTION_DAYS.join(', ')}]`
    throw violation('retentionInDays', days, text)
  }
  await change(name, caller, (group) => ({ ...group, retentionDays: days as number }))
  return {}
}

export async function deleteRetentionPolicy(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logGroupName', GROUP_NAME)
  await change(name, caller, ({ retentionDays: _, ...group }) => group)
  return {}
}

export async function putLogGroupDeletionProtection(
  input: Input,
  caller: LogsCaller,
): Promise<object> {
  const name = nameOf(requireText(input, 'logGroupIdentifier', IDENTIFIER))
  const isProtected = input.deletionProtectionEnabled
  if (typeof isProtected !== 'boolean') {
    throw violation('deletionProtectionEnabled', null, 'Member must not be null')
  }
  await change(name, caller, ({ isProtected: _, ...group }) => ({
    ...group,
    ...(isProtected && { isProtected }),
  }))
  return {}
}

/** @throws ServiceError when there is no such group. */
export async function change(
  name: string,
  { logs, place }: LogsCaller,
  work: (group: LogGroup) => LogGroup,
): Promise<void> {
  if (!(await logs.groups.change(place.account, name, work))) throw noSuchGroup()
}
