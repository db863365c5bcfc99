// Settlement: the move from Pending to Active and from InProgress to Successful, once the code is
// in place, or to Failed, once an image is known not to be had. The record says what is owed and a
// sweep re-reads it, so a gateway that dies in between costs a moment; settling twice changes
// nothing.

import { randomUUID } from 'node:crypto'
import type { SnapshotQuestion } from '@hearth/bus/messages'
import { type ImageFacts, type ImageFault, isSought } from '@hearth/core/container-image'
import {
  type Architecture,
  type Findings,
  type FunctionDocument,
  type FunctionVersion,
  hasSnapshot,
  isUnsettled,
  type SnapshotFault,
  settleFunction,
} from '@hearth/core/function'
import { isolated } from '@hearth/core/isolation'
import type { Artifacts } from '@hearth/store/artifacts'
import type { Functions } from '@hearth/store/functions'

export interface Settlement {
  /** Settles one function soon; the caller does not wait. */
  soon(account: string, name: string): void
  close(): void
}

/** Long enough for a caller to see Pending, as on AWS; short enough for nobody to wait. */
const DELAY_MS = 50
const SWEEP_MS = 2_000

export interface SettlementParts {
  functions: Functions
  /** Where the code and layers of a zip function are put in place. */
  artifacts: Pick<Artifacts, 'codeDirectory' | 'layersDirectory'>
  /** May take as long as a pull. @throws Error when it is too early to say. */
  findImage(uri: string, architecture: Architecture): Promise<ImageFacts | ImageFault>
  /** Loads a version ahead. @returns why it cannot be. @throws Error when it is too early to say. */
  prepareSnapshot(question: SnapshotQuestion): Promise<SnapshotFault | undefined>
}

export function startSettlement(parts: SettlementParts): Settlement {
  const { functions } = parts
  const settling = new Set<string>()
  const settle = async (account: string, name: string) => {
    const document = functions.cached(account, name)
    if (!document || !isOwed(document)) return
    const findings = await prepare(parts, document)
    await functions.change(account, name, (found) => {
      if (!found) throw new Error('the function was deleted while it settled')
      return isOwed(found) ? settleFunction(found, randomUUID(), findings) : found
    })
  }
  const tryToSettle = async (account: string, name: string) => {
    const key = `${account}/${name}`
    // A pull takes longer than a sweep.
    if (settling.has(key)) return
    settling.add(key)
    await settle(account, name).catch((reason) => {
      console.error(`${name} could not settle yet: ${reason}`)
    })
    settling.delete(key)
  }
  const sweep = setInterval(() => {
    for (const document of functions.all()) {
      if (isOwed(document)) void tryToSettle(document.account, document.name)
    }
  }, SWEEP_MS)
  return {
    soon: (account, name) => {
      setTimeout(() => void tryToSettle(account, name), DELAY_MS)
    },
    close: () => clearInterval(sweep),
  }
}

/** What has to be true before a function settles, and what was found out about its versions. */
async function prepare(
  parts: SettlementParts,
  { account, name: functionName, tags, latest, published }: FunctionDocument,
): Promise<Findings> {
  const images = new Map<string, ImageFacts | ImageFault>()
  const snapshotFaults = new Map<string, SnapshotFault>()
  for (const version of [latest, ...published].filter(isUnsettled)) {
    const { image, architecture } = version
    if (!image) await putInPlace(parts, version)
    else if (isSought(version) && !images.has(image.uri)) {
      images.set(image.uri, await parts.findImage(image.uri, architecture))
    }
    if (!hasSnapshot(version)) continue
    const asInvoked = isolated(version, tags)
    const fault = await parts.prepareSnapshot({ account, functionName, version: asInvoked })
    if (fault) snapshotFaults.set(version.version, fault)
  }
  return { images, snapshotFaults }
}

async function putInPlace(
  { artifacts }: SettlementParts,
  { code, configuration: { layers } }: FunctionVersion,
): Promise<void> {
  await artifacts.codeDirectory(code.sha256)
  if (layers) await artifacts.layersDirectory(layers.map((layer) => layer.code.sha256))
}

function isOwed(document: FunctionDocument): boolean {
  return isUnsettled(document.latest) || document.published.some(isUnsettled)
}
