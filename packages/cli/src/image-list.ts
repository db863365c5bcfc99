// Which images there are, in the order in which they must be made, and which of them a wish needs.
// `hearth up` makes the standard ones; every other runtime's is made when somebody wants it.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RUNTIMES } from '@hearth/core/runtime'
import { usageError } from './failures.ts'
import { prepareDebian, prepareHearth, prepareNode, prepareSdk } from './image-contexts.ts'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Image {
  tag: string
  /** Folder of its Dockerfile, under images/; absent when it is not built by one. */
  folder?: string
  /** Tags that it is built from. */
  from: string[]
  /** What a registry may offer in its place; the only way to have it where nothing makes it. */
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
/** The SDKs that runtimes bring. */
const SDK_JS = 'hearth/aws-sdk-js:3'
const BOTO3 = 'hearth/boto3:trixie'

const node = (major: string): Image => ({
  tag: `hearth/nodejs${major}.x`,
  folder: 'nodejs',
  from: [BASE, SDK_JS],
  prepare: (context) => prepareNode(join(ROOT, 'images', 'nodejs'), major, context),
})

/** Where an interpreter comes from: a Debian release, or an image that sandboxes start from. */
type Origin = { suite: string } | { on: string }

const python = (version: string, origin: Origin): Image => ({
  tag: `hearth/python${version}`,
  folder: 'python',
  ...('on' in origin
    ? { from: [origin.on, BOTO3], arguments: { BASE: origin.on, VERSION: version }, onDemand: true }
    : { from: [BASE, BOTO3], arguments: { BASE, VERSION: version, SUITE: origin.suite } }),
})

const ruby = (version: string, origin: Origin): Image => ({
  tag: `hearth/ruby${version}`,
  folder: 'ruby',
  ...('on' in origin
    ? { from: [origin.on], arguments: { BASE: origin.on } }
    : { from: [BASE], arguments: { BASE, PACKAGE: `ruby${version}` } }),
  onDemand: true,
})

/** What Debian does not have: an image as its makers publish it, under a tag of ours. */
const pulled = (name: string, upstream: string): Image => ({
  tag: `hearth/upstream-${name}`,
  from: [],
  upstream,
  onDemand: true,
})

/** The same, made into an image that sandboxes start from. */
const onPulled = (name: string, upstream: string): [Image, Image] => {
  const source = pulled(name, upstream)
  const ours: Image = {
    tag: `hearth/on-${name}`,
    folder: 'upstream',
    from: [BASE, source.tag],
    arguments: { UPSTREAM: source.tag },
    onDemand: true,
  }
  return [source, ours]
}

const dotnet = (version: string): Image[] => {
  const microsoft = (what: string) => `mcr.microsoft.com/dotnet/${what}:${version}.0-noble`
  const sdk = pulled(`dotnet-sdk:${version}`, microsoft('sdk'))
  const aspnet = onPulled(`dotnet:${version}`, microsoft('aspnet'))
  const ours: Image = {
    tag: `hearth/dotnet${version}`,
    folder: 'dotnet',
    from: [aspnet[1].tag, sdk.tag],
    arguments: { BASE: aspnet[1].tag, SDK: sdk.tag },
    onDemand: true,
  }
  return [sdk, ...aspnet, ours]
}

const java = (version: string, suite: string): Image => ({
  tag: `hearth/java${version}`,
  folder: 'java',
  from: [BASE, JDK],
  arguments: { VERSION: version, SUITE: suite },
  onDemand: true,
})

/** Who keeps the metrics, and who shows them: wanted by `hearth up --observability` alone. */
export const PROMETHEUS: Image = {
  tag: 'hearth/prometheus:2.53',
  folder: 'prometheus',
  from: [DEBIAN],
  upstream: 'prom/prometheus:v2.53.3',
  onDemand: true,
}
/** Debian has no Grafana. */
export const GRAFANA: Image = {
  tag: 'hearth/grafana:12.2',
  from: [],
  upstream: 'grafana/grafana:12.2.0',
  onDemand: true,
}

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
  { tag: 'hearth/holder:trixie', folder: 'holder', from: [DEBIAN] },
  { tag: 'hearth/extensions:trixie', folder: 'extensions', from: [DEBIAN] },
  { tag: 'hearth/nats:2.15.1', folder: 'nats', from: [DEBIAN], upstream: 'nats:2.15.1-alpine' },
  { tag: 'hearth/valkey:8.1', folder: 'valkey', from: [DEBIAN], upstream: 'valkey/valkey:8.1' },
  {
    tag: SDK_JS,
    folder: 'aws-sdk-js',
    from: [],
    prepare: (context) => prepareSdk(join(ROOT, 'images', 'aws-sdk-js'), context),
  },
  { tag: BOTO3, folder: 'boto3', from: [DEBIAN] },
  node('22'),
  node('24'),
  { ...node('20'), onDemand: true },
  { ...node('26'), onDemand: true },
  python('3.13', { suite: 'trixie' }),
  { ...python('3.14', { suite: 'sid' }), onDemand: true },
  { ...python('3.15', { suite: 'sid' }), onDemand: true },
  ...onPulled('python:3.12', 'python:3.12-slim-trixie'),
  python('3.12', { on: 'hearth/on-python:3.12' }),
  { tag: JDK, folder: 'jdk', from: [BASE], onDemand: true },
  java('17', 'bookworm'),
  java('21', 'trixie'),
  java('25', 'trixie'),
  { tag: 'hearth/provided', folder: 'provided', from: [BASE] },
  ruby('3.3', { suite: 'trixie' }),
  ...onPulled('ruby:3.2', 'ruby:3.2-slim-trixie'),
  ruby('3.2', { on: 'hearth/on-ruby:3.2' }),
  ...onPulled('ruby:3.4', 'ruby:3.4-slim-trixie'),
  ruby('3.4', { on: 'hearth/on-ruby:3.4' }),
  ...dotnet('8'),
  ...dotnet('10'),
  PROMETHEUS,
  GRAFANA,
  {
    tag: 'hearth/hearth:latest',
    folder: 'hearth',
    from: [DEBIAN],
    sources: ['package.json', 'package-lock.json', '.npmrc', 'packages'],
    prepare: (context) => prepareHearth(ROOT, context),
  },
]

/** Whether it can only be had from a registry: neither Debian nor npm has what it is made of. */
export const isPulledOnly = ({ upstream, folder, make }: Image): boolean =>
  upstream !== undefined && !folder && !make

/** What Hearth itself, its sample and the commonest runtimes need. */
export const STANDARD_IMAGES = IMAGES.filter(({ onDemand }) => !onDemand)

/**
 * The images of some runtimes and all that they are built from, in order.
 * @throws CommandError for a runtime that there is none of.
 */
export function imagesOf(runtimes: readonly string[]): Image[] {
  return withBases(runtimes.map(imageOf))
}

/** An image and all that it is built from, in order. */
export const imagesFor = ({ tag }: Image): Image[] => withBases([tag])

function withBases(tags: readonly string[]): Image[] {
  const wanted = new Set(tags)
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
