// Refusals as bytes: the only place that knows an exception's HTTP status and the odd
// capitalisation of its body. Whatever is not a refusal is our fault: a bare 500, the details in
// our log and not in the answer.

import { type ErrorCode, ServiceError } from '@hearth/core/error'
import type { WireAnswer } from './contract.ts'

const STATUS: Readonly<Record<ErrorCode, number>> = {
  AccessDeniedException: 403,
  CodeSigningConfigNotFoundException: 404,
  CodeStorageExceededException: 400,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  ExpiredTokenException: 403,
  IncompleteSignatureException: 403,
  InternalFailure: 500,
  InvalidParameterException: 400,
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  InvalidSignatureException: 403,
  LimitExceededException: 400,
  MalformedPolicyDocument: 400,
  MissingAuthenticationTokenException: 403,
  NoSuchEntity: 404,
  NotImplementedException: 501,
  ObjectNotFoundException: 400,
  PolicyLengthExceededException: 400,
  PreconditionFailedException: 412,
  ProvisionedConcurrencyConfigNotFoundException: 404,
  RecursiveInvocationException: 400,
  RequestEntityTooLargeException: 413,
  RequestTooLargeException: 413,
  ResourceAlreadyExistsException: 400,
  ResourceConflictException: 409,
  ResourceInUseException: 400,
  ResourceNotFoundException: 404,
  ResourceNotReadyException: 502,
  SerializationException: 400,
  ServiceException: 500,
  ServiceUnavailableException: 503,
  TooManyRequestsException: 429,
  TooManyTagsException: 400,
  UnknownOperationException: 404,
  UnrecognizedClientException: 403,
  UnsupportedMediaTypeException: 415,
  ValidationException: 400,
}

/** Exceptions whose text is in `Message` (recorded from AWS, or in its service model). */
const CAPITAL = new Set<ErrorCode>([
  'CodeSigningConfigNotFoundException',
  'RecursiveInvocationException',
  'ResourceNotFoundException',
])
/** Exceptions that say whose fault they are. */
const TYPED: Readonly<Partial<Record<ErrorCode, string>>> = {
  CodeSigningConfigNotFoundException: 'User',
  InvalidParameterValueException: 'User',
  InvalidRequestContentException: 'User',
  PolicyLengthExceededException: 'User',
  PreconditionFailedException: 'User',
  ProvisionedConcurrencyConfigNotFoundException: 'User',
  RecursiveInvocationException: 'User',
  ResourceConflictException: 'User',
  ResourceInUseException: 'User',
  ResourceNotFoundException: 'User',
  ServiceException: 'Service',
  TooManyRequestsException: 'User',
}
const RETRY_AFTER_SECONDS = '1'

export const statusOf = (code: ErrorCode) => STATUS[code]

/** Never throws; anything but a ServiceError becomes a 500 that tells nothing. */
export function renderError(error: unknown, requestId: string): WireAnswer {
  const refusal = error instanceof ServiceError ? error : internal(error, requestId)
  const { code, message, members, untyped } = refusal
  const type = untyped ? undefined : TYPED[code]
  const body = {
    ...(type && { Type: type }),
    [CAPITAL.has(code) ? 'Message' : 'message']: message,
    ...members,
  }
  return {
    status: STATUS[code],
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': code,
      ...(code === 'TooManyRequestsException' && { 'retry-after': RETRY_AFTER_SECONDS }),
    },
    body: JSON.stringify(body),
  }
}

/**
 * The same in the JSON 1.1 protocol, whose services are chosen by X-Amz-Target: whatever is the
 * caller's fault is a 400, and the body names it.
 */
export function renderTargetError(error: unknown, requestId: string): WireAnswer {
  const refusal = error instanceof ServiceError ? error : internal(error, requestId)
  const { code, message } = refusal
  return {
    status: STATUS[code] < 500 ? 400 : STATUS[code],
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, message, Message: message }),
  }
}

function internal(error: unknown, requestId: string): ServiceError {
  console.error(`request ${requestId} failed:`, error)
  return new ServiceError('ServiceException', 'Service encountered an internal error.')
}
