// Which credentials the command signs with: the SDK's own chain as soon as anything is configured,
// the first of HEARTH_ACCESS_KEYS, or a fresh install's, otherwise. That key is never used anywhere
// but on this machine.

import { readFile } from 'node:fs/promises'
import { type Key, namesCredentials, profileFiles, upKey } from './settings.ts'

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.+\.localhost)$/
/** Settings of a profile that lead to credentials. */
const SOURCES = new Set([
  'aws_access_key_id',
  'credential_process',
  'login_session',
  'role_arn',
  'sso_account_id',
  'sso_session',
])

/** Credentials to hand to the SDK, or undefined to let its chain find them. */
export async function fallbackKey(endpoint: string): Promise<Key | undefined> {
  if (!isLoopback(endpoint) || namesCredentials()) return undefined
  // The chain would end by asking an address that only EC2 has, and wait for an answer.
  const texts = await Promise.all(
    profileFiles().map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  return texts.some(hasDefaultProfile) ? undefined : upKey()
}

export const isLoopback = (endpoint: string) => LOOPBACK.test(new URL(endpoint).hostname)

/** Whether the text of a profile file leads the default profile to credentials. */
export function hasDefaultProfile(text: string): boolean {
  let section = ''
  for (const line of text.split('\n')) {
    const heading = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line)
    if (heading) section = heading[1] ?? ''
    else if (section === 'default' && SOURCES.has(line.split('=')[0]?.trim() ?? '')) return true
  }
  return false
}
