// The invocation: what goes in, what comes out, what is recorded of it, and the shapes in which a
// platform-made failure reaches the caller. Pure; every floor above speaks in these nouns.

/** Request payload limit of a synchronous invocation, in bytes (Lambda quotas: 6 MB). */
export const SYNC_PAYLOAD_BYTES_MAX = 6_291_456
/** Request payload limit of an asynchronous invocation, in bytes (Lambda quotas: 1 MB). */
export const ASYNC_PAYLOAD_BYTES_MAX = 1_048_576
/** Response payload limit, in bytes; AWS's own message names this figure. */
export const RESPONSE_BYTES_MAX = 6_291_556
/** Limit of a streamed response, in bytes (Lambda quotas: 200 MB); an operator may change it. */
export const STREAMED_BYTES_MAX = 209_715_200
/** Bytes of each streamed response that come free (Lambda pricing: the first 6 MB). */
export const STREAMED_BYTES_FREE = 6_291_456
/** How much of the log LogType=Tail returns, in bytes. */
export const LOG_TAIL_BYTES_MAX = 4096

/**
 * How an invocation found its execution environment: made for it from nothing (`cold`) or of a
 * booted runtime (`stem`), restored for it from a snapshot, one of provisioned concurrency that was
 * ready (`provisioned`, each time), or any other that was ready (`warm`).
 */
export type StartKind = 'cold' | 'provisioned' | 'restored' | 'stem' | 'warm'
/** Why an invocation did not find a warm environment. */
export type ColdReason =
  | 'all environments busy'
  | 'configuration changed'
  | 'environment died'
  | 'evicted for memory'
  | 'first invocation'
  | 'idle environments reaped'
/** What became of an attempt. */
export type Outcome =
  | 'crashed'
  | 'exited'
  | 'function error'
  | 'init error'
  | 'out of memory'
  | 'success'
  | 'timed out'

/** How an invocation was asked for: by a caller who waits, an event, a stream, a URL, a mapping. */
export type InvocationKind = 'async' | 'mapping' | 'stream' | 'sync' | 'url'

/** One invocation of one function version, as the door takes it. */
export interface InvocationRequest {
  /** For the metrics; `sync` where it is absent. */
  kind?: InvocationKind
  /** A UUID; the answer's x-amzn-RequestId and the function's awsRequestId. */
  requestId: string
  account: string
  functionName: string
  qualifier?: string
  /** The ARN as the caller addressed the function. */
  invokedArn: string
  payload: Uint8Array
  /** JSON text, already decoded from base64. */
  clientContext?: string
  traceId?: string
  /** For whom, where the function keeps its tenants apart. */
  tenantId?: string
  /** Whether the last 4 KB of log are wanted with the answer. */
  wantsLogTail: boolean
  /** Which attempt at an asynchronous event this is, from 1. */
  attempt?: number
  /**
   * The same attempt may have run before, because whoever had it died: at the earliest at this
   * time, in milliseconds since the epoch.
   */
  againSince?: number
}

/** The answer of a function that ran; a failed function is an answer too. */
export interface InvocationResult {
  requestId: string
  executedVersion: string
  payload: Uint8Array
  functionError?: 'Unhandled'
  logTail?: string
  report: InvocationReport
}

/** How an attempt found its environment, and why cold if it did not find a ready one. */
export interface Start {
  start: StartKind
  coldReason?: ColdReason
}

/** What one attempt took; milliseconds are fractional, megabytes whole. */
export interface InvocationReport extends Start {
  outcome: Outcome
  durationMs: number
  initMs?: number
  /** What a snapshot's hooks took before the function began. */
  restoreMs?: number
  billedMs: number
  maxMemoryMb: number
}

/** The ledger's line for one attempt; `requestId#attempt` is its key. Integers only. */
export interface InvocationRecord {
  requestId: string
  attempt: number
  account: string
  functionName: string
  version: string
  alias?: string
  tenantId?: string
  architecture: 'arm64' | 'x86_64'
  memoryMb: number
  ephemeralStorageMb: number
  /** Milliseconds since the epoch at which the attempt began. */
  startedAt: number
  durationMicroseconds: number
  initMicroseconds: number
  billedMs: number
  start: StartKind
  coldReason?: ColdReason
  outcome: Outcome
  /** Bytes of a streamed response; absent for a buffered one. */
  streamedBytes?: number
  /** The same attempt may have another record, of this time or later: whoever had it died. */
  againSince?: number
}

/**
 * Milliseconds billed: init and duration together, rounded up (AWS bills init since August 2025).
 */
export function billedMs(durationMs: number, initMs: number): number {
  return Math.ceil(durationMs + initMs)
}

/** The body that answers a function error made by the platform. */
export interface FunctionErrorBody {
  errorType: string
  errorMessage: string
}

/** The function ran longer than its timeout; seconds always show two decimals. */
export function timedOut(requestId: string, timeoutSeconds: number): FunctionErrorBody {
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
  }
}

/**
 * How a runtime process ended: an exit status, or the signal that killed it. Or it never began:
 * a program that could not be executed or found, or a working directory that is none. Or it was
 * ended because an extension was.
 */
export type RuntimeExit = ProcessEnd | { extension: ExtensionFault; cause: ExtensionEnd }

/** The same of any process. */
export type ProcessEnd =
  | { status: number }
  | { signal: number }
  | { unstartable: 'chdir' | 'exec' | 'find'; path: string; errno: number }

/** How an extension's process ended, or in words why it was not even tried. */
export type ExtensionEnd = ProcessEnd | { words: string }

/** AWS's error types for what an extension does to its environment. */
export type ExtensionFault =
  | 'Extension.Crash'
  | 'Extension.ExitError'
  | 'Extension.InitError'
  | 'Extension.LaunchError'

const SIGNAL_NAMES: Readonly<Record<number, string>> = {
  4: 'illegal instruction',
  6: 'aborted',
  7: 'bus error',
  8: 'floating point exception',
  9: 'killed',
  11: 'segmentation fault',
  15: 'terminated',
}

/** Linux's error numbers in the words of Go, in which AWS tells them. */
const ERRNO_WORDS: Readonly<Record<number, string>> = {
  2: 'no such file or directory',
  7: 'argument list too long',
  8: 'exec format error',
  13: 'permission denied',
  20: 'not a directory',
  40: 'too many levels of symbolic links',
}
/** Where the bootstrap of an OS-only runtime may be, in the order in which they are tried. */
export const BOOTSTRAP_FOLDERS = ['/var/task', '/opt']
export const BOOTSTRAP_NAME = 'bootstrap'

/** The runtime process ended before it answered, or never began. */
export function runtimeExited(requestId: string, exit: RuntimeExit): FunctionErrorBody {
  if ('extension' in exit) {
    const errorMessage = `RequestId: ${requestId} Error: ${extensionEnded(exit.cause)}`
    return { errorType: exit.extension, errorMessage }
  }
  if ('unstartable' in exit) return unstartable(requestId, exit)
  let how = 'Runtime exited without providing a reason'
  if ('signal' in exit) {
    how = `Runtime exited with error: signal: ${SIGNAL_NAMES[exit.signal] ?? exit.signal}`
  } else if (exit.status !== 0) {
    how = `Runtime exited with error: exit status ${exit.status}`
  }
  return { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: ${how}` }
}

/** In the words of AWS's own service, which are Go's. */
function extensionEnded(cause: ExtensionEnd): string {
  if ('words' in cause) return cause.words
  if ('signal' in cause) return `signal: ${SIGNAL_NAMES[cause.signal] ?? cause.signal}`
  if ('status' in cause) {
    return cause.status === 0 ? 'exit code 0' : `exit status ${cause.status}`
  }
  return `fork/exec ${cause.path}: ${ERRNO_WORDS[cause.errno] ?? `errno ${cause.errno}`}`
}

function unstartable(
  requestId: string,
  { unstartable: stage, path, errno }: Extract<RuntimeExit, { unstartable: string }>,
): FunctionErrorBody {
  const errorType = stage === 'chdir' ? 'Runtime.InvalidWorkingDir' : 'Runtime.InvalidEntrypoint'
  const words = ERRNO_WORDS[errno] ?? `errno ${errno}`
  const how = {
    chdir: `chdir ${path}: ${words}`,
    exec: `fork/exec ${path}: ${words}`,
    find:
      path === BOOTSTRAP_NAME
        ? `Couldn't find valid bootstrap(s): [${BOOTSTRAP_FOLDERS.map((folder) => `${folder}/${path}`).join(' ')}]`
        : `exec: "${path}": executable file not found in $PATH`,
  }[stage]
  return { errorType, errorMessage: `RequestId: ${requestId} Error: ${how}` }
}

/** The function answered with more than the limit. */
export function responseTooLarge(bytesMax: number): FunctionErrorBody {
  return {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${bytesMax} bytes).`,
  }
}

/** A streamed response broke off although its runtime lives. */
export function responseTruncated(requestId: string): FunctionErrorBody {
  return {
    errorType: 'Runtime.TruncatedResponse',
    errorMessage: `RequestId: ${requestId} Error: The response ended before it was complete`,
  }
}
