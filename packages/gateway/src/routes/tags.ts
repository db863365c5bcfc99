// Routes of tags: list, set and take away those of functions, event source mappings and code
// signing configurations, which each keep their own. The laws are in core/tag. Layers have none, on
// AWS neither; what does not exist is answered as on AWS, kind by kind.

import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import { checkNetworkTag } from '@hearth/core/isolation'
import { type Tags, tagged, untagged } from '@hearth/core/tag'
import { configAt, existing as existingConfig } from '../code-signing.ts'
import { notFound } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

type TagMap = Record<string, string>

/** Something that carries tags, wherever it is kept. */
interface Taggable {
  /** @throws ServiceError where there is no such thing. */
  tags(): Tags
  change(next: (current: TagMap) => TagMap): Promise<unknown>
}

export const listTags: Route<Aws.ListTagsCommandInput, Aws.ListTagsResponse> = (
  input,
  caller,
  parts,
) => ({ Tags: { ...taggableAt(input.Resource ?? '', caller, parts).tags() } })

export const tagResource: Route<Aws.TagResourceCommandInput, object> = async (
  input,
  caller,
  parts,
) => {
  const taggable = taggableAt(input.Resource ?? '', caller, parts)
  await taggable.change((current) => tagged(current, input.Tags ?? {}))
  return {}
}

export const untagResource: Route<Aws.UntagResourceCommandInput, object> = async (
  input,
  caller,
  parts,
) => {
  const taggable = taggableAt(input.Resource ?? '', caller, parts)
  await taggable.change((current) => untagged(current, input.TagKeys ?? []))
  return {}
}

function taggableAt(arn: string, caller: Caller, parts: Parts): Taggable {
  const [, , , region, account, kind, ...rest] = arn.split(':')
  if (kind === 'function') return taggableFunction(arn, caller, parts)
  const { place } = caller
  const here = region === place.region && account === place.account
  if (kind === 'event-source-mapping') {
    return taggableMapping(here ? rest.join(':') : '', { arn, place, parts })
  }
  if (kind === 'capacity-provider') throw missing(`Capacity provider not found: ${arn}`)
  if (kind === 'code-signing-config') return taggableSigning(arn, caller, parts)
  // AWS's model lets layers through, and its guide says that they have none.
  throw new ServiceError(
    'InvalidParameterValueException',
    `Tags on ${kind}s are not supported. Please specify the ARN of a function, an event source ` +
      'mapping or a code signing configuration.',
  )
}

function taggableFunction(arn: string, { place }: Caller, { functions }: Parts): Taggable {
  const { account, name, qualifier } = parseFunctionName(arn, undefined, place)
  if (qualifier !== undefined) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'Tags on function aliases and versions are not supported. Please specify a function ARN.',
    )
  }
  const gone = () => notFound(functionArn(place, name))
  return {
    tags() {
      const document = functions.cached(account, name)
      if (!document) throw gone()
      return document.tags
    },
    change: (next) =>
      functions.change(account, name, (document) => {
        if (!document) throw gone()
        const tags = next(document.tags)
        checkNetworkTag(tags)
        return tags === document.tags ? document : { ...document, tags }
      }),
  }
}

/** Nobody who reads for a mapping need start anew because of its tags. */
function taggableMapping(
  uuid: string,
  { arn, place, parts }: { arn: string; place: Caller['place']; parts: Parts },
): Taggable {
  const gone = () => missing(`Event source mapping not found: ${arn}`)
  return {
    tags() {
      const mapping = parts.mappings.cached(place.account, uuid)
      if (!mapping) throw gone()
      return mapping.tags
    },
    change: (next) =>
      parts.mappings.change(place.account, uuid, (mapping) => {
        if (!mapping) throw gone()
        const tags = next(mapping.tags)
        return tags === mapping.tags ? mapping : { ...mapping, tags }
      }),
  }
}

function taggableSigning(arn: string, caller: Caller, parts: Parts): Taggable {
  const existing = () => existingConfig(configAt(arn, caller, parts), arn)
  return {
    tags: () => existing().tags,
    async change(next) {
      const { account, id } = existing()
      await parts.signingConfigs.change(account, id, (found) => {
        const config = existingConfig(found, arn)
        const tags = next(config.tags)
        return tags === config.tags ? config : { ...config, tags }
      })
    },
  }
}

const missing = (message: string) => new ServiceError('ResourceNotFoundException', message)
