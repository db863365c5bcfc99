// Each judge of the fuzz can fail: it is shown planted faults, and what is well beside them.

import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATIONS } from '../../packages/gateway/src/contract.ts'
import { tryCase } from './abuse.ts'
import { type Answered, faultsOf } from './judge.ts'
import type { Asked } from './requests.ts'
import { strayFiles } from './world.ts'
import { harmIn } from './zips.ts'

describe('of answers, the judge', () => {
  const operation = OPERATIONS.get('GetFunctionConfiguration')
  const asked: Asked = {
    service: 'lambda',
    operation: 'GetFunctionConfiguration',
    method: 'GET',
    path: '/',
    query: [],
    headers: {},
    body: Buffer.alloc(0),
  }
  const id = '00000000-0000-4000-8000-000000000000'
  const answer = (status: number, body: string, code?: string): Answered => ({
    status,
    headers: { 'x-amzn-requestid': id, ...(code && { 'x-amzn-errortype': code }) },
    body: Buffer.from(body),
  })
  const judge = (given: Answered, as: Partial<Asked> = {}) =>
    faultsOf({ ...asked, ...as }, given, operation)

  test('lets pass what is well', () => {
    expect(judge(answer(200, '{"FunctionName":"a","MemorySize":1}'))).toEqual([])
    expect(judge(answer(404, '{"Message":"x"}', 'ResourceNotFoundException'))).toEqual([])
    expect(judge(answer(501, '{"message":"x"}', 'NotImplementedException'))).toEqual([])
  })

  test('lets node refuse a head of over 15 KB, and no other', () => {
    const bare = { status: 431, headers: {}, body: Buffer.alloc(0) }
    const long: [string, string] = ['name', '['.repeat(5_200)]
    expect(judge(bare, { query: [long] })).toEqual([])
    expect(judge(bare, { path: '/'.repeat(5_200) })).not.toEqual([])
  })

  test.each<[string, Answered, Partial<Asked>?]>([
    ['a failure of ours', answer(500, '{"Message":"x"}', 'ServiceException')],
    ['another 503', answer(503, '{"message":"x"}', 'ServiceUnavailableException')],
    ['no request id', { ...answer(200, '{}'), headers: {} }],
    ['a code that AWS does not have', answer(400, '{"message":"x"}', 'StrangeException')],
    ['no code', answer(400, '{"message":"x"}')],
    ['no message', answer(400, '{}', 'ValidationException')],
    ['no JSON', answer(400, 'Bad Request', 'ValidationException')],
    ['a redirection', answer(302, '')],
    ['another status', answer(201, '{}')],
    ['a member of another kind', answer(200, '{"MemorySize":"1"}')],
    ['a member of nothing', answer(200, '{"Layers":[{"Arn":null}]}')],
    ['a list in the place of a structure', answer(200, '{"Environment":[]}')],
    ['no XML', answer(200, '{}'), { service: 'iam' }],
    ['what XML does not have', answer(200, '<A>\0</A>'), { service: 'sts' }],
  ])('finds %s', (_, given, as) => {
    expect(judge(given, as)).not.toEqual([])
  })
})

describe('of raw HTTP, the judge', () => {
  let server: Server
  let port: number
  /** Answers with what came, which is an answer; and is silent when nothing was asked for. */
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('data', (bytes) => bytes.length > 1 && socket.write(bytes))
      socket.on('error', () => {})
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => server?.close())

  const answer = (status: number, text = '') => `HTTP/1.1 ${status} X\r\n\r\n${text}`

  test('lets pass what is well', async () => {
    const good = { bytes: answer(400).repeat(2), statuses: [400], answers: 2 }
    expect(await tryCase(port, good)).toEqual([])
    expect(await tryCase(port, { bytes: '-', leaves: true })).toEqual([])
  })

  test.each([
    ['silence', { bytes: '-' }],
    ['a failure', { bytes: answer(500) }],
    ['a failure behind an answer', { bytes: answer(400) + answer(502), answers: 2 }],
    ['another status', { bytes: answer(200), statuses: [400] }],
    ['too few answers', { bytes: answer(200), answers: 2 }],
    ['a stack', { bytes: answer(400, 'Error: x\n    at f (/a/b.ts:1:2)') }],
  ])('finds %s', async (_, one) => {
    expect(await tryCase(port, one, 200)).not.toEqual([])
  })
})

describe('of files, the judge', () => {
  let folder: string
  const code = () => join(folder, 'code/boot', 'a'.repeat(64))
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hearth-judge-'))
    await mkdir(join(code(), 'd'), { recursive: true })
    await mkdir(join(folder, 'fresh'))
    await writeFile(join(code(), 'd/file'), '')
    await symlink('d/file', join(code(), 'inside'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test.each<[string, string, (path: string) => unknown]>([
    ['a link that leads out', 'link', (path) => symlink('../../..', path)],
    ['a link to the root', 'root', (path) => symlink('/etc', path)],
    ['a pipe', 'pipe', (path) => execFileSync('mkfifo', [path])],
    [
      'a file with rights of its owner',
      'rights',
      async (path) => {
        await writeFile(path, '')
        await chmod(path, 0o4755)
      },
    ],
  ])('finds %s', async (_, name, plant) => {
    expect(await harmIn(folder)).toEqual([])
    const path = join(code(), name)
    await plant(path)
    expect((await harmIn(folder)).map((what) => what.startsWith(`${path} `))).toEqual([true])
    await rm(path)
  })

  test('finds what was left half done, and what no sweep takes away', async () => {
    const artifacts = join(folder, 'artifacts')
    expect(await strayFiles(artifacts)).toEqual([])
    const [half, stray] = [join(artifacts, 'fresh/half'), join(artifacts, 'zips/aa/stray')]
    await mkdir(join(artifacts, 'zips/aa'))
    await writeFile(half, '')
    await writeFile(stray, '')
    expect(await harmIn(artifacts)).toEqual([`${half} was left`])
    const left = [`${half} is still there`, `${stray} is still there`]
    expect((await strayFiles(artifacts)).sort()).toEqual(left)
  })
})
