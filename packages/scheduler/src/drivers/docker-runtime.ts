// What runs sandboxes: what the operator names, else crun where the engine knows it and it really
// starts a sandbox here, because it needs a third of runc's time; else the engine's default. A
// crun that is registered proves nothing: some refuse some kinds of control groups.

import { mkdir, rm } from 'node:fs/promises'
import type Docker from 'dockerode'
import { explain } from './docker-engine.ts'
import { hostConfig } from './docker-template.ts'
import type { SandboxSpec } from './driver.ts'

export interface SandboxRuntime {
  /** The engine's name for it; its default when absent. */
  name?: string
  /** Whether a sandbox may join the network namespace of another container in it. */
  joins: boolean
}

/** What joins as the kernel does; a runtime with a network of its own may not. */
const JOINING = ['runc', 'crun', 'io.containerd.runc.v2']
const FAST = 'crun'
const TRY_MS_MAX = 15_000
const TRIAL: Omit<SandboxSpec, 'socketDirectory'> = {
  id: 'trial',
  image: 'hearth/base:trixie',
  memoryMb: 128,
  cpus: 1,
  tmpMb: 16,
  network: 'none',
}

/**
 * @param attempt starts a sandbox in it that ends at once.
 * @throws Error when the engine does not answer, or does not know the one that is wanted.
 */
export async function chooseRuntime(
  docker: Docker,
  wanted: string | undefined,
  { attempt, report }: { attempt(name: string): Promise<void>; report(text: string): void },
): Promise<SandboxRuntime> {
  const { Runtimes = {}, DefaultRuntime = 'runc' } = await engineInfo(docker)
  const known = Object.keys(Runtimes)
  if (wanted !== undefined) {
    if (known.includes(wanted)) return { name: wanted, joins: JOINING.includes(wanted) }
    throw new Error(
      `HEARTH_SANDBOX_RUNTIME is ${wanted}, which this engine does not know. It knows ` +
        `${known.sort().join(', ')}; others are added in its configuration, under "runtimes".`,
    )
  }
  const usual = { joins: JOINING.includes(DefaultRuntime) }
  // An operator whose default is neither has a reason for it.
  if (!known.includes(FAST) || !usual.joins || DefaultRuntime === FAST) return usual
  try {
    await attempt(FAST)
    return { name: FAST, joins: true }
  } catch (error) {
    report(
      `crun is registered with the engine and starts no sandbox here (${(error as Error).message}), ` +
        `so ${DefaultRuntime} does, which takes longer`,
    )
    return usual
  }
}

/** Starts a sandbox in which a program ends at once. @throws Error with the reason when it fails. */
export async function tryRuntime(
  docker: Docker,
  name: string,
  own: { directory: string; toHost(path: string): string },
): Promise<void> {
  const spec = { ...TRIAL, socketDirectory: own.directory }
  const template = {
    Image: TRIAL.image,
    Entrypoint: ['/bin/true'],
    User: '65534:65534',
    HostConfig: hostConfig({
      spec,
      toHost: own.toHost,
      codeDirectory: own.directory,
      awaitsCode: false,
      network: { id: 'none', gateway: '' },
      accounts: [],
      runtime: name,
    }),
  }
  await mkdir(own.directory, { recursive: true, mode: 0o755 })
  const container = await docker.createContainer(template)
  try {
    await container.start()
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`it did not end within ${TRY_MS_MAX} ms`)
      setTimeout(() => reject(error), TRY_MS_MAX).unref()
    })
    const { StatusCode } = await Promise.race([container.wait(), late])
    if (StatusCode !== 0) throw new Error(`it ended with status ${StatusCode}`)
  } finally {
    await container.remove({ force: true, v: true }).catch(() => {})
    await rm(own.directory, { recursive: true, force: true })
  }
}

async function engineInfo(docker: Docker) {
  const info = await docker.info().catch((error: unknown) => {
    throw new Error(explain(error, ''))
  })
  return info as { Runtimes?: Record<string, unknown>; DefaultRuntime?: string }
}
