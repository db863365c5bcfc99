// Logs by hand, with the real SDK against a whole Hearth: groups and log streams with all that they
// show, events written and read in both directions and found by pattern, and AWS's refusals.

import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  ListTagsForResourceCommand,
  ListTagsLogGroupCommand,
  PutLogGroupDeletionProtectionCommand,
  PutRetentionPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'
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

test('a group is made, described, given tags and a retention, and deleted', async () => {
  const logGroupName = '/life/one'
  const createdAt = Date.now()
  await logs.createGroup(logGroupName, { team: 'a', stage: 'b' })
  expect(await refusal(logs.createGroup(logGroupName))).toBe(
    'ResourceAlreadyExistsException: The specified log group already exists',
  )
  const shown = {
    logGroupName,
    creationTime: expect.any(Number),
    metricFilterCount: 0,
    arn: `${LOG_ARN}${logGroupName}:*`,
    logGroupArn: `${LOG_ARN}${logGroupName}`,
    storedBytes: 0,
    logGroupClass: 'STANDARD',
    deletionProtectionEnabled: false,
  }
  const [first] = await logs.groupsOf('/life')
  expect(first).toEqual(shown)
  expect(first?.creationTime).toBeGreaterThanOrEqual(createdAt)
  await logs.client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 7 }))
  expect(await logs.groupsOf('/life')).toEqual([{ ...shown, retentionInDays: 7 }])
  await logs.client.send(new DeleteRetentionPolicyCommand({ logGroupName }))
  expect(await logs.groupsOf('/life')).toEqual([shown])

  const resourceArn = `${LOG_ARN}${logGroupName}`
  await logs.client.send(new TagResourceCommand({ resourceArn, tags: { stage: 'c', more: 'd' } }))
  await logs.client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['team'] }))
  const tags = { stage: 'c', more: 'd' }
  const listed = await logs.client.send(new ListTagsForResourceCommand({ resourceArn }))
  expect(listed.tags).toEqual(tags)
  expect((await logs.client.send(new ListTagsLogGroupCommand({ logGroupName }))).tags).toEqual(tags)

  const protect = (deletionProtectionEnabled: boolean) =>
    logs.client.send(
      new PutLogGroupDeletionProtectionCommand({
        logGroupIdentifier: resourceArn,
        deletionProtectionEnabled,
      }),
    )
  await protect(true)
  const remove = () => logs.client.send(new DeleteLogGroupCommand({ logGroupName }))
  expect(await refusal(remove())).toMatch(/^ValidationException: /)
  await protect(false)
  await remove()
  expect(await logs.groupsOf('/life')).toEqual([])
  expect(await refusal(remove())).toBe(
    'ResourceNotFoundException: The specified log group does not exist.',
  )
})

test('groups are found by prefix, by part and by page', async () => {
  for (const name of ['/list/a', '/list/b', '/list/c', '/other/list']) await logs.createGroup(name)
  const list = async (input: object) => {
    const page = await logs.client.send(new DescribeLogGroupsCommand(input))
    return { names: page.logGroups?.map((one) => one.logGroupName), nextToken: page.nextToken }
  }
  const prefix = { logGroupNamePrefix: '/list/' }
  const first = await list({ ...prefix, limit: 2 })
  expect(first).toEqual({ names: ['/list/a', '/list/b'], nextToken: expect.any(String) })
  const second = await list({ ...prefix, limit: 2, nextToken: first.nextToken })
  expect(second).toEqual({ names: ['/list/c'], nextToken: undefined })
  const byPart = await list({ logGroupNamePattern: 'list' })
  expect(byPart.names).toEqual(['/list/a', '/list/b', '/list/c', '/other/list'])
  const byArn = await list({ logGroupIdentifiers: [`${LOG_ARN}/other/list`] })
  expect(byArn.names).toEqual(['/other/list'])
})

describe('log streams and their events', () => {
  const logGroupName = '/events'
  const now = Date.now()
  const of = (logStreamName: string) => ({ logGroupName, logStreamName })
  beforeAll(() => logs.createGroup(logGroupName))

  test('are made, described in both orders, and deleted', async () => {
    for (const name of ['x/1', 'x/2', 'y']) await logs.createStream(logGroupName, name)
    expect(await refusal(logs.createStream(logGroupName, 'y'))).toBe(
      'ResourceAlreadyExistsException: The specified log stream already exists',
    )
    const answer = await logs.put(logGroupName, 'x/2', [
      [now - 2_000, 'one'],
      [now - 1_000, 'two'],
    ])
    expect(answer.nextSequenceToken).toMatch(/^49\d{54}$/)
    expect(answer.rejectedLogEventsInfo).toBeUndefined()
    await logs.put(logGroupName, 'x/1', [[now - HOUR_MS, 'older']])
    const list = async (input: object) => {
      const command = new DescribeLogStreamsCommand({ logGroupName, ...input })
      return (await logs.client.send(command)).logStreams ?? []
    }
    const names = async (input: object) => (await list(input)).map((one) => one.logStreamName)
    expect(await names({})).toEqual(['x/1', 'x/2', 'y'])
    expect(await names({ logStreamNamePrefix: 'x/', descending: true })).toEqual(['x/2', 'x/1'])
    expect(await names({ orderBy: 'LastEventTime', descending: true })).toEqual(['x/2', 'x/1', 'y'])
    const [second] = await list({ logStreamNamePrefix: 'x/2' })
    expect(second).toEqual({
      logStreamName: 'x/2',
      creationTime: expect.any(Number),
      firstEventTimestamp: now - 2_000,
      lastEventTimestamp: now - 1_000,
      lastIngestionTime: expect.any(Number),
      uploadSequenceToken: expect.any(String),
      arn: `${LOG_ARN}${logGroupName}:log-stream:x/2`,
      storedBytes: 0,
    })
    await logs.client.send(new DeleteLogStreamCommand(of('x/1')))
    expect(await names({})).toEqual(['x/2', 'y'])
    expect(await logs.filter({ logGroupName })).toEqual(['one', 'two'])
  })

  test('are read forward and backward; at an end the token stays the same', async () => {
    await logs.createStream(logGroupName, 'pages')
    await logs.put(
      logGroupName,
      'pages',
      [...'abcdefg'].map((text, at) => [now + at, text] as const),
    )
    const texts = ({ events = [] }: { events?: { message?: string }[] }) =>
      events.map(({ message }) => message).join('')
    const last = await logs.get({ ...of('pages'), limit: 3 })
    expect(texts(last)).toBe('efg')
    const { nextForwardToken = '', nextBackwardToken = '' } = last
    expect(nextForwardToken).toMatch(/^f\/\d{56}\/s$/)
    expect(nextBackwardToken).toMatch(/^b\/\d{56}\/s$/)
    const back = await logs.get({ ...of('pages'), limit: 3, nextToken: nextBackwardToken })
    expect(texts(back)).toBe('bcd')
    const begin = await logs.get({ ...of('pages'), limit: 3, nextToken: back.nextBackwardToken })
    expect(texts(begin)).toBe('a')
    const front = await logs.get({ ...of('pages'), nextToken: begin.nextBackwardToken })
    expect(texts(front)).toBe('')
    expect(front.nextBackwardToken).toBe(begin.nextBackwardToken)
    const end = await logs.get({ ...of('pages'), nextToken: nextForwardToken })
    expect(texts(end)).toBe('')
    expect(end.nextForwardToken).toBe(nextForwardToken)
    await logs.put(logGroupName, 'pages', [[now + 9, 'h']])
    expect(texts(await logs.get({ ...of('pages'), nextToken: nextForwardToken }))).toBe('h')
    const head = await logs.get({ ...of('pages'), limit: 2, startFromHead: true })
    expect(texts(head)).toBe('ab')
    expect(texts(await logs.get({ ...of('pages'), nextToken: head.nextForwardToken }))).toBe(
      'cdefgh',
    )
    const span = { startTime: now + 2, endTime: now + 5 }
    expect(texts(await logs.get({ ...of('pages'), ...span }))).toBe('cde')
    expect(texts(await logs.get({ ...of('pages'), ...span, startFromHead: true }))).toBe('cde')
    const included = { ...span, logGroupName, logStreamNames: ['pages'] }
    expect(await logs.filter(included)).toEqual(['c', 'd', 'e', 'f'])
  })

  test('are told back where they are too old, expired or too new', async () => {
    await logs.createGroup('/rejects')
    await logs.createStream('/rejects', 's')
    const days = (count: number) => now - count * 24 * HOUR_MS
    expect(
      (await logs.put('/rejects', 's', [[days(15), 'too old']])).rejectedLogEventsInfo,
    ).toEqual({
      tooOldLogEventEndIndex: 1,
    })
    const fresh = await logs.put('/rejects', 's', [
      [now, 'kept'],
      [now + 3 * HOUR_MS, 'too new'],
    ])
    expect(fresh.rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 })
    await logs.put('/rejects', 's', [[days(2), 'of the day before yesterday']])
    expect(await logs.filter({ logGroupName: '/rejects' })).toEqual([
      'of the day before yesterday',
      'kept',
    ])
    const policy = { logGroupName: '/rejects', retentionInDays: 1 }
    await logs.client.send(new PutRetentionPolicyCommand(policy))
    expect(await logs.filter({ logGroupName: '/rejects' })).toEqual(['kept'])
    const expired = await logs.put('/rejects', 's', [[days(2), 'expired']])
    expect(expired.rejectedLogEventsInfo).toEqual({ expiredLogEventEndIndex: 1 })
  })

  test('are found by pattern, by log stream and by page, in the order of their times', async () => {
    await logs.createGroup('/find')
    for (const name of ['web-1', 'web-2', 'job']) await logs.createStream('/find', name)
    const event = (level: string, n: number) => JSON.stringify({ level, n })
    await logs.put('/find', 'web-1', [
      [now, event('ERROR', 1)],
      [now + 4, event('ERROR', 5)],
    ])
    await logs.put('/find', 'web-2', [
      [now + 1, event('INFO', 5)],
      [now + 3, 'ERROR plain text of a job'],
    ])
    await logs.put('/find', 'job', [[now + 2, '10.0.0.1 GET 404 12']])
    const find = (filterPattern: string, more: object = {}) =>
      logs.filter({ logGroupName: '/find', filterPattern, ...more })
    const [first, second] = [event('ERROR', 1), event('ERROR', 5)]
    expect(await find('')).toEqual([
      ...[first, event('INFO', 5), '10.0.0.1 GET 404 12', 'ERROR plain text of a job', second],
    ])
    expect(await find('ERROR -job')).toEqual([first, second])
    expect(await find('?INFO ?"plain text"')).toEqual([
      event('INFO', 5),
      'ERROR plain text of a job',
    ])
    expect(await find('{ $.level = "ERROR" && $.n > 3 }')).toEqual([second])
    expect(await find('[ip, verb, code = 4*, ...]')).toEqual(['10.0.0.1 GET 404 12'])
    expect(await find('%lev.l.*5%', { logStreamNames: ['web-2'] })).toEqual([event('INFO', 5)])
    expect(await find('ERROR', { logStreamNamePrefix: 'web-2' })).toEqual([
      'ERROR plain text of a job',
    ])
    const found: string[] = []
    let nextToken: string | undefined
    do {
      const command = new FilterLogEventsCommand({ logGroupName: '/find', limit: 2, nextToken })
      const page = await logs.client.send(command)
      expect(page.searchedLogStreams).toEqual([])
      for (const { eventId, logStreamName } of page.events ?? []) {
        expect(eventId).toMatch(/^\d{56}$/)
        found.push(logStreamName ?? '')
      }
      nextToken = page.nextToken
    } while (nextToken)
    expect(found.toSorted()).toEqual(['job', 'web-1', 'web-1', 'web-2', 'web-2'])
  })
})

describe('what AWS refuses is refused in its words', () => {
  const now = Date.now()
  const name = '/refuse'
  beforeAll(async () => {
    await logs.createGroup(name)
    await logs.createStream(name, 's')
  })
  // Nothing that was refused is kept.
  afterAll(async () => expect(await logs.filter({ logGroupName: name })).toEqual([]))

  type Case = [string, () => Promise<unknown>]
  const missing = (what: string) =>
    `ResourceNotFoundException: The specified log ${what} does not exist.`
  const invalid = (text: string) => `InvalidParameterException: ${text}`
  const constraint = (value: string, member: string, rule: string) =>
    invalid(
      `1 validation error detected: Value ${value} at '${member}' failed to satisfy ` +
        `constraint: Member must ${rule}`,
    )
  const starts = async (text: string, work: () => Promise<unknown>) =>
    expect((await refusal(work())).slice(0, text.length)).toBe(text)

  test.each<Case>([
    [missing('group'), () => logs.put('/none', 's', [[now, 'x']])],
    [missing('stream'), () => logs.put(name, 'none', [[now, 'x']])],
    [missing('group'), () => logs.createStream('/none', 's')],
    [missing('stream'), () => logs.get({ logGroupName: name, logStreamName: 'no' })],
    [missing('group'), () => logs.filter({ logGroupName: '/none' })],
    [missing('stream'), () => logs.filter({ logGroupName: name, logStreamNames: ['no'] })],
    [
      'ResourceNotFoundException: ',
      () => logs.client.send(new ListTagsForResourceCommand({ resourceArn: `${LOG_ARN}/none` })),
    ],
  ])('%s', starts)

  test.each<Case>([
    [
      invalid('Invalid filter'),
      () => logs.filter({ logGroupName: name, filterPattern: '{ $.a }' }),
    ],
    [
      invalid('The specified nextToken is invalid.'),
      () => logs.filter({ logGroupName: name, nextToken: 'x' }),
    ],
    [
      constraint(
        "'a b'",
        'logGroupName',
        'satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+',
      ),
      () => logs.createGroup('a b'),
    ],
    [invalid('1 validation error detected'), () => logs.createGroup('x'.repeat(513))],
    [constraint("'a:b'", 'logStreamName', ''), () => logs.createStream(name, 'a:b')],
    [
      constraint("'2'", 'retentionInDays', 'satisfy enum value set: [1, 3, 5, 7, 14,'),
      () =>
        logs.client.send(new PutRetentionPolicyCommand({ logGroupName: name, retentionInDays: 2 })),
    ],
    [
      constraint("'51'", 'limit', 'have value less than or equal to 50'),
      () => logs.client.send(new DescribeLogGroupsCommand({ limit: 51 })),
    ],
    [
      invalid('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.'),
      () =>
        logs.client.send(
          new DescribeLogGroupsCommand({ logGroupNamePrefix: 'a', logGroupNamePattern: 'b' }),
        ),
    ],
    [
      invalid('Cannot order by LastEventTime with a logStreamNamePrefix.'),
      () =>
        logs.client.send(
          new DescribeLogStreamsCommand({
            logGroupName: name,
            logStreamNamePrefix: 'a',
            orderBy: 'LastEventTime',
          }),
        ),
    ],
    [
      invalid('Hearth has no KMS'),
      () => logs.client.send(new CreateLogGroupCommand({ logGroupName: '/kms', kmsKeyId: 'k' })),
    ],
  ])('%s', starts)

  test.each<[string, [number, string][]]>([
    [
      invalid('Log events in a single PutLogEvents request must be in chronological order.'),
      [
        [now, 'later'],
        [now - 1, 'earlier'],
      ],
    ],
    [
      invalid(
        'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
      ),
      [
        [now - 25 * HOUR_MS, 'a'],
        [now, 'b'],
      ],
    ],
    [
      invalid('Upload too large: 1048577 bytes exceeds limit of 1048576'),
      [[now, 'x'.repeat(1_048_551)]],
    ],
    [constraint("'[]'", 'logEvents', 'have length greater than or equal to 1'), []],
  ])('%s', (text, events) => starts(text, () => logs.put(name, 's', events)))
})

test('without NATS the answer is that nothing can be answered, until it is back', async () => {
  const read = () => refusal(logs.filter({ logGroupName: '/find' }))
  await hearth.nats.kill()
  await expect
    .poll(read)
    .toBe('ServiceUnavailableException: Service is unavailable: NATS is out of reach.')
  await hearth.nats.start()
  await expect.poll(read, { timeout: 20_000 }).toBe('nothing was refused')
})
