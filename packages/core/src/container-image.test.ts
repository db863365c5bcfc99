// The laws of container images: names, command lines, and what a version is while its image is
// sought, when it is found, and when it is not.

import { expect, test } from 'vitest'
import {
  checkImageUri,
  commandLine,
  faultOf,
  type ImageFacts,
  type ImageFault,
  runnable,
} from './container-image.ts'
import { createFunction, defaultConfiguration, settleFunction, updateFunction } from './function.ts'

const facts = (id: string): ImageFacts => ({
  id,
  resolvedUri: `app@sha256:${id}`,
  architecture: 'x86_64',
  sizeBytes: 1,
  entryPoint: ['/entry', '-x'],
  command: ['app.handler'],
  workingDirectory: '/function',
  environment: [],
  volumes: [],
})
const fault: ImageFault = { code: 'ImageAccessDenied', reason: 'no' }
const moment = (id: string) => ({ now: 1, revisionId: `revision ${id}`, deploymentId: id })
const configuration = { ...defaultConfiguration('f'), runtime: '', handler: '', role: 'r' }
const created = createFunction(
  {
    account: 'a',
    name: 'f',
    tags: {},
    architecture: 'x86_64',
    code: { sha256: '', size: 0 },
    image: { uri: 'one' },
    configuration,
  },
  moment('1'),
)
const active = settleFunction(created, 'r', { images: new Map([['one', facts('aa')]]) })

test.each([
  'app',
  'app:1',
  'team/app:v1.2_x',
  'localhost:5000/app',
  '123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:latest',
  `app@sha256:${'0'.repeat(64)}`,
])('%s is a name', (uri) => {
  checkImageUri(uri)
})

test.each(['', 'App', 'app:', ':1', 'app@sha256:12', 'app tag', '-v', 'a/../b', 'http://a/b'])(
  '%j is no name',
  (uri) => {
    expect(() => checkImageUri(uri)).toThrow(`Source image ${uri} is not valid.`)
  },
)

test('each part of the command line is the image’s unless it is overridden', () => {
  const own = facts('aa')
  expect(commandLine(own)).toEqual(['/entry', '-x', 'app.handler'])
  expect(commandLine(own, { command: ['other'] })).toEqual(['/entry', '-x', 'other'])
  expect(commandLine(own, { entryPoint: ['/bin/x'] })).toEqual(['/bin/x', 'app.handler'])
  expect(commandLine(own, { entryPoint: [], command: [] })).toEqual(commandLine(own))
})

test('an image of another architecture, or beyond the limits, cannot run', () => {
  expect(faultOf(facts('aa'), 'x86_64')).toBeUndefined()
  expect(faultOf(facts('aa'), 'arm64')?.reason).toContain('for x86_64')
  expect(faultOf({ ...facts('aa'), sizeBytes: 11e9 }, 'x86_64')?.code).toBe('InvalidImage')
  expect(faultOf({ ...facts('aa'), environment: ['x'.repeat(40_000)] }, 'x86_64')).toBeDefined()
})

test('a creation waits for its image, and is active or failed', () => {
  expect(settleFunction(created, 'r').latest).toEqual(created.latest)
  expect(active.latest).toMatchObject({
    state: 'Active',
    code: { sha256: 'aa', size: 0 },
    image: { uri: 'one', facts: { id: 'aa' } },
  })
  const failed = settleFunction(created, 'r', { images: new Map([['one', fault]]) }).latest
  expect([failed.state, failed.fault]).toEqual(['Failed', fault])
})

test('while an update’s image is sought, and when it is not found, the former one runs', () => {
  const updating = updateFunction(active, { image: { uri: 'two' } }, moment('2'))
  expect(runnable(updating.latest)).toMatchObject({
    deploymentId: '1',
    image: { uri: 'one', facts: { id: 'aa' } },
  })
  const failed = settleFunction(updating, 'r', { images: new Map([['two', fault]]) }).latest
  expect(failed).toMatchObject({
    state: 'Active',
    updateStatus: 'Failed',
    fault,
    deploymentId: '1',
    image: { uri: 'one' },
  })
  expect(failed.formerImage).toBeUndefined()
  const done = settleFunction(updating, 'r', { images: new Map([['two', facts('bb')]]) }).latest
  expect(runnable(done)).toBe(done)
  expect(done).toMatchObject({ deploymentId: '2', image: { facts: { id: 'bb' } } })
  expect([done.formerImage, done.fault]).toEqual([undefined, undefined])
})

test('an update that finds the image that runs keeps its environments', () => {
  const updating = updateFunction(active, { image: { uri: 'two' } }, moment('2'))
  const done = settleFunction(updating, 'r', { images: new Map([['two', facts('aa')]]) }).latest
  expect(done).toMatchObject({
    deploymentId: '1',
    image: { uri: 'two' },
    updateStatus: 'Successful',
  })
})

test('a failed creation can be mended by an update', () => {
  const failed = settleFunction(created, 'r', { images: new Map([['one', fault]]) })
  const updating = updateFunction(failed, { image: { uri: 'two' } }, moment('2'))
  const mended = settleFunction(updating, 'r', { images: new Map([['two', facts('bb')]]) }).latest
  expect([mended.state, mended.updateStatus]).toEqual(['Active', 'Successful'])
})
