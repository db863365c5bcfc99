// Event source mappings from a command line, the AWS CLI's and our own, where no poller takes them
// up, so that states stay as they were written.

import { execFile } from 'node:child_process'
import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  GetEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, KEYS, MAIN, NODE, startHearth } from './hearth.ts'
import { answerForSources } from './source-answers.ts'

let hearth: Hearth
let close: (() => Promise<void>) | undefined
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`

beforeAll(async () => {
  hearth = await startHearth({ roles: 'gateway,scheduler,metering' })
  close = await answerForSources(hearth)
  const files = { 'index.mjs': 'export const handler = async () => {}' }
  await hearth.create({ FunctionName: 'f', files })
})
afterAll(async () => {
  await close?.()
  await hearth?.stop()
})

const create = (input: Partial<CreateEventSourceMappingCommandInput>) =>
  hearth.lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'f', ...input }))
const get = (UUID: string) => hearth.lambda.send(new GetEventSourceMappingCommand({ UUID }))

function run(command: string, args: string[]) {
  const env = {
    PATH: process.env.PATH,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: hearth.endpoint,
  }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(command, args, { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}
const hearthCli = (...args: string[]) => run(NODE, [MAIN, ...args])

test('the AWS CLI creates, changes, lists and deletes', async () => {
  const aws = async (...args: string[]) => {
    const { code, out, err } = await run('aws', ['lambda', ...args])
    expect([code, err]).toEqual([0, ''])
    return JSON.parse(out)
  }
  const { UUID } = await aws(
    ...['create-event-source-mapping', '--function-name', 'f', '--batch-size', '5'],
    ...['--event-source-arn', arn('sqs', 'by-cli'), '--no-enabled'],
  )
  expect(await aws('get-event-source-mapping', '--uuid', UUID)).toMatchObject({ BatchSize: 5 })
  const ofF = ['--function-name', 'f', '--event-source-arn', arn('sqs', 'by-cli')]
  expect((await aws('list-event-source-mappings', ...ofF)).EventSourceMappings).toHaveLength(1)
  const enabled = await aws('update-event-source-mapping', '--uuid', UUID, '--enabled')
  expect(enabled.State).toBe('Enabling')
  expect((await aws('delete-event-source-mapping', '--uuid', UUID)).State).toBe('Deleting')
})

describe('our own command', () => {
  test('lists, pauses, resumes and resets', async () => {
    const stream = arn('kinesis', 'stream/by-hearth')
    const { UUID = '' } = await create({ EventSourceArn: stream, StartingPosition: 'LATEST' })
    const listed = await hearthCli('esm', 'ls')
    expect([listed.code, listed.err]).toEqual([0, ''])
    expect(listed.out).toMatch(new RegExp(`${UUID} .*by-hearth .*f .*Creating`))
    expect((await hearthCli('esm', 'ls', 'nobody')).out).toMatch(/^No event source mappings/)
    expect((await hearthCli('esm', 'pause', UUID)).out).toMatch(/Disabling/)
    expect((await get(UUID)).State).toBe('Disabling')
    expect((await hearthCli('esm', 'resume', UUID)).out).toMatch(/Enabling/)
    const reset = async (...to: string[]) => {
      expect((await hearthCli('esm', 'reset', UUID, '--yes', ...to)).code).toBe(0)
      const { StartingPosition, StartingPositionTimestamp } = await get(UUID)
      return [StartingPosition, StartingPositionTimestamp?.toISOString()]
    }
    expect(await reset()).toEqual(['LATEST', undefined])
    expect(await reset('--to', 'trim-horizon')).toEqual(['TRIM_HORIZON', undefined])
    const time = '2026-01-31T08:00:00.000Z'
    expect(await reset('--to', time)).toEqual(['AT_TIMESTAMP', time])
  })

  test('says what it cannot do', async () => {
    const { UUID = '' } = await create({ EventSourceArn: arn('sqs', 'no-position') })
    const reset = await hearthCli('esm', 'reset', UUID, '--yes')
    expect([reset.code, reset.err]).toEqual([1, expect.stringMatching(/no checkpoints/)])
    expect((await hearthCli('esm', 'reset', UUID, '--yes', '--to', 'yesterday')).code).toBe(2)
    const unknown = await hearthCli('esm', 'pause', '00000000-0000-0000-0000-000000000000')
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(/does not exist/)])
  })
})
