// The event invoke config: how often and for how long asynchronous events of a function are tried,
// and who is told of their end; AWS's FunctionEventInvokeConfig. Pure: routes hand in the wish,
// whoever runs events reads it.

import { functionArn, type Place } from './arn.ts'
import { type Target, targetOf } from './destination.ts'
import { ServiceError } from './error.ts'
import { type FunctionDocument, versionOf } from './function.ts'

export interface EventInvokeConfig {
  /** 0 to 2; absent is AWS's default of 2. */
  retriesMax?: number
  /** 60 to 21,600; absent is AWS's default of 21,600. */
  ageSecondsMax?: number
  onSuccess?: string
  onFailure?: string
  modifiedAt: number
}

/** What a caller asks for; an empty destination is none. */
export interface EventInvokeWish {
  retriesMax?: number
  ageSecondsMax?: number
  destinations?: { onSuccess?: string; onFailure?: string }
}

/** Whose config: `$LATEST` where no qualifier is given. */
export interface EventInvokeAddress {
  place: Place
  name: string
  qualifier?: string
}

export const LATEST = '$LATEST'

/** Everything that was there is replaced. @throws ServiceError */
export function putEventInvoke(
  document: FunctionDocument | undefined,
  wish: EventInvokeWish,
  at: EventInvokeAddress & { now: number },
): FunctionDocument {
  return stored(requireVersion(document, at), at, { ...merge({}, wish), modifiedAt: at.now })
}

/** What is not given stays. @throws ServiceError */
export function updateEventInvoke(
  document: FunctionDocument | undefined,
  wish: EventInvokeWish,
  at: EventInvokeAddress & { now: number },
): FunctionDocument {
  const found = requireVersion(document, at)
  const current = eventInvokeOf(found, at)
  return stored(found, at, { ...merge(current, wish), modifiedAt: at.now })
}

/** @throws ServiceError when there is none. */
export function deleteEventInvoke(
  document: FunctionDocument | undefined,
  at: EventInvokeAddress,
): FunctionDocument {
  eventInvokeOf(document, at)
  return withoutEventInvoke(document as FunctionDocument, at.qualifier ?? LATEST)
}

/** For a version that is gone, too. */
export function withoutEventInvoke(
  document: FunctionDocument,
  qualifier: string,
): FunctionDocument {
  const { [qualifier]: gone, ...others } = document.eventInvoke ?? {}
  return gone ? { ...document, eventInvoke: others } : document
}

/** @throws ServiceError when there is none. */
export function eventInvokeOf(
  document: FunctionDocument | undefined,
  { place, name, qualifier = LATEST }: EventInvokeAddress,
): EventInvokeConfig {
  const configs = document?.eventInvoke ?? {}
  const found = Object.hasOwn(configs, qualifier) ? configs[qualifier] : undefined
  if (found) return found
  const arn = functionArn(place, name, qualifier)
  throw new ServiceError(
    'ResourceNotFoundException',
    `The function ${arn} doesn't have an EventInvokeConfig`,
  )
}

/** All of a function's, `$LATEST` first and versions in their order. */
export function listEventInvoke(document: FunctionDocument): [string, EventInvokeConfig][] {
  const rank = (qualifier: string) =>
    qualifier === LATEST ? 0 : /^\d+$/.test(qualifier) ? Number(qualifier) : Number.MAX_VALUE
  return Object.entries(document.eventInvoke ?? {}).sort(
    ([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1),
  )
}

/**
 * What AWS asks of a wish.
 * @param exists whether there is such a function here.
 * @throws ServiceError
 */
export function checkEventInvoke(
  wish: EventInvokeWish,
  { place, name }: EventInvokeAddress,
  exists: (target: Target & { kind: 'lambda' }) => boolean,
): void {
  const { retriesMax, ageSecondsMax, destinations } = wish
  if (retriesMax === undefined && ageSecondsMax === undefined && destinations === undefined) {
    throw invalid('You must specify at least one of error handling or destination setting.')
  }
  for (const address of [destinations?.onSuccess, destinations?.onFailure]) {
    if (!address) continue
    const target = targetOf(address)
    if (!target) throw invalid(`The provided destination config ${show(wish)} is invalid.`)
    if (target.kind !== 'lambda') continue
    const isHere = target.region === place.region && target.account === place.account
    if (isHere && target.name === name) {
      throw invalid("You can't specify the function as a destination for itself.")
    }
    if (!isHere || !exists(target)) throw invalid(`The destination ARN ${address} is invalid.`)
  }
}

/** As AWS's own program prints it. */
function show({ destinations }: EventInvokeWish): string {
  const side = (name: string, address: string | undefined) =>
    address === undefined ? 'null' : `${name}(destination=${address})`
  return (
    `DestinationConfig(onSuccess=${side('OnSuccess', destinations?.onSuccess)}, ` +
    `onFailure=${side('OnFailure', destinations?.onFailure)})`
  )
}

function merge(
  { onSuccess, onFailure, ...current }: Omit<EventInvokeConfig, 'modifiedAt'>,
  { destinations, ...limits }: EventInvokeWish,
): Omit<EventInvokeConfig, 'modifiedAt'> {
  const [success, failure] = [
    destinations?.onSuccess ?? onSuccess,
    destinations?.onFailure ?? onFailure,
  ]
  return {
    ...current,
    ...limits,
    ...(success && { onSuccess: success }),
    ...(failure && { onFailure: failure }),
  }
}

function stored(
  document: FunctionDocument,
  { qualifier = LATEST }: EventInvokeAddress,
  config: EventInvokeConfig,
): FunctionDocument {
  return { ...document, eventInvoke: { ...document.eventInvoke, [qualifier]: config } }
}

function requireVersion(
  document: FunctionDocument | undefined,
  { qualifier }: EventInvokeAddress,
): FunctionDocument {
  if (document && versionOf(document, qualifier)) return document
  throw noFunction()
}

export const noFunction = () =>
  new ServiceError('ResourceNotFoundException', "The function doesn't exist.")
const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
