// What a registry has to do with our images: whether one answers, and pulling from it what others
// publish. An image that nothing here can make is taken from the engine, too, if it has it by its
// makers' name: so it can be brought to a machine without any registry.

import { CommandError } from './failures.ts'
import { type Image, isPulledOnly } from './image-list.ts'
import type { Report } from './progress.ts'
import { registry } from './settings.ts'
import { attempt, succeeds } from './shell.ts'

/** A registry that has not answered by then is taken for absent. */
const REGISTRY_ANSWER_MS = 8_000
/** A pull that makes no progress for this long is given up for a build. */
const PULL_SILENCE_MS = 60_000
/** `mcr.microsoft.com/dotnet/sdk:8.0` names its registry; `library/python:3.12` does not. */
const OWN_REGISTRY = /^([^/]+[.:][^/]*)\//

/** Asks each registry once whether it is there. */
export class Registries {
  readonly #answers = new Map<string, Promise<boolean>>()

  /**
   * Gets an image from where its makers publish it. @returns whether it is here now; a failed pull
   * is followed by a build, or by a refusal, not by an error.
   */
  async bring(image: Image, report: Report): Promise<boolean> {
    const { upstream } = image
    if (!upstream) return false
    if (isPulledOnly(image) && (await isHere(upstream))) return tag(upstream, image)
    if (!(await this.#answersFor(image, report))) return false
    const host = registry()
    const name = host ? `${host}/${upstream.replace(OWN_REGISTRY, '')}` : upstream
    report(`pulling ${name}`)
    const pulled = await attempt('docker', ['pull', name], {
      silenceMs: PULL_SILENCE_MS,
      onLine: (line) => report(line.slice(0, 100)),
    })
    if (pulled.status === 0) return tag(name, image)
    report(`${name} could not be pulled${isPulledOnly(image) ? '' : '; building it instead'}`)
    return false
  }

  async #answersFor(image: Image, report: Report): Promise<boolean> {
    const url = await registryUrl(image.upstream ?? '')
    const asked = this.#answers.get(url) ?? answers(url)
    if (!this.#answers.has(url)) {
      this.#answers.set(url, asked)
      if (!(await asked) && !isPulledOnly(image)) {
        report('no image registry answers: images are built from Debian and npm')
      }
    }
    return asked
  }
}

/** Why an image cannot be had, and what to do about it. */
export function refusal({ upstream = '' }: Image): CommandError {
  return new CommandError(
    `Neither Debian nor npm has what ${upstream} holds, and that image could not be pulled. ` +
      'Connect to its registry, or name one that has it with HEARTH_REGISTRY; or bring it along: ' +
      `\`docker save ${upstream}\` elsewhere, \`docker load\` here, and try again.`,
  )
}

const isHere = (name: string) => succeeds('docker', ['image', 'inspect', name])
const tag = (name: string, image: Image) => succeeds('docker', ['tag', name, image.tag])

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(new URL('/v2/', url), { signal: AbortSignal.timeout(REGISTRY_ANSWER_MS) })
    return true
  } catch {
    return false
  }
}

async function registryUrl(upstream: string): Promise<string> {
  const host = registry()
  if (host) return `http://${host}`
  const [, own] = OWN_REGISTRY.exec(upstream) ?? []
  return own ? `https://${own}` : registryOfEngine()
}

/** Where the engine itself would pull from: its first mirror, else its default registry. */
async function registryOfEngine(): Promise<string> {
  const format = '{{range .RegistryConfig.Mirrors}}{{.}} {{end}}{{.IndexServerAddress}}'
  const { stdout } = await attempt('docker', ['info', '-f', format], {})
  return stdout.trim().split(' ')[0] ?? ''
}
