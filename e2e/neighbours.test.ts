// The neighbours that other tests stand beside, by their own protocols: what is believed of them
// here need not be doubted there.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { expect, test } from 'vitest'
import { KCAT } from './neighbour-images.ts'
import { startKafka, startMoto } from './neighbours.ts'

const docker = promisify(execFile)
/** Containers take their time on a busy machine. */
const LONG = { timeout: 120_000 }

test('moto keeps a message, and has forgotten it when it was killed', LONG, async () => {
  const moto = await startMoto()
  try {
    const sqs = new SQSClient({
      region: 'us-east-1',
      endpoint: moto.url,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'letters' }))
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }))
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }))
    expect(Messages?.map(({ Body }) => Body)).toEqual(['hello'])
    await moto.restart()
    const lost = sqs.send(new ReceiveMessageCommand({ QueueUrl }))
    await expect(lost).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  } finally {
    await moto.stop()
  }
})

test('the Kafka cluster gives others what was produced, until it is stopped', LONG, async () => {
  const kafka = await startKafka(2)
  const kcat = (...args: string[]) => {
    const image = ['run', '--rm', '--interactive', '--network', 'host', KCAT.tag]
    return docker('docker', [...image, '-b', kafka.brokers.join(), '-t', 'events', ...args])
  }
  expect(kafka.brokers).toHaveLength(2)
  const sent = kcat('-P', '-K', ':')
  sent.child.stdin?.end('a:one\na:two\n')
  await sent
  const { stdout } = await kcat('-C', '-o', 'beginning', '-e', '-f', '%k=%s\n')
  expect(stdout).toBe('a=one\na=two\n')
  await kafka.stop()
  await expect(kcat('-L', '-m', '3')).rejects.toThrow()
})
