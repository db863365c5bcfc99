// How Hearth reaches AWS-shaped services, from its configuration: real AWS, or whatever the end
// points name. One end point may be for all services, and each service may have its own.

import type { Config } from './config.ts'

type Service = 'dynamodb' | 'events' | 'kinesis' | 's3' | 'sns' | 'sqs'

/** The poller's AwsAccess. */
export function awsAccess(config: Config) {
  const endpoints: Readonly<Record<Service, string | undefined>> = {
    dynamodb: config.AWS_ENDPOINT_URL_DYNAMODB_STREAMS,
    events: config.AWS_ENDPOINT_URL_EVENTBRIDGE,
    kinesis: config.AWS_ENDPOINT_URL_KINESIS,
    s3: config.AWS_ENDPOINT_URL_S3,
    sns: config.AWS_ENDPOINT_URL_SNS,
    sqs: config.AWS_ENDPOINT_URL_SQS,
  }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = config
  const { AWS_SESSION_TOKEN: sessionToken } = config
  return {
    region: config.HEARTH_REGION,
    endpoint: (service: Service) => endpoints[service] ?? config.AWS_ENDPOINT_URL,
    ...(accessKeyId &&
      secretAccessKey && {
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
      }),
  }
}
