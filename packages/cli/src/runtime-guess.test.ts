// Laws of guessing: runtime and handler by the look of the code, and no guess where there is a
// doubt.

import { strToU8, zipSync } from 'fflate'
import { expect, test } from 'vitest'
import { guess, guessFromZip } from './runtime-guess.ts'

const node = (handler: string) => ({ runtime: 'nodejs24.x', handler })
const python = (handler: string) => ({ runtime: 'python3.13', handler })
const def = (name: string) => `def ${name}(event, context):\n    return event\n`

test.each<[string, Record<string, string>, object]>([
  ['index.mjs', { 'index.mjs': '' }, node('index.handler')],
  ['index beside others', { 'a.js': '', 'index.js': '', 'z.js': '' }, node('index.handler')],
  ['handler.cjs', { 'handler.cjs': '', 'lib.cjs': '' }, node('handler.handler')],
  ['the only script', { 'greet.mjs': '', 'lib/x.mjs': '' }, node('greet.handler')],
  [
    'main of package.json',
    { 'package.json': '{"main":"./dist/app.js"}', 'dist/app.js': '', 'index.js': '' },
    node('dist/app.handler'),
  ],
  [
    'a main that is not there',
    { 'package.json': '{"main":"x.js"}', 'index.js': '' },
    node('index.handler'),
  ],
  ['a broken package.json', { 'package.json': '{', 'index.js': '' }, node('index.handler')],
  ['package.json alone', { 'package.json': '{}' }, { runtime: 'nodejs24.x' }],
  ['several scripts', { 'a.js': '', 'b.js': '' }, {}],
  [
    'lambda_function.py',
    { 'lambda_function.py': def('lambda_handler') },
    python('lambda_function.lambda_handler'),
  ],
  ['app.py with handler', { 'app.py': def('handler'), 'x.py': '' }, python('app.handler')],
  ['an assigned handler', { 'main.py': 'handler = Mangum(app)\n' }, python('main.handler')],
  [
    'a handler in a comment',
    { 'main.py': `# handler(\n${def('lambda_handler')}` },
    python('main.lambda_handler'),
  ],
  ['the only module', { 'greet.py': '' }, python('greet.lambda_handler')],
  ['several modules', { 'a.py': '', 'b.py': '' }, {}],
  ['a module below', { 'lib/a.py': '' }, {}],
  [
    'a bootstrap beside scripts',
    { bootstrap: '', 'index.js': '', 'app.py': '' },
    { runtime: 'provided.al2023', handler: 'bootstrap' },
  ],
  ['a bootstrap below', { 'bin/bootstrap': '' }, {}],
  ['nothing known', { 'main.go': '' }, {}],
])('guesses by %s', (_, files, expected) => {
  expect(guess(Object.keys(files), (name) => files[name] ?? '')).toEqual(expected)
  const entries = Object.entries(files).map(([name, text]) => [name, strToU8(text)])
  expect(guessFromZip(zipSync(Object.fromEntries(entries)))).toEqual(expected)
})

test('refuses what is no zip', () => {
  expect(() => guessFromZip(Buffer.from('PK, but no more'))).toThrow(/cannot be read/)
})
