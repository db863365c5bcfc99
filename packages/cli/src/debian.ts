// What only a Debian (or Ubuntu) machine with a root user can do for itself: install packages, and
// fetch one from a later release of the same distribution, from the mirrors that the machine
// already uses.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from './progress.ts'
import { inherited } from './settings.ts'
import { run, succeeds } from './shell.ts'

const QUIET = { DEBIAN_FRONTEND: 'noninteractive' }

/** Whether this machine installs its packages with apt, and we may. */
export async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await succeeds('apt-get', ['--version']))
}

/** Installs packages by name, after one update of the lists. */
export async function install(packages: string[], report: Report): Promise<void> {
  const env = aptEnvironment()
  report('updating the package lists')
  await run('apt-get', ['update', '-q'], { env })
  report(`installing ${packages.join(', ')}`)
  const args = ['install', '-qy', '--no-install-recommends', ...packages]
  await run('apt-get', args, { env, onLine: (line) => report(line.slice(0, 100)) })
}

/** The mirror of the machine's own release, such as debootstrap wants it. */
export async function mirror(): Promise<string> {
  const args = ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages']
  const { stdout } = await run('apt-get', args, {})
  const release = await codename()
  const line = stdout.split('\n').find((entry) => entry.endsWith(` ${release}`))
  const uri = line?.split(' ')[0] ?? stdout.split(/\s/)[0]
  if (uri) return uri
  throw new Error('apt knows no mirror. Check /etc/apt/sources.list, then run `apt-get update`.')
}

/** Unpacks a package of another release into a folder, without installing it. */
export async function unpackFrom(release: string, name: string, folder: string): Promise<void> {
  await withDownloads(release, [name], async ([file = '']) => {
    await run('dpkg', ['-x', file, folder])
  })
}

/**
 * Installs packages of another release in place of this one's, which has what they depend on.
 * @throws Error with apt's words when it has not; then all remains as it was.
 */
export async function installFrom(release: string, packages: string[]): Promise<void> {
  await withDownloads(release, packages, async (files) => {
    const args = ['install', '-qy', '--no-install-recommends', ...files]
    await run('apt-get', args, { env: aptEnvironment() })
  })
}

async function withDownloads(
  release: string,
  packages: string[],
  use: (files: string[]) => Promise<void>,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'hearth-apt-'))
  try {
    const list = join(work, 'sources.list')
    await Promise.all(
      ['lists/partial', 'cache/archives/partial'].map((name) =>
        mkdir(join(work, name), { recursive: true }),
      ),
    )
    await writeFile(list, `deb ${await mirror()} ${release} main\n`)
    const options = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=-',
      // A folder of its own, because apt clears it of all that it does not know.
      `Dir::State::lists=${join(work, 'lists')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      // A mirror's copy may be some weeks old; it is signed all the same.
      'Acquire::Check-Valid-Until=false',
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option])
    const env = aptEnvironment()
    await run('apt-get', [...options, 'update', '-q'], { env, cwd: work })
    await run('apt-get', [...options, 'download', '-q', ...packages], { env, cwd: work })
    const files = (await readdir(work)).filter((entry) => entry.endsWith('.deb'))
    if (files.length < packages.length) {
      throw new Error(`apt did not download ${packages.join(' and ')}`)
    }
    await use(files.map((file) => join(work, file)))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function codename(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^VERSION_CODENAME=(.*)$/m.exec(text)?.[1] ?? ''
}

const aptEnvironment = () => ({ ...inherited(), ...QUIET })
