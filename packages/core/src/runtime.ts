// The managed runtimes: which names exist, which are deprecated, and which image runs each.
// Adding a runtime is a folder in images/ and one row here.

import { ServiceError } from './error.ts'

interface Runtime {
  /** The tag that the image builder gives this runtime. */
  image: string
  /** The value of AWS_EXECUTION_ENV; OS-only runtimes have none. */
  executionEnvironment?: string
  /** The function brings a program of its own, `bootstrap`, instead of a handler for ours. */
  isOsOnly?: true
  /** Environment that the runtime adds for its own language. */
  environment: Readonly<Record<string, string>>
  /** Present where what an init compiled can be kept, for a SnapStart version's later inits. */
  cache?: CacheFacts
  /** Absent where nothing boots before the function is known: then the sandbox alone waits. */
  stem?: StemFacts
}

/** How a runtime's cache is made and used. */
interface CacheFacts {
  /** Whether only a process that starts with the cache can use it: a booted stem cannot. */
  atBoot: boolean
  /** Making it takes so much memory, however little the function has. */
  fillMemoryMb: number
}

const CACHE: CacheFacts = { atBoot: false, fillMemoryMb: 0 }

/** What decides whether a stem, a runtime booted before its function is known, can serve one. */
interface StemFacts {
  /** Whether the bootstrap's flags depend on the memory size, so that a stem serves one size. */
  heapBound: boolean
  /**
   * Beginnings of the names of variables that only work when they are there at boot. A function
   * that sets such a variable itself has to be started directly.
   */
  bootVariables: readonly string[]
}

/** The loader, the C library and AWS's wrapper scripts read these before any runtime does. */
const PROCESS_VARIABLES = [
  'AWS_LAMBDA_EXEC_WRAPPER',
  'GLIBC_TUNABLES',
  'LANG',
  'LC_',
  'LD_',
  'MALLOC_',
]

/** `NODE_ENV` and its like are read by functions, whenever they like, and are not among them. */
const NODE_VARIABLES = [
  'NODE_COMPILE_CACHE',
  'NODE_DEBUG',
  'NODE_DISABLE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_ICU_DATA',
  'NODE_NO_WARNINGS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_PENDING_DEPRECATION',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_REDIRECT_WARNINGS',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'NODE_V8_COVERAGE',
  'OPENSSL_',
  'SSL_CERT_',
  'UV_',
]

const nodejs = (version: string): Runtime => ({
  image: `hearth/nodejs${version}.x`,
  executionEnvironment: `AWS_Lambda_nodejs${version}.x`,
  environment: {
    NODE_PATH: `/opt/nodejs/node${version}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
  },
  cache: CACHE,
  stem: { heapBound: true, bootVariables: [...PROCESS_VARIABLES, ...NODE_VARIABLES] },
})

const python = (version: string): Runtime => ({
  image: `hearth/python${version}`,
  executionEnvironment: `AWS_Lambda_python${version}`,
  environment: { PYTHONPATH: '/var/runtime', LC_CTYPE: 'C.UTF-8' },
  cache: CACHE,
  stem: { heapBound: false, bootVariables: [...PROCESS_VARIABLES, 'PYTHON'] },
})

const OS_ONLY: Runtime = { image: 'hearth/provided', environment: {}, isOsOnly: true }

const ruby = (version: string): Runtime => ({
  image: `hearth/ruby${version}`,
  executionEnvironment: `AWS_Lambda_ruby${version}`,
  environment: {
    GEM_PATH: `/var/task/vendor/bundle/ruby/${version}.0:/opt/ruby/gems/${version}.0:/opt/ruby/${version}.0`,
    RUBYLIB: '/var/task:/opt/ruby/lib',
  },
  stem: { heapBound: false, bootVariables: [...PROCESS_VARIABLES, 'RUBY'] },
})

const java = (version: string): Runtime => ({
  image: `hearth/java${version}`,
  executionEnvironment: `AWS_Lambda_java${version}`,
  environment: {},
  // A machine that archives its classes holds them twice, or has another one do it.
  cache: { atBoot: true, fillMemoryMb: 1024 },
  stem: {
    heapBound: true,
    bootVariables: [...PROCESS_VARIABLES, 'JAVA_', 'JDK_JAVA_OPTIONS', '_JAVA_OPTIONS'],
  },
})

const dotnet = (version: string): Runtime => ({
  image: `hearth/dotnet${version}`,
  executionEnvironment: `AWS_Lambda_dotnet${version}`,
  environment: { DOTNET_ROOT: '/var/lang/bin' },
  stem: {
    heapBound: true,
    bootVariables: [...PROCESS_VARIABLES, 'COMPlus_', 'CORECLR_', 'DOTNET_', 'SSL_CERT_'],
  },
})

/** The runtimes that this Hearth can run, by AWS's identifier. */
export const RUNTIMES: Readonly<Record<string, Runtime>> = {
  'nodejs20.x': nodejs('20'),
  'nodejs22.x': nodejs('22'),
  'nodejs24.x': nodejs('24'),
  'nodejs26.x': nodejs('26'),
  'python3.13': python('3.13'),
  'provided.al2': OS_ONLY,
  'provided.al2023': OS_ONLY,
  'python3.12': python('3.12'),
  'python3.14': python('3.14'),
  'python3.15': python('3.15'),
  java17: java('17'),
  java21: java('21'),
  java25: java('25'),
  'ruby3.2': ruby('3.2'),
  'ruby3.3': ruby('3.3'),
  'ruby3.4': ruby('3.4'),
  dotnet8: dotnet('8'),
  dotnet10: dotnet('10'),
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
  const runtime = Object.hasOwn(RUNTIMES, name) ? RUNTIMES[name] : undefined
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
