// What the image's own CMD names: answers with what it can see of itself, or fails as it is asked.
import { readFileSync, writeFileSync } from 'node:fs'

const tryToWrite = (path) => {
  try {
    writeFileSync(path, '')
    return 'written'
  } catch (error) {
    return error.code
  }
}

let calls = 0

export const handler = async (event, context) => {
  calls += 1
  console.log('asked to', event.do)
  if (event.do === 'throw') throw new TypeError('as asked')
  if (event.do === 'read') return readFileSync(event.path, 'utf8')
  if (event.do === 'exit') process.exit(3)
  if (event.do === 'hang') await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (event.do === 'write') {
    return Object.fromEntries(event.paths.map((path) => [path, tryToWrite(path)]))
  }
  const { GREETING, STAGE, AWS_EXECUTION_ENV, AWS_LAMBDA_FUNCTION_NAME } = process.env
  return {
    calls,
    folder: process.cwd(),
    uid: process.getuid(),
    environment: { GREETING, STAGE, AWS_EXECUTION_ENV, AWS_LAMBDA_FUNCTION_NAME },
    arn: context.invokedFunctionArn,
    requestId: context.awsRequestId,
    left: context.getRemainingTimeInMillis(),
    event,
  }
}
