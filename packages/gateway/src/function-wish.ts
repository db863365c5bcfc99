// What a caller wishes a function to be, read from the wire into core's nouns: defaults for what is
// left out, refusals for what Hearth could not obey, and the few members that are echoed because
// they cannot matter when self-hosted (the API table in the docs lists them).

import type * as Aws from '@aws-sdk/client-lambda'
import { ServiceError } from '@hearth/core/error'
import {
  type Architecture,
  type Configuration,
  checkEnvironment,
  defaultConfiguration,
  type Logging,
} from '@hearth/core/function'
import { requireRuntime } from '@hearth/core/runtime'
import { refuseTenancy } from '@hearth/core/tenancy'
import { mergeImageConfig, refuseImageConfig, refuseRuntime } from './image-wish.ts'

type Wish = Aws.CreateFunctionCommandInput &
  Aws.UpdateFunctionCodeCommandInput &
  Aws.UpdateFunctionConfigurationCommandInput

/** The part of a wish that create and update share. */
type ConfigurationWish = Pick<
  Partial<Wish>,
  | 'DeadLetterConfig'
  | 'Description'
  | 'Environment'
  | 'EphemeralStorage'
  | 'Handler'
  | 'ImageConfig'
  | 'KMSKeyArn'
  | 'Layers'
  | 'LoggingConfig'
  | 'MemorySize'
  | 'Role'
  | 'Runtime'
  | 'SnapStart'
  | 'Timeout'
  | 'TracingConfig'
  | 'VpcConfig'
>

const DEAD_LETTER_TARGET = /^arn:aws[a-z-]*:(sqs|sns):[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$/
/** SnapStart's limit for /tmp (Lambda guide, "Lambda SnapStart"). */
const SNAPSHOT_STORAGE_MB_MAX = 512
const HOST_ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'

/**
 * Members that ask for something which is not built yet: what each asks for, when it asks at all.
 */
const UNOBEYED: Readonly<Record<string, (wish: Partial<Wish>) => boolean>> = {
  'file system mounts': ({ FileSystemConfigs }) => (FileSystemConfigs?.length ?? 0) > 0,
  'capacity providers': ({ CapacityProviderConfig }) => CapacityProviderConfig !== undefined,
  'durable functions': ({ DurableConfig }) => DurableConfig !== undefined,
  'publishing to $LATEST.PUBLISHED': ({ PublishTo }) => PublishTo !== undefined,
}

/** @throws ServiceError NotImplementedException naming what Hearth cannot obey yet. */
export function requireObeyable(wish: Partial<Wish>): void {
  const asked = Object.entries(UNOBEYED).filter(([, asks]) => asks(wish))
  if (asked.length === 0) return
  throw new ServiceError(
    'NotImplementedException',
    `Hearth does not have ${asked.map(([what]) => what).join(', ')} yet, so nothing was changed.`,
  )
}

/** @throws ServiceError for an architecture that this host cannot run. */
export function architectureOf(wished: readonly string[] | undefined): Architecture {
  const architecture = wished?.[0] ?? HOST_ARCHITECTURE
  if (architecture === HOST_ARCHITECTURE) return HOST_ARCHITECTURE
  throw new ServiceError(
    'InvalidParameterValueException',
    `This Hearth runs on ${HOST_ARCHITECTURE} hosts and cannot run ${architecture} functions.`,
  )
}

/** A new function's configuration. @throws ServiceError for what AWS refuses. */
export function configurationFor(
  name: string,
  wish: ConfigurationWish & Pick<Wish, 'TenancyConfig'>,
  isImage: boolean,
): Configuration {
  if (isImage) refuseRuntime(wish)
  else refuseImageConfig(wish)
  if (!isImage) requireProgram(wish)
  const { TenantIsolationMode: tenancy } = wish.TenancyConfig ?? {}
  const start = {
    ...{ ...defaultConfiguration(name), runtime: '', handler: '', role: '' },
    ...(tenancy && { tenancy }),
  }
  const made = mergeConfiguration(start, wish)
  // An empty map is shown again as it came.
  const environment = wish.Environment?.Variables
  return { ...made, ...(environment && { environment }) }
}

function requireProgram(wish: ConfigurationWish): void {
  if (!wish.Runtime || !wish.Handler) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
    )
  }
}

/**
 * The configuration with every given member replaced. @throws ServiceError for what AWS refuses.
 */
export function mergeConfiguration(current: Configuration, wish: ConfigurationWish): Configuration {
  if (wish.Runtime !== undefined) requireRuntime(wish.Runtime)
  const variables = wish.Environment?.Variables
  if (variables) checkEnvironment(variables)
  const isEmpty = Object.keys(variables ?? {}).length === 0
  const environment = wish.Environment ? (isEmpty ? undefined : variables) : current.environment
  const {
    environment: _,
    imageConfig: __,
    snapStart: former,
    deadLetterArn: arn,
    ...rest
  } = current
  const deadLetterArn = wish.DeadLetterConfig ? deadLetterOf(wish.DeadLetterConfig) : arn
  const { ApplyOn = former ?? 'None' } = wish.SnapStart ?? {}
  const imageConfig = mergeImageConfig(current.imageConfig, wish.ImageConfig)
  const merged: Configuration = {
    ...rest,
    description: wish.Description ?? current.description,
    runtime: wish.Runtime ?? current.runtime,
    handler: wish.Handler ?? current.handler,
    ...(imageConfig && { imageConfig }),
    role: wish.Role ?? current.role,
    timeoutSeconds: wish.Timeout ?? current.timeoutSeconds,
    memoryMb: wish.MemorySize ?? current.memoryMb,
    ephemeralStorageMb: wish.EphemeralStorage?.Size ?? current.ephemeralStorageMb,
    ...(environment && { environment }),
    logging: mergeLogging(current.logging, wish.LoggingConfig),
    ...(deadLetterArn && { deadLetterArn }),
    ...(ApplyOn === 'PublishedVersions' && { snapStart: ApplyOn }),
    echoed: { ...current.echoed, ...echoes(wish) },
  }
  if (merged.snapStart) requireRestorable(merged)
  return merged
}

/** Empty takes it away. @throws ServiceError for what is neither a queue nor a topic. */
function deadLetterOf({ TargetArn = '' }: Aws.DeadLetterConfig): string {
  if (TargetArn === '' || DEAD_LETTER_TARGET.test(TargetArn)) return TargetArn
  throw new ServiceError(
    'InvalidParameterValueException',
    `The provided target arn ${TargetArn} is not a SQS queue or a SNS topic.`,
  )
}

/** @throws ServiceError for what AWS does not take snapshots of. */
function requireRestorable(configuration: Configuration): void {
  const { runtime, ephemeralStorageMb } = configuration
  refuseTenancy({ configuration }, 'SnapStart')
  if (runtime !== '' && requireRuntime(runtime).isOsOnly) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `${runtime} is not supported for SnapStart enabled functions.`,
    )
  }
  if (ephemeralStorageMb > SNAPSHOT_STORAGE_MB_MAX) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'SnapStart does not support EphemeralStorage greater than 512 MB.',
    )
  }
}

function mergeLogging(current: Logging, wish: Aws.LoggingConfig | undefined): Logging {
  if (!wish) return current
  const format = wish.LogFormat ?? current.format
  const json = format === 'JSON'
  if (!json && (wish.ApplicationLogLevel || wish.SystemLogLevel)) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'ApplicationLogLevel and SystemLogLevel can only be set when LogFormat is JSON.',
    )
  }
  return {
    format,
    group: wish.LogGroup || current.group,
    ...(json && {
      applicationLevel: wish.ApplicationLogLevel ?? current.applicationLevel ?? 'INFO',
      systemLevel: wish.SystemLogLevel ?? current.systemLevel ?? 'INFO',
    }),
  }
}

/** Members that a self-hosted platform has no use for, given back as AWS gives them back. */
function echoes(wish: ConfigurationWish): Record<string, unknown> {
  const vpc = wish.VpcConfig
  return {
    ...(wish.TracingConfig?.Mode && { TracingConfig: { Mode: wish.TracingConfig.Mode } }),
    ...(wish.KMSKeyArn && { KMSKeyArn: wish.KMSKeyArn }),
    ...(vpc && {
      VpcConfig: {
        SubnetIds: vpc.SubnetIds ?? [],
        SecurityGroupIds: vpc.SecurityGroupIds ?? [],
        VpcId: '',
        Ipv6AllowedForDualStack: vpc.Ipv6AllowedForDualStack ?? false,
      },
    }),
  }
}
