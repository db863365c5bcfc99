// A container image as a function's code: how it is named, what it says of itself, and the laws by
// which a version gets it. A name may mean something else tomorrow, so what runs is the id that was
// found when the function was created or updated. Pure; engines and registries are asked elsewhere.

import { ServiceError } from './error.ts'
import type { Architecture, FunctionVersion } from './function.ts'

/** Overrides of what an image says of itself; AWS's ImageConfig. An empty list overrides nothing. */
export interface ImageConfig {
  entryPoint?: string[]
  command?: string[]
  workingDirectory?: string
}

/** What an image says of itself, as the engine that has it tells. */
export interface ImageFacts {
  /** The engine's own id, which names exactly this image. */
  id: string
  /** `repository@sha256:...`; what other hosts pull it by. */
  resolvedUri: string
  architecture: Architecture
  sizeBytes: number
  entryPoint: string[]
  command: string[]
  workingDirectory: string
  /** `NAME=value`, in order. */
  environment: string[]
  /** Folders that it declares as volumes. */
  volumes: string[]
  /** Names of the external extensions in it, in the order in which they start; absent if none. */
  extensions?: string[]
}

/** Why an image cannot be a function's code; AWS's StateReasonCode, and a reason for people. */
export interface ImageFault {
  code: 'ImageAccessDenied' | 'InvalidImage'
  reason: string
}

export interface ContainerImage {
  /** As it was given. */
  uri: string
  /** Absent until an engine has found it. */
  facts?: ImageFacts
}

/** What ran before an update whose image is still sought; invocations go on with it. */
export interface FormerImage {
  image: ContainerImage
  code: FunctionVersion['code']
  deploymentId: string
}

/** Lambda's limit for an uncompressed image, 10 GB; nothing smaller is refused. */
const SIZE_BYTES_MAX = 10 * 1024 ** 3
/** What an image says of itself travels with each invocation. */
const FACTS_LENGTH_MAX = 32 * 1024
/** A host and port, folders, a tag, a digest: the grammar of the registries' specification. */
const URI =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[./]|__?|-+)[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/
const URI_LENGTH_MAX = 512

/** @throws ServiceError InvalidParameterValueException when no image can have this name. */
export function checkImageUri(uri: string): void {
  if (uri.length <= URI_LENGTH_MAX && URI.test(uri)) return
  throw new ServiceError(
    'InvalidParameterValueException',
    `Source image ${uri} is not valid. Provide a valid source image.`,
  )
}

/** What forbids an image that was found, or undefined when it can run. */
export function faultOf(facts: ImageFacts, architecture: Architecture): ImageFault | undefined {
  const invalid = (reason: string): ImageFault => ({ code: 'InvalidImage', reason })
  if (facts.architecture !== architecture) {
    return invalid(`The image is for ${facts.architecture}, and the function for ${architecture}.`)
  }
  if (facts.sizeBytes > SIZE_BYTES_MAX) {
    return invalid(`The image has ${facts.sizeBytes} bytes; at most ${SIZE_BYTES_MAX} can run.`)
  }
  if (JSON.stringify(facts).length > FACTS_LENGTH_MAX) {
    return invalid('Its environment, entry point and command take more than 32 KB together.')
  }
  return undefined
}

/** The command line of a version's process: the image's own, each part unless overridden. */
export function commandLine(facts: ImageFacts, config: ImageConfig = {}): string[] {
  const pick = (own: string[], given: string[] | undefined) => (given?.length ? given : own)
  return [...pick(facts.entryPoint, config.entryPoint), ...pick(facts.command, config.command)]
}

/** What an update to another image needs to remember: that which runs now, if anything does. */
export function formerOf(version: FunctionVersion): FormerImage | undefined {
  const { image, code, deploymentId } = version
  return image?.facts ? { image, code, deploymentId } : version.formerImage
}

/** The version as it can run now: while its new image is sought, with the former one. */
export function runnable(version: FunctionVersion): FunctionVersion {
  const { formerImage, ...rest } = version
  if (!formerImage || version.image?.facts) return version
  return { ...rest, ...formerImage }
}

/** Whether somebody has still to find this version's image. */
export function isSought(version: FunctionVersion): boolean {
  return version.image !== undefined && version.image.facts === undefined
}

/** The version once its image was found, or was not: then it stays what it was. */
export function settleImage(
  version: FunctionVersion,
  found: ImageFacts | ImageFault,
): FunctionVersion {
  const { formerImage, ...rest } = version
  if (!version.image) return version
  if ('id' in found) {
    const image = { ...version.image, facts: found }
    const sha256 = found.resolvedUri.replace(/^.*@sha256:/, '')
    // The same image under any name changes nothing, so that warm environments stay.
    const isSame = formerImage?.image.facts?.id === found.id
    const deploymentId = isSame ? formerImage.deploymentId : rest.deploymentId
    return { ...rest, image, code: { sha256, size: 0 }, deploymentId }
  }
  if (version.state === 'Pending') return { ...rest, state: 'Failed', fault: found }
  return { ...rest, ...formerImage, updateStatus: 'Failed', fault: found }
}
