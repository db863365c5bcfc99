// First invocations beside plain containers, in turn, so that the machine's moods touch both alike:
// on stems, without them, with code that takes long to load, and many at once. What starts without
// a runtime of ours is in direct.ts.

import { build } from 'esbuild'
import { type Hearth, ROOT, startHearth } from '../hearth.ts'
import { type Container, NODE, PYTHON, startPlain } from './docker-floor.ts'
import { median, once } from './load.ts'
import { signedInvoke } from './requests.ts'
import { type Row, row, type Target } from './table.ts'

const STARTS = 12
/** A stem is replaced within about a second; the next start must find it. */
const REFILL_MS = 1_500
const BURSTS = [1, 10, 50]
const STEM: Target = { must: 1 / 100, moonshot: 1 / 200 }
const MEMORY_MB = 128
const HELLO = { 'index.mjs': 'export const handler = async () => "hello"' }
const PYTHON_HELLO = { 'index.py': 'def handler(event, context):\n    return "hello"\n' }
/** Python's own library has no need of packages to be slow. */
const PYTHON_IMPORTS =
  'import asyncio, decimal, email.mime.text, http.server, json, multiprocessing, pydoc, ' +
  'sqlite3, ssl, unittest.mock, urllib.request, xml.dom.minidom, xmlrpc.client'
export async function cold(): Promise<Row[]> {
  const hearth = await startHearth({ env: { HEARTH_MEMORY_MB: '160000', HEARTH_STEMS_MAX: '12' } })
  const plain = await startHearth({ env: { HEARTH_MEMORY_MB: '160000', HEARTH_STEMS_MAX: '0' } })
  try {
    const heavy = await sdkBundle()
    const python = { Runtime: 'python3.13' } as const
    return [
      await compare('first invocation, stem, Node.js', hearth, NODE, STEM, { files: HELLO }),
      await compare('first invocation, stem, Python', hearth, PYTHON, STEM, {
        ...python,
        files: PYTHON_HELLO,
      }),
      await compare('first invocation, no stem, Node.js', plain, NODE, undefined, { files: HELLO }),
      // The floor loads nothing here: what is over it is the bundle's own.
      await compare('first, stem, AWS SDK bundle', hearth, NODE, undefined, {
        files: { 'index.cjs': heavy },
      }),
      await compare('first, stem, Python imports', hearth, importing(), undefined, {
        ...python,
        files: { 'index.py': `${PYTHON_IMPORTS}\n${PYTHON_HELLO['index.py']}` },
      }),
      ...(await bursts(hearth)),
    ]
  } finally {
    await Promise.all([hearth.stop(), plain.stop()])
  }
}

type Wish = { files: Record<string, string>; Runtime?: 'python3.13' }

/** Each time another function, so that nothing of it is warm. */
async function compare(
  what: string,
  hearth: Hearth,
  container: Container,
  target: Target | undefined,
  wish: Wish,
): Promise<Row> {
  const names: string[] = []
  for (let count = 0; count < STARTS; count += 1) names.push(await make(hearth, wish))
  const floors: number[] = []
  const values: number[] = []
  for (const name of names) {
    floors.push(await startPlain(container))
    await new Promise((resolve) => setTimeout(resolve, REFILL_MS))
    values.push(await invoke(hearth, name))
  }
  return row(what, { floor: median(floors), value: median(values), unit: 'ms' }, target)
}

const make = (hearth: Hearth, wish: Wish): Promise<string> =>
  hearth.create({ MemorySize: MEMORY_MB, ...wish })

/** Milliseconds of one signed Invoke, the connection included. */
async function invoke(hearth: Hearth, name: string): Promise<number> {
  const { host, hostname, port } = new URL(hearth.endpoint)
  const request = signedInvoke(host, name)
  return once({ host: hostname, port: Number(port), request })
}

/** Many callers at once of a function that nobody has called yet: until the last has its answer. */
async function bursts(hearth: Hearth): Promise<Row[]> {
  const rows: Row[] = []
  for (const callers of BURSTS) {
    const all = Array.from({ length: callers })
    const floor = Math.max(...(await Promise.all(all.map(() => startPlain(NODE)))))
    const name = await make(hearth, { files: HELLO })
    await new Promise((resolve) => setTimeout(resolve, REFILL_MS))
    const value = Math.max(...(await Promise.all(all.map(() => invoke(hearth, name)))))
    rows.push(row(`burst of ${callers}, the last answer`, { floor, value, unit: 'ms' }))
  }
  return rows
}

/** A function with an SDK of AWS's in one file, as bundlers make them. */
async function sdkBundle(): Promise<string> {
  const contents =
    "import * as sdk from '@aws-sdk/client-lambda'\n" +
    'export const handler = async () => Object.keys(sdk).length\n'
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

function importing(): Container {
  return {
    ...PYTHON,
    command: ['/var/lang/bin/python3', '-c', `${PYTHON_IMPORTS}; print('ready')`],
  }
}
