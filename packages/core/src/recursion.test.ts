// The law against loops: sixteen invocations of a function in one chain and no more, whichever way
// the chain goes, and nothing else of a trace is touched.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRecursive, withInvocation } from './recursion.ts'

const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`

/** Follows a chain until a function is refused. @returns how often each ran. */
function follow(next: (step: number) => string, stepsMax = 10_000): Map<string, number> {
  const runs = new Map<string, number>()
  let trace = TRACE
  for (let step = 0; step < stepsMax; step++) {
    const name = next(step)
    if (isRecursive(trace, arn(name))) break
    trace = withInvocation(trace, arn(name))
    runs.set(name, (runs.get(name) ?? 0) + 1)
  }
  return runs
}

describe('a chain', () => {
  test('that is one function calling itself ends after sixteen', () => {
    expect(follow(() => 'a')).toEqual(new Map([['a', 16]]))
  })

  test('of several functions ends when one has run sixteen times', () => {
    expect(follow((step) => ['a', 'b', 'c'][step % 3] ?? '')).toEqual(
      new Map([
        ['a', 16],
        ['b', 16],
        ['c', 16],
      ]),
    )
  })

  test('of more functions than are counted ends all the same', () => {
    const runs = follow((step) => `f${step % 40}`)
    expect(Math.max(...runs.values())).toBe(16)
  })

  test('that calls each function once is never ended', () => {
    expect(follow((step) => `f${step}`, 1_000).size).toBe(1_000)
  })

  test('runs no function more than sixteen times, whatever its order', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 200 })
    fc.assert(
      fc.property(names, (order) => {
        const runs = follow((step) => order[step] ?? 'end', order.length)
        expect(Math.max(0, ...runs.values())).toBeLessThanOrEqual(16)
      }),
    )
  })

  test('counts versions and aliases of a function together, and regions apart', () => {
    let trace = TRACE
    for (const qualifier of ['', ':$LATEST', ':7', ':live']) {
      for (let time = 0; time < 4; time++) trace = withInvocation(trace, arn('a') + qualifier)
    }
    expect(isRecursive(trace, `${arn('a')}:8`)).toBe(true)
    expect(isRecursive(trace, arn('a').replace('us-east-1', 'eu-west-1'))).toBe(false)
  })
})

describe('a trace', () => {
  test('begins its lineage at nought, behind all else', () => {
    expect(withInvocation(TRACE, arn('a'))).toMatch(new RegExp(`^${TRACE};Lineage=[0-9a-f]{8}:0$`))
  })

  test('keeps the members that are not ours, in their order', () => {
    const trace = `Self=1-2-3;${TRACE};Lineage=a87bd80c:1|68fd508a:5;Extra=x`
    expect(withInvocation(trace, arn('a'))).toMatch(
      new RegExp(`^Self=1-2-3;${TRACE};Extra=x;Lineage=a87bd80c:1\\|68fd508a:5\\|[0-9a-f]{8}:0$`),
    )
  })

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['one without lineage', TRACE],
    ['one that AWS counted in its newer form', `${TRACE};Lineage=25:fe460cdd:200`],
    ['nonsense', `${TRACE};Lineage=x:y|::|-1:99`],
  ])('refuses nobody when it is %s', (_, trace) => {
    expect(isRecursive(trace, arn('a'))).toBe(false)
    expect(withInvocation(trace ?? '', arn('a'))).toMatch(/(^|;)Lineage=[0-9a-f]{8}:0$/)
  })

  test('stays under the length that is read, whatever a caller sends', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 1023 }),
      fc.stringMatching(/^(;Lineage=|a|:|\|){0,99}$/),
    )
    fc.assert(
      fc.property(text, (trace) => {
        expect(withInvocation(trace, arn('a')).length).toBeLessThan(1024)
      }),
    )
  })
})
