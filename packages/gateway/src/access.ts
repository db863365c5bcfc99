// What a caller is asked for: each operation as IAM's action on a resource, with what is known of
// the request. The decision is core/authorisation's. Root is let pass before anything is gathered,
// so that it costs an invocation nothing.

import type { IncomingMessage } from 'node:http'
import { functionArn, type Place, parseFunctionName } from '@hearth/core/arn'
import { nameOf, type Principal, requireAllowed } from '@hearth/core/authorisation'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import { effectivePolicy } from '@hearth/core/function-policy'
import type { FunctionUrl } from '@hearth/core/function-url'
import { layerVersionOf, parseLayerVersionArn } from '@hearth/core/layer'
import { effectiveLayerPolicy } from '@hearth/core/layer-policy'
import type { Policy } from '@hearth/core/policy'
import type { EventSourceMappings } from '@hearth/store/event-source-mappings'
import type { Functions } from '@hearth/store/functions'
import type { Layers } from '@hearth/store/layers'
import type { Identity } from './identities.ts'
import { nameOf as nameOfGroup } from './routes/logs/input.ts'

/** One request, and who makes it. */
export interface Asker {
  /** Absent where nobody has to sign. */
  identity?: Identity
  place: Place
  request: Pick<IncomingMessage, 'headers' | 'socket'>
}

interface Wish {
  action: string
  resource: string
  /** By IAM's names; what is undefined is not known. */
  facts?: Record<string, string | readonly string[] | undefined>
  /** The resource's own. */
  policy?: Policy | undefined
  /** As authorisation has it. */
  needsConsent?: boolean
}

type Input = Record<string, unknown>

const INVOKE = 'lambda:InvokeFunction'
const GET_LAYER = 'lambda:GetLayerVersion'

/** @throws ServiceError AccessDeniedException */
export function requireAccess(asker: Asker, { facts = {}, ...wish }: Wish): void {
  const { identity, place } = asker
  const principal: Principal = identity?.principal ?? { kind: 'anonymous' }
  if (principal.kind === 'root') return
  const known = Object.entries({ ...factsOf(asker, principal), ...facts }).flatMap(
    ([name, value]) => (value === undefined ? [] : ([[name.toLowerCase(), value]] as const)),
  )
  const { account } = place
  requireAllowed({ ...wish, principal, account, context: new Map(known) })
}

/** What only the operator's own keys may do. @throws ServiceError AccessDeniedException */
export function requireRoot({ identity }: Asker, action: string): void {
  if (identity?.principal.kind === 'root') return
  throw new ServiceError(
    'AccessDeniedException',
    `${action} is for the keys of HEARTH_ACCESS_KEYS alone.`,
  )
}

/** To invoke a function through the API. @throws ServiceError AccessDeniedException */
export function requireInvoke(
  asker: Asker,
  invoked: { arn: string; document: FunctionDocument | undefined; qualifier?: string | undefined },
): void {
  if (asker.identity?.principal.kind === 'root') return
  const { arn, document, qualifier } = invoked
  requireAccess(asker, {
    action: INVOKE,
    resource: arn,
    facts: tagFacts(document),
    policy: document && effectivePolicy(document, qualifier),
  })
}

/**
 * To invoke a function through its URL: since October 2025 that takes leave for both actions.
 * @throws ServiceError AccessDeniedException
 */
export function requireUrlInvoke(
  asker: Asker,
  invoked: { arn: string; document: FunctionDocument; url: FunctionUrl; qualifier?: string },
): void {
  if (asker.identity?.principal.kind === 'root') return
  const { arn, document, url } = invoked
  const policy = effectivePolicy(document, invoked.qualifier)
  const wish = { resource: arn, policy }
  const tags = tagFacts(document)
  const urlFacts = { ...tags, 'lambda:FunctionUrlAuthType': url.authType }
  requireAccess(asker, { ...wish, action: 'lambda:InvokeFunctionUrl', facts: urlFacts })
  const viaFacts = { ...tags, 'lambda:InvokedViaFunctionUrl': 'true' }
  requireAccess(asker, { ...wish, action: INVOKE, facts: viaFacts })
}

/** For one operation of Lambda's API. @throws ServiceError AccessDeniedException */
export function requireOperation(
  asker: Asker,
  name: string,
  work: {
    input: Input
    functions: Pick<Functions, 'cached'>
    mappings: Pick<EventSourceMappings, 'cached'>
    layers: Pick<Layers, 'cached'>
  },
): void {
  if (asker.identity?.principal.kind === 'root') return
  const { input, functions, mappings, layers } = work
  const { place } = asker
  const mapping = mappings.cached(place.account, String(input.UUID ?? ''))
  const named = isFunctionOperation(name, input) ? input.FunctionName : taggedFunction(input)
  const reference =
    named === undefined ? undefined : parseFunctionName(String(named), undefined, place)
  const document = reference && functions.cached(reference.account, reference.name)
  const resource = reference ? functionArn(place, reference.name) : resourceOf(input, place)
  requireAccess(asker, {
    // IAM has one action for both ways to name a version.
    action: name === 'GetLayerVersionByArn' ? GET_LAYER : `lambda:${name}`,
    resource,
    facts: {
      ...(mapping && { 'lambda:FunctionArn': functionArn(place, mapping.functionName) }),
      ...tagFacts(document),
      ...inputFacts(input, place),
    },
    policy: document ? effectivePolicy(document, undefined) : layerPolicy(resource, layers),
  })
  // Whoever gives a function layers lets it read them.
  for (const layer of Array.isArray(input.Layers) ? input.Layers.map(String) : []) {
    const policy = layerPolicy(layer, layers)
    requireAccess(asker, { action: GET_LAYER, resource: layer, policy })
  }
  requireObject(asker, input)
  // Whoever gives a function a role gives its code what the role may do.
  if (typeof input.Role === 'string') {
    const facts = { 'iam:PassedToService': 'lambda.amazonaws.com' }
    requireAccess(asker, { action: 'iam:PassRole', resource: input.Role, facts })
  }
}

/** Hearth's own keys fetch code from a bucket, so it must be the caller's to read, too. */
function requireObject(asker: Asker, input: Input): void {
  const { S3Bucket, S3Key, S3ObjectVersion } = (input.Code ?? input.Content ?? input) as Input
  if (S3Bucket === undefined) return
  const action = S3ObjectVersion === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  requireAccess(asker, { action, resource: `arn:aws:s3:::${S3Bucket}/${S3Key}` })
}

/**
 * For an operation of a service that shares a path; none of another's is known here.
 * @throws ServiceError AccessDeniedException
 */
export function requireTarget(
  asker: Asker,
  work: { service: string | undefined; operation: string; input: Input },
): void {
  const { service, operation, input } = work
  if (service === undefined) return
  const resources = service === 'logs' ? logsResources(input, asker.place) : ['*']
  for (const resource of resources) {
    requireAccess(asker, { action: `${service}:${operation}`, resource })
  }
}

/**
 * As CloudWatch Logs has it: groups' streams, one of them, or everything. Each group that a request
 * names counts: which of the members its operation reads is not known here.
 */
function logsResources(input: Input, { account, region }: Place): string[] {
  const { logGroupIdentifiers: many = [], logGroupIdentifier, logGroupName, resourceArn } = input
  const named = [many, logGroupIdentifier, logGroupName, resourceArn].flat()
  // What is no text names none, and its operation refuses it.
  const given = named.filter((one) => typeof one === 'string')
  if (given.length === 0) return ['*']
  const stream = typeof input.logStreamName === 'string' ? input.logStreamName : ''
  const arn = `arn:aws:logs:${region}:${account}:log-group`
  return given.map((one) => `${arn}:${nameOfGroup(one)}:log-stream:${stream}`)
}

/** Where to look for a mapping's function is not whose resource it is. */
const isFunctionOperation = (name: string, input: Input) =>
  input.FunctionName !== undefined && !name.includes('EventSourceMapping')

/** Tags are asked for by ARN, whatever it is of. */
const taggedFunction = ({ Resource }: Input) =>
  typeof Resource === 'string' && Resource.includes(':function:') ? Resource : undefined

/** A layer version's own; undefined for any other resource. */
function layerPolicy(resource: string, layers: Pick<Layers, 'cached'>): Policy | undefined {
  const named = parseLayerVersionArn(resource)
  const version = named && layerVersionOf(layers.cached(named), named.version)
  return version?.policy && effectiveLayerPolicy(version.policy)
}

function resourceOf(input: Input, { account, region }: Place): string {
  const arn = `arn:aws:lambda:${region}:${account}`
  const { Resource, ResourceArn, CodeSigningConfigArn, Arn } = input
  const whole = [Resource, ResourceArn, CodeSigningConfigArn, Arn].find(
    (value) => typeof value === 'string',
  )
  if (whole !== undefined) return String(whole)
  if (input.UUID !== undefined) return `${arn}:event-source-mapping:${input.UUID}`
  if (input.LayerName === undefined) return '*'
  const layer = String(input.LayerName)
  const version = input.VersionNumber === undefined ? '' : `:${input.VersionNumber}`
  return `${layer.startsWith('arn:') ? layer : `${arn}:layer:${layer}`}${version}`
}

function inputFacts(input: Input, place: Place): Wish['facts'] & object {
  const { EventSourceArn: source, FunctionName: name, Tags: tags } = input
  const requested = typeof tags === 'object' && tags !== null ? Object.entries(tags) : []
  const keys = Array.isArray(input.TagKeys) ? input.TagKeys.map(String) : requested.map(([k]) => k)
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    'lambda:Principal': textOf(input.Principal),
    'lambda:FunctionUrlAuthType': textOf(input.AuthType ?? input.FunctionUrlAuthType),
    'lambda:EventSourceArn': textOf(source),
    'lambda:Layer': Array.isArray(input.Layers) ? input.Layers.map(String) : undefined,
    ...(typeof name === 'string' && {
      'lambda:FunctionArn': functionArn(place, parseFunctionName(name, undefined, place).name),
    }),
    ...(keys.length > 0 && { 'aws:TagKeys': keys }),
    ...Object.fromEntries(requested.map(([key, tag]) => [`aws:RequestTag/${key}`, String(tag)])),
  }
}

function tagFacts(document: FunctionDocument | undefined): Record<string, string> {
  const tags = Object.entries(document?.tags ?? {})
  return Object.fromEntries(tags.map(([key, value]) => [`aws:ResourceTag/${key}`, value]))
}

/** What every request tells. */
function factsOf(asker: Asker, principal: Principal): Wish['facts'] & object {
  const { place, request, identity } = asker
  const now = new Date()
  const arn = 'arn' in principal ? (principal.alias ?? principal.arn) : undefined
  return {
    'aws:CurrentTime': now.toISOString(),
    'aws:EpochTime': String(Math.floor(now.getTime() / 1000)),
    'aws:PrincipalAccount': 'account' in principal ? principal.account : undefined,
    'aws:PrincipalArn': arn,
    'aws:PrincipalType': arn && (principal.kind === 'role' ? 'AssumedRole' : 'User'),
    'aws:RequestedRegion': place.region,
    'aws:ResourceAccount': place.account,
    'aws:SecureTransport': 'false',
    'aws:SourceIp': sourceIpOf(request),
    'aws:UserAgent': request.headers['user-agent'],
    'aws:userid': identity?.userId,
    'aws:username': identity?.userName,
  }
}

/** An IPv4 address as such, also where a socket takes both kinds. */
export const sourceIpOf = ({ socket }: Pick<IncomingMessage, 'socket'>) =>
  (socket.remoteAddress ?? '').replace(/^::ffff:/, '')

/** As AWS calls the caller. */
export const arnOf = ({ identity, place }: Asker) =>
  nameOf(identity?.principal ?? { kind: 'root', account: place.account })
