// How a layer's versions look on the wire, each in full or as a list has it: AWS's members, and
// which are absent when.

import type * as Aws from '@aws-sdk/client-lambda'
import { type LayerName, type LayerVersion, layerArn, layerVersionArn } from '@hearth/core/layer'
import { lastModified } from './function-view.ts'
import type { Caller, Parts } from './routes/route.ts'

export interface LayerViewParts {
  layer: LayerName
  caller: Caller
  parts: Pick<Parts, 'codeLink'>
}

/** With a link to the zip: what publishing and getting a version answer. */
export function viewLayerVersion(
  version: LayerVersion,
  { layer, caller, parts }: LayerViewParts,
): Aws.GetLayerVersionResponse {
  const { code } = version
  return {
    Content: {
      Location: parts.codeLink(caller.origin, code.sha256),
      CodeSha256: Buffer.from(code.sha256, 'hex').toString('base64'),
      CodeSize: code.size,
    },
    LayerArn: layerArn(caller.place, layer),
    ...viewListed(version, layer, caller),
    Description: version.description,
  }
}

/** As a list has it. */
export function viewListed(
  version: LayerVersion,
  layer: LayerName,
  { place }: Pick<Caller, 'place'>,
): Aws.LayerVersionsListItem {
  const { description, runtimes, architectures, license } = version
  return {
    LayerVersionArn: layerVersionArn(place, layer, version.version),
    Version: version.version,
    ...(description && { Description: description }),
    CreatedDate: lastModified(version.createdAt),
    ...(runtimes.length > 0 && { CompatibleRuntimes: runtimes as Aws.Runtime[] }),
    ...(architectures.length > 0 && { CompatibleArchitectures: architectures }),
    ...(license && { LicenseInfo: license }),
  }
}
