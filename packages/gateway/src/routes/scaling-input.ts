// Members of Application Auto Scaling's requests, checked one by one: the SDK has no schema of
// that service here. What is absent stays absent, so that an update changes what it names alone.

import { ServiceError } from '@hearth/core/error'

export type Input = Record<string, unknown>

const PAGE_MAX = 50
const TEXT_MAX = 1600
const NAME_MAX = 256
/** AWS allows no colon, slash, bar or control character, and no blank at either end. */
const NAME = /^(?! )[^:/|\p{Cc}]+(?<! )$/u
const MS_PER_SECOND = 1000

/** @throws ServiceError unless both are whole numbers, if they are there. */
export function readRange(input: Input): { min?: number; max?: number } {
  return {
    ...readCapacity(input, 'MinCapacity', 'min'),
    ...readCapacity(input, 'MaxCapacity', 'max'),
  }
}

function readCapacity<Name extends string>(input: Input, member: string, name: Name) {
  const value = input[member]
  if (value === undefined || value === null) return {}
  if (Number.isInteger(value)) return { [name]: value } as Record<Name, number>
  throw invalid(`${member} must be a whole number.`)
}

export function readName({ ScheduledActionName: name }: Input): string {
  if (typeof name === 'string' && name.length <= NAME_MAX && NAME.test(name)) return name
  throw invalid('ScheduledActionName is required, without : / | and control characters.')
}

export function readText<Name extends string>(input: Input, member: string, name: Name) {
  const value = input[member]
  if (value === undefined || value === null) return {}
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_MAX) {
    return { [name]: value } as Record<Name, string>
  }
  throw invalid(`${member} must be a text of at most ${TEXT_MAX} characters.`)
}

/** Seconds since the epoch on the wire, milliseconds here. */
export function readTime<Name extends string>(input: Input, member: string, name: Name) {
  const value = input[member]
  if (value === undefined || value === null) return {}
  if (typeof value === 'number' && Number.isFinite(value)) {
    return { [name]: Math.round(value * MS_PER_SECOND) } as Record<Name, number>
  }
  throw invalid(`${member} must be a time, in seconds since 1970.`)
}

/** One page of a list, and the token of the next. */
export function pageOf(member: string, all: readonly object[], input: Input): object {
  const { MaxResults: size = PAGE_MAX, NextToken: token = '0' } = input
  const isToken = typeof token === 'string' && /^\d{1,9}$/.test(token)
  const isPage = Number.isInteger(size) && Number(size) >= 1
  if (!isPage || !isToken)
    throw invalid('MaxResults must be from 1 to 50, and NextToken one that was given.')
  const first = Number(token)
  const next = first + Math.min(Number(size), PAGE_MAX)
  return { [member]: all.slice(first, next), ...(next < all.length && { NextToken: `${next}` }) }
}

const invalid = (message: string) => new ServiceError('ValidationException', message)
