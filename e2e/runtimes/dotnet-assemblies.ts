// The .NET functions for tests, compiled by Mono's compiler, with the files that `dotnet publish`
// puts beside an assembly; and which image runs them: the real one where it is here, else Mono's.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../hearth.ts'
import { DOTNET_ON_MONO, MONO } from './mono-images.ts'

const docker = promisify(execFile)
const FRAMEWORK = '.NETCoreApp,Version=v8.0'
const COMPILE = [
  'mcs -langversion:7.2 -target:library -out:/out/Amazon.Lambda.Core.dll /src/core/*.cs',
  'mcs -langversion:7.2 -debug -target:library -r:/out/Amazon.Lambda.Core.dll' +
    ' -r:System.Runtime.Serialization.dll -out:/out/Example.dll /src/example/*.cs',
  'mcs -langversion:7.2 -out:/out/Program.dll /src/program/*.cs',
  'chmod -R a+rwX /out',
].join(' && ')

export type Files = Record<string, string | Uint8Array>

export interface Assemblies {
  /** A class library with its copy of AWS's package. */
  library: Files
  /** A program that is its own runtime client. */
  program: Files
}

/** Compiles e2e/functions/dotnet. @throws Error with what the compiler said. */
export async function compileDotnet(): Promise<Assemblies> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-dotnet-'))
  await chmod(folder, 0o777)
  try {
    const sources = `${join(ROOT, 'e2e/functions/dotnet')}:/src:ro`
    const confined = ['run', '--rm', '--network', 'none', '--user', '0', '--entrypoint', 'sh']
    const mounts = ['--volume', `${folder}:/out`, '--volume', sources]
    await docker('docker', [...confined, ...mounts, MONO.tag, '-c', COMPILE])
    const read = (name: string) => readFile(join(folder, name))
    return {
      library: {
        'Example.dll': await read('Example.dll'),
        'Amazon.Lambda.Core.dll': await read('Amazon.Lambda.Core.dll'),
        ...settings('Example', { 'System.Reflection.Metadata.MetadataUpdater.IsSupported': false }),
      },
      program: { 'Program.dll': await read('Program.dll'), ...settings('Program') },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What `dotnet publish` writes about an assembly. */
export function settings(name: string, configProperties?: Record<string, unknown>): Files {
  const framework = { name: 'Microsoft.NETCore.App', version: '8.0.0' }
  const runtime = { [`${name}.dll`]: {} }
  return {
    [`${name}.runtimeconfig.json`]: JSON.stringify({
      runtimeOptions: { tfm: 'net8.0', framework, ...(configProperties && { configProperties }) },
    }),
    [`${name}.deps.json`]: JSON.stringify({
      runtimeTarget: { name: FRAMEWORK, signature: '' },
      targets: { [FRAMEWORK]: { [`${name}/1.0.0`]: { runtime } } },
      libraries: { [`${name}/1.0.0`]: { type: 'project', serviceable: false, sha512: '' } },
    }),
  }
}

/** Sees to it that a runtime's image is here. @returns what undoes it, and what runs. */
export async function borrowDotnet(image: string) {
  const isHere = await docker('docker', ['image', 'inspect', image]).then(
    () => true,
    () => false,
  )
  if (!isHere) await docker('docker', ['tag', DOTNET_ON_MONO.tag, image])
  return {
    isMono: !isHere,
    async giveBack() {
      if (!isHere) await docker('docker', ['rmi', image])
    },
  }
}
