// Headers of function URLs' answers: Hearth's own over the function's. A URL that is a path of the
// gateway is of one origin with the console, so what it answers is put in a sandbox: its scripts
// run, as those of a stranger. URLs with names of their own need none of this. Pure.

import type { HttpHead } from './http-event.ts'

const POLICY = 'content-security-policy'

/** No `allow-same-origin`: neither cookies, nor pages, nor service workers of this origin. */
export const SANDBOX: Readonly<Record<string, string>> = {
  [POLICY]: 'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts',
}

/** What rules the origin as a whole, which is not the function's alone. */
const OF_ORIGIN = [
  ...['alt-svc', 'clear-site-data', 'service-worker-allowed', 'strict-transport-security'],
]

/** A cookie of the console's name, or for its pages. */
const CONSOLES = /^\s*hearth-|;\s*path\s*=\s*"?\/console/i

/** Of two policies a browser obeys both, so that a function's own holds, too. */
export function withOwn(
  theirs: HttpHead['headers'],
  own: Readonly<Record<string, string>>,
): HttpHead['headers'] {
  const policies = [theirs[POLICY] ?? [], own[POLICY] ?? []].flat()
  const kept = own[POLICY] ? withoutOrigins(theirs) : theirs
  return { ...kept, ...own, ...(policies.length > 1 && { [POLICY]: policies.join(', ') }) }
}

/** Without what would change the console's session, too; clients that are no browsers get the rest. */
function withoutOrigins(theirs: HttpHead['headers']): HttpHead['headers'] {
  const kept = Object.entries(theirs).filter(([name]) => !OF_ORIGIN.includes(name.toLowerCase()))
  return Object.fromEntries(
    kept.flatMap(([name, value]) => {
      if (name.toLowerCase() !== 'set-cookie') return [[name, value]]
      const cookies = [value].flat().filter((one) => !CONSOLES.test(one))
      return cookies.length === 0 ? [] : [[name, cookies]]
    }),
  )
}
