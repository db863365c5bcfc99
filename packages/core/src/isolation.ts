// What a function may reach, by its tags: AWS has no setting for it outside a VPC, and a tag is
// what every tool can set. Pure; the door applies it with each invocation, so a changed tag is a
// changed deployment and no environment of the old kind is used again.

import { ServiceError } from './error.ts'
import type { FunctionVersion } from './function.ts'

/** What a sandbox may reach: the internet and what the operator allows, or nothing at all. */
export type Network = 'internet' | 'none'

export const NETWORK_TAG = 'hearth:network'
const NETWORKS: readonly string[] = ['internet', 'none'] satisfies Network[]

/** @throws ServiceError when the tag has a value that means nothing here. */
export function checkNetworkTag(tags: Record<string, string>): void {
  const value = tags[NETWORK_TAG]
  if (value === undefined || NETWORKS.includes(value)) return
  throw new ServiceError(
    'InvalidParameterValueException',
    `The tag ${NETWORK_TAG} can be ${NETWORKS.join(' or ')}, not ${value}.`,
  )
}

/** What is asked for by `hearth:network`; without it, the internet. */
export function networkOf(tags: Record<string, string>): Network {
  return tags[NETWORK_TAG] === 'none' ? 'none' : 'internet'
}

/** The version as it is to run: a deployment of its own where its function has no network. */
export function isolated(version: FunctionVersion, tags: Record<string, string>): FunctionVersion {
  if (networkOf(tags) === 'internet') return version
  return { ...version, network: 'none', deploymentId: `${version.deploymentId}-none` }
}
