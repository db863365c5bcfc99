// The function's log, as AWS's Node.js runtime writes it: console methods carry time, request id
// and level, as text or as one JSON object a line. What the function writes to process.stdout
// itself stays as it is.
'use strict'
const fs = require('node:fs')
const util = require('node:util')

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
const METHODS = {
  trace: 'TRACE',
  debug: 'DEBUG',
  log: 'INFO',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  fatal: 'FATAL',
}
const pause = new Int32Array(new SharedArrayBuffer(4))

let requestId
let tenantId
let json = false
let least = 0

/**
 * Everything at once, although the socket may be non-blocking once process.stdout has been touched.
 */
function writeOut(text) {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(1, bytes))
    } catch (error) {
      if (error.code !== 'EAGAIN') return
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

function write(level, parts) {
  if (LEVELS.indexOf(level) < least) return
  const timestamp = new Date().toISOString()
  if (!json) return writeOut(`${timestamp}\t${requestId}\t${level}\t${util.format(...parts)}\n`)
  writeOut(`${JSON.stringify(jsonLine(timestamp, level, parts))}\n`)
}

function jsonLine(timestamp, level, parts) {
  const line = { timestamp, level, requestId, tenantId }
  const error = parts.find((part) => part instanceof Error)
  if (error) {
    line.errorType = error.name
    line.errorMessage = error.message
    line.stackTrace = (error.stack ?? '').split('\n')
  }
  const [only] = parts
  const whole = parts.length === 1 && !error && typeof only === 'object' && isPlain(only)
  return { ...line, message: whole ? only : util.format(...parts) }
}

function isPlain(value) {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

/** Puts AWS's format behind console. */
/** Gives console AWS's form, as the environment asks for it. */
function patchConsole() {
  json = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON'
  least = json ? Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? ''), 0) : 0
  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = (...parts) => write(level, method === 'trace' ? withStack(parts) : parts)
  }
}

function withStack(parts) {
  const trace = { name: 'Trace', message: util.format(...parts) }
  Error.captureStackTrace(trace, console.trace)
  return [trace.stack]
}

/** An error that the platform reports: one line, told apart by what kind of failure it was. */
function writeFailure(kind, error) {
  if (json) {
    const timestamp = new Date().toISOString()
    const line = { timestamp, level: 'ERROR', requestId, tenantId, message: error }
    return writeOut(`${JSON.stringify(line)}\n`)
  }
  const { trace, ...rest } = error
  write('ERROR', [`${kind} \t${JSON.stringify({ ...rest, stack: trace })}`.replaceAll('%', '%%')])
}

module.exports = {
  patchConsole,
  writeFailure,
  /** What lines say of the invocation that runs; JSON leaves out a tenant that there is not. */
  begin: (id, tenant) => {
    requestId = id
    tenantId = tenant
  },
  /** Tells the scheduler where in the stream this invocation's log ends. */
  markEnd: (id) => writeOut(`\0END ${id}\n`),
}
