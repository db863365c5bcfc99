// The variables that a runtime process sees.

import { expect, test } from 'vitest'
import { type RuntimeFacts, runtimeEnvironment } from './runtime-environment.ts'
import { makeVersion } from './scheduler-harness.ts'

const facts: Omit<RuntimeFacts, 'version'> = {
  functionName: 'hello',
  region: 'eu-west-1',
  logStream: 'stream',
  initialisation: 'on-demand',
}

test('the platform’s variables, and the function’s own beside them', () => {
  const version = makeVersion({ environment: { COLOUR: 'red', TZ: 'Europe/Berlin' } })
  expect(runtimeEnvironment({ ...facts, version })).toMatchObject({
    _HANDLER: 'index.handler',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_LAMBDA_FUNCTION_NAME: 'hello',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/hello',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    AWS_REGION: 'eu-west-1',
    COLOUR: 'red',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    LAMBDA_TASK_ROOT: '/var/task',
    TZ: 'Europe/Berlin',
  })
})

test('Hearth’s address where there is one, and the function’s own words about it', () => {
  const endpoint = 'http://host.docker.internal:4574'
  const own = { AWS_ENDPOINT_URL_STS: 'https://sts.example.com' }
  const version = makeVersion({ environment: own })
  expect(runtimeEnvironment({ ...facts, version, endpoint })).toMatchObject({
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: endpoint,
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    ...own,
  })
  expect(runtimeEnvironment({ ...facts, version: makeVersion({}) })).not.toHaveProperty(
    'AWS_ENDPOINT_URL_LAMBDA',
  )
})

test('credentials only when there are some, and not to be overridden', () => {
  const version = makeVersion({ environment: { AWS_REGION: 'x', AWS_ACCESS_KEY_ID: 'y' } })
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const variables = runtimeEnvironment({ ...facts, version, credentials })
  expect(variables).toMatchObject({
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-west-1',
  })
  expect(variables).not.toHaveProperty('AWS_SESSION_TOKEN')
})
