// Which images there are, in the order in which they must be made, and which of them a wish needs.
// `hearth up` makes the standard ones; every other runtime's is made when somebody wants it.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RUNTIMES } from '@hearth/core/runtime'
import { usageError } from './failures.ts'
import { prepareDebian, prepareHearth, prepareNode } from './image-contexts.ts'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Image {
  tag: string
  /** Folder of its Dockerfile, under images/; absent when it is not built by one. */
  folder?: string
  /** Tags that it is built from. */
  from: string[]
  /** What a registry may offer in its place. */
  upstream?: string
  /** Files and folders, beside its own folder, that go into it. */
  sources?: string[]
  /** What the Dockerfile's ARG lines are given. */
  arguments?: Readonly<Record<string, string>>
  /** Made only when it is wanted by name, or by an image that is. */
  onDemand?: true
  /** Makes the build context; the folder itself is one when this is absent. */
  prepare?(context: string): Promise<void>
  /** Makes the image without a Dockerfile. */
  make?(): Promise<void>
}

const DEBIAN = 'hearth/debian:trixie-slim'
const BASE = 'hearth/base:trixie'
const JDK = 'hearth/jdk:21'

const node = (major: string): Image => ({
  tag: `hearth/nodejs${major}.x`,
  folder: 'nodejs',
  from: [BASE],
  prepare: (context) => prepareNode(join(ROOT, 'images', 'nodejs'), major, context),
})

/** `suite` is the Debian release that has this version. */
const python = (version: string, suite: string): Image => ({
  tag: `hearth/python${version}`,
  folder: 'python',
  from: [BASE],
  arguments: { VERSION: version, SUITE: suite },
})

const java = (version: string, suite: string): Image => ({
  tag: `hearth/java${version}`,
  folder: 'java',
  from: [BASE, JDK],
  arguments: { VERSION: version, SUITE: suite },
  onDemand: true,
})

/** In the order in which they must be made. */
export const IMAGES: readonly Image[] = [
  {
    tag: DEBIAN,
    from: [],
    upstream: 'debian:trixie-slim',
    make: () => prepareDebian(DEBIAN),
  },
  { tag: BASE, folder: 'base', from: [DEBIAN] },
  { tag: 'hearth/hands:trixie', folder: 'hands', from: [DEBIAN] },
  { tag: 'hearth/network:trixie', folder: 'network', from: [DEBIAN] },
  { tag: 'hearth/nats:2.15.1', folder: 'nats', from: [DEBIAN], upstream: 'nats:2.15.1' },
  { tag: 'hearth/valkey:8.1', folder: 'valkey', from: [DEBIAN], upstream: 'valkey/valkey:8.1' },
  node('22'),
  node('24'),
  { ...node('20'), onDemand: true },
  { ...node('26'), onDemand: true },
  python('3.13', 'trixie'),
  { ...python('3.14', 'sid'), onDemand: true },
  { ...python('3.15', 'sid'), onDemand: true },
  { tag: JDK, folder: 'jdk', from: [BASE], onDemand: true },
  java('17', 'bookworm'),
  java('21', 'trixie'),
  java('25', 'trixie'),
  { tag: 'hearth/provided', folder: 'provided', from: [BASE] },
  { tag: 'hearth/ruby3.3', folder: 'ruby', from: [BASE], onDemand: true },
  {
    tag: 'hearth/hearth:latest',
    folder: 'hearth',
    from: [DEBIAN],
    sources: ['package.json', 'package-lock.json', '.npmrc', 'packages'],
    prepare: (context) => prepareHearth(ROOT, context),
  },
]

/** What Hearth itself, its sample and the commonest runtimes need. */
export const STANDARD_IMAGES = IMAGES.filter(({ onDemand }) => !onDemand)

/**
 * The images of some runtimes and all that they are built from, in order.
 * @throws CommandError for a runtime that there is none of.
 */
export function imagesOf(runtimes: readonly string[]): Image[] {
  const wanted = new Set(runtimes.map(imageOf))
  // Bases come first in the list, so that going backwards meets every image before its bases.
  for (const image of IMAGES.toReversed()) {
    if (wanted.has(image.tag)) for (const base of image.from) wanted.add(base)
  }
  return IMAGES.filter(({ tag }) => wanted.has(tag))
}

function imageOf(runtime: string): string {
  // `provided` is the image of several runtimes, and may be wanted by its own name.
  const image = RUNTIMES[runtime]?.image ?? `hearth/${runtime}`
  if (IMAGES.some(({ tag }) => tag === image)) return image
  const known = Object.keys(RUNTIMES).join(', ')
  throw usageError(`${runtime} is not a runtime of this Hearth. It has ${known}.`)
}
