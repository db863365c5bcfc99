// What a function is given is what was sent, and what it gives back is what comes: texts that are
// JSON, nearly JSON and none, through a function that answers with its event. JSON.parse is the
// judge of which is which, and what it makes of a number that has no room in one is the function's.

import { isDeepStrictEqual } from 'node:util'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import fc from 'fast-check'
import { type Figure, none } from '../faults/figure.ts'
import { KEEPER } from './pools.ts'
import type { World } from './world.ts'

const REFUSED = 'InvalidRequestContentException'
/** A text with one character left out, doubled or replaced. */
const spoilt = fc
  .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '\\', '{', ']', '0', '\u0000', 'é'))
  .map(([text, at, put]) => {
    const place = at % text.length
    return text.slice(0, place) + put + text.slice(place + 1)
  })
const texts = fc.oneof(
  { weight: 3, arbitrary: fc.json({ stringUnit: 'binary' }) },
  { weight: 2, arbitrary: spoilt },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
)

export async function fuzzEcho(
  { seed, payloads }: { seed: number; payloads: number },
  world: World,
): Promise<Figure[]> {
  const faults: string[] = []
  let taken = 0
  for (const text of fc.sample(texts, { seed, numRuns: payloads })) {
    // Half a surrogate pair has no bytes, so it is not what arrives.
    const sent = text.toWellFormed()
    const expected = readJson(sent)
    const heard = await echo(sent, world)
    if ('value' in expected) taken += 1
    if (!isDeepStrictEqual(heard, expected)) {
      faults.push(`${JSON.stringify(sent).slice(0, 200)} gave ${JSON.stringify(heard)}`)
    }
  }
  return [
    none('payloads that came back otherwise', faults, `of ${payloads} by seed ${seed}`),
    { what: 'payloads that were JSON', found: taken, least: Math.ceil(payloads / 4) },
  ]
}

type Read = { value: unknown } | { refused: true }

/** No text at all is an empty event. */
function readJson(text: string): Read {
  try {
    return { value: JSON.parse(JSON.stringify(JSON.parse(text || '{}'))) }
  } catch {
    return { refused: true }
  }
}

async function echo(text: string, { hearth }: World): Promise<Read | { error: string }> {
  const Payload = Buffer.from(text)
  try {
    const { Payload: answer, FunctionError } = await hearth.lambda.send(
      new InvokeCommand({ FunctionName: KEEPER, Payload }),
    )
    const value = JSON.parse(Buffer.from(answer ?? []).toString())
    return FunctionError ? { error: FunctionError } : { value }
  } catch (error) {
    const { name, message } = error as Error
    return name === REFUSED ? { refused: true } : { error: `${name}: ${message}` }
  }
}
