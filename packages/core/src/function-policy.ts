// The policies of a function, one a qualifier: who may invoke it though none of his own policies
// says so. AddPermission writes a statement, PutResourcePolicy the whole. Pure. The revision that
// guards them is that of the version they are of, as on AWS; authorisation obeys them.

import { revisionOf } from './alias.ts'
import { functionArn, type Place } from './arn.ts'
import { ServiceError } from './error.ts'
import { aliasOf, type FunctionDocument, versionOf } from './function.ts'
import {
  accountOf,
  isPrincipalArn,
  isService,
  type Policy,
  parsePolicy,
  readPolicy,
} from './policy.ts'
import { PolicyFault } from './policy-fault.ts'

/** As it is shown. */
export interface PolicyDocument {
  Version: string
  Id?: string
  Statement: Record<string, unknown>[]
}

/** Whose policy: the function's own where no qualifier is given. */
export interface PolicyAddress {
  place: Place
  name: string
  qualifier?: string
}

/** What AddPermission asks for. */
export interface PermissionWish {
  statementId: string
  action: string
  principal: string
  organisationId?: string | undefined
  sourceArn?: string | undefined
  sourceAccount?: string | undefined
  eventSourceToken?: string | undefined
  urlAuthType?: string | undefined
  viaUrl?: boolean | undefined
}

/** A change of a policy. */
export interface PolicyChange {
  /** The revision that the caller saw last. */
  expected?: string | undefined
  /** The new one. */
  revisionId: string
}

const LATEST = '$LATEST'
const URL_ACTION = 'lambda:InvokeFunctionUrl'
/** Lambda's own limit of a resource-based policy. */
const BYTES_MAX = 20_480

/** @throws ServiceError for whatever AWS refuses. */
export function addPermission(
  document: FunctionDocument | undefined,
  wish: PermissionWish,
  at: PolicyAddress & PolicyChange,
): FunctionDocument {
  const principal = principalOf(wish.principal)
  if (wish.urlAuthType !== undefined && wish.action !== URL_ACTION) {
    throw invalid(`FunctionUrlAuthType is only supported for ${URL_ACTION} action`)
  }
  const found = requireVersion(document, at)
  requirePolicyRevision(found, at)
  const policy = policyOf(found, at.qualifier)
  const { statementId: sid } = wish
  if (policy?.Statement.some(({ Sid }) => Sid === sid)) {
    throw new ServiceError(
      'ResourceConflictException',
      `The statement id (${sid}) provided already exists. Please provide a new statement id, ` +
        'or remove the existing statement.',
    )
  }
  const statement = statementOf(wish, principal, at)
  const base = policy ?? { Version: '2012-10-17', Id: 'default', Statement: [] }
  return stored(found, { ...base, Statement: [...base.Statement, statement] }, at)
}

/** The statement that a permission has become. */
export function statementOfId(
  document: FunctionDocument,
  at: PolicyAddress,
  statementId: string,
): Record<string, unknown> | undefined {
  return policyOf(document, at.qualifier)?.Statement.find(({ Sid }) => Sid === statementId)
}

/** @throws ServiceError when there is no such statement. */
export function removePermission(
  document: FunctionDocument | undefined,
  statementId: string,
  at: PolicyAddress & PolicyChange,
): FunctionDocument {
  if (!document) throw absent(`No policy found for: ${functionArn(at.place, at.name)}`)
  requireVersion(document, at)
  const policy = policyOf(document, at.qualifier)
  if (!policy) throw absent('No policy is associated with the given resource.')
  const left = policy.Statement.filter(({ Sid }) => Sid !== statementId)
  if (left.length === policy.Statement.length) {
    throw absent(`Statement ${statementId} is not found in resource policy.`)
  }
  requirePolicyRevision(document, at)
  return stored(document, left.length > 0 ? { ...policy, Statement: left } : undefined, at)
}

/** @param text the whole policy. @throws ServiceError for one that could not be obeyed. */
export function putPolicy(
  document: FunctionDocument | undefined,
  text: string,
  at: PolicyAddress & PolicyChange,
): FunctionDocument {
  const found = requireVersion(document, at)
  requirePolicyRevision(found, at)
  requireFitting(text)
  try {
    parsePolicy(text, 'resource')
  } catch (cause) {
    if (!(cause instanceof PolicyFault)) throw cause
    throw invalid(`The policy is not valid: ${cause.message}.`, cause)
  }
  const { Statement: given, ...rest } = JSON.parse(text) as PolicyDocument
  const Statement = Array.isArray(given) ? given : [given]
  return stored(found, { ...rest, Statement }, at)
}

/** @throws ServiceError when there is none. */
export function deletePolicy(
  document: FunctionDocument | undefined,
  at: PolicyAddress & PolicyChange,
): FunctionDocument {
  const found = requireVersion(document, at)
  if (!policyOf(found, at.qualifier)) throw noResource()
  requirePolicyRevision(found, at)
  return stored(found, undefined, at)
}

/** @throws ServiceError when there is none. */
export function showPolicy(
  document: FunctionDocument | undefined,
  { qualifier }: PolicyAddress,
): { policy: PolicyDocument; revisionId: string } {
  const policy = document && policyOf(document, qualifier)
  const revisionId = document && revisionOf(document, qualifier)
  if (!policy || revisionId === undefined) throw noResource()
  return { policy, revisionId }
}

/** Without the policy of a version that is gone. */
export function withoutPolicy(document: FunctionDocument, qualifier: string): FunctionDocument {
  const { [qualifier]: gone, ...others } = document.policies ?? {}
  return gone ? { ...document, policies: others } : document
}

const parsed = new WeakMap<PolicyDocument, Policy>()

/** What decides about requests for this qualifier; read once, and then at hand. */
export function effectivePolicy(
  document: FunctionDocument,
  qualifier: string | undefined,
): Policy | undefined {
  const policy = policyOf(document, qualifier)
  if (!policy) return undefined
  const known = parsed.get(policy)
  if (known) return known
  const made = readPolicy(policy, 'resource')
  parsed.set(policy, made)
  return made
}

function policyOf(
  { policies = {} }: FunctionDocument,
  qualifier = LATEST,
): PolicyDocument | undefined {
  return Object.hasOwn(policies, qualifier) ? policies[qualifier] : undefined
}

function stored(
  document: FunctionDocument,
  policy: PolicyDocument | undefined,
  { qualifier = LATEST, revisionId }: PolicyAddress & PolicyChange,
): FunctionDocument {
  if (policy) requireFitting(JSON.stringify(policy))
  const { [qualifier]: _, ...others } = document.policies ?? {}
  const revised = <V extends { version: string }>(version: V) =>
    version.version === qualifier ? { ...version, revisionId } : version
  const alias = aliasOf(document, qualifier)
  return {
    ...document,
    latest: revised(document.latest),
    published: document.published.map(revised),
    ...(alias && { aliases: { ...document.aliases, [qualifier]: { ...alias, revisionId } } }),
    policies: policy ? { ...others, [qualifier]: policy } : others,
  }
}

function statementOf(wish: PermissionWish, principal: unknown, at: PolicyAddress) {
  const equals = {
    ...(wish.sourceAccount && { 'AWS:SourceAccount': wish.sourceAccount }),
    ...(wish.urlAuthType && { 'lambda:FunctionUrlAuthType': wish.urlAuthType }),
    ...(wish.eventSourceToken && { 'lambda:EventSourceToken': wish.eventSourceToken }),
    ...(wish.organisationId && { 'aws:PrincipalOrgID': wish.organisationId }),
  }
  const condition = {
    ...(Object.keys(equals).length > 0 && { StringEquals: equals }),
    ...(wish.viaUrl !== undefined && {
      Bool: { 'lambda:InvokedViaFunctionUrl': String(wish.viaUrl) },
    }),
    ...(wish.sourceArn && { ArnLike: { 'AWS:SourceArn': wish.sourceArn } }),
  }
  return {
    Sid: wish.statementId,
    Effect: 'Allow',
    Principal: principal,
    Action: wish.action,
    Resource: functionArn(at.place, at.name, at.qualifier),
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  }
}

/** As AWS writes it down. @throws ServiceError for who could never ask. */
function principalOf(given: string): unknown {
  if (given === '*') return '*'
  if (isPrincipalArn(given)) return { AWS: given }
  const account = accountOf(given)
  if (account !== undefined) return { AWS: `arn:aws:iam::${account}:root` }
  if (isService(given)) return { Service: given }
  throw invalid('The provided principal was invalid. Please check the principal and try again.')
}

function requireVersion(
  document: FunctionDocument | undefined,
  { place, name, qualifier }: PolicyAddress,
): FunctionDocument {
  if (qualifier === LATEST)
    throw invalid('We currently do not support adding policies for $LATEST.')
  if (document && versionOf(document, qualifier)) return document
  const arn = functionArn(place, name, qualifier)
  const isAlias = qualifier !== undefined && /^(?!\d+$)[\w-]+$/.test(qualifier)
  throw absent(isAlias ? `Cannot find alias arn: ${arn}` : `Function not found: ${arn}`)
}

function requirePolicyRevision(
  document: FunctionDocument,
  { qualifier, expected }: PolicyAddress & PolicyChange,
): void {
  if (expected === undefined || expected === revisionOf(document, qualifier)) return
  throw new ServiceError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. ' +
      'Call the GetPolicy API to retrieve the latest Revision Id',
  )
}

/** @throws ServiceError for a policy that is longer than AWS keeps. */
export function requireFitting(text: string): void {
  const size = new TextEncoder().encode(text).length
  if (size <= BYTES_MAX) return
  throw new ServiceError(
    'PolicyLengthExceededException',
    `The final policy size (${size}) is bigger than the limit (${BYTES_MAX}).`,
  )
}

const invalid = (message: string, cause?: unknown) =>
  new ServiceError('InvalidParameterValueException', message, { cause })
const absent = (message: string) => new ServiceError('ResourceNotFoundException', message)
const noResource = () => absent('The resource you requested does not exist.')
