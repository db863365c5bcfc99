// What a function should be like: the command line's options over the folder's hearth.json over
// what the code looks like. It checks form only; what a Hearth allows (runtimes, largest memory) is
// the API's to say.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { usageError } from './failures.ts'
import { SETTINGS_FILE } from './package-code.ts'

export const NAME = /^[a-zA-Z0-9_-]{1,64}$/

const schema = z
  .object({
    name: z.string('a string').regex(NAME, '1 to 64 of letters, digits, - and _'),
    runtime: z.string('a string').min(1, 'such as nodejs24.x or python3.13'),
    handler: z.string('a string').min(1, 'such as index.handler'),
    image: z.string('a string').min(1, 'the name of a container image'),
    command: z.array(z.string(), 'a list of strings'),
    entryPoint: z.array(z.string(), 'a list of strings'),
    workingDirectory: z.string('a string').startsWith('/', 'a path from the root'),
    role: z.string('a string').regex(/^arn:/, 'an ARN, arn:aws:iam::000000000000:role/name'),
    description: z.string('a string').max(256, 'up to 256 characters'),
    memory: z.number('a number').int('whole megabytes').min(128, 'megabytes, at least 128'),
    timeout: z.number('a number').int('whole seconds').min(1, 'seconds, at least 1'),
    ephemeralStorage: z
      .number('a number')
      .int('whole megabytes')
      .min(512, 'megabytes, at least 512'),
    environment: z.record(z.string(), z.string('a string'), 'an object of strings'),
    architecture: z.enum(['x86_64', 'arm64'], 'x86_64 or arm64'),
    logFormat: z.enum(['Text', 'JSON'], 'Text or JSON'),
    url: z.boolean('true or false'),
  })
  .partial()
  .strict()

export type FunctionSettings = z.output<typeof schema>

/**
 * The folder's hearth.json. @throws CommandError that names the file, each field and what it
 * allows.
 */
export async function readSettings(folder: string): Promise<FunctionSettings> {
  const path = join(folder, SETTINGS_FILE)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? {} : parseSettings(text, path)
}

export function parseSettings(text: string, path: string): FunctionSettings {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw usageError(`${path} is not JSON: ${(error as Error).message}`)
  }
  return checkSettings(value, path)
}

/** @param source what the settings are from, for people. */
export function checkSettings(value: unknown, source: string): FunctionSettings {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(schema.shape).join(', ')
      return issue.keys.map((key) => `${key}: there is no such field; there are ${known}`)
    }
    if (issue.path.length === 0) return ['it must be an object, { "name": ... }']
    return [`${issue.path.join('.')}: it must be ${issue.message}`]
  })
  throw usageError([`${source} has faults:`, ...faults].join('\n  '))
}

/** The later ones win; environment variables are put together. */
export function mergeSettings(...all: FunctionSettings[]): FunctionSettings {
  const environments = all.flatMap(({ environment }) => (environment ? [environment] : []))
  const merged: FunctionSettings = Object.assign({}, ...all)
  if (environments.length > 0) merged.environment = Object.assign({}, ...environments)
  return merged
}
