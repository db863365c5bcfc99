// The neighbours' images: what AWS and a Kafka cluster would be to Hearth, for tests alone, and the
// Prometheus that an operator may have beside it. Stamped like all images, so that they are built
// once for each change.

import { type Image, PROMETHEUS } from '../packages/cli/src/image-list.ts'

const DEBIAN = 'hearth/debian:trixie-slim'

/** AWS's services as moto plays them. */
export const MOTO: Image = { tag: 'hearth/moto:trixie', folder: 'moto', from: [DEBIAN] }

/** kcat, and the Kafka cluster that its library carries. */
export const KCAT: Image = { tag: 'hearth/kcat:trixie', folder: 'kcat', from: [DEBIAN] }

export const NEIGHBOUR_IMAGES: readonly Image[] = [MOTO, KCAT, PROMETHEUS]
