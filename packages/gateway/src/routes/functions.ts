// Routes of functions: create, read, change, delete, list. Each reads the wish, asks the law in
// core, lets the store write, and shows the result; a wish that Hearth could not obey is refused,
// never stored.

import { randomUUID } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { requireDeletable } from '@hearth/core/alias'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import { unprovision } from '@hearth/core/concurrency'
import { ServiceError } from '@hearth/core/error'
import { withoutEventInvoke } from '@hearth/core/event-invoke-config'
import {
  aliasOf,
  createFunction as createDocument,
  type FunctionDocument,
  publishVersion,
  requireRevision,
  requireSettled,
  updateFunction,
  versionOf,
} from '@hearth/core/function'
import { withoutPolicy } from '@hearth/core/function-policy'
import { checkNetworkTag } from '@hearth/core/isolation'
import { checkTags } from '@hearth/core/tag'
import { requireSigningConfig, warnOfUnsigned } from '../code-signing.ts'
import { requireSource, storeCode } from '../code-wish.ts'
import { viewCode, viewListed, viewVersion } from '../function-view.ts'
import {
  architectureOf,
  configurationFor,
  mergeConfiguration,
  requireObeyable,
} from '../function-wish.ts'
import { imageOf, refuseImageConfig, refuseRuntime } from '../image-wish.ts'
import { requireFit, wishedLayers, withLayers } from '../layer-wish.ts'
import type { Caller, Parts, Route } from './route.ts'

/** AWS returns at most this many functions a page. */
const PAGE_MAX = 50
/** An image's, until it is found. */
const NO_CODE = { sha256: '', size: 0 }
/** AWS answers 204 although its model says 200. */
const DELETED = { StatusCode: 204 }

export const createFunction: Route<
  Aws.CreateFunctionCommandInput,
  Aws.FunctionConfiguration
> = async (input, caller, parts) => {
  const { name } = parseFunctionName(input.FunctionName ?? '', undefined, caller.place)
  requireObeyable(input)
  const image = imageOf(input.Code, input.PackageType === 'Image', 'creating')
  const wished = configurationFor(name, input, image !== undefined)
  const layers = wishedLayers(input.Layers, caller, parts)
  const configuration = withLayers(wished, layers)
  const architecture = architectureOf(input.Architectures)
  const tags = input.Tags ?? {}
  checkTags(tags)
  checkNetworkTag(tags)
  const signingConfig =
    input.CodeSigningConfigArn && requireSigningConfig(input.CodeSigningConfigArn, caller, parts)
  requireAbsent(parts, caller, name)
  const code = image ? NO_CODE : await storeCode(input.Code, parts)
  await requireFit(parts, code, layers)
  const moment = { now: Date.now(), revisionId: randomUUID(), deploymentId: randomUUID() }
  let document = createDocument(
    {
      account: caller.place.account,
      name,
      tags,
      architecture,
      code,
      configuration,
      ...(image && { image }),
    },
    moment,
  )
  if (signingConfig) document = { ...document, signingConfig }
  let shown = document.latest
  if (input.Publish) ({ document, version: shown } = publishVersion(document, moment))
  if ((await parts.functions.create(document)) === 'exists') throw alreadyExists(name)
  if (!image) warnOfUnsigned(document, console.error)
  parts.settlement.soon(caller.place.account, name)
  // The ARN is the function's, as on AWS, even where the version is 1.
  return viewVersion(shown, name, { place: caller.place, qualified: false })
}

export const getFunction: Route<Aws.GetFunctionCommandInput, Aws.GetFunctionResponse> = (
  input,
  caller,
  parts,
) => {
  const { document, version, ...asked } = find(input, caller, parts)
  const view = viewVersion(version, document.name, { place: caller.place, ...asked })
  const reserved = document.concurrency?.reserved
  return {
    Configuration: view,
    Code: viewCode(version, (sha256) => parts.codeLink(caller.origin, sha256)),
    ...(Object.keys(document.tags).length > 0 && { Tags: document.tags }),
    ...(reserved !== undefined && { Concurrency: { ReservedConcurrentExecutions: reserved } }),
  }
}

export const getFunctionConfiguration: Route<
  Aws.GetFunctionConfigurationCommandInput,
  Aws.FunctionConfiguration
> = (input, caller, parts) => {
  const { document, version, ...asked } = find(input, caller, parts)
  return viewVersion(version, document.name, { place: caller.place, ...asked })
}

export const updateFunctionCode: Route<
  Aws.UpdateFunctionCodeCommandInput,
  Aws.FunctionConfiguration
> = async (input, caller, parts) => {
  const found = findLatest(input, caller, parts)
  requireObeyable(input)
  const image = imageOf(input, found.latest.image !== undefined, 'updating')
  if (!image) requireSource(input)
  requireSettled(found, caller.place)
  requireRevision(found.latest, input.RevisionId)
  const code = image ? NO_CODE : await storeCode(input, parts)
  await requireFit(parts, code, found.latest.configuration.layers)
  const change = (document: FunctionDocument) => {
    const architecture = input.Architectures
      ? architectureOf(input.Architectures)
      : document.latest.architecture
    return updateFunction(document, { code, architecture, ...(image && { image }) }, newMoment())
  }
  if (input.DryRun) return viewLatest(change(found), caller)
  const changed = await apply(input, caller, { parts, change, publish: input.Publish === true })
  if (!image) warnOfUnsigned(found, console.error)
  return changed
}

export const updateFunctionConfiguration: Route<
  Aws.UpdateFunctionConfigurationCommandInput,
  Aws.FunctionConfiguration
> = async (input, caller, parts) => {
  const { latest } = findLatest(input, caller, parts)
  requireObeyable(input)
  if (latest.image) refuseRuntime(input)
  else refuseImageConfig(input)
  const layers = wishedLayers(input.Layers, caller, parts)
  await requireFit(parts, latest.code, layers)
  const change = (document: FunctionDocument) => {
    const merged = mergeConfiguration(document.latest.configuration, input)
    const configuration = withLayers(merged, layers)
    return updateFunction(document, { configuration }, newMoment())
  }
  return apply(input, caller, { parts, change, publish: false })
}

export const deleteFunction: Route<
  Aws.DeleteFunctionCommandInput,
  Aws.DeleteFunctionResponse
> = async (input, caller, parts) => {
  const { account, name, qualifier } = parseFunctionName(
    input.FunctionName ?? '',
    input.Qualifier,
    caller.place,
  )
  const gone = notFound(functionArn(caller.place, name))
  if (qualifier === undefined) {
    await parts.functions.delete(account, name, (document) => {
      if (!document) throw gone
    })
    return DELETED
  }
  await parts.functions.change(account, name, (document) => {
    requireDeletable(document, qualifier)
    if (!document) throw gone
    const published = document.published.filter((version) => version.version !== qualifier)
    if (published.length === document.published.length) return document
    // While the version is there, so that what it had provisioned can be charged to the end.
    const free = unprovision(document, qualifier, Date.now())
    const configured = withoutEventInvoke({ ...free, published }, qualifier)
    return withoutPolicy(configured, qualifier)
  })
  return DELETED
}

export const listFunctions: Route<Aws.ListFunctionsCommandInput, Aws.ListFunctionsResponse> = (
  input,
  caller,
  parts,
) => {
  const all = input.FunctionVersion === 'ALL'
  const after = input.Marker === undefined ? '' : readMarker(input.Marker)
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const { MasterRegion: master = 'ALL' } = input
  // Nothing is replicated, so each function's master is here.
  const isElsewhere = master !== 'ALL' && master !== caller.place.region
  const known = isElsewhere ? [] : parts.functions.list(caller.place.account)
  const documents = known.filter(({ name }) => name > after)
  const page = documents.slice(0, size)
  const place = caller.place
  const views = page.flatMap((document) => [
    viewListed(document.latest, document.name, { place, qualified: all }),
    ...(all ? document.published : []).map((version) =>
      viewListed(version, document.name, { place, qualified: true }),
    ),
  ])
  const last = page.at(-1)
  return {
    Functions: views,
    ...(documents.length > size && last && { NextMarker: makeMarker(last.name) }),
  }
}

export interface Named {
  FunctionName: string | undefined
  Qualifier?: string | undefined
  RevisionId?: string | undefined
}

export function find(input: Named, caller: Caller, parts: Parts) {
  const { account, name, qualifier } = parseFunctionName(
    input.FunctionName ?? '',
    input.Qualifier,
    caller.place,
  )
  const document = parts.functions.cached(account, name)
  const version = document && versionOf(document, qualifier)
  if (!document || !version) throw notFound(functionArn(caller.place, name, qualifier))
  const alias = aliasOf(document, qualifier) ? qualifier : undefined
  return { document, version, alias, qualified: qualifier !== undefined }
}

export function findLatest(input: Named, caller: Caller, parts: Parts): FunctionDocument {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, caller.place)
  const document = parts.functions.cached(account, name)
  if (!document) throw notFound(functionArn(caller.place, name))
  return document
}

/** Writes a change of `$LATEST`, if nothing else changes it at the same time. */
async function apply(
  input: Named,
  caller: Caller,
  work: { parts: Parts; change(document: FunctionDocument): FunctionDocument; publish: boolean },
): Promise<Aws.FunctionConfiguration> {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, caller.place)
  const changed = await work.parts.functions.change(account, name, (document) => {
    if (!document) throw notFound(functionArn(caller.place, name))
    requireSettled(document, caller.place)
    requireRevision(document.latest, input.RevisionId)
    const next = work.change(document)
    return work.publish ? publishVersion(next, { revisionId: randomUUID() }).document : next
  })
  work.parts.settlement.soon(account, name)
  const published = work.publish ? changed.published.at(-1) : undefined
  if (!published) return viewLatest(changed, caller)
  return viewVersion(published, name, { place: caller.place, qualified: true })
}

function viewLatest(document: FunctionDocument, caller: Caller): Aws.FunctionConfiguration {
  return viewVersion(document.latest, document.name, { place: caller.place, qualified: false })
}

function requireAbsent(parts: Parts, caller: Caller, name: string): void {
  if (parts.functions.cached(caller.place.account, name)) throw alreadyExists(name)
}

const newMoment = () => ({
  now: Date.now(),
  revisionId: randomUUID(),
  deploymentId: randomUUID(),
})

const alreadyExists = (name: string) =>
  new ServiceError('ResourceConflictException', `Function already exist: ${name}`)

export const notFound = (arn: string) =>
  new ServiceError('ResourceNotFoundException', `Function not found: ${arn}`)

export const makeMarker = (name: string) => Buffer.from(name).toString('base64')
export const readMarker = (marker: string) => Buffer.from(marker, 'base64').toString()
