// The one door: everything that runs a function comes through invoke(). Its walk is resolve -> rank
// -> send -> settle, and all control flow of the walk is here. It never runs an accepted invocation
// twice: when a scheduler dies with it, the caller gets AWS's 500 ServiceException.

import type { Readable } from 'node:stream'
import type { Envelope } from '@hearth/bus/envelope'
import {
  type Acceptance,
  type InvokeMessage,
  type InvokeReply,
  type Rejection,
  type StreamHead,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import { functionArn } from '@hearth/core/arn'
import { runnable } from '@hearth/core/container-image'
import { ServiceError, type ThrottleReason } from '@hearth/core/error'
import {
  aliasOf,
  type FunctionDocument,
  type FunctionVersion,
  versionOf,
} from '@hearth/core/function'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import { isolated } from '@hearth/core/isolation'
import { tenantFault } from '@hearth/core/tenancy'
import type { Budgets } from '@hearth/store/budgets'
import type { Functions } from '@hearth/store/functions'
import { rank } from './placement.ts'
import { type Choice, createRouting, type Route } from './routing.ts'
import type { LiveScheduler, Schedulers } from './schedulers.ts'

export interface Door {
  /**
   * Given a listener, a function that streams is heard while it runs: the listener is called once,
   * before the result, whose payload is then empty or an error in the midst. A body that errs broke
   * off. @throws ServiceError when the function cannot be resolved, is throttled, or the platform
   * fails.
   */
  invoke(request: InvocationRequest, listener?: StreamListener): Promise<InvocationResult>
  /** What an invocation would run, mostly, where an alias shares it out. @throws ServiceError as invoke does. */
  resolve(account: string, name: string, qualifier?: string): Resolved
}

export type StreamListener = (head: StreamHead, body: Readable) => void

export interface Resolved {
  document: FunctionDocument
  version: FunctionVersion
}

type Asked = Pick<InvocationRequest, 'account' | 'functionName'> & {
  qualifier?: string | undefined
}

export interface DoorParts {
  region: string
  functions: Functions
  schedulers: Schedulers
  requests: Requests
  budgets: Pick<Budgets, 'stopOf'>
}

/** A scheduler must say its first word within this time, and must not start afterwards. */
const ACCEPT_WITHIN_MS = 2_000
/** Clocks of two hosts may differ; a late start is refused this much earlier than we give up. */
const START_BY_MS = 1_500
/**
 * What a run may take beyond the function's own timeout: a start, an init, and an answer on its
 * way.
 */
const GRACE_MS = 60_000
const RESERVED: ThrottleReason = 'ReservedFunctionConcurrentInvocationLimitExceeded'
const UNRESERVED: ThrottleReason = 'ConcurrentInvocationLimitExceeded'

export function openDoor(parts: DoorParts): Door {
  const route = createRouting()
  const find = (asked: Asked, choose: Route): Resolved & Pick<Choice, 'giveBack'> => {
    const { account, functionName: name, qualifier } = asked
    const place = { account, region: parts.region }
    const document = parts.functions.cached(account, name)
    const choice = document && choose(document, qualifier)
    if (!document || !choice?.version) {
      const arn = functionArn(place, name, qualifier ?? '$LATEST')
      throw new ServiceError('ResourceNotFoundException', `Function not found: ${arn}`)
    }
    const { version, giveBack } = choice
    if (version.state !== 'Active') giveBack()
    requireInvokable(version, functionArn(place, name))
    return { document, version: isolated(runnable(version), document.tags), giveBack }
  }
  return {
    resolve: (account, functionName, qualifier) => find({ account, functionName, qualifier }, peek),
    async invoke(request, listener) {
      const { document, version, giveBack } = find(request, route)
      const refused = (error: ServiceError) => {
        giveBack()
        return error
      }
      const fault = tenantFault(version, request.tenantId)
      if (fault) throw refused(fault)
      // Turned off: known here as soon as it is written, whatever schedulers have heard.
      if (document.concurrency?.reserved === 0) throw refused(throttled(RESERVED))
      const spent = parts.budgets.stopOf(document)
      if (spent !== undefined) throw refused(throttled(RESERVED, `The budget ${spent} is spent.`))
      const meta = messageFor(request, { document, version }, listener)
      const question = { meta, body: request.payload, listener }
      const rejections: Rejection[] = []
      const ranked = rank(homeOf(request), parts.schedulers.live())
      // Provisioned environments are spread: none of them may idle while another host starts cold.
      const isProvisioned = document.concurrency?.provisioned.some(
        (one) => one.version === version.version,
      )
      if (isProvisioned && ranked.length > 1) {
        const first: Question = { ...question, meta: { ...meta, onlyProvisioned: true } }
        const sent = await sendToAny(parts.requests, ranked, first, [])
        if (sent) return settle(sent)
      }
      const sent = await sendToAny(parts.requests, ranked, question, rejections)
      if (sent) return settle(sent)
      throw refused(refusal(rejections))
    },
  }
}

/** Tenants share no environment, so each has a home of its own, and their memory many hosts. */
const homeOf = ({ functionName, tenantId }: InvocationRequest) =>
  tenantId === undefined ? functionName : `${functionName}/${tenantId}`

/** Without taking anybody's share. */
const peek: Route = (document, qualifier) => ({
  version: versionOf(document, qualifier),
  giveBack: () => {},
})

function messageFor(
  request: InvocationRequest,
  { document, version }: Resolved,
  listener: StreamListener | undefined,
): InvokeMessage {
  const { qualifier } = request
  return {
    requestId: request.requestId,
    account: request.account,
    functionName: request.functionName,
    invokedArn: request.invokedArn,
    version,
    ...(qualifier !== undefined && aliasOf(document, qualifier) && { alias: qualifier }),
    wantsLogTail: request.wantsLogTail,
    startBy: Date.now() + START_BY_MS,
    ...(listener && { takesStream: true }),
    ...(request.kind && { kind: request.kind }),
    ...(request.attempt !== undefined && { attempt: request.attempt }),
    ...(request.againSince !== undefined && { againSince: request.againSince }),
    ...(request.clientContext === undefined ? {} : { clientContext: request.clientContext }),
    ...(request.traceId === undefined ? {} : { traceId: request.traceId }),
    ...(request.tenantId !== undefined && { tenantId: request.tenantId }),
  }
}

type Question = Envelope<InvokeMessage> & { listener: StreamListener | undefined }

type Sent =
  | { kind: 'absent' }
  | { kind: 'ran'; reply: Envelope<InvokeReply> }
  | { kind: 'rejected'; rejection: Rejection }

/** The reply of the first that accepts. One without a token says so; another may hold one. */
async function sendToAny(
  requests: Requests,
  ranked: readonly LiveScheduler[],
  question: Question,
  rejections: Rejection[],
): Promise<Envelope<InvokeReply> | undefined> {
  for (const scheduler of ranked) {
    const sent = await send(requests, scheduler, question)
    if (sent.kind === 'ran') return sent.reply
    if (sent.kind === 'rejected') rejections.push(sent.rejection)
  }
  return undefined
}

/** One scheduler's turn. Silence counts as absence: by then the scheduler refuses to start. */
async function send(
  requests: Requests,
  scheduler: LiveScheduler,
  question: Question,
): Promise<Sent> {
  const { listener } = question
  const timeoutMs = question.meta.version.configuration.timeoutSeconds * 1000
  const answer = await requests.ask<InvokeMessage, Acceptance, InvokeReply>(
    SUBJECTS.invoke(scheduler.schedulerId),
    { meta: question.meta, body: question.body },
    {
      firstWithinMs: ACCEPT_WITHIN_MS,
      lastWithinMs: timeoutMs + GRACE_MS,
      signal: scheduler.lost,
      promisesLast: (word) => word.accepted,
      ...(listener && { stream: (head, body) => listener(head as StreamHead, body) }),
    },
  )
  if (answer.kind === 'lost') {
    throw new ServiceError('ServiceException', 'NATS was lost, and maybe what the function did.')
  }
  if (answer.kind !== 'answered') return { kind: 'absent' }
  if (!answer.first.accepted) return { kind: 'rejected', rejection: answer.first }
  try {
    return { kind: 'ran', reply: await answer.last }
  } catch (cause) {
    throw new ServiceError('ServiceException', 'The scheduler was lost while the function ran.', {
      cause,
    })
  }
}

function settle(reply: Envelope<InvokeReply>): InvocationResult {
  if ('platformError' in reply.meta) {
    throw new ServiceError('ServiceException', reply.meta.platformError)
  }
  return { ...reply.meta, payload: reply.body }
}

function refusal(rejections: readonly Rejection[]): ServiceError {
  const limited = rejections.find(({ rejected }) => rejected === 'throttled')
  if (limited) return throttled(limited.throttleReason ?? UNRESERVED)
  if (rejections.some(({ rejected }) => rejected === 'busy')) return throttled(UNRESERVED)
  return new ServiceError(
    'ServiceUnavailableException',
    'Service is unavailable: no scheduler answers. `hearth status` shows which parts run.',
  )
}

const throttled = (reason: ThrottleReason, why?: string) =>
  new ServiceError('TooManyRequestsException', why ? `Rate Exceeded. ${why}` : 'Rate Exceeded.', {
    members: { Reason: reason },
  })

function requireInvokable(version: FunctionVersion, arn: string): void {
  if (version.state === 'Active') return
  throw new ServiceError(
    'ResourceConflictException',
    `The operation cannot be performed at this time. The function is currently in the following state: ` +
      `${version.state}. ${arn}`,
  )
}
