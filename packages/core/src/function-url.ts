// Function URLs: an address of its own for a function, or for one of its aliases. Pure; they live
// in the function's document, and the gateway answers at them.

import type { FunctionDocument } from './function.ts'

/** A function URL's settings. */
export interface FunctionUrl {
  id: string
  authType: 'AWS_IAM' | 'NONE'
  invokeMode?: 'BUFFERED' | 'RESPONSE_STREAM'
  cors?: UrlCors
  createdAt: number
  modifiedAt: number
}

/** Cross-origin rules of a function URL, as AWS names them; `maxAge` in seconds. */
export interface UrlCors {
  allowCredentials?: boolean
  allowHeaders?: string[]
  allowMethods?: string[]
  allowOrigins?: string[]
  exposeHeaders?: string[]
  maxAge?: number
}

/** The URL of an alias, or of the function where no qualifier is given. */
export function urlOf(
  { url, aliasUrls = {} }: FunctionDocument,
  qualifier: string | undefined,
): FunctionUrl | undefined {
  if (qualifier === undefined) return url
  return Object.hasOwn(aliasUrls, qualifier) ? aliasUrls[qualifier] : undefined
}

/** All of a function's, its own first, and its aliases' by their names. */
export function urlsOf({
  url,
  aliasUrls = {},
}: FunctionDocument): { url: FunctionUrl; qualifier?: string }[] {
  const own = url ? [{ url }] : []
  const others = Object.entries(aliasUrls)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([qualifier, one]) => ({ url: one, qualifier }))
  return [...own, ...others]
}

export function withUrl(
  document: FunctionDocument,
  qualifier: string | undefined,
  url: FunctionUrl,
): FunctionDocument {
  if (qualifier === undefined) return { ...document, url }
  return { ...document, aliasUrls: { ...document.aliasUrls, [qualifier]: url } }
}

export function withoutUrl(
  document: FunctionDocument,
  qualifier: string | undefined,
): FunctionDocument {
  const { url: _, ...rest } = document
  if (qualifier === undefined) return rest
  const { [qualifier]: _gone, ...aliasUrls } = document.aliasUrls ?? {}
  return { ...document, aliasUrls }
}
