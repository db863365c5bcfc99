// Bad zips, against a real Hearth: the known kinds, and good ones damaged by seed. Each is refused
// in AWS's words or is harmless: what was unpacked stays inside its folder, and what was refused
// leaves nothing on the disk.

import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda'
import fc from 'fast-check'
import { BOMBS, BROKEN_ZIPS } from '../../packages/store/src/bad-zips.ts'
import { type RawEntry, rawZip } from '../../packages/store/src/raw-zip.ts'
import { type Figure, none } from '../faults/figure.ts'
import { KEEPER } from './pools.ts'
import type { World } from './world.ts'

export interface ZipOptions {
  seed: number
  zips: number
  /** Leaves out those that take hundreds of megabytes to refuse. */
  quick: boolean
}

const AT_A_TIME = 2
const UNZIP = 'Could not unzip uploaded file. Please check your file, then try to upload again.'
const TOO_LARGE = 'Unzipped size must be smaller than 262144000 bytes'
const SET_ID = 0o7000

export async function fuzzZips(
  options: ZipOptions,
  world: World,
  tell: (doing: string) => void,
): Promise<Figure[]> {
  const directory = join(world.hearth.dataDirectory, 'artifacts')
  const outside = await namesAround(world)
  const all = zipsBy(options)
  const faults: string[] = []
  let refused = 0
  let next = 0
  const turns = Array.from({ length: AT_A_TIME }, async () => {
    for (let index = next++; index < all.length; index = next++) {
      const [name, make] = all[index] as (typeof all)[number]
      const { isRefused, problem } = await upload(make(), world)
      if (isRefused) refused += 1
      if (problem) faults.push(`${name}: ${problem}`)
      if (index % 20 === 0) tell(`${index} of ${all.length} zips`)
    }
  })
  await Promise.all(turns)
  return [
    none('zips that were answered badly', faults, `of ${all.length} by seed ${options.seed}`),
    { what: 'zips refused', found: refused, least: Math.ceil(all.length / 3) },
    { what: 'zips taken', found: all.length - refused, least: 1 },
    none('harm that zips did', await harmIn(directory)),
    none(
      'files outside',
      (await namesAround(world)).filter((name) => !outside.includes(name)),
    ),
  ]
}

/** Without storing anything: the code is judged, and the function stays as it is. */
async function upload(ZipFile: Buffer, world: World) {
  const input = { FunctionName: KEEPER, ZipFile, DryRun: true }
  try {
    await world.hearth.lambda.send(new UpdateFunctionCodeCommand(input))
    return { isRefused: false }
  } catch (error) {
    const { name, message } = error as Error
    const isKnown =
      name === 'InvalidParameterValueException' && [UNZIP, TOO_LARGE].includes(message)
    // A request without a zip says so, and no bytes are no zip.
    const isEmpty = ZipFile.length === 0 && name === 'InvalidParameterValueException'
    return { isRefused: true, ...(!isKnown && !isEmpty && { problem: `${name}: ${message}` }) }
  }
}

function zipsBy({ seed, zips, quick }: ZipOptions): [string, () => Buffer][] {
  const heavy = /bomb|large file|more entries/
  const known = BROKEN_ZIPS.flatMap(([, kinds]) => Object.entries(kinds))
  const kinds = [...known, ...Object.entries(BOMBS)]
  const light = known.filter(([name]) => !heavy.test(name))
  const first = quick ? light.slice(0, Math.floor(zips / 2)) : kinds
  const damaged = fc.sample(damagedZip, { seed, numRuns: Math.max(zips - first.length, 1) })
  return [
    ...first,
    ...damaged.map((zip, at): [string, () => Buffer] => [`damaged ${at}`, () => zip]),
  ]
}

const LINK = 0o120777
const NAMES = [
  'index.mjs',
  'a/b',
  'a/',
  '../x',
  '/x',
  'a\\b',
  '.',
  '..',
  'é',
  '\u202e',
  'con',
  'a/../b',
]
const MODES = [0, 0o100644, 0o104755, 0o102755, 0o100000, 0o040755, LINK, 0o020666, 0o160000]
const EXTRAS = [
  Buffer.from('01000800ffffffffffffff7f', 'hex'),
  Buffer.from('0100', 'hex'),
  Buffer.from('757009000100000000612f62', 'hex'),
  Buffer.alloc(60_000),
]
const TARGETS = ['b', '../x', '/etc/passwd', 'a/../..', '.']

/** One field of an entry that is not what it should be, or not what is usual. */
const oddity: fc.Arbitrary<Partial<RawEntry>> = fc.oneof(
  fc.record({ method: fc.constantFrom(0, 9, 12, 99) }),
  fc.record({ mode: fc.constantFrom(...MODES) }),
  fc.record({ flags: fc.constantFrom(0, 1, 8, 0x808, 0x2000, 0xffff) }),
  fc.record({ crc: fc.constantFrom(0, 1, 0xffffffff) }),
  fc.record({ declared: fc.constantFrom(0, 1, 200, 0xffffffff) }),
  fc.record({ packedDeclared: fc.constantFrom(0, 1, 200, 0xffffffff) }),
  fc.record({ offset: fc.constantFrom(0, 1, 30, 0xffffffff) }),
  fc.record({ extra: fc.constantFrom(...EXTRAS) }),
  fc.record({ name: fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary' })) }),
)

const entry: fc.Arbitrary<RawEntry> = fc
  .tuple(
    fc.record({
      name: fc.stringMatching(/^[a-z]{1,3}(\/[a-z]{1,2}){0,2}$/),
      data: fc.oneof(fc.constantFrom(...TARGETS), fc.string({ maxLength: 200 })),
    }),
    fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: oddity }),
  )
  .map(([usual, odd]) => ({ ...usual, ...odd }))

type Damage = [kind: 'bytes' | 'cut' | 'flip' | 'join' | 'none', at: number, much: number]

const damagedZip: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(entry, { minLength: 1, maxLength: 5 }),
    fc.constantFrom<Damage[0]>('none', 'none', 'flip', 'cut', 'bytes', 'join'),
    fc.nat(),
    fc.nat({ max: 64 }),
  )
  .map(([entries, kind, at, much]) => damage(rawZip(entries), [kind, at, much]))

function damage(zip: Buffer, [kind, at, much]: Damage): Buffer {
  const place = at % Math.max(zip.length, 1)
  if (kind === 'cut') return zip.subarray(0, place)
  if (kind === 'join') return Buffer.concat([zip.subarray(place), zip])
  if (kind === 'flip') zip[place] = (zip[place] ?? 0) ^ (1 << (much % 8))
  if (kind === 'bytes') zip.subarray(place, place + much).fill(much)
  return zip
}

/** What no zip may do: rights, links that lead out, what is no file, and what was left half done. */
export async function harmIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const checked = entries.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    if (parentPath.endsWith('/fresh')) return [`${path} was left`]
    const facts = await lstat(path)
    const root = /^.*\/code\/[^/]+\/[0-9a-f]{64}(?=\/)/.exec(path)?.[0]
    if (facts.isSymbolicLink()) {
      const target = resolve(parentPath, await readlink(path))
      return root && !`${target}/`.startsWith(`${root}/`) ? [`${path} leads to ${target}`] : []
    }
    if (!facts.isFile() && !facts.isDirectory()) return [`${path} is no file`]
    return facts.mode & SET_ID ? [`${path} has the mode ${facts.mode.toString(8)}`] : []
  })
  return (await Promise.all(checked)).flat()
}

/** What lies where a zip that climbs would come to. */
async function namesAround({ hearth: { dataDirectory } }: World): Promise<string[]> {
  const folders = [dataDirectory, join(dataDirectory, 'artifacts')]
  return (await Promise.all(folders.map((path) => readdir(path)))).flat()
}
