// What images are made of when no registry has them: a Debian root from the machine's own mirror,
// Node's programs and the AWS SDK from npm, and Hearth itself with its production dependencies.

import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import { canInstall, install, mirror } from './debian.ts'
import { run, succeeds } from './shell.ts'

const RELEASE = 'trixie'
/** Documentation, translations and caches: nothing that a program needs. */
const SLIMMED = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'usr/share/lintian',
  'usr/share/bug',
  'var/cache/apt',
  'var/lib/apt/lists',
  'var/log',
]

/** Debian's smallest root, slimmed, as an image. */
export async function prepareDebian(tag: string): Promise<void> {
  if (!(await succeeds('debootstrap', ['--version']))) {
    if (!(await canInstall())) {
      throw new Error(
        'No image registry answers, and without one the images are built with debootstrap, which this ' +
          'machine does not have. Connect to a registry, or run this on Debian as root.',
      )
    }
    await install(['debootstrap'], () => {})
  }
  const root = await mkdtemp(join(tmpdir(), 'hearth-debian-'))
  try {
    const uri = await mirror()
    await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', RELEASE, root, uri])
    for (const folder of SLIMMED) {
      await rm(join(root, folder), { recursive: true, force: true })
      await mkdir(join(root, folder), { recursive: true })
    }
    await run('sh', ['-c', `tar -C "$1" -c . | docker import - "$2"`, 'import', root, tag])
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** The runtime's folder with a `node` of the wanted major version beside it. */
export async function prepareNode(folder: string, major: string, context: string): Promise<void> {
  await cp(folder, context, { recursive: true })
  const platform = arch() === 'arm64' ? 'arm64' : 'x64'
  const work = await mkdtemp(join(tmpdir(), 'hearth-node-'))
  try {
    const args = ['pack', '--silent', `node-linux-${platform}@${major}`]
    const { stdout } = await run('npm', args, { cwd: work })
    // npm lists one file a version that matches, oldest first.
    const file = stdout.trim().split('\n').at(-1) ?? ''
    await run('tar', ['-xzf', join(work, file), '-C', work, 'package/bin/node'])
    await copyFile(join(work, 'package/bin/node'), join(context, 'node'))
    await chmod(join(context, 'node'), 0o755)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The AWS SDK for JavaScript as Node needs it: nine tenths of it are for compilers and browsers. */
export async function prepareSdk(folder: string, context: string): Promise<void> {
  await cp(folder, context, { recursive: true })
  await run('npm', ['ci', '--omit=dev', '--ignore-scripts'], { cwd: context })
  const { stdout } = await run('find', [
    ...[join(context, 'node_modules'), '-name', 'dist-types', '-o', '-name', 'dist-es'],
    ...['-o', '-name', '*.d.ts', '-o', '-name', '*.map', '-o', '-iname', 'readme.md'],
  ])
  for (const path of stdout.split('\n').filter(Boolean)) {
    await rm(path, { recursive: true, force: true })
  }
}

/** Hearth's packages and the dependencies that they need when they run, Node included. */
export async function prepareHearth(root: string, context: string): Promise<void> {
  await mkdir(context, { recursive: true })
  for (const name of ['package-lock.json', '.npmrc', 'packages', 'images/hearth/Dockerfile']) {
    const target = join(context, name.split('/').at(-1) ?? name)
    await cp(join(root, name), target, {
      recursive: true,
      filter: (path) => !/node_modules|\.test\.ts$/.test(path),
    })
  }
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await writeFile(join(context, 'package.json'), JSON.stringify(manifest))
  await run('npm', ['ci', '--omit=dev', '--ignore-scripts'], { cwd: context })
}
