// Policies as IAM writes them: documents of statements, parsed and judged whole, so that none is
// kept which could not be obeyed. Pure. Who may do what by them is decided in authorisation; the
// operators of conditions are in policy-condition.

import { type Condition, parseConditions } from './policy-condition.ts'
import { PolicyFault } from './policy-fault.ts'

/**
 * Whom a policy binds: whoever it is attached to, or those that it names itself. A role's trust
 * names who may act as it, and no resource.
 */
export type PolicyKind = 'identity' | 'resource' | 'trust'

export interface Policy {
  statements: readonly Statement[]
}

export interface Statement {
  sid?: string
  effect: 'Allow' | 'Deny'
  /** Only in a resource's policy. */
  principals?: Principals
  actions: Patterns
  resources: Patterns
  /** All of them have to hold. */
  conditions: readonly Condition[]
}

/** What is meant, or with `except` everything else. */
export interface Patterns {
  except: boolean
  patterns: readonly string[]
}

export interface Principals {
  everyone: boolean
  /** Account ids: whoever is in them. */
  accounts: readonly string[]
  /** Of users and roles. */
  arns: readonly string[]
  services: readonly string[]
}

const ITSELF: Patterns = { except: false, patterns: ['*'] }
const VERSIONS = ['2008-10-17', '2012-10-17']
const MEMBERS = new Set(['Version', 'Id', 'Statement'])
const STATEMENT_MEMBERS = new Set([
  ...['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'],
])
/** IAM's own limit of a managed policy is 6,144 characters, Lambda's of a resource's 20 KB. */
const LENGTH_MAX = 20_480
const ACTION = /^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$/
const SERVICE = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com)$/
const ACCOUNT = /^\d{12}$/
const ACCOUNT_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):root$/
const PRINCIPAL_ARN =
  /^arn:aws[a-z-]*:(iam::\d{12}:(user|role)|sts::\d{12}:assumed-role)\/[\w+=,.@/-]+$/

/** @param text JSON. @throws PolicyFault */
export function parsePolicy(text: string, kind: PolicyKind): Policy {
  if (text.length > LENGTH_MAX) throw new PolicyFault(`it has more than ${LENGTH_MAX} characters`)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new PolicyFault('it is not JSON')
  }
  return readPolicy(document, kind)
}

/** @throws PolicyFault */
export function readPolicy(document: unknown, kind: PolicyKind): Policy {
  if (!isRecord(document)) throw new PolicyFault('it is not an object')
  requireMembers(document, MEMBERS)
  const { Version: version, Id: id, Statement: given } = document
  if (version !== undefined && !VERSIONS.some((known) => known === version)) {
    throw new PolicyFault('its Version is none of 2012-10-17 and 2008-10-17')
  }
  if (id !== undefined && typeof id !== 'string') throw new PolicyFault('its Id is not a string')
  const list = Array.isArray(given) ? given : [given]
  if (given === undefined || list.length === 0) throw new PolicyFault('it has no Statement')
  const statements = list.map((statement) => readStatement(statement, kind))
  const sids = statements.flatMap(({ sid }) => sid ?? [])
  if (new Set(sids).size < sids.length) throw new PolicyFault('a Sid is there twice')
  return { statements }
}

function readStatement(given: unknown, kind: PolicyKind): Statement {
  if (!isRecord(given)) throw new PolicyFault('a Statement is not an object')
  requireMembers(given, STATEMENT_MEMBERS)
  const { Sid: sid, Effect: effect, Principal: principal } = given
  if (kind === 'trust' && ('Resource' in given || 'NotResource' in given)) {
    throw new PolicyFault('a role that is trusted is its own Resource')
  }
  if (sid !== undefined && typeof sid !== 'string') throw new PolicyFault('a Sid is not a string')
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw new PolicyFault('an Effect is neither Allow nor Deny')
  }
  if ((principal === undefined) !== (kind === 'identity')) {
    throw new PolicyFault(
      kind === 'identity'
        ? 'a policy of a user or role names no Principal'
        : 'a Statement names no Principal',
    )
  }
  const actions = readPatterns(given, 'Action')
  const wrong = actions.patterns.find((pattern) => !ACTION.test(pattern))
  if (wrong !== undefined) throw new PolicyFault(`${wrong} is no action`)
  const resources = kind === 'trust' ? ITSELF : readPatterns(given, 'Resource')
  const unknown = resources.patterns.find((one) => !/^(\*|arn:.+)$/.test(one))
  if (unknown !== undefined) throw new PolicyFault(`${unknown} is no resource`)
  return {
    ...(sid !== undefined && { sid }),
    effect,
    ...(principal !== undefined && { principals: readPrincipals(principal) }),
    actions,
    resources,
    conditions: parseConditions(given.Condition),
  }
}

function readPatterns(statement: Record<string, unknown>, name: 'Action' | 'Resource'): Patterns {
  const { [name]: given, [`Not${name}`]: excepted } = statement
  if ((given === undefined) === (excepted === undefined)) {
    throw new PolicyFault(`a Statement has to have either ${name} or Not${name}`)
  }
  const patterns = textsOf(given ?? excepted, name)
  const variable = patterns.find((pattern) => pattern.includes('$' + '{'))
  if (variable) throw new PolicyFault(`${variable} has a policy variable, which Hearth has not`)
  return { except: given === undefined, patterns }
}

/** @throws PolicyFault for what names nobody that could ever ask. */
export function readPrincipals(given: unknown): Principals {
  if (given === '*') return { everyone: true, accounts: [], arns: [], services: [] }
  if (!isRecord(given) || Object.keys(given).length === 0) {
    throw new PolicyFault('a Principal is neither "*" nor an object')
  }
  requireMembers(given, new Set(['AWS', 'Service']))
  const { AWS: people, Service: services } = given
  const names = people === undefined ? [] : textsOf(people, 'Principal')
  const known = services === undefined ? [] : textsOf(services, 'Principal')
  const stranger =
    names.find((name) => name !== '*' && accountOf(name) === undefined && !isPrincipalArn(name)) ??
    known.find((name) => !isService(name))
  if (stranger !== undefined) throw new PolicyFault(`${stranger} is no principal`)
  return {
    everyone: names.includes('*'),
    accounts: names.flatMap((name) => accountOf(name) ?? []),
    arns: names.filter(isPrincipalArn),
    services: known,
  }
}

export const isService = (name: string) => SERVICE.test(name)
export const isPrincipalArn = (name: string) => PRINCIPAL_ARN.test(name)

/** The account that a principal stands for as a whole, by its id or its ARN. */
export function accountOf(name: string): string | undefined {
  return ACCOUNT.test(name) ? name : ACCOUNT_ARN.exec(name)?.[1]
}

function textsOf(given: unknown, name: string): readonly string[] {
  const texts = Array.isArray(given) ? given : [given]
  if (texts.length > 0 && texts.every((text) => typeof text === 'string' && text !== '')) {
    return texts
  }
  throw new PolicyFault(`${name} is neither a string nor a list of strings`)
}

function requireMembers(given: Record<string, unknown>, members: ReadonlySet<string>): void {
  const unknown = Object.keys(given).find((name) => !members.has(name))
  if (unknown !== undefined) throw new PolicyFault(`${unknown} is no member of it`)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
