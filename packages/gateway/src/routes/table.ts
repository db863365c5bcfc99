// Which operations Hearth has: the SDK's names beside our routes. What is not here is answered
// honestly by app.ts; adding an operation is a route, its law or store line, a test, and one row
// here.

import { createAlias, deleteAlias, getAlias, listAliases, updateAlias } from './aliases.ts'
import {
  createCodeSigningConfig,
  deleteCodeSigningConfig,
  deleteFunctionCodeSigningConfig,
  getCodeSigningConfig,
  getFunctionCodeSigningConfig,
  listCodeSigningConfigs,
  listFunctionsByCodeSigningConfig,
  putFunctionCodeSigningConfig,
  updateCodeSigningConfig,
} from './code-signing.ts'
import {
  deleteFunctionConcurrency,
  deleteProvisionedConcurrencyConfig,
  getAccountSettings,
  getFunctionConcurrency,
  getProvisionedConcurrencyConfig,
  listProvisionedConcurrencyConfigs,
  putFunctionConcurrency,
  putProvisionedConcurrencyConfig,
} from './concurrency.ts'
import {
  deleteFunctionEventInvokeConfig,
  getFunctionEventInvokeConfig,
  listFunctionEventInvokeConfigs,
  putFunctionEventInvokeConfig,
  updateFunctionEventInvokeConfig,
} from './event-invoke-config.ts'
import {
  createEventSourceMapping,
  deleteEventSourceMapping,
  getEventSourceMapping,
  listEventSourceMappings,
  updateEventSourceMapping,
} from './event-source-mappings.ts'
import { getFunctionScalingConfig, putFunctionScalingConfig } from './function-scaling.ts'
import {
  createFunctionUrlConfig,
  deleteFunctionUrlConfig,
  getFunctionUrlConfig,
  listFunctionUrlConfigs,
  updateFunctionUrlConfig,
} from './function-urls.ts'
import {
  createFunction,
  deleteFunction,
  getFunction,
  getFunctionConfiguration,
  listFunctions,
  updateFunctionCode,
  updateFunctionConfiguration,
} from './functions.ts'
import {
  addLayerVersionPermission,
  getLayerVersionPolicy,
  removeLayerVersionPermission,
} from './layer-policies.ts'
import {
  deleteLayerVersion,
  getLayerVersion,
  getLayerVersionByArn,
  listLayers,
  listLayerVersions,
  publishLayerVersion,
} from './layers.ts'
import {
  addPermission,
  deleteResourcePolicy,
  getPolicy,
  getResourcePolicy,
  putResourcePolicy,
  removePermission,
} from './permissions.ts'
import { getFunctionRecursionConfig, putFunctionRecursionConfig } from './recursion.ts'
import type { Route } from './route.ts'
import { getRuntimeManagementConfig, putRuntimeManagementConfig } from './runtime-management.ts'
import { listTags, tagResource, untagResource } from './tags.ts'
import { listVersionsByFunction, publishVersion } from './versions.ts'

type AnyRoute = Route<never, object>

/** Invoke is not among them: routes/invoke answers it before the rest. */
export const ROUTES: ReadonlyMap<string, AnyRoute> = new Map<string, AnyRoute>([
  ['AddLayerVersionPermission', addLayerVersionPermission],
  ['AddPermission', addPermission],
  ['CreateAlias', createAlias],
  ['CreateCodeSigningConfig', createCodeSigningConfig],
  ['CreateEventSourceMapping', createEventSourceMapping],
  ['CreateFunction', createFunction],
  ['CreateFunctionUrlConfig', createFunctionUrlConfig],
  ['DeleteAlias', deleteAlias],
  ['DeleteCodeSigningConfig', deleteCodeSigningConfig],
  ['DeleteEventSourceMapping', deleteEventSourceMapping],
  ['DeleteFunction', deleteFunction],
  ['DeleteFunctionCodeSigningConfig', deleteFunctionCodeSigningConfig],
  ['DeleteFunctionConcurrency', deleteFunctionConcurrency],
  ['DeleteFunctionEventInvokeConfig', deleteFunctionEventInvokeConfig],
  ['DeleteFunctionUrlConfig', deleteFunctionUrlConfig],
  ['DeleteLayerVersion', deleteLayerVersion],
  ['DeleteProvisionedConcurrencyConfig', deleteProvisionedConcurrencyConfig],
  ['DeleteResourcePolicy', deleteResourcePolicy],
  ['GetAccountSettings', getAccountSettings],
  ['GetAlias', getAlias],
  ['GetCodeSigningConfig', getCodeSigningConfig],
  ['GetEventSourceMapping', getEventSourceMapping],
  ['GetFunction', getFunction],
  ['GetFunctionCodeSigningConfig', getFunctionCodeSigningConfig],
  ['GetFunctionConcurrency', getFunctionConcurrency],
  ['GetFunctionConfiguration', getFunctionConfiguration],
  ['GetFunctionEventInvokeConfig', getFunctionEventInvokeConfig],
  ['GetFunctionRecursionConfig', getFunctionRecursionConfig],
  ['GetFunctionScalingConfig', getFunctionScalingConfig],
  ['GetFunctionUrlConfig', getFunctionUrlConfig],
  ['GetLayerVersion', getLayerVersion],
  ['GetLayerVersionByArn', getLayerVersionByArn],
  ['GetLayerVersionPolicy', getLayerVersionPolicy],
  ['GetPolicy', getPolicy],
  ['GetProvisionedConcurrencyConfig', getProvisionedConcurrencyConfig],
  ['GetResourcePolicy', getResourcePolicy],
  ['GetRuntimeManagementConfig', getRuntimeManagementConfig],
  ['ListAliases', listAliases],
  ['ListCodeSigningConfigs', listCodeSigningConfigs],
  ['ListEventSourceMappings', listEventSourceMappings],
  ['ListFunctionEventInvokeConfigs', listFunctionEventInvokeConfigs],
  ['ListFunctionUrlConfigs', listFunctionUrlConfigs],
  ['ListFunctions', listFunctions],
  ['ListFunctionsByCodeSigningConfig', listFunctionsByCodeSigningConfig],
  ['ListLayerVersions', listLayerVersions],
  ['ListLayers', listLayers],
  ['ListProvisionedConcurrencyConfigs', listProvisionedConcurrencyConfigs],
  ['ListTags', listTags],
  ['ListVersionsByFunction', listVersionsByFunction],
  ['PublishLayerVersion', publishLayerVersion],
  ['PublishVersion', publishVersion],
  ['PutFunctionCodeSigningConfig', putFunctionCodeSigningConfig],
  ['PutFunctionConcurrency', putFunctionConcurrency],
  ['PutFunctionEventInvokeConfig', putFunctionEventInvokeConfig],
  ['PutFunctionRecursionConfig', putFunctionRecursionConfig],
  ['PutFunctionScalingConfig', putFunctionScalingConfig],
  ['PutProvisionedConcurrencyConfig', putProvisionedConcurrencyConfig],
  ['PutResourcePolicy', putResourcePolicy],
  ['PutRuntimeManagementConfig', putRuntimeManagementConfig],
  ['RemoveLayerVersionPermission', removeLayerVersionPermission],
  ['RemovePermission', removePermission],
  ['TagResource', tagResource],
  ['UntagResource', untagResource],
  ['UpdateAlias', updateAlias],
  ['UpdateCodeSigningConfig', updateCodeSigningConfig],
  ['UpdateEventSourceMapping', updateEventSourceMapping],
  ['UpdateFunctionCode', updateFunctionCode],
  ['UpdateFunctionConfiguration', updateFunctionConfiguration],
  ['UpdateFunctionEventInvokeConfig', updateFunctionEventInvokeConfig],
  ['UpdateFunctionUrlConfig', updateFunctionUrlConfig],
])
