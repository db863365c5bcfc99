// The operator's price list: what it may say, and that whatever it must not say is named.

import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_OWN_PRICES, type PriceList } from '@hearth/core/price-list'
import { expect, test } from 'vitest'
import { readPrices } from './price-file.ts'

const AWS: PriceList = {
  requestsPerMillion: 0.2,
  gbSecondTiers: { x86_64: [{ price: 1 }], arm64: [{ price: 1 }] },
  provisionedGbSecond: { x86_64: 1, arm64: 1 },
  configuredGbSecond: { x86_64: 1, arm64: 1 },
  storageGbSecond: 1,
  streamedGb: 1,
  freeRequests: 1,
  freeGbSeconds: 1,
  freeStreamedGb: 1,
}
const read = async (text: string) => {
  const path = join(await mkdtemp(join(tmpdir(), 'hearth-prices-')), 'prices.json')
  await writeFile(path, text)
  return readPrices(path, AWS)
}

test('without a file prices are AWS’s, and nothing costs anything here', async () => {
  expect(await readPrices(undefined, AWS)).toEqual({ aws: AWS, own: NO_OWN_PRICES })
})

test('a file replaces what it names', async () => {
  const tiers = [{ upToGbSeconds: 10, price: 2 }, { price: 1 }]
  const given = {
    aws: { freeRequests: 0, gbSecondTiers: { x86_64: tiers, arm64: tiers } },
    own: { perMonth: 80 },
  }
  expect(await read(JSON.stringify(given))).toEqual({
    aws: { ...AWS, ...given.aws },
    own: { ...NO_OWN_PRICES, perMonth: 80 },
  })
})

test.each([
  ['{', 'cannot be read'],
  ['{"aws":{"freeRequest":1}}', 'aws: Unrecognized key: "freeRequest"'],
  ['{"own":{"perMonth":-1}}', 'own.perMonth: '],
  ['{"aws":{"streamedGb":"1"}}', 'aws.streamedGb: '],
  [
    '{"aws":{"gbSecondTiers":{"x86_64":[{"price":1},{"price":2}],"arm64":[{"price":1}]}}}',
    'aws.gbSecondTiers.x86_64: upToGbSeconds must rise',
  ],
])('%s is refused', async (text, fault) => {
  await expect(read(text)).rejects.toThrow(fault)
})
