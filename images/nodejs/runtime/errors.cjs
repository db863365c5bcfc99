// What went wrong, in the shape that AWS's Node.js runtime reports: errorType, errorMessage, trace.
'use strict'

/** An error of the runtime's own making; its name is AWS's error type. */
class RuntimeError extends Error {
  constructor(name, message) {
    super(message)
    this.name = name
  }
}

/** Any thrown value as AWS reports it. */
function describe(thrown) {
  if (thrown instanceof Error || isErrorLike(thrown)) {
    return {
      errorType: thrown.name ?? 'Error',
      errorMessage: String(thrown.message),
      trace: String(thrown.stack ?? '').split('\n'),
    }
  }
  return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] }
}

/** Errors of other realms (vm contexts, test runners) are errors too. */
function isErrorLike(value) {
  return Object.prototype.toString.call(value) === '[object Error]'
}

module.exports = { RuntimeError, describe }
