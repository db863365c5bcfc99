// The environment variables of a runtime process, as AWS documents them: the platform's own, the
// runtime's, then the function's. Pure; they travel over the control socket and never reach Docker.

import type { Configuration, FunctionVersion, Logging } from '@hearth/core/function'
import { requireRuntime } from '@hearth/core/runtime'

/** What a function signs with when it calls Hearth, or the AWS-shaped services beside it. */
export interface FunctionCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** As the function sees it, in AWS's words. */
export type InitialisationType = 'on-demand' | 'provisioned-concurrency' | 'snap-start'

export interface RuntimeFacts {
  functionName: string
  version: FunctionVersion
  region: string
  logStream: string
  initialisation: InitialisationType
  credentials?: FunctionCredentials
  /** Where functions reach Hearth, if they may. */
  endpoint?: string
}

/** Services that Hearth answers for and a function's role may use, as AWS's SDKs name them. */
const OWN_SERVICES = ['LAMBDA', 'CLOUDWATCH_LOGS', 'STS']
/** What every process of a runtime starts with, whichever function it runs. */
const PLATFORM = {
  AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
  AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1:2000',
  _AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1',
  _AWS_XRAY_DAEMON_PORT: '2000',
  LANG: 'en_US.UTF-8',
  LD_LIBRARY_PATH:
    '/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:' +
    '/var/task:/var/task/lib:/opt/lib',
  PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
  TZ: ':UTC',
}
/** hearth-init listens here, in the sandbox's own network (images/README.md). */
const RUNTIME_API = '127.0.0.1:9001'
/** And hearth-extensions here, for as many as there may be. */
const EXTENSIONS_API = '127.0.0.1:9002'
/** Docker's own default, for an image that does not say. */
const IMAGE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const RUNTIME_SOCKET = { HEARTH_RUNTIME_SOCKET: '/run/hearth/runtime.sock' }

/** For a runtime that boots before its function is known; it is replaced when that is. */
export function stemEnvironment(runtime: string, memoryMb: number): Record<string, string> {
  return {
    ...PLATFORM,
    ...requireRuntime(runtime).environment,
    ...RUNTIME_SOCKET,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    HEARTH_STEM: '1',
    HOME: '/tmp',
  }
}

export function runtimeEnvironment(facts: RuntimeFacts): Record<string, string> {
  const { version, region } = facts
  const { configuration } = version
  const { before, after } = version.image ? ofImage(version) : ofRuntime(configuration)
  return {
    ...endpointVariables(facts.endpoint),
    ...before,
    ...configuration.environment,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_LAMBDA_FUNCTION_NAME: facts.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: facts.initialisation,
    ...(facts.initialisation === 'snap-start' && { HEARTH_CACHE: '/var/task/.hearth-cache' }),
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logging.group,
    AWS_LAMBDA_LOG_STREAM_NAME: facts.logStream,
    AWS_LAMBDA_RUNTIME_API: RUNTIME_API,
    LAMBDA_TASK_ROOT: '/var/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    SHLVL: '0',
    HOME: '/tmp',
    ...after,
    ...logVariables(configuration.logging),
    ...credentialVariables(facts.credentials),
  }
}

/** What is the runtime's alone, and no extension sees (Lambda guide, "Extensions API"). */
const NOT_FOR_EXTENSIONS = [
  ...['_HANDLER', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR', 'AWS_EXECUTION_ENV'],
  ...['AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME'],
  ...['AWS_XRAY_CONTEXT_MISSING', 'AWS_XRAY_DAEMON_ADDRESS'],
  ...['_AWS_XRAY_DAEMON_ADDRESS', '_AWS_XRAY_DAEMON_PORT'],
  ...['HEARTH_CACHE', 'HEARTH_RUNTIME_SOCKET', 'PWD'],
]

/** Those of an extension beside a runtime with these. */
export function extensionEnvironment(
  runtime: Readonly<Record<string, string>>,
): Record<string, string> {
  const own = Object.entries(runtime).filter(([name]) => !NOT_FOR_EXTENSIONS.includes(name))
  return { ...Object.fromEntries(own), AWS_LAMBDA_RUNTIME_API: EXTENSIONS_API }
}

/** Variables under the function's own, and over them. */
interface Layers {
  before: Record<string, string>
  after: Record<string, string>
}

function ofRuntime({ runtime: name, handler }: Configuration): Layers {
  const runtime = requireRuntime(name)
  const { executionEnvironment } = runtime
  return {
    before: { ...PLATFORM, ...runtime.environment },
    after: {
      ...(executionEnvironment && { AWS_EXECUTION_ENV: executionEnvironment }),
      ...(!runtime.isOsOnly && RUNTIME_SOCKET),
      _HANDLER: handler,
      PWD: '/var/task',
    },
  }
}

/** An image's own variables stand where Lambda would only have a default. */
function ofImage({ image, configuration }: FunctionVersion): Layers {
  const own = (image?.facts?.environment ?? []).map((entry) => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })
  const { LANG: _, LD_LIBRARY_PATH: __, ...platform } = PLATFORM
  return {
    before: { ...platform, PATH: IMAGE_PATH, ...Object.fromEntries(own) },
    after: {
      AWS_EXECUTION_ENV: 'AWS_Lambda_Image',
      PWD: configuration.imageConfig?.workingDirectory ?? image?.facts?.workingDirectory ?? '/',
    },
  }
}

function logVariables(logging: Logging): Record<string, string> {
  if (logging.format !== 'JSON') return { AWS_LAMBDA_LOG_FORMAT: 'Text' }
  return {
    AWS_LAMBDA_LOG_FORMAT: 'JSON',
    AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel ?? 'INFO',
  }
}

/** So that SDKs call Hearth unasked; a function that names other places calls those. */
function endpointVariables(endpoint: string | undefined): Record<string, string> {
  if (endpoint === undefined) return {}
  return Object.fromEntries(OWN_SERVICES.map((name) => [`AWS_ENDPOINT_URL_${name}`, endpoint]))
}

function credentialVariables(credentials: FunctionCredentials | undefined): Record<string, string> {
  if (!credentials) return {}
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  }
}
