// The .NET runtime as far as it can be proven without Microsoft's images: the runtime's own
// Dockerfile, sources and bootstrap, on Debian's Mono. Stamped like all images, so that it is built
// once for each change.

import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Image, imagesOf, ROOT } from '../../packages/cli/src/image-list.ts'

/** Mono, laid out as Microsoft's images; it also compiles the functions of tests. */
export const MONO: Image = {
  tag: 'hearth-test/mono',
  from: ['hearth/base:trixie'],
  sources: ['e2e/containers/mono'],
  prepare: (context) => cp(join(ROOT, 'e2e/containers/mono'), context, { recursive: true }),
}

/** What dotnet8's image would be, had Mono been in Microsoft's place. */
export const DOTNET_ON_MONO: Image = {
  tag: 'hearth-test/dotnet-on-mono',
  folder: 'dotnet',
  from: [MONO.tag],
  arguments: { BASE: MONO.tag, SDK: MONO.tag },
}

/** With the images below them, in the order in which they are made. */
export const MONO_IMAGES: readonly Image[] = [...imagesOf(['provided']), MONO, DOTNET_ON_MONO]
