// How a Kafka cluster is signed in to: AWS's SourceAccessConfigurations and the secrets that they
// name, made into settings of the client. Pure but for the reading of secrets, which is handed in.
// A mapping holds names of secrets alone; what is in them is never stored, logged or given back.

import type { SelfManagedSource } from '@hearth/core/event-source-mapping'

/** The text of a secret of the operator's, by the URI that a mapping names it with. */
export type ReadSecret = (uri: string) => Promise<string>

export interface KafkaAccess {
  sasl?: {
    mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    username: string
    password: string
  }
  /** Absent: in the clear, as AWS reads a cluster for which nothing is configured. */
  tls?: { ca?: string; cert?: string; key?: string; passphrase?: string }
}

const MECHANISMS = {
  BASIC_AUTH: 'PLAIN',
  SASL_SCRAM_256_AUTH: 'SCRAM-SHA-256',
  SASL_SCRAM_512_AUTH: 'SCRAM-SHA-512',
} as const
/** Where a network is, which only matters inside of AWS. */
const NETWORKS = new Set(['VPC_SECURITY_GROUP', 'VPC_SUBNET'])

/** Throws where a secret is not there or has not what its type needs. */
export async function accessOf(
  access: SelfManagedSource['access'],
  readSecret: ReadSecret,
): Promise<KafkaAccess> {
  let found: KafkaAccess = {}
  for (const { type, uri } of access) {
    if (NETWORKS.has(type)) continue
    const secret = await memberReader(uri, readSecret)
    // AWS signs in over TLS only; a server without it is for the operator to allow, in the secret.
    const tls = secret.has('protocol', 'SASL_PLAINTEXT') ? {} : { tls: { ...found.tls } }
    if (isSigned(type)) {
      const sasl = { username: secret.text('username'), password: secret.text('password') }
      found = { ...found, ...tls, sasl: { mechanism: MECHANISMS[type], ...sasl } }
    } else if (type === 'CLIENT_CERTIFICATE_TLS_AUTH') {
      const passphrase = secret.optional('privateKeyPassword')
      const pair = { cert: secret.text('certificate'), key: secret.text('privateKey') }
      found = { ...found, tls: { ...found.tls, ...pair, ...(passphrase && { passphrase }) } }
    } else if (type === 'SERVER_ROOT_CA_CERTIFICATE') {
      found = { ...found, tls: { ...found.tls, ca: secret.text('certificate') } }
    } else throw new Error(`Kafka is not signed in to by ${type}`)
  }
  return found
}

const isSigned = (type: string): type is keyof typeof MECHANISMS => type in MECHANISMS

async function memberReader(uri: string, readSecret: ReadSecret) {
  const members = parse(await readSecret(uri))
  const optional = (name: string) => {
    const value = members[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {
    optional,
    has: (name: string, value: string) => members[name] === value,
    text(name: string): string {
      const value = optional(name)
      if (value === undefined) throw new Error(`the secret ${uri} has no ${name}`)
      return value
    },
  }
}

/** A text that is not JSON is never shown: it is a secret. */
function parse(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below.
  }
  throw new Error('a secret of Kafka is a JSON object, as in Secrets Manager')
}
