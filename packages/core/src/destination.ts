// Destinations and dead-letter queues: which addresses there are, and AWS's records of what became
// of an event or a batch, to the byte. Pure; pollers hand in what happened and when, and somebody
// else delivers it.

/** Why an event's story ended, as AWS's record says it. */
export type EventCondition =
  | 'EventAgeExceeded'
  | 'RecursiveInvocation'
  | 'RetriesExhausted'
  | 'Success'
  | 'ZeroReservedConcurrency'

/** What the last attempt answered; absent where nothing ever ran. */
export interface LastResponse {
  statusCode: number
  executedVersion: string
  functionError?: string
  /** JSON as the function gave it; what is no JSON is told as a string. */
  payload: string
}

/** How an asynchronous event ended. */
export interface EventOutcome {
  requestId: string
  /** With its qualifier, `$LATEST` included. */
  functionArn: string
  condition: EventCondition
  invokeCount: number
  /** JSON text. */
  requestPayload: string
  response?: LastResponse
}

/** AWS's invocation record of an asynchronous event, as JSON text. */
export function eventRecord(outcome: EventOutcome, now: number): string {
  const { response } = outcome
  return objectOf({
    version: '"1.0"',
    timestamp: JSON.stringify(new Date(now).toISOString()),
    requestContext: requestContext(outcome),
    requestPayload: compactJson(outcome.requestPayload),
    ...(response && {
      responseContext: JSON.stringify({
        statusCode: response.statusCode,
        executedVersion: response.executedVersion,
        ...(response.functionError !== undefined && { functionError: response.functionError }),
      }),
      responsePayload: compactJson(response.payload),
    }),
  })
}

/** How a stream's batch was given up. */
export interface BatchOutcome {
  requestId: string
  /** Without a qualifier, unless the mapping has one. */
  functionArn: string
  condition: 'RecordAgeExceeded' | 'RetryAttemptsExhausted'
  invokeCount: number
  /** No functionError: the function only reported items. Absent: too old before anything ran. */
  response?: { statusCode: number; executedVersion: string; functionError?: string }
  /** `KinesisBatchInfo` or its like, by name: what StreamSource.batchInfo says. */
  batchInfo: Record<string, unknown>
  /** The event as the function received it, JSON text: AWS stores it in S3 and tells nobody else. */
  payload?: string
}

/** AWS's invocation record of a batch that was given up, as JSON text. */
export function batchRecord(outcome: BatchOutcome, now: number): string {
  const { response, batchInfo, payload } = outcome
  const info = Object.entries(batchInfo).map(([name, value]) => [name, JSON.stringify(value)])
  return objectOf({
    requestContext: requestContext(outcome),
    ...(response && {
      responseContext: JSON.stringify({
        statusCode: response.statusCode,
        executedVersion: response.executedVersion,
        functionError: response.functionError ?? null,
      }),
    }),
    version: '"1.0"',
    timestamp: JSON.stringify(new Date(now).toISOString()),
    ...Object.fromEntries(info),
    ...(payload !== undefined && { payload: compactJson(payload) }),
  })
}

function requestContext(outcome: EventOutcome | BatchOutcome): string {
  const { requestId, functionArn, condition, invokeCount } = outcome
  return JSON.stringify({
    requestId,
    functionArn,
    condition,
    approximateInvokeCount: invokeCount,
  })
}

/** Members are JSON texts already: numbers and the order of keys stay as the function wrote them. */
function objectOf(members: Record<string, string>): string {
  const parts = Object.entries(members).map(([name, text]) => `${JSON.stringify(name)}:${text}`)
  return `{${parts.join(',')}}`
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const isBlank = (code: number) => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d

/** JSON without the blanks between its tokens; any other text as a JSON string. */
function compactJson(text: string): string {
  try {
    JSON.parse(text)
  } catch {
    return JSON.stringify(text)
  }
  const kept: string[] = []
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (isBlank(code)) {
      kept.push(text.slice(from, at))
      from = at + 1
    }
  }
  return kept.length === 0 ? text : kept.join('') + text.slice(from)
}

/** The closing quote of the string that opens here; most of a large payload is strings. */
function endOfString(text: string, open: number): number {
  for (let at = open; ; ) {
    at = text.indexOf('"', at + 1)
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return at
  }
}

/** A record without what went in and what came out: what AWS tells where they do not fit. */
export function withoutPayloads(record: string): string {
  const { requestPayload: _, responsePayload: __, payload: ___, ...rest } = JSON.parse(record)
  return JSON.stringify(rest)
}

/** What EventBridge is given: the entry of PutEvents. */
export interface EventEntry {
  Source: string
  DetailType: string
  Detail: string
  Resources: string[]
  EventBusName: string
}

/** A record on its way to an event bus. */
export function eventEntry(
  record: string,
  about: { busArn: string; functionArn: string; condition: 'Failure' | 'Success' },
): EventEntry {
  return {
    Source: 'lambda',
    DetailType: `Lambda Function Invocation Result - ${about.condition}`,
    Detail: record,
    Resources: [about.busArn, about.functionArn],
    EventBusName: about.busArn,
  }
}

interface Regional {
  region: string
  account: string
}

/** A queue or a topic. FIFO ones can be named; AWS delivers nothing to them. */
interface Channel extends Regional {
  arn: string
  name: string
  isFifo: boolean
}

/** What an address means. */
export type Target =
  | (Regional & { kind: 'lambda'; name: string; qualifier?: string })
  | (Channel & { kind: 'sns' })
  | (Channel & { kind: 'sqs' })
  | (Regional & { kind: 'events'; arn: string; bus: string })
  | { kind: 's3'; bucket: string }
  /** A subject of JetStream that is not Hearth's own. */
  | (Regional & { kind: 'subject'; subject: string })
  | { kind: 'webhook'; url: string }

const ARN = /^arn:(aws[a-zA-Z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):(\S+)$/
const NAMES: ReadonlyMap<string, RegExp> = new Map([
  ['events', /^event-bus\/([\w./-]{1,256})$/],
  ['lambda', /^function:([\w-]{1,64})(?::([\w-]{1,128}|\$LATEST))?$/],
  ['s3', /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/],
  ['sns', /^([\w-]{1,256}(?:\.fifo)?)$/],
  ['sqs', /^([\w-]{1,80}(?:\.fifo)?)$/],
  ['jetstream-subject', /^([^\s.*>]+(?:\.[^\s.*>]+)*)$/],
])
/** First tokens of Hearth's own subjects: what a function's owner may never write to. */
const OWN_SUBJECTS = /^(\$|_|(?:aq|dead|dq|hearth|logs|meter|tm)(?:\.|$))/
const SUBJECT_LENGTH_MAX = 255
const WEBHOOK = /^https?:\/\/[^\s/?#@\\]+(?:[/?#]\S*)?$/

/** What an address means, or undefined when nothing can be delivered there. */
export function targetOf(address: string): Target | undefined {
  if (WEBHOOK.test(address)) return { kind: 'webhook', url: address }
  const [, partition, service = '', region = '', account = '', rest = ''] = ARN.exec(address) ?? []
  const [, name, qualifier] = NAMES.get(service)?.exec(rest) ?? []
  if (name === undefined || (partition === 'aws-hearth') !== (service === 'jetstream-subject')) {
    return undefined
  }
  if (service === 's3') return region || account ? undefined : { kind: 's3', bucket: name }
  if (!region || !account) return undefined
  switch (service) {
    case 'lambda':
      return { kind: service, region, account, name, ...(qualifier && { qualifier }) }
    case 'sns':
    case 'sqs':
      return { kind: service, region, account, arn: address, name, isFifo: name.endsWith('.fifo') }
    case 'events':
      return { kind: service, region, account, arn: address, bus: name }
    default:
      return OWN_SUBJECTS.test(name) || name.length > SUBJECT_LENGTH_MAX
        ? undefined
        : { kind: 'subject', region, account, subject: name }
  }
}
