// Recursive loops: how often a chain of requests has come through a function, as AWS's trace header
// carries it (`Lineage=<hash>:<count>|...`), and when it is enough. SDKs inside functions pass the
// header on by themselves, so this needs no memory. Pure.

/** AWS stops what would be a function's seventeenth invocation in one chain. */
const INVOCATIONS_MAX = 16
/** As many functions of a chain are counted; its first ones, so that any loop among them is seen. */
const FUNCTIONS_MAX = 16

const LINEAGE = /(?:^|;)\s*Lineage=([^;]*)/i
const ENTRY = /^([0-9a-f]{8}):(\d{1,5})$/
/** Long enough for all that a chain may count, short enough to be looked at on each request. */
const TRACE_LENGTH_MAX = 1023

/** Whether a function has been through this chain as often as may be: it must not run again. */
export function isRecursive(traceId: string | undefined, functionArn: string): boolean {
  if (traceId === undefined || !LINEAGE.test(traceId)) return false
  const count = lineageOf(traceId).get(hashOf(functionArn))
  // AWS counts how often a function came again: its first invocation is 0.
  return count !== undefined && count + 1 >= INVOCATIONS_MAX
}

/**
 * The trace as a function is given it: counted once more. An attempt that is repeated starts from
 * the trace that the event came with.
 */
export function withInvocation(traceId: string, functionArn: string): string {
  const hash = hashOf(functionArn)
  const lineage = lineageOf(traceId)
  const count = lineage.get(hash)
  if (count !== undefined) lineage.set(hash, Math.min(count + 1, INVOCATIONS_MAX))
  else if (lineage.size < FUNCTIONS_MAX) lineage.set(hash, 0)
  const entries = [...lineage].map(([one, times]) => `${one}:${times}`)
  const rest = LINEAGE.test(traceId) ? withoutLineage(traceId) : traceId
  const counted = `${rest}${rest && ';'}Lineage=${entries.join('|')}`
  return counted.length > TRACE_LENGTH_MAX ? traceId : counted
}

const withoutLineage = (traceId: string) =>
  traceId
    .split(';')
    .filter((part) => part.trim() !== '' && !LINEAGE.test(part))
    .join(';')

/** Counts by function. What is not in our form, such as a chain that AWS counted, is not ours. */
function lineageOf(traceId: string): Map<string, number> {
  const text = LINEAGE.exec(traceId)?.[1] ?? ''
  const counts = new Map<string, number>()
  for (const entry of text.split('|').slice(0, FUNCTIONS_MAX)) {
    const [, hash, count] = ENTRY.exec(entry.trim()) ?? []
    if (hash !== undefined) counts.set(hash, Number(count))
  }
  return counts
}

const UNQUALIFIED = /^(arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+)/
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a of the ARN without its qualifier: versions and aliases of a function are one. */
function hashOf(functionArn: string): string {
  let hash = FNV_OFFSET
  const name = UNQUALIFIED.exec(functionArn)?.[1] ?? functionArn
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), FNV_PRIME)
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}
