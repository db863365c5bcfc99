// A wish for a function whose code is a container image: where the image is, what of it is
// overridden, and AWS's refusals of members that belong to the other kind of package.

import type * as Aws from '@aws-sdk/client-lambda'
import { type ContainerImage, checkImageUri, type ImageConfig } from '@hearth/core/container-image'
import { ServiceError } from '@hearth/core/error'

/** Where code may come from, in CreateFunction's Code or in UpdateFunctionCode itself. */
interface CodeWish {
  ImageUri?: string | undefined
  S3Bucket?: string | undefined
  ZipFile?: Uint8Array | undefined
}

const refusal = (message: string) => new ServiceError('InvalidParameterValueException', message)

/**
 * The image that a new function or new code names; undefined when the package is a zip.
 * @throws ServiceError when the code and the package type do not go together.
 */
export function imageOf(
  code: CodeWish | undefined,
  isImage: boolean,
  doing: 'creating' | 'updating',
): ContainerImage | undefined {
  const verb = `when ${doing} a function with packageType`
  const uri = code?.ImageUri
  if (!isImage) {
    if (uri !== undefined) throw refusal(`Please don't provide ImageUri ${verb} Zip.`)
    return undefined
  }
  if (!uri) throw refusal(`Please provide ImageUri ${verb} Image.`)
  if (code.ZipFile || code.S3Bucket) {
    throw refusal(`Please don't provide ZipFile or S3Bucket ${verb} Image.`)
  }
  checkImageUri(uri)
  return { uri }
}

/** @throws ServiceError for members that only a zip function has. */
export function refuseRuntime(wish: {
  Runtime?: string | undefined
  Handler?: string | undefined
  Layers?: string[] | undefined
}): void {
  if (!wish.Runtime && !wish.Handler && !wish.Layers?.length) return
  throw refusal(
    "Please don't provide handler or runtime or layer when the intended function PackageType is Image.",
  )
}

/** @throws ServiceError for overrides of an image that there is not. */
export function refuseImageConfig(wish: { ImageConfig?: Aws.ImageConfig | undefined }): void {
  if (!wish.ImageConfig) return
  throw refusal("Please don't provide ImageConfig when the intended function PackageType is Zip.")
}

/** The overrides as a whole are replaced; what is empty overrides nothing. */
export function mergeImageConfig(
  current: ImageConfig | undefined,
  wish: Aws.ImageConfig | undefined,
): ImageConfig | undefined {
  if (!wish) return current
  const { EntryPoint, Command, WorkingDirectory } = wish
  const config: ImageConfig = {
    ...(EntryPoint?.length && { entryPoint: EntryPoint }),
    ...(Command?.length && { command: Command }),
    ...(WorkingDirectory && { workingDirectory: WorkingDirectory }),
  }
  return Object.keys(config).length > 0 ? config : undefined
}
