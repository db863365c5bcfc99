// The Java functions for tests, compiled against the runtime that they will run on: AWS's
// interfaces come with it. The compiler is the one that the images were made with, in its image.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../hearth.ts'

const docker = promisify(execFile)
const SOURCES = join(ROOT, 'e2e/functions/java')
const JAR = '/var/runtime/hearth-java.jar'

export type Files = Record<string, Uint8Array>

export interface JavaClasses {
  /** As in a zip that a build tool has unpacked: classes by their path. */
  asFolder: Files
  /** As a jar in the function's lib folder. */
  asJar: Files
}

/** Compiles a folder of sources. @throws Error with what the compiler said. */
export async function compileJava(sources = SOURCES): Promise<JavaClasses> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-java-'))
  await chmod(folder, 0o777)
  try {
    const script =
      'javac -Xlint:all --release 17 -cp /jars/hearth-java.jar -d /out/classes $(find /src -name "*.java") && ' +
      'jar --create --file /out/function.jar -C /out/classes . && chmod -R a+rwX /out'
    await run('hearth/java21', `cp ${JAR} /out/`, [`${folder}:/out`])
    const mounts = [`${folder}:/out`, `${folder}:/jars`, `${sources}:/src:ro`]
    await run('hearth/jdk:21', script, mounts)
    const jar = await readFile(join(folder, 'function.jar'))
    const all = await readdir(join(folder, 'classes'), { recursive: true })
    const classes = all.filter((name) => name.endsWith('.class'))
    const read = async (name: string) =>
      [name, await readFile(join(folder, 'classes', name))] as const
    return {
      asFolder: Object.fromEntries(await Promise.all(classes.map(read))),
      asJar: { 'lib/function.jar': jar },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function run(image: string, script: string, mounts: string[]): Promise<void> {
  const volumes = mounts.flatMap((one) => ['--volume', one])
  const confined = ['run', '--rm', '--network', 'none', '--user', '0', '--entrypoint', 'sh']
  await docker('docker', [...confined, ...volumes, image, '-c', script])
}
