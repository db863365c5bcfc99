// Which settings `hearth up` has been given and where they come from, as one line; values are not
// shown, because some are secrets. A name that nothing takes is refused, not passed over.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { usageError } from './failures.ts'
import { ROOT } from './image-list.ts'
import { envFile, settingsFrom } from './settings.ts'

/** What the command itself takes besides what compose passes on. */
const OWN = ['HEARTH_PROJECT', 'HEARTH_REGISTRY']

/** @throws CommandError when the file sets a variable of Hearth's that `up` does not take. */
export function describeSettings(): string | undefined {
  const names = [...new Set([...OWN, ...passedOn()])].sort()
  const { file, environment, inFile } = settingsFrom(names)
  const path = envFile()
  const strange = inFile.filter((name) => /^HEARTH_/.test(name) && !names.includes(name))
  if (strange.length > 0) {
    throw usageError(`${path} sets ${strange.join(', ')}, which \`hearth up\` does not take.`)
  }
  const kept = file.length > 0 && `${file.join(', ')} from ${path}`
  const once =
    environment.length > 0 &&
    `${environment.join(', ')} from the environment, for this time: in ${path} they would be kept`
  const parts = [kept, once].filter((part) => part !== false)
  return parts.length > 0 ? `Settings: ${parts.join('; ')}.` : undefined
}

/** The variables that deploy/compose.yaml reads. */
function passedOn(): string[] {
  const text = readFileSync(join(ROOT, 'deploy', 'compose.yaml'), 'utf8')
  const found = text.matchAll(/\$\{([A-Z_]+):-|^ {6}(HEARTH_[A-Z_]+):$/gm)
  return [...found].map(([, expanded, bare]) => expanded ?? bare ?? '')
}
