// `hearth keys` and `hearth roles`: who may call Hearth, and what functions may when they do. The
// gateway keeps both; this file only asks and lays out.

import { readFile } from 'node:fs/promises'
import { type ClientOptions, fetchNative } from './client.ts'
import { usageError } from './failures.ts'
import { type Format, show, tableOf } from './output.ts'

interface KeyView {
  accessKeyId: string
  name: string
  createdAt: string
  policy?: object
}

interface RoleView {
  name: string
  createdAt: string
  policies: Record<string, object>
  attached: string[]
}

type Options = ClientOptions & { output: Format }

const KEYS = '/hearth/keys'
const ROLES = '/hearth/roles'

export async function createKey(
  options: Options,
  wish: { name: string; policy?: string; everything?: boolean },
): Promise<void> {
  const { name, policy: path, everything } = wish
  if ((path === undefined) === !everything) {
    throw usageError(
      'Say what the key may do: --policy with a file, or --everything for all but making keys.',
    )
  }
  const policy = path === undefined ? {} : { policy: await readPolicy(path) }
  const body = { name, ...policy }
  const key = await fetchNative<KeyView & { secretAccessKey: string }>(options, KEYS, { body })
  show(options.output, key, () =>
    [
      `export AWS_ACCESS_KEY_ID=${key.accessKeyId}`,
      `export AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`,
      `# ${key.name}'s. The secret is not shown again.`,
    ].join('\n'),
  )
}

export async function listKeys(options: Options): Promise<void> {
  const { keys } = await fetchNative<{ keys: KeyView[] }>(options, KEYS)
  const rows = keys.map((key) => [
    key.accessKeyId,
    key.name,
    timeOf(key.createdAt),
    key.policy ? JSON.stringify(key.policy) : 'everything',
  ])
  show(options.output, keys, () =>
    rows.length === 0
      ? 'There are only the root keys of HEARTH_ACCESS_KEYS.'
      : tableOf(['access key', 'name', 'made (UTC)', 'may'], rows),
  )
}

export async function deleteKey(options: Options, accessKeyId: string): Promise<void> {
  const path = `${KEYS}/${encodeURIComponent(accessKeyId)}`
  await fetchNative(options, path, { method: 'DELETE' })
  console.log(`${accessKeyId} opens nothing any more.`)
}

export async function setRole(options: Options, role: string, path: string): Promise<void> {
  const body = { policy: await readPolicy(path) }
  const set = await fetchNative<RoleView>(options, pathOf(role), { method: 'PUT', body })
  show(options.output, set, () => `Functions with the role ${set.name} may do what ${path} says.`)
}

export async function listRoles(options: Options): Promise<void> {
  const { roles } = await fetchNative<{ roles: RoleView[] }>(options, ROLES)
  const rows = roles.map((role) => [
    role.name,
    timeOf(role.createdAt),
    [
      ...Object.entries(role.policies).map(([, policy]) => JSON.stringify(policy)),
      ...role.attached,
    ].join(' ') || 'nothing',
  ])
  show(options.output, roles, () =>
    rows.length === 0
      ? 'No role was set: every function may invoke others and write logs.'
      : tableOf(['role', 'made (UTC)', 'may'], rows),
  )
}

export async function deleteRole(options: Options, role: string): Promise<void> {
  await fetchNative(options, pathOf(role), { method: 'DELETE' })
  console.log(`Functions with the role ${role} may invoke others and write logs, and no more.`)
}

const pathOf = (role: string) => `${ROLES}/${encodeURIComponent(role)}`
const timeOf = (iso: string) => iso.slice(0, 19).replace('T', ' ')

async function readPolicy(path: string): Promise<string> {
  try {
    return JSON.stringify(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw usageError(`${path} holds no policy: ${(cause as Error).message}`)
  }
}
