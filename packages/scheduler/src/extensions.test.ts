// The registry of extensions: who may do what when, and AWS's words for what may not be.

import { expect, test, vi } from 'vitest'
import { Extensions, isRefusal, type Refusal } from './extensions.ts'

const NAMES = ['a', 'b']
const invoke = { eventType: 'INVOKE', deadlineMs: 1 } as const
const shutdown = { eventType: 'SHUTDOWN', deadlineMs: 2 } as const

function open(names = NAMES) {
  const changed = vi.fn()
  const extensions = new Extensions(names, changed)
  const register = (name: string, events: string[] = []) => {
    const registered = extensions.register(name, events)
    if (isRefusal(registered)) throw new Error(registered.errorMessage)
    return registered.id
  }
  return { extensions, changed, register }
}
const words = (refusal: unknown) => {
  const { errorType, errorMessage } = refusal as Refusal
  return `${errorType}: ${errorMessage}`
}

test('all register, all ask, and whoever wants an event gets it once', () => {
  const { extensions, changed, register } = open()
  const a = register('a', ['INVOKE', 'SHUTDOWN'])
  expect(extensions.areRegistered).toBe(false)
  const b = register('b', ['SHUTDOWN'])
  expect([extensions.areRegistered, extensions.areReady]).toEqual([true, false])
  const [toA, toB] = [vi.fn(), vi.fn()]
  extensions.next(a, toA)
  extensions.next(b, toB)
  expect(extensions.areReady).toBe(true)
  expect(changed).toHaveBeenCalledTimes(4)
  expect(extensions.give(invoke).map(({ name }) => name)).toEqual(['a'])
  expect([toA.mock.calls, toB.mock.calls]).toEqual([[[invoke]], []])
  expect(extensions.areReady).toBe(false)
  expect(extensions.give(invoke)).toEqual([])
  // Who is at work hears of the end when it asks for more.
  extensions.shutDown(shutdown)
  expect(toB).toHaveBeenCalledWith(shutdown)
  const last = vi.fn()
  extensions.next(a, last)
  expect(last).toHaveBeenCalledWith(shutdown)
})

test('whoever comes without a name, twice, too late or in too great a number is refused', () => {
  const { extensions, register } = open()
  register('a')
  expect(words(extensions.register('', []))).toBe(
    'Extension.InvalidExtensionName: Empty extension name',
  )
  expect(words(extensions.register('a', []))).toBe(
    'Extension.InvalidExtensionState: State transition from Registered to Registered failed for ' +
      'extension a. Error: State transition is not allowed',
  )
  expect(words(extensions.register('b', ['OTHER']))).toBe(
    'Extension.InvalidEventType: OTHER: ErrorInvalidEventType',
  )
  expect(words(extensions.register('inner', ['SHUTDOWN']))).toBe(
    'Extension.InvalidEventType: SHUTDOWN: ShutdownEventNotSupportedForInternalExtension',
  )
  for (let count = 2; count < 10; count += 1) register(`inner ${count}`, ['INVOKE'])
  expect(words(extensions.register('inner 2', []))).toBe(
    'Extension.InvalidExtensionState: Extension with this name already registered',
  )
  expect(words(extensions.register('eleventh', []))).toBe(
    'Extension.TooManyExtensions: Extension limit (10) reached',
  )
  extensions.close()
  expect(words(extensions.register('late', []))).toBe(
    'Extension.RegistrationClosed: Extension registration closed already',
  )
})

test('whoever asks is known by its identifier', () => {
  const { extensions, register } = open()
  const id = register('a')
  expect(extensions.identify(id.toUpperCase())).toMatchObject({ name: 'a' })
  expect(words(extensions.identify(undefined))).toBe(
    'Extension.MissingExtensionIdentifier: Missing Lambda-Extension-Identifier header',
  )
  expect(words(extensions.identify('a'))).toBe(
    'Extension.InvalidExtensionIdentifier: Invalid Lambda-Extension-Identifier',
  )
  const nobody = crypto.randomUUID()
  expect(words(extensions.identify(nobody))).toBe(
    `Extension.UnknownExtensionIdentifier: Unknown extension ${nobody}`,
  )
})

test('failures are told in their state, and never twice', () => {
  const { extensions, register } = open()
  const [a, b] = [register('a'), register('b')]
  expect(words(extensions.fail(a, 'InitError', ''))).toBe(
    'Extension.MissingHeader: Lambda-Extension-Function-Error-Type not found',
  )
  expect(extensions.fail(a, 'InitError', 'Extension.Own')).toBeUndefined()
  expect(extensions.find('a')).toMatchObject({ state: 'InitError', errorType: 'Extension.Own' })
  expect(words(extensions.next(a, vi.fn()))).toContain('from InitError to Ready failed')
  extensions.next(b, vi.fn())
  expect(words(extensions.next(b, vi.fn()))).toContain('from Ready to Ready failed')
  expect(words(extensions.fail(b, 'InitError', 'x'))).toContain('from Ready to InitError failed')
  expect(extensions.fail(b, 'ExitError', 'x')).toBeUndefined()
  const ended = extensions.find('b')
  if (ended) extensions.ended(ended, 'Exited')
  expect(ended?.state).toBe('Exited')
})

test('an event that is named twice is wanted once, since the list is logged', () => {
  const { extensions, register } = open()
  register('a', ['INVOKE', 'INVOKE'])
  expect(extensions.find('a')?.events).toEqual(['INVOKE'])
})
