// Code signing: what an operator demands of the code of functions, and the laws by which that is
// made and changed. No signature can be verified here, so only a warning can be promised: to
// enforce is refused, and never stored. Pure.

import type { Place } from './arn.ts'
import { ServiceError } from './error.ts'

export type SigningPolicy = 'Enforce' | 'Warn'

export interface CodeSigningConfig {
  account: string
  /** `csc-` and 17 letters or digits. */
  id: string
  description?: string
  /** ARNs of signing profile versions. */
  publishers: string[]
  /** Milliseconds since the epoch. */
  modifiedAt: number
  tags: Record<string, string>
}

export interface SigningWish {
  description?: string
  publishers?: string[]
  policy?: SigningPolicy
}

/** AWS's limit for signing profiles in one configuration. */
const PUBLISHERS_MAX = 20

export function codeSigningArn({ region, account }: Place, id: string): string {
  return `arn:aws:lambda:${region}:${account}:code-signing-config:${id}`
}

/** The configuration as wished for. @throws ServiceError for what could not be obeyed. */
export function withSigning(
  config: Omit<CodeSigningConfig, 'modifiedAt'>,
  { description, publishers, policy }: SigningWish,
  now: number,
): CodeSigningConfig {
  if (policy === 'Enforce') {
    throw new ServiceError(
      'NotImplementedException',
      'Hearth cannot verify signatures of code, so it does not have the policy Enforce, and ' +
        'nothing was changed. Warn is obeyed: each deployment is told in the log.',
    )
  }
  const next = publishers ?? config.publishers
  if (next.length === 0 || next.length > PUBLISHERS_MAX) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `Between 1 and ${PUBLISHERS_MAX} signing profile versions can be allowed.`,
    )
  }
  return {
    ...config,
    publishers: next,
    ...(description !== undefined && { description }),
    modifiedAt: now,
  }
}
