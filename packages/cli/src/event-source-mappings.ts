// `hearth esm`: what event source mappings there are, a pause, and a fresh start of one. Pause and
// resume are AWS's own update; to throw checkpoints away is Hearth's, for AWS has no word for it.

import {
  type EventSourceMappingConfiguration,
  type LambdaClient,
  paginateListEventSourceMappings,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import { type ClientOptions, fetchNative } from './client.ts'
import { CommandError } from './failures.ts'
import { type Format, show, tableOf } from './output.ts'
import { confirmed } from './progress.ts'
import { parseSince } from './time-span.ts'

type Mapping = EventSourceMappingConfiguration

export async function listMappings(
  client: LambdaClient,
  functionName: string | undefined,
  output: Format,
): Promise<void> {
  const found: Mapping[] = []
  for await (const page of paginateListEventSourceMappings({ client }, {})) {
    found.push(...(page.EventSourceMappings ?? []))
  }
  const shown = found.filter((one) => functionName === undefined || isOf(one, functionName))
  show(output, shown, () => renderMappings(shown))
}

export function renderMappings(found: readonly Mapping[]): string {
  if (found.length === 0) return 'No event source mappings.'
  return tableOf(
    ['mapping', 'source', 'function', 'state', 'last result'],
    found.map((one) => [
      one.UUID ?? '',
      sourceOf(one),
      nameOf(one),
      one.State ?? '',
      one.LastProcessingResult ?? '',
    ]),
  )
}

/** Stops or starts reading; what is in hand is finished first. */
export async function toggleMapping(
  client: LambdaClient,
  uuid: string,
  options: { enabled: boolean; output: Format },
): Promise<void> {
  const { $metadata: _, ...mapping } = await client.send(
    new UpdateEventSourceMappingCommand({ UUID: uuid, Enabled: options.enabled }),
  )
  tell(mapping, options.output)
}

export interface ResetOptions {
  /** `latest`, `trim-horizon`, or a time; as the mapping began when absent. */
  to?: string
  yes?: boolean
}

/** @throws CommandError unless it is agreed. */
export async function resetMapping(
  client: ClientOptions & { output: Format },
  uuid: string,
  { to, yes }: ResetOptions,
): Promise<void> {
  const body = startOf(to, Date.now())
  const question = `Forget how far ${uuid} is, and read from ${to ?? 'where it began'}?`
  if (!yes && !(await confirmed(question))) throw new CommandError(`${uuid} was left as it is.`)
  const path = `/hearth/event-source-mappings/${encodeURIComponent(uuid)}/reset`
  tell(await fetchNative<Mapping>(client, path, { body }), client.output)
}

/** @throws CommandError for what is no place to begin. */
export function startOf(to: string | undefined, now: number): object {
  if (to === undefined) return {}
  if (to === 'latest') return { position: 'LATEST' }
  if (to === 'trim-horizon') return { position: 'TRIM_HORIZON' }
  return { timestamp: parseSince(to, now) }
}

function tell(mapping: Mapping, output: Format): void {
  show(output, mapping, () => `${mapping.UUID} (${sourceOf(mapping)}): ${mapping.State}`)
}

const nameOf = ({ FunctionArn = '' }: Mapping) => FunctionArn.split(':').slice(6).join(':')

function isOf(mapping: Mapping, functionName: string): boolean {
  const name = nameOf(mapping)
  return [name, name.split(':')[0], mapping.FunctionArn].includes(functionName)
}

/** The service and what it calls its source; of own servers their address. */
function sourceOf({ EventSourceArn, SelfManagedEventSource, Topics }: Mapping): string {
  const [, , service, , , ...resource] = (EventSourceArn ?? '').split(':')
  if (service !== undefined) return `${service} ${resource.join(':')}`
  const servers = Object.values(SelfManagedEventSource?.Endpoints ?? {}).flat()
  return `${servers[0] ?? ''} ${Topics?.[0] ?? ''}`.trim()
}
