// Runtimes that only a registry has the language of. Where none is, stand-ins take the places of
// Python's and Ruby's own images: another version of the language, laid out as theirs, in a real
// registry on loopback. So the way from a pull to a function's answer is proven, and no version.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Image, imagesOf, isPulledOnly } from '../../packages/cli/src/image-list.ts'
import { ensureImages } from '../../packages/cli/src/images.ts'
import { type Hearth, startHearth } from '../hearth.ts'
import { type LoopbackRegistry, startRegistry } from '../registry.ts'
import { freePort } from '../servers.ts'

const run = promisify(execFile)
const docker = (...args: string[]) => run('docker', args)
const isHere = (tag: string) =>
  docker('image', 'inspect', tag).then(
    () => true,
    () => false,
  )

interface Standing {
  runtime: 'python3.12' | 'ruby3.4'
  /** The Dockerfile of a stand-in for its makers' image. */
  standIn: string
  Handler: string
  files: Record<string, string>
  /** What the stand-in runs. */
  program: string
}

const RUNTIMES: Standing[] = [
  {
    runtime: 'python3.12',
    standIn: `FROM hearth/debian:trixie-slim
COPY --from=hearth/python3.13 /usr/ /usr/
RUN rm -r /usr/local/bin/hearth-init /usr/local/lib/hearth && \\
    ln -s /usr/bin/python3.13 /usr/local/bin/python3.12
ENV PYTHON_VERSION=3.12.0
CMD ["python3"]`,
    Handler: 'app.handler',
    files: {
      'app.py': `
import os, sys
def handler(event, context):
    print("it speaks")
    return {"event": event, "env": dict(os.environ), "program": sys.executable}
`,
    },
    program: '/var/lang/bin/python3',
  },
  {
    runtime: 'ruby3.4',
    standIn: `FROM hearth/debian:trixie-slim
COPY --from=hearth/ruby3.3 /usr/ /usr/
RUN rm -r /usr/local/bin/hearth-init /usr/local/lib/hearth && \\
    ln -s /usr/bin/ruby3.3 /usr/local/bin/ruby
ENV RUBY_VERSION=3.4.0
CMD ["irb"]`,
    Handler: 'app.handler',
    files: {
      'app.rb': `
def handler(event:, context:)
  puts 'it speaks'
  { event: event, env: ENV.to_h, program: File.readlink("/proc/self/exe") }
end
`,
    },
    program: '/usr/bin/ruby3.3',
  },
]

/** Tags of the test's own: images go when no function runs in them any more. */
const made: string[] = []
let hearth: Hearth
let registry: LoopbackRegistry
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-pulled-'))
  ;[hearth, registry] = await Promise.all([startHearth(), startRegistry()])
})
afterAll(async () => {
  delete process.env.HEARTH_REGISTRY
  await Promise.all([hearth?.stop(), registry?.stop()])
  await docker('rmi', '--force', ...made)
  await rm(folder, { recursive: true, force: true })
})

/** The image under a tag of the test's own, so that nobody ever takes it for the real one. */
function inDisguise(image: Image, chain: readonly Image[]): Image {
  const disguised = (tag: string) =>
    chain.some((one) => one.tag === tag) ? tag.replace(/^hearth\//, 'hearth-test/') : tag
  const given = Object.entries(image.arguments ?? {})
  return {
    ...image,
    tag: disguised(image.tag),
    from: image.from.map(disguised),
    arguments: Object.fromEntries(given.map(([name, value]) => [name, disguised(value)])),
  }
}

describe.each(RUNTIMES)('$runtime', ({ runtime, standIn, Handler, files, program }) => {
  const chain = imagesOf([runtime])
  const own = chain.slice(chain.findIndex(isPulledOnly))
  const [pulled] = own
  const disguised = [...chain.slice(0, -own.length), ...own.map((one) => inDisguise(one, own))]
  const upstream = pulled?.upstream ?? ''
  const image = `hearth/${runtime}`
  const said: string[] = []
  let wasHere = false

  beforeAll(async () => {
    wasHere = await isHere(image)
    if (wasHere) return
    const name = `${registry.host}/${upstream}`
    const tags = own.map((one) => inDisguise(one, own).tag)
    // What a run left behind that was cut off would not be made again.
    await docker('rmi', '--force', ...tags)
    made.push(image, name, ...tags)
    await writeFile(join(folder, 'Dockerfile'), `${standIn}\n`)
    // The classic builder is everywhere and keeps local images as bases.
    const env = { ...process.env, DOCKER_BUILDKIT: '0' }
    await run('docker', ['build', '--quiet', '--tag', name, folder], { env })
    await docker('push', '--quiet', name)
    await docker('rmi', name)
    process.env.HEARTH_REGISTRY = registry.host
    await ensureImages((doing) => said.push(doing), disguised)
    await docker('tag', disguised.at(-1)?.tag ?? '', image)
  })
  test('is made from what a registry has', () => {
    if (wasHere) return console.log(`${image} is the real one`)
    expect(said).toContain(`pulling ${registry.host}/${upstream}`)
    expect(said).toContain(`building hearth-test/${runtime}`)
  })

  test('runs a function, whose environment has nothing of that image', async () => {
    const name = runtime.replace('.', '-')
    await hearth.create({ FunctionName: name, Runtime: runtime, Handler, files })
    const { json, log } = await hearth.invoke(name, { a: 'ü' }, { LogType: 'Tail' })
    expect(json.event).toEqual({ a: 'ü' })
    expect(log).toContain('it speaks')
    expect(json.env.AWS_EXECUTION_ENV).toBe(`AWS_Lambda_${runtime}`)
    expect(json.env).not.toHaveProperty('PYTHON_VERSION')
    expect(json.env).not.toHaveProperty('RUBY_VERSION')
    if (!wasHere) expect(json.program).toBe(program)
  })

  test('is made from what was brought along, too, where no registry answers', async () => {
    if (!pulled || (await isHere(upstream))) return
    process.env.HEARTH_REGISTRY = `localhost:${await freePort()}`
    const tag = 'hearth-test/brought:1'
    await expect(ensureImages(() => {}, [{ ...pulled, tag }])).rejects.toThrow(
      `\`docker save ${upstream}\` elsewhere, \`docker load\` here, and try again.`,
    )
    try {
      await docker('tag', 'hearth/provided', upstream)
      await ensureImages(() => {}, [{ ...pulled, tag }])
      expect(await isHere(tag)).toBe(true)
    } finally {
      await docker('rmi', upstream, tag).catch(() => {})
    }
  })
})

test('a function of a runtime whose image is not here says which command makes it', async () => {
  if (await isHere('hearth/ruby3.2')) return
  const files = { 'app.rb': '' }
  await hearth.create({ FunctionName: 'absent', Runtime: 'ruby3.2', Handler: 'app.x', files })
  await expect(hearth.invoke('absent')).rejects.toThrow(
    'The image hearth/ruby3.2 is missing. `hearth images ruby3.2` builds or pulls it.',
  )
})
