// Chains of invocations against a running Hearth: what a function finds as its trace goes on with
// its next request, as the SDKs inside functions do it, until AWS's law ends the chain.

import {
  GetFunctionRecursionConfigCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  type LambdaClient,
  PutFunctionRecursionConfigCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientOf, type Hearth, startHearth } from './hearth.ts'

const files = { 'index.mjs': 'export const handler = async () => process.env._X_AMZN_TRACE_ID' }
let hearth: Hearth
let lambda: LambdaClient

beforeAll(async () => {
  hearth = await startHearth()
  lambda = hearth.lambda
  await hearth.create({ FunctionName: 'a', files })
  await hearth.create({ FunctionName: 'b', files })
})
afterAll(() => hearth?.stop())

/** A client that adds what the SDKs add inside a function. */
function inside(trace: string | undefined): LambdaClient {
  const client = clientOf(hearth.endpoint)
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      if (trace !== undefined) headers['X-Amzn-Trace-Id'] = trace
      return next(args)
    },
    { step: 'build' },
  )
  return client
}

/** @returns the trace that the function was given. */
async function passOn(FunctionName: string, trace?: string): Promise<string> {
  const command = new InvokeCommand({ FunctionName })
  const { Payload } = await inside(trace).send(command)
  return JSON.parse(Buffer.from(Payload ?? []).toString())
}

/** Goes round until somebody refuses. @returns how often it went through each. */
async function goRound(names: string[], stepsMax: number) {
  let trace: string | undefined
  for (let step = 0; step < stepsMax; step++) {
    try {
      trace = await passOn(names[step % names.length] ?? '', trace)
    } catch (error) {
      return { steps: step, error, trace }
    }
  }
  return { steps: stepsMax, error: undefined, trace }
}

describe('a chain', () => {
  test('through one function ends after sixteen, in the words of AWS', async () => {
    const { steps, error } = await goRound(['a'], 20)
    expect(steps).toBe(16)
    expect(error).toMatchObject({
      name: 'RecursiveInvocationException',
      $metadata: { httpStatusCode: 400 },
      Type: 'User',
      message: expect.stringContaining('recursive loop'),
    })
  })

  test('through two functions ends when one has run sixteen times', async () => {
    const { steps, trace } = await goRound(['a', 'b'], 40)
    expect(steps).toBe(32)
    expect(trace).toMatch(/;Lineage=[0-9a-f]{8}:15\|[0-9a-f]{8}:15$/)
    const streaming = () => new InvokeWithResponseStreamCommand({ FunctionName: 'a' })
    await expect(inside(trace).send(streaming())).rejects.toThrow(/recursive loop/)
    await expect(lambda.send(streaming())).resolves.toBeDefined()
  })

  test('keeps the trace that its first caller began', async () => {
    const root = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    expect(await passOn('a', root)).toMatch(new RegExp(`^${root};Lineage=[0-9a-f]{8}:0$`))
  })

  test('goes on through a function whose owner allows it, until that is taken back', async () => {
    const loops = async () => {
      const command = new GetFunctionRecursionConfigCommand({ FunctionName: 'b' })
      return (await lambda.send(command)).RecursiveLoop
    }
    const allow = (RecursiveLoop: 'Allow' | 'Terminate') =>
      lambda.send(new PutFunctionRecursionConfigCommand({ FunctionName: 'b', RecursiveLoop }))
    expect(await loops()).toBe('Terminate')
    expect(await allow('Allow')).toMatchObject({ RecursiveLoop: 'Allow' })
    expect(await loops()).toBe('Allow')
    const { steps, trace } = await goRound(['b'], 20)
    expect(steps).toBe(20)
    expect(await allow('Terminate')).toMatchObject({ RecursiveLoop: 'Terminate' })
    await expect(passOn('b', trace)).rejects.toThrow(/recursive loop/)
  })
})

test('a recursion configuration is of a function that is there', async () => {
  const FunctionName = 'nobody'
  const message = 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody'
  for (const command of [
    new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop: 'Allow' }),
    new GetFunctionRecursionConfigCommand({ FunctionName }),
  ]) {
    await expect(lambda.send(command as never)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message,
    })
  }
})
