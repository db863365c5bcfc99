// The life of a Node.js runtime process: load the handler once, then take invocations one by one
// until the sandbox ends. What a handler may look like (async, callback, plain) is decided here and
// nowhere else.
'use strict'
const Module = require('node:module')
const { describe, RuntimeError } = require('./errors.cjs')
const { loadHandler } = require('./handler.cjs')
const log = require('./log.cjs')
const { RuntimeClient } = require('./runtime-client.cjs')
const snapshot = require('./snapshot.cjs')
const { installGlobal, isStreaming, openStream, streamOnce } = require('./streaming.cjs')

/** From this major version on AWS takes no callback handlers any more. */
const FIRST_WITHOUT_CALLBACKS = 24
const CALLBACKS_REMOVED =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
  'You need to modify this function to use a supported handler signature to use Node.js 24 or later. ' +
  'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.'
let facts
const withCallbacks = Number(process.versions.node.split('.')[0]) < FIRST_WITHOUT_CALLBACKS

async function run() {
  const { env } = process
  const client = new RuntimeClient(env.HEARTH_RUNTIME_SOCKET ?? env.AWS_LAMBDA_RUNTIME_API)
  if (env.HEARTH_STEM) become(await client.specialisation())
  log.patchConsole()
  snapshot.install(installGlobal())
  const purpose = snapshot.prepare(env)
  let current
  let stream
  const dieOf = async (kind, error) => {
    log.writeFailure(kind, error)
    if (stream?.hasBegun) {
      await stream.fail(error)
      process.exit(129)
    }
    if (current) log.markEnd(current)
    const path = current ? `/invocation/${current}/error` : '/init/error'
    await client.lastWord(path, error)
    process.exit(current ? 129 : 1)
  }
  process.on('uncaughtException', (error) => void dieOf('Uncaught Exception', describe(error)))
  process.on('unhandledRejection', (reason) => {
    const error = new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason))
    if (reason?.stack) error.stack = reason.stack
    void dieOf('Unhandled Promise Rejection', describe(error))
  })
  let handler
  try {
    handler = await loadHandler(env.LAMBDA_TASK_ROOT ?? '/var/task', env._HANDLER ?? '')
    if (!withCallbacks && handler.length >= 3 && !isStreaming(handler)) {
      throw new RuntimeError('Runtime.CallbackHandlerDeprecated', CALLBACKS_REMOVED)
    }
    await snapshot.take(purpose, client)
  } catch (error) {
    return dieOf('Uncaught Exception', describe(error))
  }
  for (let invocation = await client.next(); ; ) {
    current = invocation.headers['lambda-runtime-aws-request-id']
    log.begin(current, invocation.headers['lambda-runtime-aws-tenant-id'])
    client.unref()
    setTrace(invocation)
    stream = isStreaming(handler) ? openStream(handler, client, current) : undefined
    const outcome = stream
      ? await streamOnce(stream, client, () => runStreaming(handler, invocation, stream))
      : await runOnce(handler, invocation)
    client.ref()
    const isStreamed = stream?.hasBegun
    stream = undefined
    const next = outcome.error
      ? client.failAndNext(current, outcome.error)
      : isStreamed
        ? client.next()
        : client.respondAndNext(current, outcome.body)
    // The answer went first: whoever waits for it need not wait for this write, too.
    if (!isStreamed) log.markEnd(current)
    invocation = await next
  }
}

/**
 * A booted runtime turns into one of a function: environment, directory, and what Node.js derived
 * from the environment as it started.
 */
function become(environment) {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, environment)
  process.chdir(environment.LAMBDA_TASK_ROOT ?? '/var/task')
  Module._initPaths?.()
}

function setTrace({ headers }) {
  const trace = headers['lambda-runtime-trace-id']
  if (trace) process.env._X_AMZN_TRACE_ID = trace
  else delete process.env._X_AMZN_TRACE_ID
}

/** The handler's promise, which says nothing about the stream. */
function runStreaming(handler, { headers, body }, stream) {
  const result = handler(JSON.parse(body.toString()), stream, makeContext(headers))
  if (typeof result?.then === 'function') return orExit(result)
  throw new Error('Streaming does not support non-async handlers.')
}

/** One invocation: the bytes to answer with, or the error to report. */
async function runOnce(handler, { headers, body }) {
  try {
    const event = JSON.parse(body.toString())
    const context = makeContext(headers)
    const value = withCallbacks
      ? await withCallback(handler, event, context)
      : await orExit(handler(event, context))
    return { body: serialise(value) }
  } catch (thrown) {
    const error = describe(thrown)
    log.writeFailure('Invoke Error', error)
    return { error }
  }
}

function serialise(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? 'null'
  } catch (cause) {
    throw new RuntimeError('Runtime.MarshalError', `Unable to stringify response body: ${cause}`)
  }
}

/** Resolves as the promise does; fails when nothing is left that could ever settle it. */
function orExit(result) {
  return new Promise((resolve, reject) => {
    const idle = () =>
      reject(new RuntimeError('Runtime.NodeJsExit', 'The promise of the handler was never settled'))
    process.once('beforeExit', idle)
    const settle = (how) => (value) => {
      process.removeListener('beforeExit', idle)
      how(value)
    }
    Promise.resolve(result).then(settle(resolve), settle(reject))
  })
}

/**
 * A handler of the older kind: it may answer by callback, by context.done, or by a promise. Without
 * any of
 * these the answer is null once the event loop is empty.
 */
function withCallback(handler, event, context) {
  return new Promise((resolve, reject) => {
    let answered = false
    const finish = (how) => {
      process.removeListener('beforeExit', idle)
      how()
    }
    const idle = () => finish(() => resolve(null))
    const answer = (error, value) => {
      if (answered) return
      answered = true
      const how = () => (error === null || error === undefined ? resolve(value) : reject(error))
      if (error || !context.callbackWaitsForEmptyEventLoop) return finish(how)
      process.removeListener('beforeExit', idle)
      process.once('beforeExit', how)
    }
    context.done = answer
    context.succeed = (value) => answer(null, value)
    context.fail = (error) => answer(error ?? 'handled')
    process.once('beforeExit', idle)
    const result = handler(event, context, answer)
    if (typeof result?.then === 'function') {
      orExit(result).then(
        (value) => finish(() => resolve(value)),
        (error) => finish(() => reject(error)),
      )
    }
  })
}

/** What every context says alike; read once, since each look at process.env costs. */
function readFunctionFacts() {
  const { env } = process
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  }
}

function makeContext(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  facts ??= readFunctionFacts()
  return {
    ...facts,
    clientContext: parse(headers['lambda-runtime-client-context']),
    identity: parse(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
}

const parse = (text) => (text ? JSON.parse(text) : undefined)

module.exports = { run }
