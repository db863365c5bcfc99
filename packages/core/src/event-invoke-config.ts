// How asynchronous events of a function are tried and told of: AWS's event invoke config.

export interface EventInvokeConfig {
  /** 0 to 2; absent is AWS's default of 2. */
  retriesMax?: number
  /** 60 to 21,600; absent is AWS's default of 21,600. */
  ageSecondsMax?: number
  onSuccess?: string
  onFailure?: string
  modifiedAt: number
}
