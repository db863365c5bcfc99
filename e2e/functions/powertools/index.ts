// A handler with the logger of Powertools for AWS Lambda, as its guide shows it.
import { Logger } from '@aws-lambda-powertools/logger'

const logger = new Logger({ serviceName: 'greeter' })

export const handler = async (event: { name: string }, context: never) => {
  logger.addContext(context)
  logger.info('greeting', { name: event.name })
  return { greeting: `Hello ${event.name}` }
}
