// What `make test` needs beside the npm packages: a Docker engine, the images, AWS's CLI and boto3.
// Says what it installs and why; does nothing where all is there.

import { canInstall, install } from '../packages/cli/src/debian.ts'
import { ensureCompose, ensureEngine } from '../packages/cli/src/engine.ts'
import { imagesOf } from '../packages/cli/src/image-list.ts'
import { ensureImages } from '../packages/cli/src/images.ts'
import { type Report, step } from '../packages/cli/src/progress.ts'
import { removeNetworks } from '../packages/cli/src/sandbox-networks.ts'
import { succeeds } from '../packages/cli/src/shell.ts'
import { NEIGHBOUR_IMAGES } from './neighbour-images.ts'
import { MONO_IMAGES } from './runtimes/mono-images.ts'

/** Runtimes with tests of their own whose images `make up` leaves alone. */
const ON_DEMAND = [
  ...['nodejs20.x', 'nodejs26.x', 'python3.14', 'python3.15', 'ruby3.3'],
  ...['java17', 'java21', 'java25'],
]

try {
  await step('Docker: an engine, and its compose command', async (report) => {
    await ensureEngine(report)
    await ensureCompose(report)
  })
  await step('Images: the tests run the ones that users run', async (report) => {
    await ensureImages(report)
    await ensureImages(report, imagesOf(ON_DEMAND))
    await ensureImages(report, MONO_IMAGES)
    await ensureImages(report, NEIGHBOUR_IMAGES)
  })
  // Each run allows ports of its own, and an engine has room for twenty or thirty networks.
  await step('Networks: those that earlier runs left are taken back', removeNetworks)
  await step(
    'Tools: the AWS CLI and boto3, a browser, a registry to pull from, compilers, certificates',
    installTools,
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

async function installTools(report: Report): Promise<void> {
  const tools = {
    awscli: '/usr/bin/aws',
    chromium: '/usr/bin/chromium',
    'docker-registry': '/usr/bin/docker-registry',
    'golang-go': '/usr/bin/go',
    gcc: '/usr/bin/gcc',
    openssl: '/usr/bin/openssl',
  }
  const missing: string[] = []
  for (const [name, program] of Object.entries(tools)) {
    const asked = ['golang-go', 'openssl'].includes(name) ? 'version' : '--version'
    if (!(await succeeds(program, [asked]))) missing.push(name)
  }
  if (!(await succeeds('/usr/bin/python3', ['-c', 'import boto3']))) missing.push('python3-boto3')
  if (missing.length === 0) return report('they are here')
  if (!(await canInstall())) {
    const wanted = missing.map((name) => tools[name as keyof typeof tools] ?? name).join(' and ')
    throw new Error(`The tests need ${wanted}. Install ${missing.join(' and ')}, then try again.`)
  }
  // A compiler without the C library's headers makes no program.
  await install([...missing, ...(missing.includes('gcc') ? ['libc6-dev'] : [])], report)
}
