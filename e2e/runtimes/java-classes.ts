// The Java functions for tests, compiled against the runtime that they will run on: AWS's
// interfaces come with it. The compiler is the one that the images were made with, in its image.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../hearth.ts'

const docker = promisify(execFile)
const JAR = '/var/runtime/hearth-java.jar'

export type Files = Record<string, Uint8Array>

export interface JavaClasses {
  /** As in a zip that a build tool has unpacked: classes by their path. */
  asFolder: Files
  /** As a jar in the function's lib folder. */
  asJar: Files
}

/** Compiles e2e/functions/java. @throws Error with what the compiler said. */
export async function compileJava(): Promise<JavaClasses> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-java-'))
  await chmod(folder, 0o777)
  try {
    const script =
      'javac -Xlint:all --release 17 -cp /jars/hearth-java.jar -d /out $(find /src -name "*.java") && ' +
      'jar --create --file /out/function.jar -C /out example -C /out org && chmod -R a+rwX /out'
    await run('hearth/java21', [folder], `cp ${JAR} /out/`)
    await run('hearth/jdk:21', [folder, `${folder}:/jars`], script)
    const jar = await readFile(join(folder, 'function.jar'))
    const all = await readdir(folder, { recursive: true })
    const classes = all.filter((name) => name.endsWith('.class'))
    const read = async (name: string) => [name, await readFile(join(folder, name))] as const
    return {
      asFolder: Object.fromEntries(await Promise.all(classes.map(read))),
      asJar: { 'lib/function.jar': jar },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function run(image: string, [out, ...volumes]: string[], script: string): Promise<void> {
  const source = `${join(ROOT, 'e2e/functions/java')}:/src:ro`
  const mounts = [`${out}:/out`, source, ...volumes].flatMap((one) => ['--volume', one])
  const confined = ['run', '--rm', '--network', 'none', '--user', '0', '--entrypoint', 'sh']
  await docker('docker', [...confined, ...mounts, image, '-c', script])
}
