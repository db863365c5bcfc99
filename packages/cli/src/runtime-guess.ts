// Runtime and handler by the look of the code, for whoever names none. A guess never overrides what
// was said, and where the files leave a doubt there is no guess.

import { strFromU8, unzipSync } from 'fflate'
import { usageError } from './failures.ts'

export interface Guess {
  runtime?: string
  handler?: string
}

const OWN = 'provided.al2023'
const BOOTSTRAP = 'bootstrap'
const NODE = 'nodejs24.x'
const PYTHON = 'python3.13'
const SCRIPT = /^[^/]+\.(mjs|js|cjs)$/
const MODULE = /^[^/]+\.py$/
/** What people call the file with the handler, the most telling first. */
const NODE_NAMES = ['index', 'handler', 'app', 'main']
const PYTHON_NAMES = ['lambda_function', 'app', 'handler', 'main', 'index']
const SOURCE_BYTES_MAX = 1024 * 1024

/** The guess for a zip. @throws CommandError when it can't be read as one. */
export function guessFromZip(zip: Uint8Array): Guess {
  const names: string[] = []
  try {
    const sources = unzipSync(zip, {
      filter({ name, originalSize }) {
        names.push(name)
        const telling = name === 'package.json' || MODULE.test(name)
        return telling && originalSize <= SOURCE_BYTES_MAX
      },
    })
    return guess(names, (name) => strFromU8(sources[name] ?? new Uint8Array()))
  } catch (error) {
    throw usageError(`The zip cannot be read: ${(error as Error).message}`)
  }
}

/** The guess by file names, and by the text of package.json and of Python modules. */
export function guess(names: readonly string[], read: (name: string) => string): Guess {
  // A runtime of one's own is started by this name alone, and its handler is its own affair.
  if (names.includes(BOOTSTRAP)) return { runtime: OWN, handler: BOOTSTRAP }
  const script = mainOf(names, read) ?? pick(names, SCRIPT, NODE_NAMES)
  if (script) return { runtime: NODE, handler: `${stem(script)}.handler` }
  const module = pick(names, MODULE, PYTHON_NAMES)
  if (module) return { runtime: PYTHON, handler: `${stem(module)}.${pythonHandler(read(module))}` }
  return names.includes('package.json') ? { runtime: NODE } : {}
}

/** What package.json calls its main file, if that is there. */
function mainOf(names: readonly string[], read: (name: string) => string): string | undefined {
  if (!names.includes('package.json')) return undefined
  try {
    const { main } = JSON.parse(read('package.json')) as { main?: unknown }
    const file = typeof main === 'string' ? main.replace(/^\.\//, '') : ''
    return [file, `${file}.js`].find((name) => /\.(mjs|js|cjs)$/.test(name) && names.includes(name))
  } catch {
    return undefined
  }
}

/** The file with a telling name, or the only one of its kind. */
function pick(names: readonly string[], kind: RegExp, telling: readonly string[]) {
  const candidates = names.filter((name) => kind.test(name)).sort()
  for (const name of telling) {
    const found = candidates.find((candidate) => stem(candidate) === name)
    if (found) return found
  }
  return candidates.length === 1 ? candidates[0] : undefined
}

function pythonHandler(source: string): string {
  const [, name] = /^(?:def\s+)?(lambda_handler|handler)\b\s*[(=]/m.exec(source) ?? []
  return name ?? 'lambda_handler'
}

const stem = (name: string) => name.replace(/\.[^./]+$/, '')
