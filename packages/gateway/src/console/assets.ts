// The console's three files for browsers: a stylesheet, a module and an icon. Each is served under
// a name that holds a hash of what is in it, so that browsers keep it for ever and never show an
// old one.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SECURITY_HEADERS } from './guard.ts'

const TYPES = {
  'console.css': 'text/css; charset=utf-8',
  'live.mjs': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

export type AssetName = keyof typeof TYPES

export const ASSETS_PATH = '/console/assets/'
const FOREVER = 'public, max-age=31536000, immutable'
const HASH_LENGTH = 12

interface Asset {
  path: string
  type: string
  content: string
}

const assets = new Map(
  (Object.keys(TYPES) as AssetName[]).map((name): [AssetName, Asset] => {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8')
    const hash = createHash('sha256').update(content).digest('hex').slice(0, HASH_LENGTH)
    return [name, { path: `${ASSETS_PATH}${hash}/${name}`, type: TYPES[name], content }]
  }),
)

/** Where a browser finds it. */
export const assetPath = (name: AssetName) => assets.get(name)?.path ?? ''

/** @returns 404 for any other path. */
export function answerAsset(path: string): Response {
  const found = [...assets.values()].find((asset) => asset.path === path)
  if (!found) return new Response('Not found.', { status: 404, headers: SECURITY_HEADERS })
  return new Response(found.content, {
    headers: { ...SECURITY_HEADERS, 'content-type': found.type, 'cache-control': FOREVER },
  })
}
