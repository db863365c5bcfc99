// Servers of the operator's own at rest: their addresses may hold a user and a password, so a
// mapping's record keeps them sealed. What it reads is sealed anew only when it changes.

import type { EventSourceMapping, SelfManagedSource } from '@hearth/core/event-source-mapping'
import type { Envelope } from './envelope.ts'
import type { Sealing } from './sealed-records.ts'

export interface SealedMapping extends Omit<EventSourceMapping, 'selfManaged'> {
  sealedSource?: string
}

export function mappingSealing(envelope: Envelope): Sealing<EventSourceMapping, SealedMapping> {
  const known = new WeakMap<SelfManagedSource, string>()
  const purposeOf = (key: string) => `source of ${key}`
  return {
    seal({ selfManaged, ...mapping }, key) {
      if (!selfManaged) return mapping
      const fresh = () => envelope.seal(JSON.stringify(selfManaged), purposeOf(key))
      const sealedSource = known.get(selfManaged) ?? fresh()
      known.set(selfManaged, sealedSource)
      return { ...mapping, sealedSource }
    },
    open({ sealedSource, ...mapping }, key) {
      if (sealedSource === undefined) return mapping
      const selfManaged: SelfManagedSource = JSON.parse(envelope.open(sealedSource, purposeOf(key)))
      known.set(selfManaged, sealedSource)
      return { ...mapping, selfManaged }
    },
  }
}
