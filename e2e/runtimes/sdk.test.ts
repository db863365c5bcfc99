// What runtimes bring as on Lambda, for functions that bring nothing: AWS's SDKs, which call Hearth
// as the function's role, and curl. What a function or a layer brings of its own comes first.

import { PublishLayerVersionCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth, zip } from '../hearth.ts'
import { hostAddress } from '../listener.ts'

const WHO = {
  'ES module': {
    Runtime: 'nodejs24.x',
    files: {
      'index.mjs': `
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
export const handler = async () => {
  const { Arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}))
  return { Arn, more: DynamoDBDocumentClient.name }
}`,
    },
  },
  CommonJS: {
    Runtime: 'nodejs22.x',
    files: {
      'index.js': `
const { GetCallerIdentityCommand, STSClient } = require('@aws-sdk/client-sts')
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner')
exports.handler = async () => {
  const { Arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}))
  return { Arn, more: getSignedUrl.name }
}`,
    },
  },
  Python: {
    Runtime: 'python3.13',
    Handler: 'app.handler',
    files: {
      'app.py': `
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    return {"Arn": boto3.client("sts").get_caller_identity()["Arn"], "more": ClientError.__name__}
`,
    },
  },
} as const
const MORE = {
  'ES module': 'DynamoDBDocumentClient',
  CommonJS: 'getSignedUrl',
  Python: 'ClientError',
}

let hearth: Hearth
beforeAll(async () => {
  const host = hostAddress()
  hearth = await startHearth({
    env: (port) => ({
      HEARTH_HOST: '0.0.0.0',
      HEARTH_FUNCTION_ENDPOINT: `http://${host}:${port}`,
    }),
  })
})
afterAll(() => hearth?.stop())

const LANGUAGES = ['ES module', 'CommonJS', 'Python'] as const
test.each(LANGUAGES)('%s has the SDK, and is its role with it', async (language) => {
  const FunctionName = language.replace(' ', '-')
  await hearth.create({ FunctionName, MemorySize: 512, Timeout: 30, ...WHO[language] })
  const { json } = await hearth.invoke(FunctionName, {})
  expect(json.more).toBe(MORE[language])
  expect(json.Arn).toMatch(new RegExp(`:assumed-role/[^/]+/${FunctionName}$`))
})

const OWN = {
  '@aws-sdk/client-sts/package.json': '{"main":"index.js"}',
  '@aws-sdk/client-sts/index.js': "exports.STSClient = 'my own'",
}
const below = (folder: string) =>
  Object.fromEntries(Object.entries(OWN).map(([name, text]) => [`${folder}/${name}`, text]))
const answerOf = async (FunctionName: string) => (await hearth.invoke(FunctionName, {})).json

test('a function’s own copy comes first', async () => {
  const module = `
import { STSClient } from '@aws-sdk/client-sts'
export const handler = async () => STSClient`
  const files = { ...below('node_modules'), 'index.mjs': module }
  await hearth.create({ FunctionName: 'own-module', files })
  expect(await answerOf('own-module')).toBe('my own')
  const python = {
    'boto3.py': 'name = "my own"',
    'app.py': 'import boto3\ndef handler(event, context): return boto3.name',
  }
  const own = { Runtime: 'python3.13', Handler: 'app.handler', files: python } as const
  await hearth.create({ FunctionName: 'own-boto3', ...own })
  expect(await answerOf('own-boto3')).toBe('my own')
})

describe('a layer’s copy comes before the runtime’s', () => {
  let Layers: string[]
  beforeAll(async () => {
    const files = {
      ...below('nodejs/node_modules'),
      'nodejs/node_modules/only-here/package.json': '{"exports":{"import":"./index.mjs"}}',
      'nodejs/node_modules/only-here/index.mjs': "export const more = 'of the layer'",
    }
    const Content = { ZipFile: zip(files) }
    const layer = new PublishLayerVersionCommand({ LayerName: 'sdk', Content })
    const { LayerVersionArn = '' } = await hearth.lambda.send(layer)
    Layers = [LayerVersionArn]
  })

  test('for CommonJS', async () => {
    const files = {
      'index.js': "exports.handler = async () => require('@aws-sdk/client-sts').STSClient",
    }
    await hearth.create({ FunctionName: 'layered', Layers, files })
    expect(await answerOf('layered')).toBe('my own')
  })

  test.each(['nodejs20.x', 'nodejs24.x'] as const)('for ES modules of %s', async (Runtime) => {
    const module = `
import { STSClient } from '@aws-sdk/client-sts'
import { more } from 'only-here'
export const handler = async () => STSClient + ' ' + more + ' ' + await missing()
const missing = () => import('nowhere').catch((error) => error.code)`
    const FunctionName = `layered-${Runtime.slice(0, 8)}`
    await hearth.create({ FunctionName, Runtime, Layers, files: { 'index.mjs': module } })
    expect(await answerOf(FunctionName)).toBe('my own of the layer ERR_MODULE_NOT_FOUND')
  })
})

test('a shell script speaks the Runtime API with curl', async () => {
  const bootstrap = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D /tmp/head "$api/next")
  id=$(grep -i lambda-runtime-aws-request-id /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  curl -sS "$api/$id/response" -d "{\\"heard\\":$event}"
done
`
  const own = { Runtime: 'provided.al2023', Handler: 'none', files: { bootstrap } } as const
  await hearth.create({ FunctionName: 'shell', ...own })
  const { json } = await hearth.invoke('shell', { a: 1 })
  expect(json).toEqual({ heard: { a: 1 } })
})
