// The init of a Java function with a second of class loading, published with SnapStart and without:
// in the environment that waits, and in one more, which starts with the version's archive.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetFunctionConfigurationCommand, PublishVersionCommand } from '@aws-sdk/client-lambda'
import { eventually, type Hearth, startHearth } from '../hearth.ts'
import { compileJava, type Files } from '../runtimes/java-classes.ts'
import { median } from './load.ts'
import { type Row, row, type Target } from './table.ts'

const SNAP_START: Target = { must: 1 / 5, moonshot: 1 / 8 }
const STARTS = 5
const CLASSES = 4_800
const MEMORY_MB = 1792
/** Long enough that nobody waits for an environment to be free again. */
const BUSY_MS = 4_000
const PREPARED_MS = 120_000
/** The environment that waits is loaded within about a second of that. */
const WAITS_MS = 2_000

export async function java(): Promise<Row[]> {
  const files = await manyClasses()
  const hearth = await startHearth({ env: { HEARTH_MEMORY_MB: '160000' } })
  try {
    const [without, waiting, further]: [number[], number[], number[]] = [[], [], []]
    for (let count = 0; count < STARTS; count += 1) {
      without.push(...(await initsOf(hearth, await publish(hearth, files, 'None'), 1)))
      const name = await publish(hearth, files, 'PublishedVersions')
      const [first, second] = (await initsOf(hearth, name, 2)) as [number, number]
      waiting.push(first)
      further.push(second)
    }
    const figures = (value: number[]) =>
      ({ floor: median(without), value: median(value), unit: 'ms' }) as const
    return [
      row('Java init by SnapStart, environment that waits', figures(waiting), SNAP_START),
      row('Java init by SnapStart, one more environment', figures(further), SNAP_START),
    ]
  } finally {
    await hearth.stop()
  }
}

/** Milliseconds until each of several callers at once is served, the quickest first. */
async function initsOf(hearth: Hearth, name: string, callers: number): Promise<number[]> {
  const call = async () => {
    const at = performance.now()
    await hearth.invoke(name, {}, { Qualifier: '1' })
    return performance.now() - at - BUSY_MS
  }
  const times = await Promise.all(Array.from({ length: callers }, call))
  return times.sort((a, b) => a - b)
}

async function publish(
  hearth: Hearth,
  files: Files,
  ApplyOn: 'None' | 'PublishedVersions',
): Promise<string> {
  const FunctionName = await hearth.create({
    Runtime: 'java25',
    Handler: 'bench.Main::handle',
    MemorySize: MEMORY_MB,
    Timeout: 30,
    SnapStart: { ApplyOn },
    files,
  })
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName }))
  const version = new GetFunctionConfigurationCommand({ FunctionName, Qualifier: '1' })
  const isActive = async () => (await hearth.lambda.send(version)).State === 'Active'
  await eventually('the version is prepared', isActive, PREPARED_MS)
  await new Promise((resolve) => setTimeout(resolve, WAITS_MS))
  return FunctionName
}

/** Classes of a kind that frameworks bring by the thousand: small, and all of them loaded at init. */
async function manyClasses(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bench-java-'))
  try {
    const one = (index: number) =>
      `final class Part${index} implements Part {\n` +
      `  private final java.util.Map<String, Integer> known = new java.util.TreeMap<>();\n` +
      `  public int weigh() { known.put("${index}", ${index}); return known.size(); }\n}\n`
    const parts = Array.from({ length: CLASSES }, (_, index) => one(index)).join('')
    await writeFile(
      join(folder, 'Main.java'),
      `package bench;\ninterface Part { int weigh(); }\n${parts}public class Main {\n` +
        '  static int weight;\n  static {\n    try {\n' +
        `      for (int i = 0; i < ${CLASSES}; i++) weight += ((Part) Class.forName("bench.Part" + i)` +
        '.getDeclaredConstructor().newInstance()).weigh();\n' +
        '    } catch (Exception error) { throw new IllegalStateException(error); }\n  }\n' +
        `  public int handle(Object event) throws Exception { Thread.sleep(${BUSY_MS}); return weight; }\n}\n`,
    )
    return (await compileJava(folder)).asJar
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
