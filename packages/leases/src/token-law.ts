// The allocator of concurrency tokens, as a pure law: one turn of one scheduler on the ledger of
// one account. Valkey obeys the same law in Lua (token-script), and a test holds the two together.
// What it hands out never exceeds a limit, and what it cannot know to be over it counts as running.

/** Renewed every 2 s; a block whose holder is silent for this long is a tombstone. */
export const LEASE_MS = 10_000
/** A tombstone whose holder is attested silent is free this long after the lease ran out. */
export const SILENT_MS = 15_000
/** Idle tokens are called back for this long after somebody went without. */
export const SHORT_MS = 4_000
/**
 * What is longer between two turns counts as no time at all: turns come every two seconds, so the
 * server's clock was set, or nobody was there. That only keeps a tombstone for longer.
 */
export const PASSED_MS_MAX = 4_000

/** Everything that Valkey remembers of an account: one key, kept or lost as a whole. */
export interface TokenLedger {
  /** Whose memory this is; another server, or the same one restarted, remembers nothing. */
  server: string
  /** Changes whenever the memory was lost. */
  epoch: string
  /** All times are on this clock, in milliseconds: what has passed from turn to turn, added up. */
  clock: number
  /** What the server's clock said at the last turn; it may be set forward or back at any time. */
  readAt: number
  /** When the epoch began. */
  since: number
  /** Whether everybody who may hold tokens from before the epoch is accounted for. */
  open: boolean
  schedulers: Record<string, Registration>
  pools: Record<string, TokenPool>
}

interface Registration {
  life: number
  serial: number
  expires: number
  outlivesMs: number
}

interface TokenPool {
  group: string
  limit: number
  revision: number
  shortAt: number
  held: Record<string, number>
}

/** What a scheduler says at each turn: all that it holds, and what it would like. */
export interface TokenRequest {
  scheduler: string
  /** Grows with each start of the scheduler; a new life has reaped what the former left. */
  life: number
  /** Grows with each turn of a life: a turn that comes late changes nothing. */
  serial: number
  epoch: string
  /** Names the next epoch, if the memory turns out to be lost. */
  nonce: string
  /** The account's limit. */
  limit: number
  /** How long what it admitted may go on after its lease. */
  outlivesMs: number
  pools: Record<string, PoolWish>
  /** Every scheduler that may hold tokens, read after the epoch was known. */
  roster?: string[]
  /** Those of them whose silence the asker attests. */
  gone: string[]
}

export interface PoolWish {
  holds: number
  wants: number
  limit: number
  /** The newest revision of a limit counts. */
  revision: number
  /** Pools of one group share the group's limit. */
  group: string
  groupLimit: number
}

export type TokenAnswer =
  /** The memory was lost: ask again, with this epoch. */
  | { kind: 'epoch'; epoch: string }
  /** This turn or a later one of the same life was here before; nothing was changed. */
  | { kind: 'late' }
  /** A later life of the same scheduler was here before; nothing was changed. */
  | { kind: 'superseded' }
  | { kind: 'turned'; open: boolean; pools: Record<string, PoolAnswer> }

export interface PoolAnswer {
  granted: number
  /** Idle tokens are wanted back. */
  recalled: boolean
}

/** One turn; `before` is undefined where Valkey has nothing. The script is this, line by line. */
export function takeTurn(
  before: TokenLedger | undefined,
  request: TokenRequest,
  server: { id: string; now: number },
): { ledger: TokenLedger; answer: TokenAnswer } {
  const ledger = before?.server === server.id ? copy(before) : blank(request, server)
  const now = pass(ledger, server.now)
  if (request.epoch !== ledger.epoch)
    return { ledger, answer: { kind: 'epoch', epoch: ledger.epoch } }
  const known = ledger.schedulers[request.scheduler]
  if (known && request.life < known.life) return { ledger, answer: { kind: 'superseded' } }
  if (known && request.life === known.life && request.serial <= known.serial) {
    return { ledger, answer: { kind: 'late' } }
  }
  register(ledger, request, now)
  bury(ledger, request, now)
  ledger.open ||= isAccountedFor(ledger, request, now)
  const pools: Record<string, PoolAnswer> = {}
  for (const name of Object.keys(request.pools).sort()) {
    pools[name] = grant(ledger, request, { name, now })
  }
  for (const [name, pool] of Object.entries(ledger.pools)) {
    if (Object.keys(pool.held).length === 0) delete ledger.pools[name]
  }
  return { ledger, answer: { kind: 'turned', open: ledger.open, pools } }
}

function blank({ nonce }: TokenRequest, server: { id: string; now: number }): TokenLedger {
  const nothing = { schedulers: {}, pools: {} }
  const times = { clock: server.now, readAt: server.now, since: server.now }
  return { server: server.id, epoch: nonce, ...times, open: false, ...nothing }
}

/** Moves the ledger's clock on. One of an earlier release went by the server's. */
function pass(ledger: TokenLedger, now: number): number {
  const passed = now - (ledger.readAt ?? now)
  const isBelieved = passed > 0 && passed <= PASSED_MS_MAX
  ledger.clock = (ledger.clock ?? now) + (isBelieved ? passed : 0)
  ledger.readAt = now
  return ledger.clock
}

function copy(ledger: TokenLedger): TokenLedger {
  const pools = Object.entries(ledger.pools).map(([name, pool]): [string, TokenPool] => [
    name,
    { ...pool, held: { ...pool.held } },
  ])
  return { ...ledger, schedulers: { ...ledger.schedulers }, pools: Object.fromEntries(pools) }
}

/** The lease begins anew, and the account of what is held is the scheduler's own. */
function register(ledger: TokenLedger, request: TokenRequest, now: number): void {
  const { scheduler, life, serial, outlivesMs } = request
  ledger.schedulers[scheduler] = { life, serial, expires: now + LEASE_MS, outlivesMs }
  for (const pool of Object.values(ledger.pools)) delete pool.held[scheduler]
  for (const [name, wish] of Object.entries(request.pools)) {
    const { group, limit, revision } = wish
    const pool = ledger.pools[name] ?? { group, limit, revision, shortAt: 0, held: {} }
    ledger.pools[name] = pool
    if (revision >= pool.revision) Object.assign(pool, { group, limit, revision })
    if (wish.holds > 0) pool.held[scheduler] = wish.holds
  }
}

/** Frees what nobody can be running any more. A new life of the same scheduler did so already. */
function bury(ledger: TokenLedger, request: TokenRequest, now: number): void {
  for (const [id, { expires, outlivesMs }] of Object.entries(ledger.schedulers)) {
    const isSilent = request.gone.includes(id) && now > expires + SILENT_MS
    if (!isSilent && now <= expires + outlivesMs) continue
    delete ledger.schedulers[id]
    for (const pool of Object.values(ledger.pools)) delete pool.held[id]
  }
}

/** Whether each holder of the former epoch has registered, or cannot run anything any more. */
function isAccountedFor(ledger: TokenLedger, request: TokenRequest, now: number): boolean {
  const age = now - ledger.since - LEASE_MS
  if (age > request.outlivesMs) return true
  return (
    request.roster?.every(
      (id) => ledger.schedulers[id] || (request.gone.includes(id) && age > SILENT_MS),
    ) ?? false
  )
}

function grant(
  ledger: TokenLedger,
  request: TokenRequest,
  { name, now }: { name: string; now: number },
): PoolAnswer {
  const pool = ledger.pools[name] as TokenPool
  const { wants, groupLimit } = request.pools[name] as PoolWish
  const all = Object.values(ledger.pools)
  const inGroup = all.filter(({ group }) => group === pool.group)
  const free = Math.min(
    pool.limit - sum([pool]),
    groupLimit - sum(inGroup),
    request.limit - sum(all),
  )
  const granted = ledger.open ? Math.max(Math.min(wants, free), 0) : 0
  if (granted > 0) pool.held[request.scheduler] = (pool.held[request.scheduler] ?? 0) + granted
  if (granted < wants) pool.shortAt = now
  return { granted, recalled: free < 0 || now < pool.shortAt + SHORT_MS }
}

const sum = (pools: TokenPool[]) =>
  pools.flatMap(({ held }) => Object.values(held)).reduce((total, n) => total + n, 0)
