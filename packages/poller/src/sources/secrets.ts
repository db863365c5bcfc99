// Secrets of sources, as files of the operator's: a mapping names one, as AWS's Secrets Manager
// would be asked for it, and the file of that name has the text. Read anew each time that a source
// is opened, so that a changed secret is found. Nothing of a secret is kept, logged or given back.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Names as Secrets Manager allows them; none of their parts leads out of the folder. */
const NAME = /^(?!\.)[\w+=.@-]+(\/(?!\.)[\w+=.@-]+)*$/

/** The name in an ARN of Secrets Manager, or the URI itself. */
export function secretName(uri: string): string {
  const [, name = uri] = /^arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:(.*)$/.exec(uri) ?? []
  return name
}

/** Throws, without a word of where files are, when there is no such secret. */
export async function readSecretIn(folder: string | undefined, uri: string): Promise<string> {
  const name = secretName(uri)
  const missing = new Error(`there is no secret ${uri}`)
  if (folder === undefined || !NAME.test(name)) throw missing
  return readFile(join(folder, name), 'utf8').catch(() => {
    throw missing
  })
}
