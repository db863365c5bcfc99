// How a function version looks on the wire: AWS's FunctionConfiguration, member for member. The
// reverse of routes/functions, and as pure; which member is absent when is AWS's habit, not ours.

import { createHash } from 'node:crypto'
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { functionArn, type Place } from '@hearth/core/arn'
import { type FunctionVersion, hasSnapshot } from '@hearth/core/function'

/**
 * The wire form; `qualified` says whether the ARN carries the version, as it does when it was asked
 * for; a version that was asked for by an alias goes by its name.
 */
export function viewVersion(
  version: FunctionVersion,
  name: string,
  options: { place: Place; qualified: boolean; alias?: string | undefined },
): FunctionConfiguration {
  const { configuration } = version
  const { place, qualified, alias } = options
  const qualifier = qualified ? (alias ?? version.version) : undefined
  return {
    FunctionName: name,
    FunctionArn: functionArn(place, name, qualifier),
    Role: configuration.role,
    CodeSize: version.code.size,
    Description: configuration.description,
    Timeout: configuration.timeoutSeconds,
    MemorySize: configuration.memoryMb,
    LastModified: lastModified(version.lastModified),
    Version: version.version,
    ...(configuration.deadLetterArn && {
      DeadLetterConfig: { TargetArn: configuration.deadLetterArn },
    }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: version.revisionId,
    Architectures: [version.architecture],
    EphemeralStorage: { Size: configuration.ephemeralStorageMb },
    SnapStart: {
      ApplyOn: configuration.snapStart ?? 'None',
      OptimizationStatus: hasSnapshot(version) && version.state === 'Active' ? 'On' : 'Off',
    },
    LoggingConfig: viewLogging(version),
    ...(configuration.tenancy && {
      TenancyConfig: { TenantIsolationMode: configuration.tenancy },
    }),
    ...(configuration.layers && {
      Layers: configuration.layers.map(({ arn, code }) => ({ Arn: arn, CodeSize: code.size })),
    }),
    ...(configuration.environment && { Environment: { Variables: configuration.environment } }),
    ...(version.image ? viewImage(version) : viewRuntime(version, place)),
    ...viewState(version),
    ...configuration.echoed,
  }
}

/**
 * As ListFunctions and ListVersionsByFunction show a version: whether it is ready is left out, as
 * AWS does. GetFunction says it.
 */
export function viewListed(
  version: FunctionVersion,
  name: string,
  options: { place: Place; qualified: boolean },
): FunctionConfiguration {
  const {
    State: _state,
    StateReason: _reason,
    StateReasonCode: _reasonCode,
    LastUpdateStatus: _status,
    LastUpdateStatusReason: _statusReason,
    LastUpdateStatusReasonCode: _statusReasonCode,
    RuntimeVersionConfig: _runtimeVersion,
    ...listed
  } = viewVersion(version, name, options)
  return listed
}

function viewRuntime(version: FunctionVersion, place: Place): Partial<FunctionConfiguration> {
  const { configuration } = version
  return {
    PackageType: 'Zip',
    Runtime: configuration.runtime as FunctionConfiguration['Runtime'],
    Handler: configuration.handler,
    CodeSha256: viewSha256(version),
    RuntimeVersionConfig: { RuntimeVersionArn: runtimeArn(place, configuration.runtime) },
  }
}

/** In base64, or of an image in hex, and there once the image was found. */
export function viewSha256({ image, code }: FunctionVersion): string {
  return image ? code.sha256 : Buffer.from(code.sha256, 'hex').toString('base64')
}

function viewImage(version: FunctionVersion): Partial<FunctionConfiguration> {
  const { imageConfig } = version.configuration
  const sha256 = viewSha256(version)
  return {
    PackageType: 'Image',
    ...(sha256 && { CodeSha256: sha256 }),
    ...(imageConfig && {
      ImageConfigResponse: {
        ImageConfig: {
          EntryPoint: imageConfig.entryPoint,
          Command: imageConfig.command,
          WorkingDirectory: imageConfig.workingDirectory,
        },
      },
    }),
  }
}

/** Where a version's code is: an image's name and digest, or a link to the zip. */
export function viewCode(version: FunctionVersion, link: (sha256: string) => string) {
  const { image, code } = version
  if (!image) return { RepositoryType: 'S3', Location: link(code.sha256) }
  return {
    RepositoryType: 'ECR',
    ImageUri: image.uri,
    ...(image.facts && { ResolvedImageUri: image.facts.resolvedUri }),
  }
}

/** ISO time in AWS's own form: `2024-01-01T00:00:00.000+0000`. */
export function lastModified(time: number): string {
  return new Date(time).toISOString().replace('Z', '+0000')
}

function viewLogging(version: FunctionVersion): FunctionConfiguration['LoggingConfig'] {
  const { format, group, applicationLevel, systemLevel } = version.configuration.logging
  return {
    LogFormat: format,
    ...(applicationLevel && { ApplicationLogLevel: applicationLevel as 'INFO' }),
    ...(systemLevel && { SystemLogLevel: systemLevel as 'INFO' }),
    LogGroup: group,
  }
}

function viewState(version: FunctionVersion): Partial<FunctionConfiguration> {
  if (version.state === 'Pending') {
    return {
      State: 'Pending',
      StateReason: 'The function is being created.',
      StateReasonCode: 'Creating',
    }
  }
  const { fault } = version
  if (version.state === 'Failed' && fault && version.updateStatus === undefined) {
    return { State: 'Failed', StateReason: fault.reason, StateReasonCode: fault.code }
  }
  if (version.updateStatus === 'Failed' && fault) {
    return {
      State: version.state,
      LastUpdateStatus: 'Failed',
      LastUpdateStatusReason: fault.reason,
      LastUpdateStatusReasonCode: fault.code,
    }
  }
  if (version.updateStatus === 'InProgress') {
    return {
      State: version.state,
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: 'The function is being created.',
      // AWS sends this value although its model does not list it.
      LastUpdateStatusReasonCode: 'Creating' as FunctionConfiguration['LastUpdateStatusReasonCode'],
    }
  }
  return { State: version.state, LastUpdateStatus: version.updateStatus ?? 'Successful' }
}

function runtimeArn(place: Place, runtime: string): string {
  const digest = createHash('sha256').update(runtime).digest('hex')
  return `arn:aws:lambda:${place.region}::runtime:${digest}`
}
