// Ruby functions through the AWS SDK: events, contexts, logs and failures as AWS's Ruby runtime has
// them; and the bootstrap as a stem, against a scheduler that the test plays.

import { requireRuntime } from '@hearth/core/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from '../hearth.ts'
import { startStem } from './stem.ts'

const RUNTIME = 'ruby3.3'
const FUNCTION = `
require 'logger'
require 'greeting'
$count = 0
class NoGood < StandardError; end
def handler(event:, context:)
  $count += 1
  puts event['log'] if event['log']
  Logger.new($stdout).info('left out') if event['log'] && ENV['AWS_LAMBDA_LOG_LEVEL']
  Logger.new($stdout).warn(event['log']) if event['log']
  raise NoGood, 'no good' if event['fail']
  missing_name if event['missing']
  exit event['exit'] if event['exit']
  exit! event['kill'] if event['kill']
  sleep 60 if event['hang']
  return StringIO.new('{"raw":true}') if event['raw']
  { count: $count, event: event, greeting: GREETING, cwd: Dir.pwd,
    encoding: Encoding.default_external.to_s,
    id: context.aws_request_id, name: context.function_name, version: context.function_version,
    arn: context.invoked_function_arn, memory: context.memory_limit_in_mb,
    group: context.log_group_name, stream: context.log_stream_name,
    left: context.get_remaining_time_in_millis, client: context.client_context,
    env: ENV.to_h }
end
module Tools
  class Echo
    def self.process(event:, context:) = event
  end
end
`
const FILES = { 'app.rb': FUNCTION, 'greeting.rb': "GREETING = 'grüezi'\n" }

describe('on Hearth', () => {
  let hearth: Hearth
  beforeAll(async () => {
    hearth = await startHearth()
    const shape = { Runtime: RUNTIME, Handler: 'app.handler', files: FILES } as const
    await Promise.all([
      hearth.create({
        ...shape,
        FunctionName: 'ruby',
        Timeout: 3,
        Environment: { Variables: { STAGE: 'prod' } },
      }),
      hearth.create({
        ...shape,
        FunctionName: 'json',
        LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'WARN' },
      }),
      hearth.create({ ...shape, FunctionName: 'class', Handler: 'app.Tools::Echo.process' }),
      hearth.create({ ...shape, FunctionName: 'broken', files: { 'app.rb': "raise 'at init'" } }),
      hearth.create({ ...shape, FunctionName: 'malformed', Handler: 'a.b.c.d' }),
    ])
  })
  afterAll(() => hearth?.stop())

  test('answers with the whole context, warm the second time', async () => {
    const client = Buffer.from(JSON.stringify({ custom: { a: '1' } })).toString('base64')
    const { json, requestId } = await hearth.invoke('ruby', { a: ['ü'] }, { ClientContext: client })
    expect(json).toMatchObject({
      event: { a: ['ü'] },
      greeting: 'grüezi',
      cwd: '/var/task',
      encoding: 'UTF-8',
      id: requestId,
      name: 'ruby',
      version: '$LATEST',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:ruby',
      memory: '128',
      group: '/aws/lambda/ruby',
      client: { custom: { a: '1' } },
      env: { STAGE: 'prod', AWS_EXECUTION_ENV: 'AWS_Lambda_ruby3.3', _HANDLER: 'app.handler' },
    })
    expect(json.left).toBeLessThanOrEqual(3000)
    expect(json.env._X_AMZN_TRACE_ID).toMatch(/^Root=1-/)
    expect((await hearth.invoke('ruby')).json.count).toBe(json.count + 1)
  })

  test('logs what it puts, and through a Logger with the request id', async () => {
    const { log, requestId } = await hearth.invoke(
      'ruby',
      { log: 'it speaks' },
      { LogType: 'Tail' },
    )
    expect(log).toMatch(/^START .*\nit speaks\nW, \[\d{4}-/)
    expect(log).toContain(`  WARN ${requestId} -- : it speaks\nEND `)
  })

  test('logs objects through a Logger, from its level on, where its log format is JSON', async () => {
    const { log, requestId } = await hearth.invoke(
      'json',
      { log: 'it speaks' },
      { LogType: 'Tail' },
    )
    const lines = (log ?? '').split('\n')
    expect(lines).toContain('it speaks')
    const logged = lines
      .filter((line) => line.includes('"message":'))
      .map((line) => JSON.parse(line))
    expect(logged).toEqual([
      { timestamp: expect.any(String), level: 'WARN', message: 'it speaks', requestId },
    ])
  })

  test('calls a method of a class', async () => {
    expect((await hearth.invoke('class', { a: [1] })).json).toEqual({ a: [1] })
  })

  test('answers with an IO as it is', async () => {
    expect((await hearth.invoke('ruby', { raw: true })).text).toBe('{"raw":true}')
  })

  test("reports an exception in AWS's shape, and goes on", async () => {
    const before = (await hearth.invoke('ruby')).json.count
    const { error, json, log } = await hearth.invoke('ruby', { fail: 1 }, { LogType: 'Tail' })
    expect(error).toBe('Unhandled')
    expect(json).toMatchObject({ errorMessage: 'no good', errorType: 'Function<NoGood>' })
    expect(json.stackTrace[0]).toMatch(/^\/var\/task\/app\.rb:11:in `handler'$/)
    expect(json.stackTrace).toHaveLength(1)
    expect(log).toContain('Error raised from handler method\n{\n  "errorMessage": "no good"')
    expect((await hearth.invoke('ruby')).json.count).toBe(before + 2)
  })

  test('starts anew after an exception that AWS holds for critical', async () => {
    const { json } = await hearth.invoke('ruby', { missing: 1 })
    expect(json.errorType).toBe('Function<NameError>')
    expect((await hearth.invoke('ruby', { exit: 3 })).json.errorType).toBe('Function<SystemExit>')
    expect((await hearth.invoke('ruby')).json.count).toBe(1)
  })

  test('that dies is an exit error', async () => {
    const { json } = await hearth.invoke('ruby', { kill: 7 })
    expect(json.errorType).toBe('Runtime.ExitError')
    expect(json.errorMessage).toMatch(/Runtime exited with error: exit status 7$/)
  })

  test('that takes too long times out', async () => {
    const { json } = await hearth.invoke('ruby', { hang: 1 })
    expect(json.errorMessage).toMatch(/Task timed out after 3\.00 seconds$/)
  })

  test('reports what fails at init, and a handler of the wrong form', async () => {
    const broken = await hearth.invoke('broken')
    expect(broken.json).toMatchObject({
      errorMessage: 'at init',
      errorType: 'Init<RuntimeError>',
    })
    expect((await hearth.invoke('malformed')).json.errorMessage).toMatch(/^Invalid handler \["a"/)
  })
})

test('a stem becomes the function that it is told to be', async () => {
  const stem = await startStem(`hearth/${RUNTIME}`)
  try {
    console.log(`${RUNTIME}: a stem boots in ${(await stem.booted).toFixed(0)} ms`)
    const startedAt = performance.now()
    const environment = { _HANDLER: 'app.handler', LAMBDA_TASK_ROOT: '/var/task', STAGE: 'stem' }
    expect(await stem.specialise(FILES, environment)).toBe('ready')
    const { kind, text } = await stem.invoke({ a: 1 })
    console.log(`${RUNTIME}: its first answer ${(performance.now() - startedAt).toFixed(0)} ms`)
    expect(kind).toBe('response')
    const json = JSON.parse(text)
    expect(json).toMatchObject({ event: { a: 1 }, cwd: '/var/task', env: environment })
    expect(json.env).not.toHaveProperty('ONLY_IN_THE_STEM')
    expect(JSON.parse((await stem.invoke({ fail: 1 })).text).errorType).toBe('Function<NoGood>')
    await expect.poll(() => stem.output()).toContain('\0END request-1\n')
  } finally {
    await stem.stop()
  }
})

test('a stem finds what layers bring: libraries and gems', async () => {
  const stem = await startStem(`hearth/${RUNTIME}`)
  try {
    await stem.booted
    const own = { _HANDLER: 'app.handler', LAMBDA_TASK_ROOT: '/var/task' }
    const files = {
      'app.rb': `
require 'shared'
require 'gemmed'
def handler(event:, context:) = [SHARED, GEMMED, Gem.loaded_specs['gemmed'].version.to_s]
`,
    }
    const gem = `Gem::Specification.new do |s|
  s.name = 'gemmed'; s.version = '1.2.3'; s.summary = 's'; s.authors = ['a']; s.files = []
end`
    const layer = {
      'ruby/lib/shared.rb': "SHARED = 'by path'",
      'ruby/gems/3.3.0/specifications/gemmed-1.2.3.gemspec': gem,
      'ruby/gems/3.3.0/gems/gemmed-1.2.3/lib/gemmed.rb': "GEMMED = 'by gem'",
    }
    const variables = { ...requireRuntime(RUNTIME).environment, ...own }
    expect(await stem.specialise(files, variables, layer)).toBe('ready')
    expect(JSON.parse((await stem.invoke({})).text)).toEqual(['by path', 'by gem', '1.2.3'])
  } finally {
    await stem.stop()
  }
})

test('a stem whose function cannot be loaded says so', async () => {
  const stem = await startStem(`hearth/${RUNTIME}`)
  try {
    await stem.booted
    const answer = await stem.specialise({}, { _HANDLER: 'app.handler' })
    expect(answer).toMatchObject({ kind: 'init/error', errorType: 'Init<LoadError>' })
  } finally {
    await stem.stop()
  }
})
