// Which operations Hearth has: the SDK's names beside our routes. What is not here is answered
// honestly by app.ts; adding an operation is a route, its law or store line, a test, and one row
// here.

import { createAlias, deleteAlias, getAlias, listAliases, updateAlias } from './aliases.ts'
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
  addPermission,
  deleteResourcePolicy,
  getPolicy,
  getResourcePolicy,
  putResourcePolicy,
  removePermission,
} from './permissions.ts'
import { getFunctionRecursionConfig, putFunctionRecursionConfig } from './recursion.ts'
import type { Route } from './route.ts'
import { listTags, tagResource, untagResource } from './tags.ts'
import { listVersionsByFunction, publishVersion } from './versions.ts'

type AnyRoute = Route<never, object>

/** Invoke is not among them: routes/invoke answers it before the rest. */
export const ROUTES: ReadonlyMap<string, AnyRoute> = new Map<string, AnyRoute>([
  ['AddPermission', addPermission],
  ['CreateAlias', createAlias],
  ['CreateEventSourceMapping', createEventSourceMapping],
  ['CreateFunction', createFunction],
  ['CreateFunctionUrlConfig', createFunctionUrlConfig],
  ['DeleteAlias', deleteAlias],
  ['DeleteEventSourceMapping', deleteEventSourceMapping],
  ['DeleteFunction', deleteFunction],
  ['DeleteFunctionConcurrency', deleteFunctionConcurrency],
  ['DeleteFunctionEventInvokeConfig', deleteFunctionEventInvokeConfig],
  ['DeleteFunctionUrlConfig', deleteFunctionUrlConfig],
  ['DeleteProvisionedConcurrencyConfig', deleteProvisionedConcurrencyConfig],
  ['DeleteResourcePolicy', deleteResourcePolicy],
  ['GetAccountSettings', getAccountSettings],
  ['GetAlias', getAlias],
  ['GetEventSourceMapping', getEventSourceMapping],
  ['GetFunction', getFunction],
  ['GetFunctionConcurrency', getFunctionConcurrency],
  ['GetFunctionConfiguration', getFunctionConfiguration],
  ['GetFunctionEventInvokeConfig', getFunctionEventInvokeConfig],
  ['GetFunctionRecursionConfig', getFunctionRecursionConfig],
  ['GetFunctionUrlConfig', getFunctionUrlConfig],
  ['GetPolicy', getPolicy],
  ['GetProvisionedConcurrencyConfig', getProvisionedConcurrencyConfig],
  ['GetResourcePolicy', getResourcePolicy],
  ['ListAliases', listAliases],
  ['ListEventSourceMappings', listEventSourceMappings],
  ['ListFunctionEventInvokeConfigs', listFunctionEventInvokeConfigs],
  ['ListFunctionUrlConfigs', listFunctionUrlConfigs],
  ['ListFunctions', listFunctions],
  ['ListProvisionedConcurrencyConfigs', listProvisionedConcurrencyConfigs],
  ['ListTags', listTags],
  ['ListVersionsByFunction', listVersionsByFunction],
  ['PublishVersion', publishVersion],
  ['PutFunctionConcurrency', putFunctionConcurrency],
  ['PutFunctionEventInvokeConfig', putFunctionEventInvokeConfig],
  ['PutFunctionRecursionConfig', putFunctionRecursionConfig],
  ['PutProvisionedConcurrencyConfig', putProvisionedConcurrencyConfig],
  ['PutResourcePolicy', putResourcePolicy],
  ['RemovePermission', removePermission],
  ['TagResource', tagResource],
  ['UntagResource', untagResource],
  ['UpdateAlias', updateAlias],
  ['UpdateEventSourceMapping', updateEventSourceMapping],
  ['UpdateFunctionCode', updateFunctionCode],
  ['UpdateFunctionConfiguration', updateFunctionConfiguration],
  ['UpdateFunctionEventInvokeConfig', updateFunctionEventInvokeConfig],
  ['UpdateFunctionUrlConfig', updateFunctionUrlConfig],
])
