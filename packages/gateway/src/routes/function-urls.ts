// Routes of function URL configurations. A URL belongs to the unqualified function, or to one of
// its aliases; each has one at most.

import { randomBytes } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import { aliasOf, type FunctionDocument } from '@hearth/core/function'
import {
  type FunctionUrl,
  type UrlCors,
  urlOf,
  urlsOf,
  withoutUrl,
  withUrl,
} from '@hearth/core/function-url'
import { refuseTenancy } from '@hearth/core/tenancy'
import { validationError } from '../validation.ts'
import { makeMarker, readMarker } from './functions.ts'
import type { Caller, Route } from './route.ts'

interface Named {
  FunctionName: string | undefined
  Qualifier?: string | undefined
}

/** AWS returns at most this many a page. */
const PAGE_MAX = 50
const ALIAS = /^(?!\d+$)[0-9a-zA-Z-_]+$/
const ID_LENGTH = 32
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

export const createFunctionUrlConfig: Route<
  Aws.CreateFunctionUrlConfigCommandInput,
  Aws.CreateFunctionUrlConfigResponse
> = async (input, caller, parts) => {
  const { account, name, qualifier } = refer(input, caller)
  const now = Date.now()
  const url: FunctionUrl = {
    id: newId(),
    authType: input.AuthType as FunctionUrl['authType'],
    ...(input.InvokeMode && { invokeMode: input.InvokeMode as FunctionUrl['invokeMode'] & {} }),
    ...(input.Cors && { cors: readCors(input.Cors) }),
    createdAt: now,
    modifiedAt: now,
  }
  await parts.functions.change(account, name, (document) => {
    if (!document || !isThere(document, qualifier)) throw noFunction()
    refuseTenancy(document.latest, 'function URLs')
    if (urlOf(document, qualifier)) throw duplicate(functionArn(caller.place, name, qualifier))
    return withUrl(document, qualifier, url)
  })
  const { LastModifiedTime: _, ...created } = view(url, { name, qualifier }, caller)
  return created as Aws.CreateFunctionUrlConfigResponse
}

export const getFunctionUrlConfig: Route<
  Aws.GetFunctionUrlConfigCommandInput,
  Aws.GetFunctionUrlConfigResponse
> = (input, caller, parts) => {
  const { account, name, qualifier } = refer(input, caller)
  const url = requireUrl(parts.functions.cached(account, name), qualifier)
  return viewWhole(url, { name, qualifier }, caller)
}

export const updateFunctionUrlConfig: Route<
  Aws.UpdateFunctionUrlConfigCommandInput,
  Aws.UpdateFunctionUrlConfigResponse
> = async (input, caller, parts) => {
  const { account, name, qualifier } = refer(input, caller)
  const changed = await parts.functions.change(account, name, (document) => {
    if (!document || !(isThere(document, qualifier) || urlOf(document, qualifier))) {
      throw noFunction()
    }
    const current = requireUrl(document, qualifier)
    const url: FunctionUrl = {
      ...current,
      ...(input.AuthType && { authType: input.AuthType as FunctionUrl['authType'] }),
      ...(input.InvokeMode && { invokeMode: input.InvokeMode as FunctionUrl['invokeMode'] & {} }),
      ...(input.Cors && { cors: readCors(input.Cors) }),
      modifiedAt: Date.now(),
    }
    return withUrl(document, qualifier, url)
  })
  return view(requireUrl(changed, qualifier), { name, qualifier }, caller)
}

export const deleteFunctionUrlConfig: Route<
  Aws.DeleteFunctionUrlConfigCommandInput,
  object
> = async (input, caller, parts) => {
  const { account, name, qualifier } = refer(input, caller)
  await parts.functions.change(account, name, (document) => {
    requireUrl(document, qualifier)
    return withoutUrl(document as FunctionDocument, qualifier)
  })
  return {}
}

export const listFunctionUrlConfigs: Route<
  Aws.ListFunctionUrlConfigsCommandInput,
  Aws.ListFunctionUrlConfigsResponse
> = (input, caller, parts) => {
  const { account, name } = refer(input, caller)
  const document = parts.functions.cached(account, name)
  if (!document) throw noFunction()
  const { Marker: marker } = input
  const from = marker === undefined ? '' : readMarker(marker)
  const rest = urlsOf(document).filter(({ qualifier = '' }) => qualifier >= from)
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const next = rest[size]?.qualifier
  return {
    FunctionUrlConfigs: rest
      .slice(0, size)
      .map(({ url, qualifier }) => viewWhole(url, { name, qualifier }, caller)),
    ...(next !== undefined && { NextMarker: makeMarker(next) }),
  }
}

/** @throws ServiceError for a version: a URL is the function's or an alias's. */
function refer(input: Named, { place }: Caller) {
  const { FunctionName = '', Qualifier } = input
  const { account, name, qualifier } = parseFunctionName(FunctionName, Qualifier, place)
  if (qualifier === undefined || ALIAS.test(qualifier)) return { account, name, qualifier }
  throw validationError([
    `Value '${qualifier}' at 'qualifier' failed to satisfy constraint: ` +
      'Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)',
  ])
}

const isThere = (document: FunctionDocument, qualifier: string | undefined) =>
  qualifier === undefined || aliasOf(document, qualifier) !== undefined

function requireUrl(
  document: FunctionDocument | undefined,
  qualifier: string | undefined,
): FunctionUrl {
  const url = document && urlOf(document, qualifier)
  if (url) return url
  throw noUrl()
}

/**
 * The address under the domain by which the caller reached us; `localhost` names resolve on every
 * machine.
 */
function addressOf(id: string, caller: Caller): string {
  const origin = new URL(caller.origin)
  const isName = /[a-z]/i.test(origin.hostname) && !origin.hostname.startsWith('[')
  const domain = isName ? origin.hostname : 'localhost'
  const port = origin.port === '' ? '' : `:${origin.port}`
  return `${origin.protocol}//${id}.lambda-url.${caller.place.region}.${domain}${port}/`
}

function view(
  url: FunctionUrl,
  { name, qualifier }: { name: string; qualifier: string | undefined },
  caller: Caller,
): Aws.FunctionUrlConfig {
  return {
    FunctionUrl: addressOf(url.id, caller),
    FunctionArn: functionArn(caller.place, name, qualifier),
    AuthType: url.authType,
    ...(url.cors && { Cors: viewCors(url.cors) }),
    CreationTime: new Date(url.createdAt).toISOString(),
    LastModifiedTime: new Date(url.modifiedAt).toISOString(),
    ...(url.invokeMode && { InvokeMode: url.invokeMode }),
  }
}

/** Get and List name the invoke mode always; Create and Update, on AWS, only one that was set. */
function viewWhole(
  url: FunctionUrl,
  named: { name: string; qualifier: string | undefined },
  caller: Caller,
): Aws.FunctionUrlConfig {
  return { InvokeMode: 'BUFFERED', ...view(url, named, caller) }
}

function readCors(cors: Aws.Cors): UrlCors {
  return {
    ...(cors.AllowCredentials !== undefined && { allowCredentials: cors.AllowCredentials }),
    ...(cors.AllowHeaders && { allowHeaders: cors.AllowHeaders }),
    ...(cors.AllowMethods && { allowMethods: cors.AllowMethods }),
    ...(cors.AllowOrigins && { allowOrigins: cors.AllowOrigins }),
    ...(cors.ExposeHeaders && { exposeHeaders: cors.ExposeHeaders }),
    ...(cors.MaxAge !== undefined && { maxAge: cors.MaxAge }),
  }
}

function viewCors(cors: UrlCors): Aws.Cors {
  return {
    AllowCredentials: cors.allowCredentials,
    AllowHeaders: cors.allowHeaders,
    AllowMethods: cors.allowMethods,
    AllowOrigins: cors.allowOrigins,
    ExposeHeaders: cors.exposeHeaders,
    MaxAge: cors.maxAge,
  }
}

function newId(): string {
  const bytes = randomBytes(ID_LENGTH)
  return [...bytes].map((byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')
}

const noFunction = () => new ServiceError('ResourceNotFoundException', 'Function does not exist')
const noUrl = () =>
  new ServiceError('ResourceNotFoundException', 'The resource you requested does not exist.')
const duplicate = (arn: string) =>
  new ServiceError(
    'ResourceConflictException',
    `Failed to create function url config for [functionArn = ${arn}]. ` +
      'Error message:  FunctionUrlConfig exists for this Lambda function',
  )
