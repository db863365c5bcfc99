// The managed runtimes: which names exist, which are deprecated, and which image runs each.
// Adding a runtime is a folder in images/ and one row here.

import { ServiceError } from './error.ts'

interface Runtime {
  /** The tag that the image builder gives this runtime. */
  image: string
  /** The value of AWS_EXECUTION_ENV. */
  executionEnvironment: string
  /** Environment that the runtime adds for its own language. */
  environment: Readonly<Record<string, string>>
}

const nodejs = (version: string): Runtime => ({
  image: `hearth/nodejs${version}.x`,
  executionEnvironment: `AWS_Lambda_nodejs${version}.x`,
  environment: {
    NODE_PATH: `/opt/nodejs/node${version}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
  },
})

const python = (version: string): Runtime => ({
  image: `hearth/python${version}`,
  executionEnvironment: `AWS_Lambda_python${version}`,
  environment: { PYTHONPATH: '/var/runtime', LC_CTYPE: 'C.UTF-8' },
})

/** The runtimes that this Hearth can run, by AWS's identifier. */
export const RUNTIMES: Readonly<Record<string, Runtime>> = {
  'nodejs22.x': nodejs('22'),
  'nodejs24.x': nodejs('24'),
  'python3.13': python('3.13'),
}

/** Identifiers that AWS no longer accepts; the refusal has its own text. */
const DEPRECATED = new Set([
  'dotnetcore1.0',
  'dotnetcore2.0',
  'dotnetcore2.1',
  'dotnetcore3.1',
  'dotnet5.0',
  'dotnet6',
  'dotnet7',
  'go1.x',
  'java8',
  'nodejs',
  'nodejs4.3',
  'nodejs4.3-edge',
  'nodejs6.10',
  'nodejs8.10',
  'nodejs10.x',
  'nodejs12.x',
  'nodejs14.x',
  'nodejs16.x',
  'provided',
  'python2.7',
  'python3.6',
  'python3.7',
  'ruby2.5',
  'ruby2.7',
])

/**
 * The runtime's row.
 * @throws ServiceError InvalidParameterValueException, with AWS's texts for deprecated and unknown
 * names.
 */
export function requireRuntime(name: string): Runtime {
  const runtime = RUNTIMES[name]
  if (runtime) return runtime
  if (DEPRECATED.has(name)) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `The runtime parameter of ${name} is no longer supported for creating or updating AWS Lambda ` +
        'functions. We recommend you use a supported runtime while creating or updating functions.',
    )
  }
  throw new ServiceError(
    'InvalidParameterValueException',
    `Value ${name} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ` +
      `[${Object.keys(RUNTIMES).join(', ')}] or be a valid ARN`,
  )
}
