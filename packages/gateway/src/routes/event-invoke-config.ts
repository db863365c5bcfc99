// Routes of event invoke configs: how asynchronous events of a function, or of one of its versions,
// are tried and told of. The law is in core/event-invoke-config; whoever runs events obeys it.

import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import {
  checkEventInvoke,
  deleteEventInvoke,
  type EventInvokeAddress,
  type EventInvokeConfig,
  type EventInvokeWish,
  eventInvokeOf,
  LATEST,
  listEventInvoke,
  noFunction,
  putEventInvoke,
  updateEventInvoke,
} from '@hearth/core/event-invoke-config'
import { type FunctionDocument, versionOf } from '@hearth/core/function'
import { makeMarker, type Named, readMarker } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

type View = Aws.FunctionEventInvokeConfig
type Input = Aws.PutFunctionEventInvokeConfigCommandInput

const PAGE_MAX = 50
const DELETED = { StatusCode: 204 }

export const putFunctionEventInvokeConfig: Route<Input, View> = (input, caller, parts) =>
  write(input, caller, { parts, change: putEventInvoke })

export const updateFunctionEventInvokeConfig: Route<Input, View> = (input, caller, parts) =>
  write(input, caller, { parts, change: updateEventInvoke })

export const getFunctionEventInvokeConfig: Route<
  Aws.GetFunctionEventInvokeConfigCommandInput,
  View
> = (input, caller, parts) => {
  const at = addressOf(input, caller)
  return view(eventInvokeOf(documentOf(at, parts), at), at)
}

export const deleteFunctionEventInvokeConfig: Route<
  Aws.DeleteFunctionEventInvokeConfigCommandInput,
  object
> = async (input, caller, parts) => {
  const at = addressOf(input, caller)
  await parts.functions.change(at.place.account, at.name, (document) =>
    deleteEventInvoke(document, at),
  )
  return DELETED
}

export const listFunctionEventInvokeConfigs: Route<
  Aws.ListFunctionEventInvokeConfigsCommandInput,
  Aws.ListFunctionEventInvokeConfigsResponse
> = (input, caller, parts) => {
  const at = addressOf(input, caller)
  const document = documentOf(at, parts)
  if (!document) throw noFunction()
  const all = listEventInvoke(document)
  const first = input.Marker === undefined ? undefined : readMarker(input.Marker)
  const start = Math.max(
    all.findIndex(([qualifier]) => qualifier === first),
    0,
  )
  const end = start + Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const next = all[end]
  return {
    FunctionEventInvokeConfigs: all
      .slice(start, end)
      .map(([qualifier, config]) => view(config, { ...at, qualifier })),
    ...(next && { NextMarker: makeMarker(next[0]) }),
  }
}

async function write(
  input: Input,
  caller: Caller,
  { parts, change }: { parts: Parts; change: typeof putEventInvoke },
): Promise<View> {
  const at = addressOf(input, caller)
  const wish = wishOf(input)
  if (!documentOf(at, parts)) throw noFunction()
  checkEventInvoke(wish, at, ({ account, name, qualifier }) => {
    const target = parts.functions.cached(account, name)
    return target !== undefined && versionOf(target, qualifier) !== undefined
  })
  const changed = await parts.functions.change(at.place.account, at.name, (document) =>
    change(document, wish, { ...at, now: Date.now() }),
  )
  return view(eventInvokeOf(changed, at), at)
}

function addressOf(input: Named, { place }: Caller): EventInvokeAddress {
  const { name, qualifier } = parseFunctionName(input.FunctionName ?? '', input.Qualifier, place)
  return { place, name, ...(qualifier !== undefined && { qualifier }) }
}

function documentOf({ place, name }: EventInvokeAddress, parts: Parts) {
  return parts.functions.cached(place.account, name) satisfies FunctionDocument | undefined
}

function wishOf(input: Input): EventInvokeWish {
  const { MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: age } = input
  const { DestinationConfig: config } = input
  return {
    ...(retries !== undefined && { retriesMax: retries }),
    ...(age !== undefined && { ageSecondsMax: age }),
    ...(config && {
      destinations: {
        ...(config.OnSuccess && { onSuccess: config.OnSuccess.Destination ?? '' }),
        ...(config.OnFailure && { onFailure: config.OnFailure.Destination ?? '' }),
      },
    }),
  }
}

function view(config: EventInvokeConfig, at: EventInvokeAddress): View {
  const destination = (address: string | undefined) => (address ? { Destination: address } : {})
  return {
    LastModified: new Date(config.modifiedAt),
    FunctionArn: functionArn(at.place, at.name, at.qualifier ?? LATEST),
    ...(config.retriesMax !== undefined && { MaximumRetryAttempts: config.retriesMax }),
    ...(config.ageSecondsMax !== undefined && { MaximumEventAgeInSeconds: config.ageSecondsMax }),
    DestinationConfig: {
      OnSuccess: destination(config.onSuccess),
      OnFailure: destination(config.onFailure),
    },
  }
}
