// What OPERATIONS.md cannot know from the schemas: which members are accepted although nothing
// follows from them, which are refused, and why. Whatever is not here is obeyed; the page's test
// looks for a reader of each.

/** `<member>` of every operation that has it, or `<operation>.<member>`. */
export const ACCEPTED: Readonly<Record<string, string>> = {
  KMSKeyArn:
    'Shown again. There is no KMS: variables are sealed with the master key of this Hearth.',
  MetricsConfig: 'Shown again. The metrics of all pollers are always there.',
  ProvisionedPollerConfig: 'Shown again. There are as many pollers as the operator runs.',
  SourceKMSKeyArn: 'Code lies in the store of this Hearth, and there is no KMS.',
  TracingConfig: 'Shown again. Trace ids are always passed on; where a collector is named, every function is traced.',
  VpcConfig:
    'Shown again once its form was judged. There are no VPCs: what sandboxes may reach is set by ' +
    '`HEARTH_SANDBOX_ALLOW` and the tag `hearth:network`.',
}

export const REFUSED: Readonly<Record<string, string>> = {
  ConsumptionMode: 'Topics are read in the one way that every Kafka has.',
  CapacityProviderConfig: 'Capacity providers come in a wave of their own.',
  DocumentDBEventSourceConfig: 'Amazon DocumentDB is not read from.',
  DurableConfig: 'Durable functions come in a wave of their own.',
  DurableExecutionName: 'Durable functions come in a wave of their own.',
  FunctionScalingConfig:
    'As on AWS for a function that is on no capacity provider, and none is: ' +
    '`AccessDeniedException`. What a version has at least is its provisioned concurrency.',
  FileSystemConfigs: 'There are no mounts of file systems yet.',
  'CreateEventSourceMapping.LoggingConfig': 'Pollers have one log, of the whole process.',
  'UpdateEventSourceMapping.LoggingConfig': 'Pollers have one log, of the whole process.',
  PublishTo: '`$LATEST.PUBLISHED` belongs to capacity providers.',
  Queues: 'Amazon MQ is not read from.',
  RuntimeVersionArn: 'Runtimes are kept current; none is pinned yet.',
  S3ObjectStorageMode: 'Code is copied out of its bucket: `COPY` is taken, `REFERENCE` refused.',
  SchemaRegistryConfig: 'Records are handed on as they are; no schema registry is asked.',
}

/** Operations that are absent, by a part of their names. */
export const ABSENT: readonly (readonly [part: RegExp, why: string])[] = [
  [/Durable/, 'Durable functions come in a wave of their own.'],
  [/CapacityProvider/, 'Capacity providers come in a wave of their own.'],
]
