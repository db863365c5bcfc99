// Tags of log groups, in the form of today (by ARN) and in the former one (by name), as Terraform,
// the CLI and older tools read and write them. They live in the group's record.

import { ServiceError } from '@hearth/core/error'
import { change } from './groups.ts'
import {
  checkText,
  findGroup,
  GROUP_NAME,
  type Input,
  type LogsCaller,
  nameOf,
  readList,
  requireText,
  violation,
} from './input.ts'

type Tags = Readonly<Record<string, string>>

const TAGS_MAX = 50
const KEY = {
  least: 1,
  most: 128,
  pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u,
  spelled: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$',
}
const VALUE = {
  most: 256,
  pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u,
  spelled: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$',
}

export async function tagResource(input: Input, caller: LogsCaller): Promise<object> {
  return tag(resourceOf(input), input, caller)
}

export async function tagLogGroup(input: Input, caller: LogsCaller): Promise<object> {
  return tag(requireText(input, 'logGroupName', GROUP_NAME), input, caller)
}

export async function untagResource(input: Input, caller: LogsCaller): Promise<object> {
  return untag(resourceOf(input), readKeys(input, 'tagKeys'), caller)
}

export async function untagLogGroup(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logGroupName', GROUP_NAME)
  return untag(name, readKeys(input, 'tags'), caller)
}

export async function listTagsForResource(input: Input, caller: LogsCaller): Promise<object> {
  const { tags } = await findGroup({ logGroupName: resourceOf(input) }, caller)
  return { tags }
}

export async function listTagsLogGroup(input: Input, caller: LogsCaller): Promise<object> {
  const logGroupName = requireText(input, 'logGroupName', GROUP_NAME)
  const { tags } = await findGroup({ logGroupName }, caller)
  return { tags }
}

/** @throws ServiceError for what are no tags, and for too many. */
export function readTags(given: unknown): Tags {
  if (given === undefined || given === null) return {}
  const isMap = typeof given === 'object' && !Array.isArray(given)
  if (!isMap || Object.values(given).some((one) => typeof one !== 'string')) {
    throw new ServiceError('SerializationException', 'tags is not a map of strings.')
  }
  const tags = given as Tags
  for (const [key, value] of Object.entries(tags)) {
    checkText('tags', key, KEY)
    checkText('tags', value, VALUE)
  }
  requireFew(tags)
  return tags
}

function requireFew(tags: Tags): void {
  if (Object.keys(tags).length <= TAGS_MAX) return
  const text = 'The number of tags in the request exceeds the 50 tag limit.'
  throw new ServiceError('TooManyTagsException', text)
}

async function tag(name: string, input: Input, caller: LogsCaller): Promise<object> {
  if (input.tags === undefined) throw violation('tags', null, 'Member must not be null')
  const added = readTags(input.tags)
  await change(name, caller, (group) => {
    const tags = { ...group.tags, ...added }
    requireFew(tags)
    return { ...group, tags }
  })
  return {}
}

async function untag(name: string, keys: string[], caller: LogsCaller): Promise<object> {
  await change(name, caller, (group) => {
    const kept = Object.entries(group.tags).filter(([key]) => !keys.includes(key))
    return { ...group, tags: Object.fromEntries(kept) }
  })
  return {}
}

const readKeys = (input: Input, member: string) =>
  readList(input, member, { ...KEY, countMax: TAGS_MAX }) ?? []

/** Log groups are the one kind of resource here that has tags. */
function resourceOf(input: Input): string {
  const arn = requireText(input, 'resourceArn', { least: 1, most: 1_011 })
  const name = nameOf(arn)
  if (name !== arn && !name.includes(':')) return name
  throw new ServiceError('ResourceNotFoundException', 'The specified resource does not exist.')
}
