// Which stem a function version can use: the runtime's image, the memory size where the runtime
// sizes its heap as it boots, and no setting or cache that only counts at boot; or its own image.
// Pure.

import type { ImageFacts } from '@hearth/core/container-image'
import { type FunctionVersion, hasSnapshot } from '@hearth/core/function'
import { requireRuntime } from '@hearth/core/runtime'
import { BOOTSTRAP } from './process-of.ts'
import { stemEnvironment } from './runtime-environment.ts'
import type { StemKind } from './stem.ts'

/** As much of an image's id as people are shown. */
const ID_LENGTH = 12

/** @throws ServiceError for a runtime that is not known here. */
export function stemKind(runtime: string, memoryMb: number): StemKind {
  const { image, stem } = requireRuntime(runtime)
  if (!stem) return { key: image, image }
  return {
    key: stem.heapBound ? `${image} ${memoryMb}` : image,
    image,
    process: {
      directory: '/',
      search: '',
      arguments: [BOOTSTRAP],
      environment: stemEnvironment(runtime, memoryMb),
    },
  }
}

/** The kind that serves a version: its runtime's, or its own image's, in which nothing runs yet. */
export function kindOf({ configuration, image }: FunctionVersion): StemKind | undefined {
  if (!image) return stemKind(configuration.runtime, configuration.memoryMb)
  return image.facts && imageKind(image.facts)
}

/** A sandbox of an image that has run nothing of it, so functions of that image are all served. */
export function imageKind({ id, resolvedUri, volumes }: ImageFacts): StemKind {
  const key = `image ${id.replace(/^sha256:/, '').slice(0, ID_LENGTH)}`
  return { key, image: id, ownImage: { pullName: resolvedUri, volumes } }
}

/** Whether the booted runtime serves this version as one that booted for it alone would. */
export function isFit(kind: StemKind, version: FunctionVersion): boolean {
  const { runtime, memoryMb, environment = {} } = version.configuration
  if (version.image) return false
  const { stem, cache } = requireRuntime(runtime)
  if (!stem || kind.key !== stemKind(runtime, memoryMb).key) return false
  // Its sandbox is of use even so: the process that finds the cache starts in it.
  if (cache?.atBoot && hasSnapshot(version)) return false
  return !Object.keys(environment).some((name) =>
    stem.bootVariables.some((boot) => name.startsWith(boot)),
  )
}
