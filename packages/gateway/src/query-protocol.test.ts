// The query protocol as bytes: forms are read, answers and refusals written, and nothing of a
// caller becomes markup.

import { ServiceError } from '@hearth/core/error'
import { expect, test } from 'vitest'
import { readMembers, readQuery, renderQuery, renderQueryError } from './query-protocol.ts'

const IAM = 'Version=2010-05-08'

test('a form names its service by the version', () => {
  const query = readQuery(Buffer.from(`Action=GetRole&${IAM}&RoleName=a%2Fb`))
  expect([query.action, query.service, query.form.get('RoleName')]).toEqual([
    'GetRole',
    'iam',
    'a/b',
  ])
  const strange = ['2000-01-01', 'constructor', '__proto__'].map((at) => `Action=A&Version=${at}`)
  for (const form of ['', IAM, 'Action=GetRole', ...strange]) {
    expect(() => readQuery(Buffer.from(form))).toThrow('Could not find operation')
  }
})

test('members of lists come in their order', () => {
  const form = new URLSearchParams(
    'Tags.member.2.Key=b&Tags.member.1.Key=a&Tags.member.1.Value=x&TagKeys.member.1=c&Tags.x=1',
  )
  expect(readMembers(form, 'Tags')).toEqual([{ Key: 'a', Value: 'x' }, { Key: 'b' }])
  expect(readMembers(form, 'TagKeys')).toEqual([{ '': 'c' }])
})

test('an answer is markup, and what is in it is not', () => {
  const { form } = readQuery(Buffer.from(`Action=A&${IAM}`))
  const query = { action: 'A', service: 'iam', form } as const
  const inside = { Text: '<&">', List: ['x', { Y: 1 }], Gone: undefined, None: [] }
  expect(renderQuery(query, inside, 'id').body).toBe(
    '<AResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><AResult>' +
      '<Text>&lt;&amp;&quot;&gt;</Text><List><member>x</member><member><Y>1</Y></member></List>' +
      '<None></None></AResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>' +
      '</AResponse>',
  )
})

test('a refusal has the name that this protocol has for it', () => {
  const { status, body } = renderQueryError(new ServiceError('AccessDeniedException', '<no>'), 'id')
  expect(status).toBe(403)
  expect(body).toContain('<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>&lt;no&gt;<')
  expect(renderQueryError(new Error('secret'), 'id').body).not.toContain('secret')
  const strange = new ServiceError('NoSuchEntity', 'a\0b\ud800c\tü😀')
  expect(renderQueryError(strange, 'id').body).toContain('<Message>a\ufffdb\ufffdc\tü😀</Message>')
})
