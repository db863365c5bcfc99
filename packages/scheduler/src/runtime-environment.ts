// The environment variables of a runtime process, as AWS documents them: the platform's own, the
// runtime's, then the function's. Pure; they travel over the control socket and never reach Docker.

import type { FunctionVersion, Logging } from '@hearth/core/function'
import { requireRuntime } from '@hearth/core/runtime'

/** Credentials that every function receives, for the AWS-shaped services it calls. */
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
}

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
  const runtime = requireRuntime(configuration.runtime)
  return {
    ...PLATFORM,
    ...runtime.environment,
    ...configuration.environment,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...(runtime.executionEnvironment && { AWS_EXECUTION_ENV: runtime.executionEnvironment }),
    AWS_LAMBDA_FUNCTION_NAME: facts.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: facts.initialisation,
    ...(facts.initialisation === 'snap-start' && { HEARTH_CACHE: '/var/task/.hearth-cache' }),
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logging.group,
    AWS_LAMBDA_LOG_STREAM_NAME: facts.logStream,
    AWS_LAMBDA_RUNTIME_API: RUNTIME_API,
    ...(!runtime.isOsOnly && RUNTIME_SOCKET),
    LAMBDA_TASK_ROOT: '/var/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    _HANDLER: configuration.handler,
    PWD: '/var/task',
    SHLVL: '0',
    HOME: '/tmp',
    ...logVariables(configuration.logging),
    ...credentialVariables(facts.credentials),
  }
}

function logVariables(logging: Logging): Record<string, string> {
  if (logging.format !== 'JSON') return { AWS_LAMBDA_LOG_FORMAT: 'Text' }
  return {
    AWS_LAMBDA_LOG_FORMAT: 'JSON',
    AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel ?? 'INFO',
  }
}

function credentialVariables(credentials: FunctionCredentials | undefined): Record<string, string> {
  if (!credentials) return {}
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  }
}
