// The bridges of sandboxes as the commands see them: whether the rules that keep sandboxes from the
// host hold (images/network), and the removal of both when no Hearth is left that uses them.

import { attempt } from './shell.ts'

const RULES = [
  ...['run', '--rm', '--network', 'host', '--userns', 'host', '--read-only'],
  ...['--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN', '--cap-add', 'NET_RAW'],
  'hearth/network:trixie',
]
const NETWORKS = ['network', 'ls', '--quiet', '--filter', 'label=hearth.network']

/** Why sandboxes of some network can reach what they should not; undefined when they cannot. */
export async function networkFault(): Promise<string | undefined> {
  for (const id of await list(NETWORKS)) {
    const { status, last } = await attempt('docker', [...RULES, 'check', `br-${id}`], {})
    if (status !== 0) return last.at(-1) ?? 'the check did not run'
  }
  return undefined
}

/** Bridges and rules go together, unless another Hearth on this engine may use them. */
export async function removeNetworks(): Promise<void> {
  const others = await list(['ps', '--all', '--quiet', '--filter', 'label=hearth.owner'])
  const networks = others.length === 0 ? await list(NETWORKS) : []
  if (networks.length === 0) return
  await attempt('docker', ['network', 'rm', ...networks], {})
  // Rules whose bridge is gone.
  await attempt('docker', [...RULES, 'tidy'], {})
}

async function list(args: string[]): Promise<string[]> {
  const { stdout } = await attempt('docker', args, {})
  return stdout.split('\n').filter((line) => line !== '')
}
