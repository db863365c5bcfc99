// The function: its document as it is stored, its versions, and the laws by which both change.
// Pure: routes hand in the wish, the time and fresh ids; the store writes what comes back.
// It never speaks the wire format (gateway/function-view does) and never touches code bytes.

import type { Alias } from './alias.ts'
import { functionArn, type Place } from './arn.ts'
import type { Concurrency } from './concurrency.ts'
import {
  type ContainerImage,
  type FormerImage,
  formerOf,
  type ImageConfig,
  type ImageFacts,
  type ImageFault,
  isSought,
  settleImage,
} from './container-image.ts'
import { ServiceError } from './error.ts'
import type { EventInvokeConfig } from './event-invoke-config.ts'
import type { PolicyDocument } from './function-policy.ts'
import type { FunctionUrl } from './function-url.ts'
import type { UsedLayer } from './layer.ts'
import type { ScalableTarget } from './scaling.ts'

export type Architecture = 'arm64' | 'x86_64'
export type FunctionState = 'Active' | 'Failed' | 'Inactive' | 'Pending'
export type UpdateStatus = 'Failed' | 'InProgress' | 'Successful'

/** Where a function's log goes and in what form; AWS's LoggingConfig. */
export interface Logging {
  format: 'JSON' | 'Text'
  group: string
  applicationLevel?: string
  systemLevel?: string
}

/** The stored code: `sha256` is hex and names the artifact; `size` is the zip's, in bytes. */
export interface Code {
  sha256: string
  size: number
}

/** What an operator may change by UpdateFunctionConfiguration. */
export interface Configuration {
  description: string
  /** Empty for a container image, as is the handler. */
  runtime: string
  handler: string
  imageConfig?: ImageConfig
  role: string
  timeoutSeconds: number
  memoryMb: number
  ephemeralStorageMb: number
  environment?: Record<string, string>
  /** What it finds under /opt: later ones lie over earlier ones. Never empty. */
  layers?: UsedLayer[]
  logging: Logging
  /** Where events that were given up go; AWS's DeadLetterConfig. */
  deadLetterArn?: string
  /** Whether published versions are prepared ahead of their invocations; AWS's SnapStart. */
  snapStart?: 'PublishedVersions'
  /** Whether environments are each one tenant's alone; set at creation, and never again. */
  tenancy?: 'PER_TENANT'
  /** Members that cannot matter when self-hosted: accepted and given back as they came. */
  echoed: Record<string, unknown>
}

/** One version: `$LATEST`, or a published number that never changes again. */
export interface FunctionVersion {
  version: string
  configuration: Configuration
  /** For a container image its digest, and no bytes. */
  code: Code
  /** Present when the code is a container image and not a zip. */
  image?: ContainerImage
  formerImage?: FormerImage
  /** Why the creation or the last update failed. */
  fault?: ImageFault | SnapshotFault
  architecture: Architecture
  /** Set where its function has no network; see isolation. Never stored: the tags are. */
  network?: 'none'
  /**
   * Changes whenever code or configuration does: environments of two deployments are never mixed.
   */
  deploymentId: string
  revisionId: string
  /** Milliseconds since the epoch. */
  lastModified: number
  state: FunctionState
  updateStatus?: UpdateStatus
}

/** Why a version could not be loaded ahead of its invocations, in AWS's codes. */
export interface SnapshotFault {
  code: 'FunctionError.InitTimeout' | 'FunctionError.RuntimeInitError'
  reason: string
}

/** Whether environments of this version are restored from a snapshot. */
export function hasSnapshot({ version, configuration }: FunctionVersion): boolean {
  return configuration.snapStart === 'PublishedVersions' && version !== '$LATEST'
}

/**
 * Everything remembered of one function: a single record, so that each change is one atomic write.
 */
export interface FunctionDocument {
  account: string
  name: string
  latest: FunctionVersion
  /** Published versions, oldest first. */
  published: FunctionVersion[]
  lastVersionNumber: number
  tags: Record<string, string>
  /** By name. */
  aliases?: Record<string, Alias>
  /** The id of what is demanded of its code's signature. */
  signingConfig?: string
  url?: FunctionUrl
  /** URLs of aliases, by their names. */
  aliasUrls?: Record<string, FunctionUrl>
  /** Chains of invocations may go round in circles through this function. */
  allowsLoops?: true
  concurrency?: Concurrency
  /** How asynchronous events are tried, by qualifier; `$LATEST` where none is given. */
  eventInvoke?: Record<string, EventInvokeConfig>
  /** Who may invoke it, by qualifier; see function-policy. */
  policies?: Record<string, PolicyDocument>
  /** Ranges of provisioned concurrency, and what changes them by schedule. */
  scaling?: ScalableTarget[]
}

/** Environment variables may take 4 KB in all, measured as JSON (Lambda quotas). */
const ENVIRONMENT_BYTES_MAX = 4096
/** Names that belong to the platform (Lambda guide, "reserved environment variables"). */
const RESERVED_VARIABLES = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
])

/** Fresh ids and the time, handed in because this floor has neither clock nor randomness. */
export interface Moment {
  now: number
  revisionId: string
  deploymentId: string
}

/** A configuration with AWS's defaults where the caller was silent. */
export function defaultConfiguration(
  name: string,
): Omit<Configuration, 'handler' | 'role' | 'runtime'> {
  return {
    description: '',
    timeoutSeconds: 3,
    memoryMb: 128,
    ephemeralStorageMb: 512,
    logging: { format: 'Text', group: `/aws/lambda/${name}` },
    echoed: {},
  }
}

/** @throws ServiceError when variables are too large or take a reserved name. */
export function checkEnvironment(variables: Record<string, string>): void {
  const reserved = Object.keys(variables).filter((name) => RESERVED_VARIABLES.has(name))
  if (reserved.length > 0) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'Lambda was unable to configure your environment variables because the environment variables ' +
        `you have provided contains reserved keys that are currently not supported for modification. ` +
        `Reserved keys used in this request: ${reserved.join(', ')}`,
    )
  }
  const measured = JSON.stringify(variables)
  if (new TextEncoder().encode(measured).length > ENVIRONMENT_BYTES_MAX) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'Lambda was unable to configure your environment variables because the environment variables ' +
        `you have provided exceeded the 4KB limit. String measured: ${measured}`,
    )
  }
}

/** A new function: `$LATEST` is Pending until the platform says that its code can run. */
export function createFunction(
  wish: Pick<FunctionDocument, 'account' | 'name' | 'tags'> &
    Pick<FunctionVersion, 'architecture' | 'code' | 'configuration' | 'image'>,
  moment: Moment,
): FunctionDocument {
  return {
    account: wish.account,
    name: wish.name,
    tags: wish.tags,
    published: [],
    lastVersionNumber: 0,
    latest: {
      version: '$LATEST',
      configuration: wish.configuration,
      code: wish.code,
      ...(wish.image && { image: wish.image }),
      architecture: wish.architecture,
      deploymentId: moment.deploymentId,
      revisionId: moment.revisionId,
      lastModified: moment.now,
      state: 'Pending',
    },
  }
}

/**
 * `$LATEST` with new code or configuration, its update in progress.
 * @throws ServiceError when another update runs, or the caller's RevisionId is stale.
 */
export function updateFunction(
  document: FunctionDocument,
  change: {
    code?: Code
    image?: ContainerImage
    architecture?: Architecture
    configuration?: Configuration
  },
  moment: Moment,
): FunctionDocument {
  const { fault: _, ...current } = document.latest
  const former = change.image && formerOf(current)
  const latest: FunctionVersion = {
    ...current,
    ...(change.image && { image: change.image }),
    ...(former && { formerImage: former }),
    code: change.code ?? document.latest.code,
    architecture: change.architecture ?? document.latest.architecture,
    configuration: change.configuration ?? document.latest.configuration,
    deploymentId: moment.deploymentId,
    revisionId: moment.revisionId,
    lastModified: moment.now,
    updateStatus: 'InProgress',
  }
  return { ...document, latest }
}

/** @throws ServiceError ResourceConflictException while a creation or update is under way. */
export function requireSettled(document: FunctionDocument, place: Place): void {
  const { state, updateStatus } = document.latest
  if (state !== 'Pending' && updateStatus !== 'InProgress') return
  throw new ServiceError(
    'ResourceConflictException',
    'The operation cannot be performed at this time. An update is in progress for resource: ' +
      functionArn(place, document.name),
  )
}

/** @throws ServiceError PreconditionFailedException when the given RevisionId is not the latest. */
export function requireRevision(version: FunctionVersion, revisionId: string | undefined): void {
  if (revisionId === undefined || revisionId === version.revisionId) return
  throw new ServiceError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. ' +
      'Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  )
}

/** Whether the platform still owes this version its move to Active and Successful. */
export function isUnsettled(version: FunctionVersion): boolean {
  return version.state === 'Pending' || version.updateStatus === 'InProgress'
}

/** What was found out about images, by their names. */
export type FoundImages = ReadonlyMap<string, ImageFacts | ImageFault>

/** Versions that could not be loaded ahead, by their numbers. */
export type SnapshotFaults = ReadonlyMap<string, SnapshotFault>

/** What has to be known before a version settles. */
export interface Findings {
  images?: FoundImages
  snapshotFaults?: SnapshotFaults
}

/** The version once its code is known to be in place, or known not to work. */
export function settleVersion(
  version: FunctionVersion,
  revisionId: string,
  { images = new Map(), snapshotFaults = new Map() }: Findings = {},
): FunctionVersion {
  const snapshotFault = snapshotFaults.get(version.version)
  if (snapshotFault) return { ...version, state: 'Failed', fault: snapshotFault, revisionId }
  const found = isSought(version) ? images.get(version.image?.uri ?? '') : undefined
  if (isSought(version) && !found) return version
  const settled = found ? settleImage(version, found) : version
  if (settled.fault) return { ...settled, revisionId }
  return { ...settled, state: 'Active', updateStatus: 'Successful', revisionId }
}

/** The document with `$LATEST` and every published version settled, save those not found yet. */
export function settleFunction(
  document: FunctionDocument,
  revisionId: string,
  findings?: Findings,
): FunctionDocument {
  const settle = (version: FunctionVersion) =>
    isUnsettled(version) ? settleVersion(version, revisionId, findings) : version
  return { ...document, latest: settle(document.latest), published: document.published.map(settle) }
}

/**
 * The document with `$LATEST` published as the next number; unchanged when neither code nor
 * configuration differs from the last publication, as on AWS. A new version is Pending until it is
 * settled, or Active at once where nothing is owed. `$LATEST` may get a new revision by it, too.
 */
export function publishVersion(
  document: FunctionDocument,
  moment: Pick<Moment, 'revisionId'> & { description?: string; latestRevisionId?: string },
): { document: FunctionDocument; version: FunctionVersion } {
  const newest = document.published.at(-1)
  if (newest && isSame(newest, document.latest)) return { document, version: newest }
  const number = document.lastVersionNumber + 1
  const { updateStatus, ...latest } = document.latest
  const isReady = updateStatus === 'Successful' && !latest.configuration.snapStart
  const description = moment.description ?? latest.configuration.description
  const version: FunctionVersion = {
    ...latest,
    version: String(number),
    // Environments know which version they are, so they are not those of $LATEST.
    deploymentId: `${latest.deploymentId}:${number}`,
    revisionId: moment.revisionId,
    configuration: { ...latest.configuration, description },
    ...(isReady ? { state: 'Active', updateStatus } : { state: 'Pending' }),
  }
  return {
    version,
    document: {
      ...document,
      latest: { ...document.latest, revisionId: moment.latestRevisionId ?? latest.revisionId },
      published: [...document.published, version],
      lastVersionNumber: number,
    },
  }
}

/** Whether two versions would run the same; a description is not run. */
function isSame(a: FunctionVersion, b: FunctionVersion): boolean {
  const essence = ({ code, architecture, configuration }: FunctionVersion) =>
    inOrder({ code, architecture, configuration: { ...configuration, description: '' } })
  return essence(a) === essence(b)
}

/** JSON that does not depend on the order in which members were set. */
function inOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(inOrder).join()}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, inside]) => `${JSON.stringify(name)}:${inOrder(inside)}`).join()}}`
}

/** @throws ServiceError when the caller means other code than `$LATEST` has; both as shown. */
export function requireCode(given: string | undefined, current: string): void {
  if (given === undefined || given === current) return
  throw new ServiceError(
    'InvalidParameterValueException',
    `CodeSHA256 (${given}) is different from current CodeSHA256 in $LATEST (${current}). ` +
      'Please try again with the CodeSHA256 in $LATEST.',
  )
}

/** The alias of this name, or undefined when the qualifier names none. */
export function aliasOf(
  { aliases = {} }: FunctionDocument,
  qualifier: string | undefined,
): Alias | undefined {
  if (qualifier === undefined || !Object.hasOwn(aliases, qualifier)) return undefined
  return aliases[qualifier]
}

/**
 * The version that a qualifier names, or undefined when there is none; of an alias that shares its
 * invocations out, the one that it points to.
 */
export function versionOf(
  document: FunctionDocument,
  qualifier: string | undefined,
): FunctionVersion | undefined {
  const number = aliasOf(document, qualifier)?.version ?? qualifier
  if (number === undefined || number === '$LATEST') return document.latest
  return document.published.find((version) => version.version === number)
}
