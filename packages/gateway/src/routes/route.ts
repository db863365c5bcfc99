// What a route of the control API is: a function from one operation's input to its output. It
// speaks AWS's members on the outside and core's nouns on the inside; statuses and error bodies are
// not its affair.

import type { Place } from '@hearth/core/arn'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { Door } from '@hearth/invocation/invoke'
import type { Schedulers } from '@hearth/invocation/schedulers'
import type { Artifacts } from '@hearth/store/artifacts'
import type { CodeSigningConfigs } from '@hearth/store/code-signing-configs'
import type { EventSourceMappings } from '@hearth/store/event-source-mappings'
import type { Functions } from '@hearth/store/functions'
import type { Layers } from '@hearth/store/layers'
import type { Objects } from '../objects.ts'
import type { Settlement } from '../settlement.ts'
import type { OperatorLimits } from '../validation.ts'

/** Who asks, and through which address: what one request knows of itself. */
export interface Caller {
  place: Place
  requestId: string
  /** `http://host:port` as the caller addressed Hearth; links in answers start with it. */
  origin: string
}

/** What routes may touch. */
export interface Parts {
  region: string
  functions: Functions
  mappings: EventSourceMappings
  signingConfigs: CodeSigningConfigs
  artifacts: Artifacts
  layers: Layers
  /** Buckets that code may come from. */
  objects: Objects
  door: Door
  /** Their heartbeats say what is initialised. */
  schedulers: Pick<Schedulers, 'live'>
  limits: OperatorLimits
  settlement: Settlement
  /** @throws ServiceError for a source that no poller can read. */
  checkSource(mapping: EventSourceMapping): Promise<void>
  /** Removes checkpoints from before a mapping's last reset. */
  sweepCheckpoints(mapping: EventSourceMapping): Promise<void>
  /** Where a version's zip can be fetched for ten minutes. */
  codeLink(origin: string, sha256: string): string
}

export type Route<Input, Output> = (
  input: Input,
  caller: Caller,
  parts: Parts,
) => Output | Promise<Output>
