// Every form in which a function can be named, and what is refused.

import { describe, expect, test } from 'vitest'
import { functionArn, parseFunctionName } from './arn.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f'

test.each([
  ['f', undefined, undefined],
  ['f', 'a', 'a'],
  ['f:1', undefined, '1'],
  ['f:$LATEST', '$LATEST', '$LATEST'],
  ['function:f', undefined, undefined],
  ['000000000000:function:f', undefined, undefined],
  ['000000000000:f:2', undefined, '2'],
  ['us-east-1:function:f', undefined, undefined],
  ['us-east-1:000000000000:f:2', undefined, '2'],
  ['arn:aws:lambda:000000000000:function:f', undefined, undefined],
  [ARN, undefined, undefined],
  [`${ARN}:live`, undefined, 'live'],
  [`${ARN}:live`, 'live', 'live'],
])('%s with qualifier %s', (name, qualifier, expected) => {
  const found = parseFunctionName(name, qualifier, place)
  expect(found).toEqual({
    account: place.account,
    name: 'f',
    ...(expected && { qualifier: expected }),
  })
})

describe('refused', () => {
  test.each([
    [`${ARN}:1`, '2', /^The derived qualifier from the function name does not match/],
    [
      ARN.replace('us-east-1', 'eu-west-1'),
      undefined,
      /^Functions from 'eu-west-1' are not reachable in this region \('us-east-1'\)$/,
    ],
    [ARN.replace('000000000000', '111111111111'), undefined, /111111111111/],
    ['ue-iso-e-7:function:f', undefined, /^Functions from 'ue-iso-e-7' are not reachable/],
    ['arn::lambda:eu-west-1:000000000000:f', undefined, /^Functions from 'eu-west-1' are not/],
  ])('%s with %s', (name, qualifier, message) => {
    expect(() => parseFunctionName(name, qualifier, place)).toThrow(message)
  })
})

test('an ARN is made as AWS writes it', () => {
  expect(functionArn(place, 'f')).toBe(ARN)
  expect(functionArn(place, 'f', '$LATEST')).toBe(`${ARN}:$LATEST`)
})
