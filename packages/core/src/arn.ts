// Names and ARNs of functions: every form that the API accepts, and the rules when two forms
// disagree. Pure; the gateway calls it on each request, so it throws AWS's own refusals.

import { ServiceError } from './error.ts'

/** Whose Lambda this is: a 12-digit account id and a region name. */
export interface Place {
  account: string
  region: string
}

/**
 * A function as a caller addressed it; `qualifier` is a version, `$LATEST`, an alias, or absent.
 */
export interface FunctionReference {
  account: string
  name: string
  qualifier?: string
}

/** Whatever AWS's pattern of a function's name lets pass: each part but the name may be left out. */
const REFERENCE =
  /^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:([a-z-]+-\d):)?(?:(\d{12}):)?(?:function:)?([^:]+)(?::([^:]+))?$/
/** An ARN's region is told apart from ours, however it is spelled. */
const ARN = /^arn:aws[a-zA-Z-]*:lambda:([^:]+):(\d{12}):function:([^:]+)(?::([^:]+))?$/

/**
 * Reads a name, partial ARN or ARN, each with or without a qualifier, against the `Qualifier`
 * parameter.
 * @throws ServiceError for another region, another account, or two qualifiers that differ.
 */
export function parseFunctionName(
  value: string,
  qualifier: string | undefined,
  place: Place,
): FunctionReference {
  const parts = ARN.exec(value) ?? REFERENCE.exec(value) ?? []
  const [, region = place.region, account = place.account, name = value, derived] = parts
  if (region !== place.region) {
    throw new ServiceError(
      'ResourceNotFoundException',
      `Functions from '${region}' are not reachable in this region ('${place.region}')`,
    )
  }
  if (account !== place.account) {
    throw new ServiceError('AccessDeniedException', `Account ${account} is not served here.`)
  }
  if (derived !== undefined && qualifier !== undefined && derived !== qualifier) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    )
  }
  const chosen = derived ?? qualifier
  return chosen === undefined ? { account, name } : { account, name, qualifier: chosen }
}

/** `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`. */
export function functionArn(place: Place, name: string, qualifier?: string): string {
  const unqualified = `arn:aws:lambda:${place.region}:${place.account}:function:${name}`
  return qualifier === undefined ? unqualified : `${unqualified}:${qualifier}`
}
