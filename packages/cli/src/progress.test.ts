// Laws of reporting progress: what other programs say is shown as plain text, without chatter.

import { expect, test } from 'vitest'
import { EXIT } from './failures.ts'
import { confirmedByPerson, hear } from './progress.ts'

const heard = (...lines: string[]) => {
  const shown: string[] = []
  for (const line of lines) hear(line, (text) => shown.push(text))
  return shown
}

test('steps and packages are shown, chatter is not', () => {
  expect(
    heard(
      'building hearth/base:trixie',
      'Step 1/5 : FROM hearth/base:trixie',
      ' ---> 70d37b066319',
      'Removing intermediate container 4af6753bba34',
      'DEPRECATED: The legacy builder is deprecated',
      '(Reading database ... 5%',
      '95%',
      '   ',
      'Unpacking python3 (3.13.5-1) ...',
      'Container hearth-nats-1  Healthy',
    ),
  ).toEqual([
    'building hearth/base:trixie',
    'Step 1/5 : FROM hearth/base:trixie',
    'Unpacking python3 (3.13.5-1) ...',
    'Container hearth-nats-1  Healthy',
  ])
})

test('colours and control characters never reach the terminal', () => {
  expect(heard('\u001b[91mred\u001b[0m', 'a\u0007b\u001b[2J')).toEqual(['red', 'ab'])
})

test('where nobody can be asked, all is not forgotten', async () => {
  const { isTTY } = process.stdin
  process.stdin.isTTY = false
  try {
    await expect(confirmedByPerson('Forget all of it?')).rejects.toMatchObject({
      message: expect.stringContaining('Add --yes'),
      exitCode: EXIT.usage,
    })
  } finally {
    process.stdin.isTTY = isTTY
  }
})
