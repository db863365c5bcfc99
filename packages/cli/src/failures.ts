// How the command fails: exit codes, and any failure as a sentence that says what to do next. It
// prints nothing and ends nothing; main.ts does both.

/** Exit codes of the command; --help documents them. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const

/** A failure with an exit code of its own; its message is a sentence for people. */
export class CommandError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = EXIT.refused, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The command was not understood, or names what is not there. */
export const usageError = (message: string) => new CommandError(message, EXIT.usage)

const CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
])
const UNKNOWN_KEY = new Set([
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
])

/** Any failure as a sentence and an exit code. */
export function explain(error: unknown, endpoint: string): CommandError {
  if (error instanceof CommandError) return error
  const { name = 'Error', message = String(error) } = error as Error
  if (isConnection(error) || name === 'TimeoutError') return unreachable(endpoint)
  if (UNKNOWN_KEY.has(name)) {
    return new CommandError(
      `${name}: ${message}\nHearth at ${endpoint} does not accept these credentials. A fresh ` +
        'install takes AWS_ACCESS_KEY_ID=hearth AWS_SECRET_ACCESS_KEY=hearth.',
    )
  }
  if (name === 'CredentialsProviderError') {
    return usageError(
      `No credentials: ${message}\n` +
        'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.',
    )
  }
  // An answer that is not JSON can't be Hearth's: the SDK attaches the answer that it could not
  // read.
  if (error instanceof SyntaxError && '$response' in error) {
    return new CommandError(
      `What answers at ${endpoint} is not Hearth. \`hearth doctor\` looks closer.`,
      EXIT.unreachable,
    )
  }
  return new CommandError(name === 'Error' ? message : `${name}: ${message}`)
}

export function unreachable(endpoint: string): CommandError {
  return new CommandError(
    `Hearth does not answer at ${endpoint}. ` +
      '`hearth up` starts it; `hearth doctor` looks closer.',
    EXIT.unreachable,
  )
}

/** fetch hides the code in its cause, and an address with two families in several errors. */
function isConnection(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, cause, errors, message } = error as {
    code?: unknown
    cause?: unknown
    errors?: unknown[]
    message?: unknown
  }
  if (error instanceof TypeError && message === 'fetch failed') return true
  if (typeof code === 'string' && CONNECTION.has(code)) return true
  return isConnection(cause) || (Array.isArray(errors) && errors.some(isConnection))
}
