// .NET functions through the AWS SDK: every form of handler, contexts, logs and failures as AWS's
// .NET runtime has them; and the bootstrap as a stem, against a scheduler that the test plays. It
// all runs on Microsoft's runtime where the image is here, and on Mono where it is not.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from '../hearth.ts'
import { type Assemblies, borrowDotnet, compileDotnet, settings } from './dotnet-assemblies.ts'
import { startStem } from './stem.ts'

const IMAGE = 'hearth/dotnet8'
const MEMORY_MB = 256

let hearth: Hearth
let assemblies: Assemblies
let borrowed: Awaited<ReturnType<typeof borrowDotnet>>
beforeAll(async () => {
  borrowed = await borrowDotnet(IMAGE)
  console.log(`.NET functions run on ${borrowed.isMono ? 'Mono' : "Microsoft's .NET"}`)
  ;[hearth, assemblies] = await Promise.all([startHearth(), compileDotnet()])
})
afterAll(async () => {
  await hearth?.stop()
  await borrowed?.giveBack()
})

const create = (
  FunctionName: string,
  Handler: string,
  more: Partial<Parameters<Hearth['create']>[0]> = {},
) =>
  hearth.create({
    Runtime: 'dotnet8',
    MemorySize: MEMORY_MB,
    files: assemblies.library,
    Timeout: 20,
    ...more,
    FunctionName,
    Handler,
  })
const HANDLER = 'Example::Example.Handler::Handle'
const method = (name: string) => `Example::Example.Methods::${name}`
const variables = (lines: string[]) => Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)))

describe('a class library', () => {
  test('answers through a task with the whole context, warm the second time', async () => {
    await create('context', HANDLER, { Environment: { Variables: { STAGE: 'prod' } } })
    const client = { custom: { a: '1' }, client: { app_title: 'Maps' }, env: {} }
    const ClientContext = Buffer.from(JSON.stringify(client)).toString('base64')
    const startedAt = performance.now()
    const { json, requestId } = await hearth.invoke('context', { Text: 'ü' }, { ClientContext })
    console.log(`dotnet8: first ${(performance.now() - startedAt).toFixed(0)} ms`)
    expect(json).toMatchObject({
      Count: 1,
      Text: 'ü',
      Id: requestId,
      Name: 'context',
      Version: '$LATEST',
      Arn: 'arn:aws:lambda:us-east-1:000000000000:function:context',
      Group: '/aws/lambda/context',
      Memory: MEMORY_MB,
      Custom: '1',
      Title: 'Maps',
      Identity: null,
      Serializer: 'ContractSerializer',
      Directory: '/var/task',
      IsMono: borrowed.isMono,
    })
    expect(json.LeftMs).toBeGreaterThan(10_000)
    expect(json.LeftMs).toBeLessThanOrEqual(20_000)
    expect(json.Trace).toMatch(/^Root=1-/)
    expect(variables(json.Environment)).toMatchObject({
      STAGE: 'prod',
      AWS_EXECUTION_ENV: 'AWS_Lambda_dotnet8',
      DOTNET_ROOT: '/var/lang/bin',
      _X_AMZN_TRACE_ID: json.Trace,
    })
    const warmAt = performance.now()
    expect((await hearth.invoke('context')).json.Count).toBe(2)
    console.log(`dotnet8: second ${(performance.now() - warmAt).toFixed(1)} ms`)
  })

  test('takes and gives plain values', async () => {
    const cases: [string, unknown, unknown][] = [
      ['Text', 'hello', 'hello for Text'],
      ['Sum', [1, 2, 3], 6],
      ['Alone', {}, 'alone'],
      ['Above', {}, 'above $LATEST'],
      ['Shout', 'quiet', 'QUIET!'],
    ]
    await Promise.all(cases.map(([name]) => create(name, method(name))))
    for (const [name, event, wanted] of cases) {
      expect([name, (await hearth.invoke(name, event)).json]).toEqual([name, wanted])
    }
  })

  test('takes and gives streams, and answers nothing', async () => {
    await Promise.all([create('stream', method('Stream')), create('silent', method('Silent'))])
    const { json, requestId } = await hearth.invoke('stream', { a: 1 })
    expect(json).toEqual([{ a: 1 }, requestId])
    expect((await hearth.invoke('silent')).text).toBe('')
    expect((await hearth.invoke('silent', { Fail: true })).json.errorMessage).toBe('not silent')
  })

  test("logs in AWS's text format, by console, logger and static logger", async () => {
    await create('speaks', HANDLER)
    const { log, requestId } = await hearth.invoke('speaks', { Log: 'hm' }, { LogType: 'Tail' })
    const lines = log.split('\n').map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z\t/, ''))
    const own = lines.slice(
      1,
      lines.findIndex((line) => line.startsWith('END ')),
    )
    expect(own).toEqual([
      `${requestId}\tinfo\thm`,
      `${requestId}\tinfo\thm twice`,
      'as it is: hm',
      `${requestId}\tfail\thm`,
      `${requestId}\tinfo\thm statically`,
      `${requestId}\tinfo\thm by its logger`,
      `${requestId}\tcrit\thm`,
      `${requestId}\twarn\thm of 2.0`,
      `${requestId}\tfail\tit failed`,
      'System.FormatException: odd',
    ])
  })

  test('logs one JSON object a line where that is wanted, from its level on', async () => {
    const LoggingConfig = { LogFormat: 'JSON', ApplicationLogLevel: 'WARN' } as const
    await create('structured', HANDLER, { LoggingConfig })
    const { log, requestId } = await hearth.invoke('structured', { Log: 'hm' }, { LogType: 'Tail' })
    const own = log.split('\n').filter((line) => line.includes('"level"') && !line.includes('type'))
    expect(own.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'Error', message: 'hm', requestId },
      { level: 'Critical', message: 'hm', requestId },
      { level: 'Warning', message: 'hm of 2.0', what: 'hm', limit: 2 },
      { level: 'Error', errorType: 'System.FormatException', errorMessage: 'odd' },
    ])
  })
})

describe('an executable assembly', () => {
  test('runs as it is, with its own client of the Runtime API', async () => {
    const Environment = { Variables: { STAGE: 'prod' } }
    await create('program', 'Program', { files: assemblies.program, Environment })
    const { json, log } = await hearth.invoke('program', { a: 'ü' }, { LogType: 'Tail' })
    expect(json).toEqual({ program: true, event: { a: 'ü' }, stage: 'prod' })
    expect(log).toContain('a program has {"a":')
    expect((await hearth.invoke('program', [2])).json.event).toEqual([2])
  })

  test('that is not there is an exit of its own', async () => {
    await create('programless', 'Absent', { files: assemblies.program })
    const { json } = await hearth.invoke('programless')
    expect(json.errorMessage).toMatch(/exit status 104$/)
  })
})

describe('failures', () => {
  beforeAll(() => create('fails', HANDLER, { Timeout: 3 }))

  test('that a handler throws are told with their causes, logged, and survived', async () => {
    const before = (await hearth.invoke('fails')).json.Count
    const { error, json, log } = await hearth.invoke('fails', { Fail: true }, { LogType: 'Tail' })
    expect(error).toBe('Unhandled')
    expect(json).toMatchObject({
      errorType: 'NoGood',
      errorMessage: 'no good',
      cause: { errorType: 'InvalidOperationException', errorMessage: 'deeper' },
    })
    expect(Object.keys(json)).toEqual(['errorType', 'errorMessage', 'stackTrace', 'cause'])
    expect(json.stackTrace[0]).toMatch(/^at Example\.Handler\.Fail/)
    expect(json.stackTrace.join('\n')).not.toContain('Hearth.Runtime')
    expect(log).toMatch(/\tfail\tExample\.NoGood: no good/)
    expect((await hearth.invoke('fails')).json.Count).toBe(before + 2)
  })

  test('of several tasks are told together', async () => {
    const { json } = await hearth.invoke('fails', { Several: true })
    expect(json.errorType).toBe('AggregateException')
    expect(json.causes).toMatchObject([{ errorType: 'NoGood' }, { errorType: 'FormatException' }])
  })

  test('by exit and by time look as everywhere', async () => {
    const { json } = await hearth.invoke('fails', { Exit: 7 })
    expect(json.errorMessage).toMatch(/Runtime exited with error: exit status 7$/)
    const late = await hearth.invoke('fails', { Hang: true })
    expect(late.json.errorMessage).toMatch(/Task timed out after 3\.00 seconds$/)
    expect((await hearth.invoke('fails')).json.Count).toBe(1)
  })

  test('to find a function are told in AWS words', async () => {
    const library = assemblies.library
    const cases: [string, string, Assemblies['library'], RegExp][] = [
      ['formless', 'Example', { 'a.txt': '' }, /exit status 104$/],
      ['unsettled', 'Other::A.B::C', { 'a.txt': '' }, /exit status 105$/],
      [
        'colons',
        'Example::Example.Handler',
        library,
        /^Invalid lambda function handler: 'Example::/,
      ],
      [
        'classless',
        'Example::Example.Absent::Handle',
        library,
        /^Unable to load type 'Example\.Ab/,
      ],
      ['methodless', method('Absent'), library, /^Unable to find method 'Absent' in type 'Example/],
      ['ambiguous', method('Twice'), library, /appears to have a number of overloads/],
      ['crowded', method('Three'), library, /the method has more than 2 parameters\.$/],
      ['lost', method('Lost'), library, /because it is an 'async void' method/],
      ['absent', 'Other::A.B::C', settings('Other'), /assembly with the file name 'Other, Culture/],
    ]
    await Promise.all(cases.map(([name, handler, files]) => create(name, handler, { files })))
    for (const [name, , , wanted] of cases) {
      const { json } = await hearth.invoke(name)
      expect(json.errorMessage).toMatch(wanted)
      if (!/exit/.test(wanted.source)) expect(json.errorType).toBe('LambdaValidationException')
    }
  })

  test('to make one end its init', async () => {
    await create('broken', 'Example::Example.Broken::Handle')
    expect((await hearth.invoke('broken', 'x')).json).toMatchObject({
      errorType: 'TargetInvocationException',
      cause: { errorType: 'ArgumentException', errorMessage: 'broken at init' },
    })
  })
})

describe('a stem', () => {
  const become = async (files: Assemblies['library'], own: Record<string, string>) => {
    const stem = await startStem(IMAGE)
    console.log(`dotnet8: a stem boots in ${(await stem.booted).toFixed(0)} ms`)
    const startedAt = performance.now()
    const environment = { LAMBDA_TASK_ROOT: '/var/task', ...own }
    const answer = await stem.specialise(files, environment)
    console.log(`dotnet8: it is specialised in ${(performance.now() - startedAt).toFixed(0)} ms`)
    return { stem, answer, environment }
  }

  test('becomes the function that it is told to be', async () => {
    const { stem, answer, environment } = await become(assemblies.library, {
      _HANDLER: HANDLER,
      STAGE: 'stem',
    })
    try {
      expect(answer).toBe('ready')
      const { kind, text } = await stem.invoke({ Text: 'a', Log: 'it speaks' })
      expect(kind).toBe('response')
      const json = JSON.parse(text)
      expect(json).toMatchObject({ Text: 'a', Directory: '/var/task' })
      expect(variables(json.Environment)).toEqual(environment)
      expect(JSON.parse((await stem.invoke({ Fail: true })).text).errorType).toBe('NoGood')
      await expect.poll(() => stem.output()).toContain('\0END request-1\n')
      expect(stem.output()).toContain('\trequest-1\tinfo\tit speaks\n')
    } finally {
      await stem.stop()
    }
  })

  test('starts anew where settings only count at boot', async () => {
    const files = { ...assemblies.library, ...settings('Example', { 'System.GC.Server': false }) }
    const { stem, answer } = await become(files, {
      _HANDLER: HANDLER,
      HEARTH_RUNTIME_SOCKET: '/run/hearth/runtime.sock',
      PATH: '/usr/bin:/bin',
    })
    try {
      expect(answer).toBe('ready')
      const json = JSON.parse((await stem.invoke({})).text)
      // The bootstrap's script has run again, and sets this for a process of its own.
      expect(variables(json.Environment)).toHaveProperty('DOTNET_GCHeapHardLimit')
      expect(variables(json.Environment)).not.toHaveProperty('ONLY_IN_THE_STEM')
    } finally {
      await stem.stop()
    }
  })

  test('whose function cannot be loaded says so', async () => {
    const { stem, answer } = await become(assemblies.library, { _HANDLER: 'Example::No::No' })
    expect(answer).toMatchObject({ kind: 'init/error', errorType: 'LambdaValidationException' })
    await stem.stop()
  })
})
