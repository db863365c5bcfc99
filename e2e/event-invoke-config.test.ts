// Event invoke configs through the AWS SDK: what is asked is shown again in AWS's members, for each
// qualifier apart, and what AWS refuses is refused in its words.

import {
  DeleteFunctionCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetFunctionEventInvokeConfigCommand,
  ListFunctionEventInvokeConfigsCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'

let hearth: Hearth
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`
const FUNCTION = arn('lambda', 'function:f')
const files = { 'index.mjs': 'export const handler = async () => {}' }
const SUBJECT = 'arn:aws-hearth:jetstream-subject:us-east-1:000000000000:told.failures'
const refused = (message: string) => ({ name: 'InvalidParameterValueException', message })

beforeAll(async () => {
  hearth = await startHearth()
  await Promise.all([
    hearth.create({ FunctionName: 'f', files }),
    hearth.create({ FunctionName: 'g', files }),
  ])
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'f' }))
})
afterAll(() => hearth?.stop())

describe('an event invoke config', () => {
  const at = (input: object) => ({ FunctionName: 'f', ...input })
  const put = (input: object) =>
    hearth.lambda.send(new PutFunctionEventInvokeConfigCommand(at(input)))
  const bare = { OnSuccess: {}, OnFailure: {} }

  test('is put, changed, shown, listed and deleted', async () => {
    const { $metadata: _, ...first } = await put({
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnSuccess: { Destination: arn('lambda', 'function:g') } },
    })
    expect(first).toEqual({
      FunctionArn: `${FUNCTION}:$LATEST`,
      LastModified: expect.any(Date),
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: {
        OnSuccess: { Destination: arn('lambda', 'function:g') },
        OnFailure: {},
      },
    })
    await put({ Qualifier: '1', MaximumRetryAttempts: 1 })
    const updated = await hearth.lambda.send(
      new UpdateFunctionEventInvokeConfigCommand(at({ MaximumRetryAttempts: 0 })),
    )
    expect(updated).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 })
    const { $metadata: __, ...again } = await put({ MaximumRetryAttempts: 0 })
    const expected = {
      FunctionArn: `${FUNCTION}:$LATEST`,
      LastModified: expect.any(Date),
      MaximumRetryAttempts: 0,
      DestinationConfig: bare,
    }
    expect(again).toEqual(expected)
    const { FunctionEventInvokeConfigs: all } = await hearth.lambda.send(
      new ListFunctionEventInvokeConfigsCommand(at({})),
    )
    expect(all).toEqual([
      expected,
      { ...expected, FunctionArn: `${FUNCTION}:1`, MaximumRetryAttempts: 1 },
    ])
    const page = await hearth.lambda.send(
      new ListFunctionEventInvokeConfigsCommand(at({ MaxItems: 1 })),
    )
    const next = await hearth.lambda.send(
      new ListFunctionEventInvokeConfigsCommand(at({ MaxItems: 1, Marker: page.NextMarker })),
    )
    expect(next.FunctionEventInvokeConfigs).toEqual([all?.[1]])
    const deleted = await hearth.lambda.send(
      new DeleteFunctionEventInvokeConfigCommand(at({ Qualifier: '1' })),
    )
    expect(deleted.$metadata.httpStatusCode).toBe(204)
    await expect(
      hearth.lambda.send(new GetFunctionEventInvokeConfigCommand(at({ Qualifier: '1' }))),
    ).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: `The function ${FUNCTION}:1 doesn't have an EventInvokeConfig`,
    })
  })

  test('takes webhooks and subjects beside AWS’s destinations', async () => {
    const config = {
      OnSuccess: { Destination: 'https://example.com/told?by=hearth' },
      OnFailure: { Destination: SUBJECT },
    }
    expect((await put({ DestinationConfig: config })).DestinationConfig).toEqual(config)
  })

  const strange = arn('iam', 'function:f')
  test.each<[string, object, object]>([
    [
      'nothing',
      {},
      refused('You must specify at least one of error handling or destination setting.'),
    ],
    [
      'itself',
      { DestinationConfig: { OnSuccess: { Destination: FUNCTION } } },
      refused("You can't specify the function as a destination for itself."),
    ],
    [
      'nobody',
      { DestinationConfig: { OnFailure: { Destination: arn('lambda', 'function:x') } } },
      refused(`The destination ARN ${arn('lambda', 'function:x')} is invalid.`),
    ],
    [
      'a strange service',
      { DestinationConfig: { OnSuccess: { Destination: strange } } },
      refused(
        'The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=' +
          `${strange}), onFailure=null) is invalid.`,
      ),
    ],
    [
      'no ARN',
      { DestinationConfig: { OnFailure: { Destination: 'arn:aws:_-/!lambda:x' } } },
      {
        name: 'ValidationException',
        message: expect.stringContaining(
          "at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must " +
            'satisfy regular expression pattern: $|kafka://',
        ),
      },
    ],
    [
      'no function',
      { FunctionName: 'nobody', MaximumRetryAttempts: 1 },
      { name: 'ResourceNotFoundException', message: "The function doesn't exist." },
    ],
  ])('for %s is refused', async (_, input, error) => {
    await expect(put(input)).rejects.toMatchObject(error)
  })
})

test('goes with the version that it is of', async () => {
  const put = { FunctionName: 'f', Qualifier: '1', MaximumRetryAttempts: 1 }
  await hearth.lambda.send(new PutFunctionEventInvokeConfigCommand(put))
  await hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: 'f', Qualifier: '1' }))
  const { FunctionEventInvokeConfigs: left } = await hearth.lambda.send(
    new ListFunctionEventInvokeConfigsCommand({ FunctionName: 'f' }),
  )
  expect(left?.map(({ FunctionArn }) => FunctionArn)).not.toContain(`${FUNCTION}:1`)
})
