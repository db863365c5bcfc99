// Application Auto Scaling, as far as it schedules provisioned concurrency: scalable targets of
// lambda:function:ProvisionedConcurrency and their scheduled actions, in that service's JSON 1.1.
// The laws are in core/scaling; scaling-clock obeys them. Scaling policies are refused, not stored.

import { randomUUID } from 'node:crypto'
import { ServiceError } from '@hearth/core/error'
import { type FunctionDocument, versionOf } from '@hearth/core/function'
import {
  deleteAction,
  deregisterTarget,
  putAction,
  registerTarget,
  replaceTags,
  type ScalableTarget,
  targetOf,
} from '@hearth/core/scaling'
import { checkTags } from '@hearth/core/tag'
import { scheduleOf } from '../schedule.ts'
import { accountOf } from './concurrency.ts'
import type { Caller, Parts } from './route.ts'
import { type Input, pageOf, readName, readRange, readText, readTime } from './scaling-input.ts'
import { NAMESPACE, viewAction, viewTarget } from './scaling-view.ts'

type Operation = (input: Input, caller: Caller, parts: Parts) => Promise<object> | object

/** @throws ServiceError for what AWS refuses, and for what Hearth does not have. */
export async function answerScaling(
  asked: { operation: string; input: Input },
  caller: Caller,
  parts: Parts,
): Promise<object> {
  const { operation: name } = asked
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (operation) return operation(asked.input, caller, parts)
  throw new ServiceError(
    'NotImplementedException',
    `Hearth does not have ${asked.operation} yet; nothing was changed. Capacity can be scheduled.`,
  )
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  async RegisterScalableTarget(input, caller, parts) {
    const { name, qualifier } = readTargetName(input)
    const wish = { qualifier, ...readRange(input), ...readSuspended(input), ...readTags(input) }
    const id = randomUUID().replaceAll('-', '').slice(0, 16)
    const changed = await change(name, caller, parts, (document) => {
      if (!versionOf(document, qualifier)) throw noSuchVersion(name, qualifier)
      return registerTarget(document, wish, { ...accountOf(caller, parts), id })
    })
    const target = targetOf(changed, qualifier)
    return { ScalableTargetARN: target && viewTarget(target, changed, caller).ScalableTargetARN }
  },

  async DeregisterScalableTarget(input, caller, parts) {
    const { name, qualifier } = readTargetName(input)
    await change(name, caller, parts, (document) => {
      requireTarget(document, qualifier)
      return deregisterTarget(document, qualifier)
    })
    return {}
  },

  DescribeScalableTargets(input, caller, parts) {
    const ids = Array.isArray(input.ResourceIds) ? input.ResourceIds : undefined
    const all = targetsOf(input, caller, parts)
      .map(({ document, target }) => viewTarget(target, document, caller))
      .filter(({ ResourceId }) => ids === undefined || ids.includes(ResourceId))
    return pageOf('ScalableTargets', all, input)
  },

  async PutScheduledAction(input, caller, parts) {
    const { name, qualifier } = readTargetName(input)
    const now = Date.now()
    const range = (input.ScalableTargetAction ?? {}) as Input
    const wish = {
      name: readName(input),
      ...readText(input, 'Schedule', 'schedule'),
      ...readText(input, 'Timezone', 'timezone'),
      ...readTime(input, 'StartTime', 'startAt'),
      ...readTime(input, 'EndTime', 'endAt'),
      ...readRange(range),
    }
    await change(name, caller, parts, (document) => {
      const target = requireTarget(document, qualifier)
      const next = putAction(document, { target, wish }, { now, id: randomUUID() })
      const made = targetOf(next, qualifier)?.actions.find((one) => one.name === wish.name)
      // Whatever is stored can be read.
      if (made) scheduleOf(made)
      return next
    })
    return {}
  },

  async DeleteScheduledAction(input, caller, parts) {
    const { name, qualifier } = readTargetName(input)
    const actionName = readName(input)
    await change(name, caller, parts, (document) => {
      const next = deleteAction(document, requireTarget(document, qualifier), actionName)
      if (next === document) {
        throw absent(`scheduled action ${actionName} found`, name, qualifier)
      }
      return next
    })
    return {}
  },

  DescribeScheduledActions(input, caller, parts) {
    const names = Array.isArray(input.ScheduledActionNames) ? input.ScheduledActionNames : undefined
    const all = targetsOf(input, caller, parts)
      .flatMap(({ document, target }) =>
        target.actions.map((action) => viewAction(action, { target, document }, caller)),
      )
      .filter(({ ScheduledActionName }) => names?.includes(ScheduledActionName) ?? true)
      .filter(({ ResourceId }) => [undefined, ResourceId].includes(input.ResourceId as string))
    return pageOf('ScheduledActions', all, input)
  },

  /** There are none: they cannot be put. */
  DescribeScalingPolicies: () => ({ ScalingPolicies: [] }),

  ListTagsForResource: (input, caller, parts) => ({
    Tags: findByArn(input, caller, parts).target.tags,
  }),

  TagResource: (input, caller, parts) =>
    changeTags(input, caller, parts, (tags) => ({ ...tags, ...readTags(input).tags })),

  UntagResource: (input, caller, parts) => {
    const keys = Array.isArray(input.TagKeys) ? input.TagKeys : []
    const left = (tags: Tags) => Object.entries(tags).filter(([key]) => !keys.includes(key))
    return changeTags(input, caller, parts, (tags) => Object.fromEntries(left(tags)))
  },
}

type Tags = ScalableTarget['tags']

function findByArn(input: Input, caller: Caller, parts: Parts) {
  const arnOf = (target: ScalableTarget, document: FunctionDocument) =>
    viewTarget(target, document, caller).ScalableTargetARN
  const all = targetsOf({ ServiceNamespace: NAMESPACE }, caller, parts)
  const found = all.find((one) => arnOf(one.target, one.document) === input.ResourceARN)
  if (found) return found
  const shown = typeof input.ResourceARN === 'string' ? input.ResourceARN : ''
  const text = `No scalable target has the ARN ${shown}.`
  throw new ServiceError('ResourceNotFoundException', text)
}

async function changeTags(
  input: Input,
  caller: Caller,
  parts: Parts,
  retag: (tags: Tags) => Tags,
): Promise<object> {
  const { document, target } = findByArn(input, caller, parts)
  await change(document.name, caller, parts, (found) => {
    const { tags } = requireTarget(found, target.qualifier)
    return replaceTags(found, target.qualifier, retag(tags))
  })
  return {}
}

/** The targets of a namespace that are here: Lambda's. */
function targetsOf(input: Input, { place }: Caller, { functions }: Parts) {
  if (input.ServiceNamespace !== NAMESPACE) return []
  return functions
    .list(place.account)
    .flatMap((document) => (document.scaling ?? []).map((target) => ({ document, target })))
}

function change(
  name: string,
  { place }: Caller,
  { functions }: Parts,
  work: (document: FunctionDocument) => FunctionDocument,
): Promise<FunctionDocument> {
  return functions.change(place.account, name, (document) => {
    if (!document) throw noSuchVersion(name)
    return work(document)
  })
}

/** `function:NAME:QUALIFIER`, the one kind of resource. */
const RESOURCE = /^function:([a-zA-Z0-9-_]{1,140}):([a-zA-Z0-9-_]{1,128})$/

function readTargetName(input: Input): { name: string; qualifier: string } {
  const isOurs =
    input.ServiceNamespace === NAMESPACE &&
    input.ScalableDimension === 'lambda:function:ProvisionedConcurrency'
  const { ResourceId: id } = input
  const [, name, qualifier] = (typeof id === 'string' && RESOURCE.exec(id)) || []
  if (isOurs && name && qualifier) return { name, qualifier }
  throw new ServiceError(
    'ValidationException',
    'Unsupported service namespace, resource type or scalable dimension',
  )
}

function readSuspended({ SuspendedState: given }: Input): Partial<ScalableTarget> {
  if (typeof given !== 'object' || given === null) return {}
  const state = given as Record<string, unknown>
  return {
    suspended: {
      dynamicIn: state.DynamicScalingInSuspended === true,
      dynamicOut: state.DynamicScalingOutSuspended === true,
      scheduled: state.ScheduledScalingSuspended === true,
    },
  }
}

/** @throws ServiceError for what is no map of texts, and for more than AWS takes. */
function readTags({ Tags: given }: Input): Partial<ScalableTarget> {
  if (given === undefined || given === null) return {}
  const isMap = typeof given === 'object' && !Array.isArray(given)
  if (!isMap || Object.values(given).some((value) => typeof value !== 'string')) {
    throw new ServiceError('ValidationException', 'Tags must be a map of texts.')
  }
  const tags = given as Record<string, string>
  checkTags(tags)
  return { tags }
}

function requireTarget(document: FunctionDocument, qualifier: string): ScalableTarget {
  const target = targetOf(document, qualifier)
  if (target) return target
  throw absent('scalable target registered', document.name, qualifier)
}

const absent = (what: string, name: string, qualifier: string) =>
  new ServiceError(
    'ObjectNotFoundException',
    `No ${what} for service namespace: ${NAMESPACE}, resource ID: function:${name}:${qualifier}, ` +
      'scalable dimension: lambda:function:ProvisionedConcurrency',
  )

const noSuchVersion = (name: string, qualifier = '') =>
  new ServiceError(
    'ValidationException',
    `There is no published version ${qualifier} of a function ${name}.`,
  )
