// The JSON 1.1 protocol of services that share one path: X-Amz-Target names the service and its
// operation, the body is the input. Each such service has a file among the routes.

import { ServiceError } from '@hearth/core/error'
import type { WireAnswer } from './contract.ts'

/** What is asked of which service. */
export interface Targeted {
  service: string
  operation: string
  input: Record<string, unknown>
}

/** @throws ServiceError when the body is no JSON object. */
export function readTarget(target: string, body: Uint8Array): Targeted {
  const dot = target.lastIndexOf('.')
  const [service, operation] = [target.slice(0, Math.max(dot, 0)), target.slice(dot + 1)]
  return { service, operation, input: readObject(Buffer.from(body).toString() || '{}') }
}

function readObject(text: string): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(text)
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) {
      return input as Record<string, unknown>
    }
  } catch {
    // As of anything else that is no object.
  }
  throw new ServiceError('SerializationException', 'The body is not a JSON object.')
}

export function answerTarget(body: unknown): WireAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(body),
  }
}

export const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
export const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined)
