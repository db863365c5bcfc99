// The trailers by which a runtime says that its function failed in the middle of a stream, as the
// error body that every failed function has. Whatever a hostile runtime puts there, the outcome is
// JSON. Pure.

import type { Trailers } from './http-request-reader.ts'

const TYPE_LENGTH_MAX = 256

/** The error as JSON, or undefined when the trailers tell of none. */
export function streamError({ errorType, errorBody }: Trailers): Buffer | undefined {
  if (errorType === undefined && errorBody === undefined) return undefined
  const body = Buffer.from(errorBody ?? '', 'base64')
  if (isJsonObject(body)) return body
  const type = errorType?.slice(0, TYPE_LENGTH_MAX) || 'Function.Unknown'
  return Buffer.from(JSON.stringify({ errorType: type, errorMessage: '' }))
}

function isJsonObject(body: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
