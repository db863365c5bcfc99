// Which process a function version starts as: our bootstrap for a managed runtime, the function's
// own for an OS-only one, what the image says for a container image. Pure; what it may see of the
// world is the sandbox's affair.

import { commandLine } from '@hearth/core/container-image'
import type { FunctionVersion } from '@hearth/core/function'
import { BOOTSTRAP_FOLDERS, BOOTSTRAP_NAME } from '@hearth/core/invocation'
import { requireRuntime } from '@hearth/core/runtime'
import type { ProcessSpec } from './sandbox-channel.ts'

/** Every managed runtime's image has it. */
export const BOOTSTRAP = '/var/runtime/bootstrap'
const TASK = '/var/task'

/** @throws ServiceError for a runtime that is not known here. */
export function processOf(
  version: FunctionVersion,
  environment: Readonly<Record<string, string>>,
): ProcessSpec {
  const { image, configuration } = version
  if (image?.facts) {
    const { facts } = image
    const [program = '', ...rest] = commandLine(facts, configuration.imageConfig)
    return {
      directory: configuration.imageConfig?.workingDirectory ?? facts.workingDirectory,
      search: environment.PATH ?? '',
      arguments: [program, ...rest],
      environment,
    }
  }
  if (requireRuntime(version.configuration.runtime).isOsOnly) {
    const search = BOOTSTRAP_FOLDERS.join(':')
    return { directory: TASK, search, arguments: [BOOTSTRAP_NAME], environment }
  }
  return { directory: TASK, search: '', arguments: [BOOTSTRAP], environment }
}
