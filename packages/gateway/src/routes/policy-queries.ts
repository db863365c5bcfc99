// IAM's actions on managed policies: the account's own, which roles may have and which are obeyed,
// and AWS's, which show what Hearth understands of them. The law is in core/customer-policy.

import {
  addPolicyVersion,
  type CustomerPolicy,
  createPolicy,
  deletePolicyVersion,
  noPolicy,
  noVersion,
  type PolicyVersion,
  policyArn,
  requireUnused,
  useVersion,
} from '@hearth/core/customer-policy'
import { ServiceError } from '@hearth/core/error'
import { MANAGED_ARNS, managedDocument } from '@hearth/core/managed-policies'
import { deletePolicy, storePolicy } from '@hearth/store/attachments'
import { policyByArn } from '@hearth/store/roles'
import { newAccessKeyId } from '@hearth/store/sessions'
import { type Asker, requireAccess } from '../access.ts'
import type { Xml } from '../query-protocol.ts'
import {
  type Answer,
  type IamParts,
  readTags,
  requireTags,
  textOf,
  viewTags,
  WHOLE,
  withoutTags,
} from './query-form.ts'

/** AWS's prefix for ids of policies. */
const PREFIX = 'ANPA'
/** When AWS's managed policies were first there. */
const AWS_SINCE = Date.UTC(2015, 1, 6)

/** A policy as it is shown, whoever's it is. */
interface Shown extends Pick<CustomerPolicy, 'defaultVersion' | 'description' | 'versions'> {
  arn: string
  id: string
  createdAt: number
  updatedAt: number
  tags: CustomerPolicy['tags']
}

export const POLICY_QUERIES: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['CreatePolicy', create],
  ['ListPolicies', list],
  [
    'GetPolicy',
    reading('GetPolicy', (shown, { asker, parts }) => ({
      Policy: {
        ...view(shown, bearersOf(shown.arn, asker, parts).length),
        Description: shown.description,
      },
    })),
  ],
  [
    'GetPolicyVersion',
    reading('GetPolicyVersion', (shown, { form }) => {
      const id = textOf(form, 'VersionId')
      const version = shown.versions.find((one) => one.id === id)
      if (!version) throw noVersion(shown.arn, id)
      const Document = encodeURIComponent(version.text)
      return { PolicyVersion: { ...viewVersion(version, shown), Document } }
    }),
  ],
  [
    'ListPolicyVersions',
    reading('ListPolicyVersions', (shown) => ({
      ...WHOLE,
      Versions: shown.versions.toReversed().map((version) => viewVersion(version, shown)),
    })),
  ],
  [
    'ListEntitiesForPolicy',
    reading('ListEntitiesForPolicy', ({ arn }, { asker, parts }) => ({
      ...WHOLE,
      PolicyGroups: [],
      PolicyUsers: [],
      PolicyRoles: bearersOf(arn, asker, parts).map(({ name, id }) => ({
        RoleName: name,
        RoleId: id,
      })),
    })),
  ],
  ['ListPolicyTags', reading('ListPolicyTags', ({ tags }) => ({ ...WHOLE, Tags: viewTags(tags) }))],
  ['CreatePolicyVersion', createVersion],
  [
    'SetDefaultPolicyVersion',
    changing('SetDefaultPolicyVersion', (policy, { form }) =>
      useVersion(policy, textOf(form, 'VersionId'), Date.now()),
    ),
  ],
  [
    'DeletePolicyVersion',
    changing('DeletePolicyVersion', (policy, { form }) =>
      deletePolicyVersion(policy, textOf(form, 'VersionId')),
    ),
  ],
  [
    'TagPolicy',
    changing('TagPolicy', (policy, { form }) => ({
      ...policy,
      tags: requireTags({ ...policy.tags, ...readTags(form) }, 'policy'),
    })),
  ],
  [
    'UntagPolicy',
    changing('UntagPolicy', (policy, { form }) => ({
      ...policy,
      tags: withoutTags(policy.tags, form),
    })),
  ],
  ['DeletePolicy', remove],
])

async function create(form: URLSearchParams, asker: Asker, parts: IamParts): Promise<Xml> {
  const wish = {
    account: asker.place.account,
    name: textOf(form, 'PolicyName'),
    path: form.get('Path') ?? undefined,
    description: form.get('Description') ?? undefined,
    text: textOf(form, 'PolicyDocument'),
    tags: requireTags(readTags(form), 'policy'),
  }
  const policy = createPolicy(wish, { id: newAccessKeyId(PREFIX), now: Date.now() })
  requireAccess(asker, { action: 'iam:CreatePolicy', resource: policyArn(policy) })
  if ((await storePolicy(parts, policy)) === 'exists') {
    throw new ServiceError(
      'EntityAlreadyExists',
      `A policy called ${policy.name} already exists. Duplicate names are not allowed.`,
    )
  }
  return { Policy: view(shownOf(policy), 0) }
}

function list(form: URLSearchParams, asker: Asker, parts: IamParts): Xml {
  requireAccess(asker, { action: 'iam:ListPolicies', resource: '*' })
  const scope = form.get('Scope') ?? 'All'
  const own = parts.policyRecords.list(asker.place.account).map(shownOf)
  const managed = MANAGED_ARNS.flatMap((arn) => managedOf(arn) ?? [])
  const prefix = form.get('PathPrefix') ?? '/'
  const onlyAttached = form.get('OnlyAttached') === 'true'
  const Policies = [...(scope === 'AWS' ? [] : own), ...(scope === 'Local' ? [] : managed)]
    .map((shown) => view(shown, bearersOf(shown.arn, asker, parts).length))
    .filter(({ Path }) => Path.startsWith(prefix))
    .filter(({ AttachmentCount }) => !onlyAttached || AttachmentCount > 0)
  return { ...WHOLE, Policies }
}

async function createVersion(form: URLSearchParams, asker: Asker, parts: IamParts): Promise<Xml> {
  const wish = {
    text: textOf(form, 'PolicyDocument'),
    isDefault: form.get('SetAsDefault') === 'true',
  }
  const changed = await change('CreatePolicyVersion', { form, asker, parts }, (policy) =>
    addPolicyVersion(policy, wish, Date.now()),
  )
  const newest = changed?.versions.at(-1)
  if (!changed || !newest) throw new Error('a version was made, and there is none')
  return { PolicyVersion: viewVersion(newest, changed) }
}

async function remove(form: URLSearchParams, asker: Asker, parts: IamParts): Promise<undefined> {
  const named = nameOf('DeletePolicy', { form, asker, parts })
  await deletePolicy(parts, named, (policy, attachments) => {
    requireUnused(requireSame(policy, named.arn), attachments)
  })
}

/** What an action knows beside its policy. */
interface Surroundings {
  form: URLSearchParams
  asker: Asker
  parts: IamParts
}

/** An action that only looks at a policy. */
function reading(action: string, answer: (shown: Shown, around: Surroundings) => Xml): Answer {
  return (form, asker, parts) => {
    const arn = textOf(form, 'PolicyArn')
    requireAccess(asker, { action: `iam:${action}`, resource: arn })
    const own = policyByArn(parts.policyRecords, asker.place.account, arn)
    const shown = own ? shownOf(own) : managedOf(arn)
    if (!shown) throw noPolicy(arn)
    return answer(shown, { form, asker, parts })
  }
}

type Law = (policy: CustomerPolicy, around: Surroundings) => CustomerPolicy

/** An action that changes a policy, and has nothing to say. */
function changing(action: string, law: Law): Answer {
  return async (form, asker, parts) => {
    await change(action, { form, asker, parts }, law)
    return undefined
  }
}

/** @throws ServiceError for a policy that is not there, or is AWS's. */
function change(action: string, around: Surroundings, law: Law) {
  const { account, name, arn } = nameOf(action, around)
  return around.parts.policyRecords.change(account, name, (policy) =>
    law(requireSame(policy, arn), around),
  )
}

/** The policy that an action is for, if its asker may. @throws ServiceError */
function nameOf(action: string, { form, asker, parts }: Surroundings) {
  const arn = textOf(form, 'PolicyArn')
  const { account } = asker.place
  requireAccess(asker, { action: `iam:${action}`, resource: arn })
  const named = policyByArn(parts.policyRecords, account, arn)
  if (!named) throw noPolicy(arn)
  return { account, name: named.name, arn }
}

function requireSame(policy: CustomerPolicy | undefined, arn: string): CustomerPolicy {
  if (policy && policyArn(policy) === arn) return policy
  throw noPolicy(arn)
}

const bearersOf = (arn: string, { place }: Asker, { roleRecords }: IamParts) =>
  roleRecords.list(place.account).filter(({ attached }) => attached.includes(arn))

const shownOf = (policy: CustomerPolicy): Shown => ({ ...policy, arn: policyArn(policy) })

function managedOf(arn: string): Shown | undefined {
  const text = managedDocument(arn)
  if (text === undefined) return undefined
  return {
    arn,
    id: `${PREFIX}${arn.slice(arn.lastIndexOf('/') + 1).toUpperCase()}`,
    versions: [{ id: 'v1', text, createdAt: AWS_SINCE }],
    defaultVersion: 'v1',
    createdAt: AWS_SINCE,
    updatedAt: AWS_SINCE,
    tags: {},
  }
}

function view({ arn, id, defaultVersion, createdAt, updatedAt, tags }: Shown, attachments: number) {
  const [, Path = '/', PolicyName = ''] = /:policy(\/.*?)([^/]+)$/.exec(arn) ?? []
  return {
    PolicyName,
    PolicyId: id,
    Arn: arn,
    Path,
    DefaultVersionId: defaultVersion,
    AttachmentCount: attachments,
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    CreateDate: timeOf(createdAt),
    UpdateDate: timeOf(updatedAt),
    ...(Object.keys(tags).length > 0 && { Tags: viewTags(tags) }),
  }
}

const viewVersion = (
  { id, createdAt }: PolicyVersion,
  { defaultVersion }: Pick<CustomerPolicy, 'defaultVersion'>,
) => ({
  VersionId: id,
  IsDefaultVersion: id === defaultVersion,
  CreateDate: timeOf(createdAt),
})

const timeOf = (time: number) => new Date(time).toISOString()
