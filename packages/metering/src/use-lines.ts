// Lines of use: sums by function, architecture, version, alias and tenant, of a day or of a month.
// Their number is bounded, because a day is one stored value; what comes beyond is summed by
// function alone, so detail may be lost and use never.

import type { UseLine } from '@hearth/core/bill'
import type { Use } from '@hearth/core/price-list'

/** Whose use it is. */
export type Owner = Pick<
  UseLine,
  'alias' | 'architecture' | 'functionName' | 'tenantId' | 'version'
>
export type Line = Omit<UseLine, 'day'>

/** As it is stored: names would take most of it. */
export type StoredLine = [
  functionName: string,
  architecture: UseLine['architecture'],
  version: string,
  alias: string,
  tenantId: string,
  ...use: number[],
]

/** A day of so many stays far below the 8 MB of a message of NATS. */
const LINES_MAX = 20_000
/** The tenant, version and alias of what comes beyond. */
export const OTHERS = '(others)'
const NAMES = [
  'requests',
  'mbMs',
  'provisionedMbMs',
  'configuredMbMs',
  'storageMbMs',
  'streamedBytes',
] as const satisfies (keyof Use)[]

export class UseLines {
  readonly #max: number
  readonly #lines = new Map<string, Line>()

  constructor(stored: readonly StoredLine[] = [], max = LINES_MAX) {
    this.#max = max
    for (const line of stored) {
      const [functionName, architecture, version, alias, tenantId, ...figures] = line
      const owner = { functionName, architecture, version, alias, tenantId }
      // What was stored before a figure was known has none of it.
      const use = NAMES.map((name, index) => [name, figures[index] ?? 0] as const)
      this.#lines.set(keyOf(owner), { ...owner, ...(Object.fromEntries(use) as unknown as Use) })
    }
  }

  get size(): number {
    return this.#lines.size
  }

  /** @param key is the owner's, for whoever adds to several. */
  add(owner: Owner, use: Use, key = keyOf(owner)): void {
    const line = this.#lines.get(key)
    if (line) return addTo(line, use)
    if (this.#lines.size < this.#max || isOthers(owner)) {
      const { functionName, architecture, version, alias, tenantId } = owner
      const names = { functionName, architecture, version, alias, tenantId }
      this.#lines.set(key, { ...names, ...pick(use) })
      return
    }
    this.add({ ...owner, version: OTHERS, alias: OTHERS, tenantId: OTHERS }, use)
  }

  addAll(lines: Iterable<Line>): void {
    for (const line of lines) this.add(line, line)
  }

  lines(): Iterable<Line> {
    return this.#lines.values()
  }

  stored(): StoredLine[] {
    return [...this.#lines.values()].map((line) => [
      line.functionName,
      line.architecture,
      line.version,
      line.alias,
      line.tenantId,
      ...NAMES.map((name) => line[name]),
    ])
  }
}

/** No name has a line break. */
export function keyOf({ functionName, architecture, version, alias, tenantId }: Owner): string {
  return `${functionName}\n${architecture}\n${version}\n${alias}\n${tenantId}`
}

const isOthers = ({ version, alias, tenantId }: Owner) =>
  version === OTHERS && alias === OTHERS && tenantId === OTHERS

function pick(use: Use): Use {
  const { requests, mbMs, provisionedMbMs, configuredMbMs, storageMbMs, streamedBytes } = use
  return { requests, mbMs, provisionedMbMs, configuredMbMs, storageMbMs, streamedBytes }
}

function addTo(line: Line, use: Use): void {
  line.requests += use.requests
  line.mbMs += use.mbMs
  line.provisionedMbMs += use.provisionedMbMs
  line.configuredMbMs += use.configuredMbMs
  line.storageMbMs += use.storageMbMs
  line.streamedBytes += use.streamedBytes
}
