// Routes of code signing: configurations, and which function has which. The law is in
// core/code-signing: a deployment without a signature is warned of and never refused, since no
// signature can be verified here.

import { randomInt } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import {
  type CodeSigningConfig,
  codeSigningArn,
  type SigningPolicy,
  withSigning,
} from '@hearth/core/code-signing'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import { checkTags } from '@hearth/core/tag'
import { configAt, existing, requireSigningConfig } from '../code-signing.ts'
import { lastModified } from '../function-view.ts'
import { findLatest, makeMarker, type Named, notFound, readMarker } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

interface Wish {
  Description?: string | undefined
  AllowedPublishers?: Aws.AllowedPublishers | undefined
  CodeSigningPolicies?: Aws.CodeSigningPolicies | undefined
}

interface Answer {
  CodeSigningConfig: Aws.CodeSigningConfig
}

const PAGE_MAX = 50
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 17

export const createCodeSigningConfig: Route<
  Aws.CreateCodeSigningConfigCommandInput,
  Answer
> = async (input, { place }, parts) => {
  const tags = input.Tags ?? {}
  checkTags(tags)
  const letters = Array.from({ length: ID_LENGTH }, () => ID_LETTERS[randomInt(ID_LETTERS.length)])
  const bare = { account: place.account, id: `csc-${letters.join('')}`, publishers: [], tags }
  const config = withSigning(bare, readWish(input), Date.now())
  await parts.signingConfigs.create(config)
  return { CodeSigningConfig: view(config, place) }
}

export const getCodeSigningConfig: Route<Aws.GetCodeSigningConfigCommandInput, Answer> = (
  input,
  caller,
  parts,
) => {
  const arn = input.CodeSigningConfigArn ?? ''
  return { CodeSigningConfig: view(existing(configAt(arn, caller, parts), arn), caller.place) }
}

export const updateCodeSigningConfig: Route<
  Aws.UpdateCodeSigningConfigCommandInput,
  Answer
> = async (input, caller, parts) => {
  const arn = input.CodeSigningConfigArn ?? ''
  const { account, id } = existing(configAt(arn, caller, parts), arn)
  let changed: CodeSigningConfig | undefined
  await parts.signingConfigs.change(account, id, (config) => {
    changed = withSigning(existing(config, arn), readWish(input), Date.now())
    return changed
  })
  return { CodeSigningConfig: view(existing(changed, arn), caller.place) }
}

export const deleteCodeSigningConfig: Route<
  Aws.DeleteCodeSigningConfigCommandInput,
  object
> = async (input, caller, parts) => {
  const arn = input.CodeSigningConfigArn ?? ''
  const { account, id } = existing(configAt(arn, caller, parts), arn)
  if (usersOf(id, caller, parts).length > 0) {
    throw new ServiceError(
      'ResourceConflictException',
      `The code signing configuration ${arn} is used by functions and cannot be deleted.`,
    )
  }
  await parts.signingConfigs.change(account, id, () => undefined)
  return {}
}

export const listCodeSigningConfigs: Route<
  Aws.ListCodeSigningConfigsCommandInput,
  Aws.ListCodeSigningConfigsResponse
> = (input, { place }, parts) => {
  const all = parts.signingConfigs.list(place.account)
  const { page, next } = paged(all, ({ id }) => id, input)
  return { CodeSigningConfigs: page.map((config) => view(config, place)), ...next }
}

export const listFunctionsByCodeSigningConfig: Route<
  Aws.ListFunctionsByCodeSigningConfigCommandInput,
  Aws.ListFunctionsByCodeSigningConfigResponse
> = (input, caller, parts) => {
  const arn = input.CodeSigningConfigArn ?? ''
  const { id } = existing(configAt(arn, caller, parts), arn)
  const { page, next } = paged(usersOf(id, caller, parts), ({ name }) => name, input)
  return { FunctionArns: page.map(({ name }) => functionArn(caller.place, name)), ...next }
}

export const putFunctionCodeSigningConfig: Route<
  Aws.PutFunctionCodeSigningConfigCommandInput,
  Aws.PutFunctionCodeSigningConfigResponse
> = async (input, caller, parts) => {
  const { name } = findLatest(input, caller, parts)
  const signingConfig = requireSigningConfig(input.CodeSigningConfigArn, caller, parts)
  await changeFunction(input, caller, {
    parts,
    change: (document) => ({ ...document, signingConfig }),
  })
  return { CodeSigningConfigArn: codeSigningArn(caller.place, signingConfig), FunctionName: name }
}

/** What Terraform asks at each refresh; nothing at all where there is none. */
export const getFunctionCodeSigningConfig: Route<
  Aws.GetFunctionCodeSigningConfigCommandInput,
  object
> = (input, caller, parts) => {
  const { name, signingConfig } = findLatest(input, caller, parts)
  if (signingConfig === undefined) return {}
  return { CodeSigningConfigArn: codeSigningArn(caller.place, signingConfig), FunctionName: name }
}

export const deleteFunctionCodeSigningConfig: Route<
  Aws.DeleteFunctionCodeSigningConfigCommandInput,
  object
> = async (input, caller, parts) => {
  await changeFunction(input, caller, {
    parts,
    change: ({ signingConfig: _, ...document }) => document,
  })
  return {}
}

const usersOf = (id: string, { place }: Caller, { functions }: Parts) =>
  functions.list(place.account).filter(({ signingConfig }) => signingConfig === id)

async function changeFunction(
  input: Named,
  { place }: Caller,
  work: { parts: Parts; change(document: FunctionDocument): FunctionDocument },
): Promise<void> {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, place)
  await work.parts.functions.change(account, name, (document) => {
    if (!document) throw notFound(functionArn(place, name))
    return work.change(document)
  })
}

function paged<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
  { Marker, MaxItems }: { Marker?: string | undefined; MaxItems?: number | undefined },
): { page: T[]; next: { NextMarker?: string } } {
  const after = Marker === undefined ? '' : readMarker(Marker)
  const rest = all.filter((one) => keyOf(one) > after)
  const page = rest.slice(0, Math.min(MaxItems ?? PAGE_MAX, PAGE_MAX))
  const last = page.at(-1)
  const isMore = rest.length > page.length && last !== undefined
  return { page, next: isMore ? { NextMarker: makeMarker(keyOf(last)) } : {} }
}

function readWish({ Description, AllowedPublishers, CodeSigningPolicies }: Wish) {
  const publishers = AllowedPublishers?.SigningProfileVersionArns
  const policy = CodeSigningPolicies?.UntrustedArtifactOnDeployment as SigningPolicy | undefined
  return {
    ...(Description !== undefined && { description: Description }),
    ...(publishers && { publishers }),
    ...(policy && { policy }),
  }
}

function view(config: CodeSigningConfig, place: Caller['place']): Aws.CodeSigningConfig {
  return {
    CodeSigningConfigId: config.id,
    CodeSigningConfigArn: codeSigningArn(place, config.id),
    ...(config.description !== undefined && { Description: config.description }),
    AllowedPublishers: { SigningProfileVersionArns: config.publishers },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Warn' },
    LastModified: lastModified(config.modifiedAt),
  }
}
