// Events to test a function with, as their sources send them. Data: add one, and it is in the
// console's list.

const SQS = {
  Records: [
    {
      messageId: '19dd0b57-b21e-4ac1-bd88-01bbb068cb78',
      receiptHandle: 'MessageReceiptHandle',
      body: '{"order":42}',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1764165600000',
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: '1764165600001',
      },
      messageAttributes: {},
      md5OfBody: '99914b932bd37a50b983c5e7c90ae93b',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:orders',
      awsRegion: 'us-east-1',
    },
  ],
}

const KINESIS = {
  Records: [
    {
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: 'customer-7',
        sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
        data: Buffer.from('{"order":42}').toString('base64'),
        approximateArrivalTimestamp: 1764165600.001,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: 'shardId-000000000006:49590338271490256608559692538361571095921575989136588898',
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::000000000000:role/test',
      awsRegion: 'us-east-1',
      eventSourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/orders',
    },
  ],
}

const DYNAMODB = {
  Records: [
    {
      eventID: 'c4ca4238a0b923820dcc509a6f75849b',
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: 1764165600,
        Keys: { id: { S: 'order-42' } },
        NewImage: { id: { S: 'order-42' }, total: { N: '1999' } },
        SequenceNumber: '4421584500000000017450439091',
        SizeBytes: 26,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: 'arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000',
    },
  ],
}

const HTTP = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/orders/42',
  rawQueryString: 'expand=lines',
  headers: {
    accept: 'application/json',
    host: 'id.lambda-url.us-east-1.localhost',
    'user-agent': 'curl/8.0',
    'x-forwarded-for': '192.0.2.1',
    'x-forwarded-proto': 'https',
  },
  queryStringParameters: { expand: 'lines' },
  requestContext: {
    accountId: 'anonymous',
    apiId: 'id',
    domainName: 'id.lambda-url.us-east-1.localhost',
    domainPrefix: 'id',
    http: {
      method: 'GET',
      path: '/orders/42',
      protocol: 'HTTP/1.1',
      sourceIp: '192.0.2.1',
      userAgent: 'curl/8.0',
    },
    requestId: 'f0000000-0000-4000-8000-000000000000',
    routeKey: '$default',
    stage: '$default',
    time: '26/Nov/2025:14:00:00 +0000',
    timeEpoch: 1764165600000,
  },
  isBase64Encoded: false,
}

const SNS = {
  Records: [
    {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: 'arn:aws:sns:us-east-1:000000000000:orders:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55',
      Sns: {
        Type: 'Notification',
        MessageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e',
        TopicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
        Subject: 'An order',
        Message: '{"order":42}',
        Timestamp: '2025-11-26T14:00:00.000Z',
        MessageAttributes: {},
      },
    },
  ],
}

const S3 = {
  Records: [
    {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'us-east-1',
      eventTime: '2025-11-26T14:00:00.000Z',
      eventName: 'ObjectCreated:Put',
      s3: {
        s3SchemaVersion: '1.0',
        bucket: { name: 'uploads', arn: 'arn:aws:s3:::uploads' },
        object: { key: 'photos/cat.jpg', size: 1024, eTag: '0123456789abcdef0123456789abcdef' },
      },
    },
  ],
}

const SCHEDULE = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '000000000000',
  time: '2025-11-26T14:00:00Z',
  region: 'us-east-1',
  resources: ['arn:aws:events:us-east-1:000000000000:rule/every-morning'],
  detail: {},
}

const JETSTREAM = {
  Records: [
    {
      eventSource: 'hearth:jetstream',
      eventSourceARN: 'arn:aws-hearth:jetstream:us-east-1:000000000000:ORDERS',
      awsRegion: 'us-east-1',
      stream: 'ORDERS',
      subject: 'orders.new',
      sequence: 42,
      time: '2025-11-26T14:00:00.000Z',
      headers: {},
      data: Buffer.from('{"order":42}').toString('base64'),
      deliveryCount: 1,
    },
  ],
}

export const SAMPLES: Readonly<Record<string, { name: string; event: unknown }>> = {
  hello: { name: 'Hello', event: { name: 'Ada' } },
  http: { name: 'HTTP request (function URL, API Gateway v2)', event: HTTP },
  sqs: { name: 'SQS message', event: SQS },
  kinesis: { name: 'Kinesis record', event: KINESIS },
  dynamodb: { name: 'DynamoDB stream record', event: DYNAMODB },
  sns: { name: 'SNS notification', event: SNS },
  s3: { name: 'S3 object created', event: S3 },
  schedule: { name: 'Scheduled event (EventBridge)', event: SCHEDULE },
  jetstream: { name: 'NATS JetStream message', event: JETSTREAM },
}
