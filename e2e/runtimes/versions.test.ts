// Every version of Node.js and Python that can be made anywhere, through the AWS SDK: each is what
// it says that it is, answers, logs and fails. What the languages do in full is told by
// invoke.test.ts, and by pulled.test.ts what only a registry has.

import { RUNTIMES } from '@hearth/core/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { imagesOf, isPulledOnly } from '../../packages/cli/src/image-list.ts'
import { type Hearth, startHearth } from '../hearth.ts'

const LANGUAGES = {
  nodejs: {
    Handler: 'index.handler',
    files: {
      'index.mjs': `export const handler = async (event) => {
        if (event.fail) throw new TypeError('no good')
        console.log('it speaks')
        return { version: process.versions.node, event }
      }`,
    },
    errorType: 'TypeError',
  },
  python: {
    Handler: 'app.handler',
    files: {
      'app.py': `
import json, platform, sqlite3, ssl, zlib
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no good")
    print("it speaks")
    return {"version": platform.python_version(), "event": event}
`,
    },
    errorType: 'ValueError',
  },
}

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
})
afterAll(() => hearth?.stop())

const anywhere = Object.keys(RUNTIMES).filter((runtime) => !imagesOf([runtime]).some(isPulledOnly))
const versions = anywhere.flatMap((runtime) => {
  const [, language = '', version = ''] = /^(nodejs|python)([\d.]+?)(?:\.x)?$/.exec(runtime) ?? []
  return language ? [{ runtime, language: language as keyof typeof LANGUAGES, version }] : []
})

test.each(versions)('$runtime', async ({ runtime, language, version }) => {
  const { errorType, ...code } = LANGUAGES[language]
  const FunctionName = runtime.replace('.', '-').replace('.x', '')
  await hearth.create({ ...code, FunctionName, Runtime: runtime as 'nodejs24.x' })
  const { json, log } = await hearth.invoke(FunctionName, { a: 'ü' }, { LogType: 'Tail' })
  expect(json.event).toEqual({ a: 'ü' })
  expect(`${json.version}.`).toMatch(new RegExp(`^${version.replace('.', '\\.')}\\.`))
  expect(log).toContain('it speaks')
  const failed = await hearth.invoke(FunctionName, { fail: 1 })
  expect(failed.json).toMatchObject({ errorType, errorMessage: 'no good' })
})
