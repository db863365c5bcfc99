// Code signing configurations as requests name them: found by ARN, refused in AWS's words where
// there is none, and obeyed with each deployment. Only the policy Warn is ever stored.

import { type CodeSigningConfig, codeSigningArn } from '@hearth/core/code-signing'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import type { Caller, Parts } from './routes/route.ts'

/** The id of a configuration that a function is to have. @throws ServiceError for none. */
export function requireSigningConfig(
  arn: string | undefined,
  caller: Caller,
  parts: Parts,
): string {
  const config = configAt(arn ?? '', caller, parts)
  if (config) return config.id
  throw new ServiceError(
    'CodeSigningConfigNotFoundException',
    'The code signing configuration cannot be found. Check that the provided configuration is not ' +
      `deleted: ${arn}.`,
  )
}

/** The policy Warn, obeyed: to be called with each deployment of a zip. */
export function warnOfUnsigned(
  { name, signingConfig }: Pick<FunctionDocument, 'name' | 'signingConfig'>,
  report: (message: string) => void,
): void {
  if (signingConfig === undefined) return
  report(
    `The code that ${name} was given has no signature that could be verified; its code signing ` +
      `configuration ${signingConfig} asks for a warning.`,
  )
}

export function configAt(arn: string, { place }: Caller, { signingConfigs }: Parts) {
  const id = arn.split(':').at(-1) ?? ''
  if (arn !== codeSigningArn(place, id)) return undefined
  return signingConfigs.cached(place.account, id)
}

export function existing(config: CodeSigningConfig | undefined, arn: string): CodeSigningConfig {
  if (config) return config
  const message = `The Lambda code signing configuration ${arn} can not be found.`
  throw new ServiceError('ResourceNotFoundException', message, { untyped: true })
}
