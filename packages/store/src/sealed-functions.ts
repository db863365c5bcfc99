// Environment variables at rest: a function's record keeps those of each of its versions sealed
// (Lambda encrypts them, too). Only what changed is sealed anew, so that a version keeps its bytes
// however often its function's record is written.

import type { Configuration, FunctionDocument, FunctionVersion } from '@hearth/core/function'
import type { Envelope } from './envelope.ts'
import type { Sealing } from './sealed-records.ts'

interface SealedVersion extends Omit<FunctionVersion, 'configuration'> {
  configuration: Omit<Configuration, 'environment'> & { sealedEnvironment?: string }
}

export interface SealedFunction extends Omit<FunctionDocument, 'latest' | 'published'> {
  latest: SealedVersion
  published: SealedVersion[]
}

type Variables = Record<string, string>

export function functionSealing(envelope: Envelope): Sealing<FunctionDocument, SealedFunction> {
  /** Sealed for the record whose variables they are; versions of one function may share them. */
  const known = new WeakMap<Variables, string>()
  const purposeOf = (key: string) => `environment of ${key}`
  const sealVariables = (variables: Variables, key: string) => {
    const sealed = known.get(variables) ?? envelope.seal(JSON.stringify(variables), purposeOf(key))
    known.set(variables, sealed)
    return sealed
  }
  const openVariables = (sealed: string, key: string) => {
    const variables: Variables = JSON.parse(envelope.open(sealed, purposeOf(key)))
    known.set(variables, sealed)
    return variables
  }
  const sealVersion = (version: FunctionVersion, key: string): SealedVersion => {
    const { environment, ...configuration } = version.configuration
    if (!environment) return { ...version, configuration }
    const sealedEnvironment = sealVariables(environment, key)
    return { ...version, configuration: { ...configuration, sealedEnvironment } }
  }
  const openVersion = (version: SealedVersion, key: string): FunctionVersion => {
    const { sealedEnvironment: sealed, ...configuration } = version.configuration
    if (sealed === undefined) return { ...version, configuration }
    return {
      ...version,
      configuration: { ...configuration, environment: openVariables(sealed, key) },
    }
  }
  return {
    seal: (document, key) => ({
      ...document,
      latest: sealVersion(document.latest, key),
      published: document.published.map((version) => sealVersion(version, key)),
    }),
    open: (document, key) => ({
      ...document,
      latest: openVersion(document.latest, key),
      published: document.published.map((version) => openVersion(version, key)),
    }),
  }
}
