// Routes of event source mappings: create, read, change, delete, list, and Hearth's own reset of
// checkpoints. Laws are in core/event-source-mapping. A mapping is taken up, let go and removed by
// pollers; these routes only write what is wished.

import { randomUUID } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import {
  conflictOf,
  createMapping,
  deleteMapping,
  type EventSourceMapping,
  isSamePair,
  resetMapping,
  updateMapping,
} from '@hearth/core/event-source-mapping'
import type { Start } from '@hearth/core/event-source-settings'
import { versionOf } from '@hearth/core/function'
import { checkTags } from '@hearth/core/tag'
import { refuseTenancy } from '@hearth/core/tenancy'
import { viewMapping } from '../mapping-view.ts'
import {
  accessOf,
  groupOf,
  readSettings,
  readSource,
  readStart,
  requireObeyableMapping,
} from '../mapping-wish.ts'
import { makeMarker, readMarker } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

type View = Aws.EventSourceMappingConfiguration

/** AWS returns at most this many mappings a page. */
const PAGE_MAX = 100

export const createEventSourceMapping: Route<
  Aws.CreateEventSourceMappingCommandInput,
  View
> = async (input, caller, parts) => {
  const { place } = caller
  requireObeyableMapping(input)
  const uuid = randomUUID()
  const source = readSource(input, uuid)
  const target = parseFunctionName(input.FunctionName ?? '', undefined, place)
  const { name: functionName, qualifier } = target
  const tags = input.Tags ?? {}
  checkTags(tags)
  const mapping = createMapping(
    {
      ...source,
      uuid,
      account: place.account,
      functionName,
      ...(qualifier !== undefined && { qualifier }),
      tags,
    },
    { ...readSettings(input), start: readStart(input) },
    Date.now(),
  )
  requireFunction(target, parts)
  requireNoRival(mapping, caller, parts)
  await parts.checkSource(mapping)
  const created = await parts.mappings.create(mapping)
  if (created !== 'created') throw conflict(created.rival, mapping, caller)
  return viewMapping(mapping, place)
}

export const getEventSourceMapping: Route<Aws.GetEventSourceMappingCommandInput, View> = (
  input,
  caller,
  parts,
) => viewMapping(existing(cachedOf(input, caller, parts)), caller.place)

export const updateEventSourceMapping: Route<
  Aws.UpdateEventSourceMappingCommandInput,
  View
> = async (input, caller, parts) => {
  const { place } = caller
  requireObeyableMapping(input)
  const access = accessOf(input)
  const settings = readSettings(input)
  const named =
    input.FunctionName === undefined
      ? undefined
      : parseFunctionName(input.FunctionName, undefined, place)
  const change = (found: EventSourceMapping | undefined) => {
    const mapping = existing(found)
    requireSameGroup(groupOf(input), mapping)
    return updateMapping(
      mapping,
      {
        ...settings,
        ...(access && { access }),
        ...(named && {
          target: {
            functionName: named.name,
            ...(named.qualifier !== undefined && { qualifier: named.qualifier }),
          },
        }),
      },
      Date.now(),
    )
  }
  const wished = change(cachedOf(input, caller, parts))
  if (named) {
    requireFunction(named, parts)
    requireNoRival(wished, caller, parts)
  }
  if (access) await parts.checkSource(wished)
  return viewMapping(await parts.mappings.change(place.account, wished.uuid, change), place)
}

export const deleteEventSourceMapping: Route<
  Aws.DeleteEventSourceMappingCommandInput,
  View
> = async (input, caller, parts) => {
  const { account } = caller.place
  const deleted = await parts.mappings.change(account, input.UUID ?? '', (mapping) =>
    deleteMapping(existing(mapping), Date.now()),
  )
  return viewMapping(deleted, caller.place)
}

export const listEventSourceMappings: Route<
  Aws.ListEventSourceMappingsCommandInput,
  Aws.ListEventSourceMappingsResponse
> = (input, { place }, parts) => {
  const { mappings } = parts
  const named =
    input.FunctionName === undefined
      ? undefined
      : parseFunctionName(input.FunctionName, undefined, place)
  const found = named
    ? mappings
        .ofFunction(place.account, named.name)
        .filter(({ qualifier }) => qualifier === named.qualifier)
    : mappings.list(place.account)
  const after = input.Marker === undefined ? '' : readMarker(input.Marker)
  const rest = found.filter(
    ({ uuid, sourceArn }) =>
      uuid > after && (input.EventSourceArn === undefined || sourceArn === input.EventSourceArn),
  )
  const page = rest.slice(0, Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX))
  const last = page.at(-1)
  return {
    EventSourceMappings: page.map((mapping) => viewMapping(mapping, place)),
    ...(rest.length > page.length && last && { NextMarker: makeMarker(last.uuid) }),
  }
}

/**
 * Hearth's own: throws away how far the shards of a mapping are. What runs by earlier checkpoints
 * can no longer write any that count.
 */
export async function resetEventSourceMapping(
  uuid: string,
  start: Start,
  caller: Caller,
  parts: Parts,
): Promise<View> {
  const { place } = caller
  const reset = await parts.mappings.change(place.account, uuid, (mapping) =>
    resetMapping(existing(mapping), start, Date.now()),
  )
  await parts.sweepCheckpoints(reset)
  return viewMapping(reset, place)
}

function cachedOf({ UUID }: { UUID: string | undefined }, { place }: Caller, { mappings }: Parts) {
  return mappings.cached(place.account, UUID ?? '')
}

function existing(mapping: EventSourceMapping | undefined): EventSourceMapping {
  if (mapping) return mapping
  throw new ServiceError('ResourceNotFoundException', 'The resource you requested does not exist.')
}

/** AWS says that it is the parameter which is wrong. No source names a tenant for a batch. */
function requireFunction(
  { account, name, qualifier }: { account: string; name: string; qualifier?: string },
  { functions }: Parts,
): void {
  const document = functions.cached(account, name)
  if (!document || !versionOf(document, qualifier)) {
    throw new ServiceError('InvalidParameterValueException', 'Function does not exist')
  }
  refuseTenancy(document.latest, 'event source mappings')
}

function requireNoRival(mapping: EventSourceMapping, caller: Caller, { mappings }: Parts): void {
  const rival = mappings
    .list(mapping.account)
    .find((other) => other.uuid !== mapping.uuid && isSamePair(other, mapping))
  if (rival) throw conflict(rival, mapping, caller)
}

/** A consumer group is where its positions are, and never changes. */
function requireSameGroup(group: string | undefined, { selfManaged }: EventSourceMapping): void {
  if (group === undefined || group === selfManaged?.consumerGroupId) return
  throw new ServiceError(
    'InvalidParameterValueException',
    'The consumer group of an event source mapping cannot be changed.',
  )
}

function conflict(rival: EventSourceMapping, mapping: EventSourceMapping, { place }: Caller) {
  return conflictOf(rival, mapping, functionArn(place, mapping.functionName, mapping.qualifier))
}
