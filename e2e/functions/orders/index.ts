// An SQS consumer with Powertools for AWS Lambda as their guides show them: logger, metrics, tracer
// and batch, around a handler of Middy.

import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import { Tracer } from '@aws-lambda-powertools/tracer'
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware'
import middy from '@middy/core'

interface SqsRecord {
  messageId: string
  body: string
}

const logger = new Logger({ serviceName: 'orders' })
const metrics = new Metrics({ namespace: 'shop', serviceName: 'orders' })
const tracer = new Tracer({ serviceName: 'orders' })
const processor = new BatchProcessor(EventType.SQS)

async function handleRecord({ messageId, body }: SqsRecord): Promise<void> {
  const order = JSON.parse(body)
  if (order.fail) throw new Error(`no good: ${messageId}`)
  metrics.addMetric('orders', MetricUnit.Count, 1)
  logger.info('order', { id: order.id })
}

export const handler = middy(async (event: never, context: never) => {
  tracer.putAnnotation('kind', 'orders')
  const traced = tracer.getRootXrayTraceId()
  const answer = await processPartialResponse(event, handleRecord as never, processor, { context })
  return { ...answer, traced, tracing: tracer.isTracingEnabled() }
})
  .use(captureLambdaHandler(tracer))
  .use(injectLambdaContext(logger, { logEvent: false }))
  .use(logMetrics(metrics, { captureColdStartMetric: true }))
