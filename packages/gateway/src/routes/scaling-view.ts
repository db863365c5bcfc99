// Scalable targets and scheduled actions as Application Auto Scaling describes them, with its ARNs
// and times in seconds. Pure; nothing is decided here.

import type { FunctionDocument } from '@hearth/core/function'
import type { ScalableTarget, ScheduledAction } from '@hearth/core/scaling'
import type { Caller } from './route.ts'

export const NAMESPACE = 'lambda'
const DIMENSION = 'lambda:function:ProvisionedConcurrency'
/** The role that AWS makes for itself; nothing is assumed by it here. */
const ROLE =
  'role/aws-service-role/lambda.application-autoscaling.amazonaws.com/' +
  'AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency'
const MS_PER_SECOND = 1000

const seconds = (ms: number) => ms / MS_PER_SECOND

export function viewTarget(target: ScalableTarget, { name }: FunctionDocument, caller: Caller) {
  const { account, region } = caller.place
  const { suspended } = target
  return {
    ServiceNamespace: NAMESPACE,
    ResourceId: `function:${name}:${target.qualifier}`,
    ScalableDimension: DIMENSION,
    MinCapacity: target.min,
    MaxCapacity: target.max,
    RoleARN: `arn:aws:iam::${account}:${ROLE}`,
    CreationTime: seconds(target.createdAt),
    SuspendedState: {
      DynamicScalingInSuspended: suspended.dynamicIn,
      DynamicScalingOutSuspended: suspended.dynamicOut,
      ScheduledScalingSuspended: suspended.scheduled,
    },
    ScalableTargetARN: `arn:aws:application-autoscaling:${region}:${account}:scalable-target/${target.id}`,
  }
}

export function viewAction(
  action: ScheduledAction,
  { target, document }: { target: ScalableTarget; document: FunctionDocument },
  caller: Caller,
) {
  const { account, region } = caller.place
  const { id, name, schedule, timezone, startAt, endAt, min, max, createdAt } = action
  const resource = `function:${document.name}:${target.qualifier}`
  return {
    ScheduledActionName: name,
    ScheduledActionARN:
      `arn:aws:autoscaling:${region}:${account}:scheduledAction:${id}:` +
      `resource/${NAMESPACE}/${resource}:scheduledActionName/${name}`,
    ServiceNamespace: NAMESPACE,
    Schedule: schedule,
    ...(timezone !== undefined && { Timezone: timezone }),
    ResourceId: resource,
    ScalableDimension: DIMENSION,
    ...(startAt !== undefined && { StartTime: seconds(startAt) }),
    ...(endAt !== undefined && { EndTime: seconds(endAt) }),
    ScalableTargetAction: {
      ...(min !== undefined && { MinCapacity: min }),
      ...(max !== undefined && { MaxCapacity: max }),
    },
    CreationTime: seconds(createdAt),
  }
}
