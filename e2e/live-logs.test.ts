// Logs as they come, against a whole Hearth: a function's group and log streams, what its
// LoggingConfig asks for, Live Tail, and the unmodified AWS CLI, following.

import { execFile, spawn } from 'node:child_process'
import { lookup } from 'node:dns'
import type { AgentOptions } from 'node:http'
import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  DescribeLogStreamsCommand,
  StartLiveTailCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, KEYS, startHearth } from './hearth.ts'
import { LOG_ARN, type LogTests, openLogTests, refusal } from './log-tests.ts'

const HOUR_MS = 3_600_000
let hearth: Hearth
let logs: LogTests

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  logs = openLogTests(hearth.endpoint)
})
afterAll(async () => {
  logs?.client.destroy()
  await hearth?.stop()
})

test('a function’s group comes with its first line, and again when it was deleted', async () => {
  const files = {
    'index.mjs': 'export const handler = async (e) => { console.log("said", e.text) }',
  }
  await hearth.create({ FunctionName: 'speaker', files })
  const logGroupName = '/aws/lambda/speaker'
  expect(await logs.groupsOf(logGroupName)).toEqual([])
  const say = (text: string) => hearth.invoke('speaker', { text })
  const said = () => logs.filter({ logGroupName, filterPattern: 'said' }).catch(() => [])
  await say('one')
  await say('two')
  await expect.poll(said).toHaveLength(2)
  const [group] = await logs.groupsOf(logGroupName)
  expect(group).toMatchObject({ logGroupName, storedBytes: expect.any(Number) })
  expect(group?.storedBytes).toBeGreaterThan(0)
  const { logStreams = [] } = await logs.client.send(
    new DescribeLogStreamsCommand({ logGroupName }),
  )
  expect(logStreams).toHaveLength(1)
  const [{ logStreamName = '' } = {}] = logStreams
  expect(logStreamName).toMatch(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/)
  const lines = (await logs.get({ logGroupName, logStreamName })).events?.map((one) => one.message)
  const kinds = lines?.map(
    (line) => /^[A-Z_]+|said \w+/.exec(line?.replace(/^.*INFO\t/, '') ?? '')?.[0],
  )
  const invocation = (text: string) => ['START', `said ${text}`, 'END', 'REPORT']
  expect(kinds).toEqual(['INIT_START', ...invocation('one'), ...invocation('two')])
  await logs.client.send(new DeleteLogGroupCommand({ logGroupName }))
  expect(await refusal(logs.filter({ logGroupName }))).toMatch(/^ResourceNotFoundException/)
  await say('three')
  await expect.poll(said).toEqual([expect.stringContaining('said three')])
})

test('a function logs where and what its LoggingConfig says', async () => {
  const files = {
    'index.mjs':
      'export const handler = async () => { console.debug("d"); console.warn("w"); return ' +
      '[process.env.AWS_LAMBDA_LOG_GROUP_NAME, process.env.AWS_LAMBDA_LOG_STREAM_NAME] }',
  }
  await hearth.create({
    FunctionName: 'sharer',
    files,
    LoggingConfig: {
      LogFormat: 'JSON',
      LogGroup: '/shared',
      ApplicationLogLevel: 'WARN',
      SystemLogLevel: 'INFO',
    },
  })
  const [group, stream] = (await hearth.invoke('sharer')).json as string[]
  expect(group).toBe('/shared')
  expect(stream).toMatch(/^\d{4}\/\d\d\/\d\d\/sharer\[\$LATEST\][0-9a-f]{32}$/)
  const read = (filterPattern: string) => logs.filter({ logGroupName: '/shared', filterPattern })
  await expect.poll(() => read('{ $.type = "platform.report" }').catch(() => [])).toHaveLength(1)
  const own = await read('{ $.level = * }')
  expect(own.map((line) => JSON.parse(line ?? ''))).toEqual([
    expect.objectContaining({ level: 'WARN', message: 'w' }),
  ])
  expect(await read('{ $.type = "platform.runtimeDone" }')).toEqual([])
  expect(await logs.groupsOf('/aws/lambda/sharer')).toEqual([])
})

test('Live Tail answers under the name that SDKs give it, where names of localhost resolve', async () => {
  const names: string[] = []
  // As systemd's resolver has it, and browsers; Debian's own has not.
  const loopback: AgentOptions['lookup'] = (name, options, done) => {
    names.push(name)
    lookup('127.0.0.1', options, done)
  }
  const client = new CloudWatchLogsClient({
    endpoint: `http://hearth.localhost:${new URL(hearth.endpoint).port}`,
    region: 'us-east-1',
    credentials: KEYS,
    maxAttempts: 1,
    requestHandler: { httpAgent: { lookup: loopback } },
  })
  await logs.createGroup('/named')
  const start = new StartLiveTailCommand({ logGroupIdentifiers: [`${LOG_ARN}/named`] })
  const { responseStream } = await client.send(start)
  for await (const { sessionStart } of responseStream ?? []) {
    expect(sessionStart?.logGroupIdentifiers).toEqual([`${LOG_ARN}/named`])
    break
  }
  client.destroy()
  expect(new Set(names)).toEqual(new Set(['stream-hearth.localhost']))
})

test('Live Tail shows what comes, each second, and samples what is too much', async () => {
  await logs.createGroup('/live')
  await logs.createStream('/live', 's')
  const start = new StartLiveTailCommand({
    logGroupIdentifiers: [`${LOG_ARN}/live`],
    logStreamNamePrefixes: ['s'],
    logEventFilterPattern: 'wanted',
  })
  const { responseStream } = await logs.client.send(start)
  const now = Date.now()
  const many = Array.from({ length: 600 }, (_, at) => [now, `wanted ${at}`] as const)
  let updates = 0
  for await (const event of responseStream ?? []) {
    if (event.sessionStart) {
      expect(event.sessionStart).toMatchObject({
        sessionId: expect.any(String),
        logGroupIdentifiers: [`${LOG_ARN}/live`],
        logStreamNamePrefixes: ['s'],
        logEventFilterPattern: 'wanted',
      })
      await logs.put('/live', 's', [
        [now, 'not'],
        [now, 'wanted'],
      ])
    }
    const results = event.sessionUpdate?.sessionResults ?? []
    if (results.length === 0) continue
    updates += 1
    if (updates === 2) {
      expect(results).toHaveLength(500)
      expect(event.sessionUpdate?.sessionMetadata?.sampled).toBe(true)
      break
    }
    expect(event.sessionUpdate?.sessionMetadata?.sampled).toBe(false)
    expect(results).toEqual([
      {
        logStreamName: 's',
        logGroupIdentifier: '000000000000:/live',
        message: 'wanted',
        timestamp: now,
        ingestionTime: expect.any(Number),
      },
    ])
    await logs.put('/live', 's', many)
  }
  expect(updates).toBe(2)
})

test('Live Tail sessions are few, and end when the caller goes away', async () => {
  const start = () => logs.client.send(new StartLiveTailCommand({ logGroupIdentifiers: ['/live'] }))
  const caller = openLogTests(hearth.endpoint)
  const mine = async () => {
    const input = { logGroupIdentifiers: ['/live'] }
    const { responseStream } = await caller.client.send(new StartLiveTailCommand(input))
    const events = responseStream?.[Symbol.asyncIterator]()
    await events?.next()
  }
  await Promise.all(Array.from({ length: 14 }, mine))
  const refused = 'LimitExceededException: '
  await eventually('no more are accepted', async () => (await refusal(start())).startsWith(refused))
  caller.client.destroy()
  await eventually('others are accepted', async () => !(await refusal(start())).startsWith(refused))
})

describe('the AWS CLI', () => {
  const env = {
    PATH: '/usr/bin:/bin',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_PAGER: '',
  }
  const args = (...more: string[]) => ['--endpoint-url', hearth.endpoint, 'logs', ...more]
  const aws = (...more: string[]) =>
    new Promise<string>((resolve) => {
      execFile('/usr/bin/aws', args(...more), { env }, (error, out, problem) =>
        resolve(error ? problem.trim() : out),
      )
    })

  test('makes groups, writes, filters and tails', async () => {
    const group = ['--log-group-name', '/cli']
    expect(await aws('create-log-group', ...group, '--tags', 'a=b')).toBe('')
    expect(await aws('create-log-group', ...group)).toBe(
      'An error occurred (ResourceAlreadyExistsException) when calling the CreateLogGroup ' +
        'operation: The specified log group already exists',
    )
    await logs.createStream('/cli', 's')
    const now = Date.now()
    await logs.put('/cli', 's', [
      [now - 2 * HOUR_MS, 'ERROR long ago'],
      [now - 2_000, 'INFO lately'],
      [now - 1_000, 'ERROR lately'],
    ])
    const found = await aws('filter-log-events', ...group, '--filter-pattern', 'ERROR')
    expect(JSON.parse(found).events).toHaveLength(2)
    const tail = ['/cli', '--since', '1h', '--filter-pattern', 'ERROR', '--format', 'short']
    expect((await aws('tail', ...tail)).trim()).toMatch(/^[\dT:-]+ ERROR lately$/)
    const [one] = JSON.parse(await aws('describe-log-groups', '--log-group-name-prefix', '/cli'))
      .logGroups as { storedBytes: number }[]
    expect(one?.storedBytes).toBeGreaterThan(0)
  })

  test('follows', async () => {
    await logs.createGroup('/follow')
    await logs.createStream('/follow', 's')
    await logs.put('/follow', 's', [[Date.now(), 'first']])
    const follower = spawn('/usr/bin/aws', args('tail', '/follow', '--follow'), {
      env: { ...env, PYTHONUNBUFFERED: '1' },
    })
    let out = ''
    follower.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    try {
      await eventually('the first line is shown', () => out.includes('s first'))
      await logs.put('/follow', 's', [[Date.now(), 'second']])
      await eventually('the second line is shown', () => out.includes('s second'))
      expect(out.match(/s first/g)).toHaveLength(1)
    } finally {
      follower.kill('SIGKILL')
    }
  })
})
