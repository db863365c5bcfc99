// Scaling by schedule: the range within which a version's provisioned concurrency is to be, and the
// scheduled actions that change the range, after Application Auto Scaling. Pure: when an action
// occurs is told by whoever reads its schedule. What is due is settled in the function's own
// record, so each occurrence is obeyed by one writer, once.

import { provision, provisionedUnder, unprovision } from './concurrency.ts'
import { ServiceError } from './error.ts'
import { type FunctionDocument, versionOf } from './function.ts'
import { refuseTenancy } from './tenancy.ts'

/** What Application Auto Scaling calls a scalable target of lambda:function:ProvisionedConcurrency. */
export interface ScalableTarget {
  /** Ends its ARN. */
  id: string
  qualifier: string
  min: number
  max: number
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number
  suspended: Suspended
  tags: Record<string, string>
  actions: ScheduledAction[]
}

/** Only the last matters: there are no scaling policies. */
export interface Suspended {
  dynamicIn: boolean
  dynamicOut: boolean
  scheduled: boolean
}

export interface ScheduledAction {
  /** In its ARN. */
  id: string
  name: string
  /** `at(...)`, `rate(...)` or `cron(...)`. */
  schedule: string
  timezone?: string
  startAt?: number
  endAt?: number
  min?: number
  max?: number
  createdAt: number
  /** What occurred until then has been obeyed, or was never to be. */
  settledAt: number
}

/** The account at a moment, as core/concurrency wants it. */
type Account = Parameters<typeof provision>[2]

/** When an action last was to happen, at or before a moment. */
export type Latest = (action: ScheduledAction, until: number) => number | undefined

/** An action that occurred, and why it changed nothing if it could not. */
export interface Occurrence {
  target: string
  action: string
  at: number
  problem?: string
}

/** AWS allows so many for each scalable target. */
const ACTIONS_MAX = 200

export function targetOf(
  { scaling = [] }: FunctionDocument,
  qualifier: string,
): ScalableTarget | undefined {
  return scaling.find((one) => one.qualifier === qualifier)
}

/**
 * The document with a target, and its provisioned concurrency within the range. What an update does
 * not say stays. @throws ServiceError when a new one lacks a range, or concurrency is refused.
 */
export function registerTarget(
  document: FunctionDocument,
  wish: Pick<ScalableTarget, 'qualifier'> & Partial<ScalableTarget>,
  account: Account & { id: string },
): FunctionDocument {
  refuseTenancy(document.latest, 'provisioned concurrency')
  const known = targetOf(document, wish.qualifier)
  const { min = known?.min, max = known?.max } = wish
  if (min === undefined || max === undefined) {
    throw invalid('MinCapacity and MaxCapacity are required to register a new scalable target.')
  }
  requireRange({ min, max })
  const fresh = {
    id: account.id,
    createdAt: account.now,
    suspended: { dynamicIn: false, dynamicOut: false, scheduled: false },
    tags: {},
    actions: [],
  }
  const target: ScalableTarget = { ...fresh, ...known, ...wish, min, max }
  return settleCapacity(replaceTarget(document, target), target, account)
}

/** The document without a target and its actions; what is provisioned stays. */
export function deregisterTarget(document: FunctionDocument, qualifier: string): FunctionDocument {
  const rest = document.scaling?.filter((one) => one.qualifier !== qualifier) ?? []
  const { scaling: _, ...others } = document
  return rest.length === 0 ? others : { ...document, scaling: rest }
}

/** The document with a target's tags; those that it had are gone. */
export function replaceTags(
  document: FunctionDocument,
  qualifier: string,
  tags: ScalableTarget['tags'],
): FunctionDocument {
  const target = targetOf(document, qualifier)
  return target ? replaceTarget(document, { ...target, tags }) : document
}

/** A wish for an action; what an update does not say stays, but for the times. */
export type ActionWish = Pick<ScheduledAction, 'name'> &
  Partial<Pick<ScheduledAction, 'endAt' | 'max' | 'min' | 'schedule' | 'startAt' | 'timezone'>>

/**
 * The document with an action; nothing that occurred before now is made up for.
 * @throws ServiceError when a new one lacks its schedule or range, or there are too many.
 */
export function putAction(
  document: FunctionDocument,
  { target, wish }: { target: ScalableTarget; wish: ActionWish },
  { now, id }: { now: number; id: string },
): FunctionDocument {
  const known = target.actions.find(({ name }) => name === wish.name)
  const { startAt: _, endAt: __, ...kept } = known ?? {}
  const schedule = wish.schedule ?? known?.schedule
  if (schedule === undefined) throw invalid('Schedule is required for a new scheduled action.')
  const action = { id, createdAt: now, ...kept, ...wish, schedule, settledAt: now }
  if (action.min === undefined && action.max === undefined) {
    throw invalid('ScalableTargetAction needs a MinCapacity, a MaxCapacity, or both.')
  }
  requireRange(action)
  const others = target.actions.filter(({ name }) => name !== wish.name)
  if (others.length >= ACTIONS_MAX) {
    const text = `A scalable target may have ${ACTIONS_MAX} scheduled actions.`
    throw new ServiceError('LimitExceededException', text)
  }
  return replaceTarget(document, { ...target, actions: [...others, action] })
}

/** The document without an action; unchanged when there is none. */
export function deleteAction(
  document: FunctionDocument,
  target: ScalableTarget,
  name: string,
): FunctionDocument {
  const actions = target.actions.filter((one) => one.name !== name)
  if (actions.length === target.actions.length) return document
  return replaceTarget(document, { ...target, actions })
}

/**
 * The document after all that is due, in the order in which it was: of each action the latest
 * occurrence alone, since it says what should hold now. Unchanged when nothing is due.
 */
export function settleDue(
  document: FunctionDocument,
  account: Account,
  latest: Latest,
): { document: FunctionDocument; occurrences: Occurrence[] } {
  const due = (document.scaling ?? []).flatMap(({ qualifier, actions }) =>
    actions.flatMap((action) => {
      const at = latest(action, account.now)
      return at !== undefined && at > action.settledAt ? [{ qualifier, action, at }] : []
    }),
  )
  due.sort((a, b) => a.at - b.at || (a.action.name < b.action.name ? -1 : 1))
  const occurrences: Occurrence[] = []
  let settled = document
  for (const { qualifier, action, at } of due) {
    const target = targetOf(settled, qualifier)
    if (!target) continue
    const { document: next, problem } = obey(settled, { target, action }, account)
    settled = next
    occurrences.push({ target: qualifier, action: action.name, at, ...(problem && { problem }) })
  }
  return { document: settled, occurrences }
}

/** One action takes effect; suspended ones, and those that cannot, are over all the same. */
function obey(
  document: FunctionDocument,
  { target, action }: { target: ScalableTarget; action: ScheduledAction },
  account: Account,
): { document: FunctionDocument; problem?: string } {
  const actions = target.actions.map((one) =>
    one.name === action.name ? { ...one, settledAt: account.now } : one,
  )
  const over = replaceTarget(document, { ...target, actions })
  if (target.suspended.scheduled) return { document: over }
  const { min = target.min, max = target.max } = action
  try {
    requireRange({ min, max })
    const changed = { ...target, actions, min, max }
    return { document: settleCapacity(replaceTarget(over, changed), changed, account) }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return { document: over, problem: error.message }
  }
}

/** Brings provisioned concurrency into the range, as far as the version is there. */
function settleCapacity(
  document: FunctionDocument,
  { qualifier, min, max }: ScalableTarget,
  account: Account,
): FunctionDocument {
  const version = versionOf(document, qualifier)?.version
  if (version === undefined) return document
  const current = provisionedUnder(document, qualifier)?.requested ?? 0
  const requested = Math.min(Math.max(current, min), max)
  if (requested === current) return document
  const wish = { version, requested, ...(version !== qualifier && { alias: qualifier }) }
  return requested === 0
    ? unprovision(document, qualifier, account.now)
    : provision(document, wish, account)
}

function replaceTarget(document: FunctionDocument, target: ScalableTarget): FunctionDocument {
  const others = document.scaling?.filter((one) => one.qualifier !== target.qualifier) ?? []
  return { ...document, scaling: [...others, target] }
}

function requireRange({ min = 0, max = min }: { min?: number; max?: number }): void {
  if (min < 0 || max < 0) throw invalid('Capacity cannot be negative.')
  if (min > max) throw invalid('Minimum capacity cannot be greater than maximum capacity.')
}

const invalid = (message: string) => new ServiceError('ValidationException', message)
