// Streaming handlers: the global `awslambda` by which a function declares one, and one invocation
// of it. A handler that resolves has not ended its stream by that, and what it returns is ignored,
// as on AWS; so the invocation lasts until the stream has ended.
'use strict'
const { describe } = require('./errors.cjs')
const log = require('./log.cjs')
const { HttpResponseStream, ResponseStream } = require('./response-stream.cjs')

/** AWS's own marks on a handler; frameworks look for them. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')

/** Before the function is loaded; what it finds there already stays. */
function installGlobal() {
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response'
      const mark = Number.parseInt(options?.highWaterMark, 10)
      if (mark >= 0) handler[HIGH_WATER_MARK] = mark
      return handler
    },
    HttpResponseStream,
  }
  return globalThis.awslambda
}

const isStreaming = (handler) => handler[STREAMING] === 'response'

function openStream(handler, client, requestId) {
  return new ResponseStream(client, requestId, handler[HIGH_WATER_MARK])
}

/**
 * One invocation; `run` calls the handler. Resolves when the stream is over, with the error if
 * there was one before the first byte.
 */
async function streamOnce(stream, client, run) {
  try {
    const value = await run()
    if (value !== undefined) console.warn('Streaming handlers ignore return values.')
    // A stream that nobody ends is a timeout, not an exit.
    client.ref()
    await stream.over()
  } catch (thrown) {
    const error = describe(thrown)
    log.writeFailure('Invoke Error', error)
    if (!stream.hasBegun) return { error }
    client.ref()
    await stream.fail(error)
  }
  return {}
}

module.exports = { installGlobal, isStreaming, openStream, streamOnce }
