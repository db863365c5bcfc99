// Refusals of the API: the closed set of exception names that Hearth answers with. Any layer may
// throw a ServiceError; only gateway/wire-errors renders one. A function that fails is not an
// exception (see InvocationResult.functionError), and a bug is an assertion, not a ServiceError.

/**
 * Exception names as AWS's service model spells them. Their HTTP statuses live with the wire
 * format.
 */
export type ErrorCode =
  | 'AccessDeniedException'
  | 'CodeSigningConfigNotFoundException'
  | 'CodeStorageExceededException'
  | 'DeleteConflict'
  | 'EntityAlreadyExists'
  | 'ExpiredTokenException'
  | 'IncompleteSignatureException'
  | 'InternalFailure'
  | 'InvalidParameterException'
  | 'InvalidParameterValueException'
  | 'InvalidRequestContentException'
  | 'InvalidSignatureException'
  | 'LimitExceededException'
  | 'MalformedPolicyDocument'
  | 'MissingAuthenticationTokenException'
  | 'NoSuchEntity'
  | 'NotImplementedException'
  | 'ObjectNotFoundException'
  | 'PolicyLengthExceededException'
  | 'PreconditionFailedException'
  | 'ProvisionedConcurrencyConfigNotFoundException'
  | 'RecursiveInvocationException'
  | 'RequestEntityTooLargeException'
  | 'RequestTooLargeException'
  | 'ResourceAlreadyExistsException'
  | 'ResourceConflictException'
  | 'ResourceInUseException'
  | 'ResourceNotFoundException'
  | 'ResourceNotReadyException'
  | 'SerializationException'
  | 'ServiceException'
  | 'ServiceUnavailableException'
  | 'TooManyRequestsException'
  | 'TooManyTagsException'
  | 'UnknownOperationException'
  | 'UnrecognizedClientException'
  | 'UnsupportedMediaTypeException'
  | 'ValidationException'

/**
 * Why an invocation was throttled; AWS's six reasons, sent as `Reason` of TooManyRequestsException.
 */
export const THROTTLE_REASONS = [
  'CallerRateLimitExceeded',
  'ConcurrentInvocationLimitExceeded',
  'ConcurrentSnapshotCreateLimitExceeded',
  'FunctionInvocationRateLimitExceeded',
  'ReservedFunctionConcurrentInvocationLimitExceeded',
  'ReservedFunctionInvocationRateLimitExceeded',
] as const
export type ThrottleReason = (typeof THROTTLE_REASONS)[number]

/**
 * A refusal that the caller sees: an exception name, AWS's literal message, and extra body members.
 */
export class ServiceError extends Error {
  readonly code: ErrorCode
  /** Extra members of the body, such as `Reason` or `retryAfterSeconds`. */
  readonly members: Readonly<Record<string, string>>
  /** Some of AWS's refusals do not say whose fault they are. */
  readonly untyped: boolean

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; members?: Record<string, string>; untyped?: boolean } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'ServiceError'
    this.code = code
    this.members = options.members ?? {}
    this.untyped = options.untyped ?? false
  }
}
