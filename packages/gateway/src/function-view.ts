// How a function version looks on the wire: AWS's FunctionConfiguration, member for member. The
// reverse of routes/functions, and as pure; which member is absent when is AWS's habit, not ours.

import { createHash } from 'node:crypto'
import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { functionArn, type Place } from '@hearth/core/arn'
import type { FunctionVersion } from '@hearth/core/function'

/**
 * The wire form; `qualified` says whether the ARN carries the version, as it does when it was asked
 * for.
 */
export function viewVersion(
  version: FunctionVersion,
  name: string,
  options: { place: Place; qualified: boolean },
): FunctionConfiguration {
  const { configuration } = version
  const { place, qualified } = options
  return {
    FunctionName: name,
    FunctionArn: functionArn(place, name, qualified ? version.version : undefined),
    Runtime: configuration.runtime as FunctionConfiguration['Runtime'],
    Role: configuration.role,
    Handler: configuration.handler,
    CodeSize: version.code.size,
    Description: configuration.description,
    Timeout: configuration.timeoutSeconds,
    MemorySize: configuration.memoryMb,
    LastModified: lastModified(version.lastModified),
    CodeSha256: Buffer.from(version.code.sha256, 'hex').toString('base64'),
    Version: version.version,
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: version.revisionId,
    PackageType: 'Zip',
    Architectures: [version.architecture],
    EphemeralStorage: { Size: configuration.ephemeralStorageMb },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    RuntimeVersionConfig: { RuntimeVersionArn: runtimeArn(place, configuration.runtime) },
    LoggingConfig: viewLogging(version),
    ...(configuration.environment && { Environment: { Variables: configuration.environment } }),
    ...viewState(version),
    ...configuration.echoed,
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
