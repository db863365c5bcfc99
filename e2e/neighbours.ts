// The servers next door, for tests: AWS's services as moto plays them, shards of Kinesis that close
// as kinesalite does, and a Kafka cluster as librdkafka does. All keep what they hold in memory, so
// a killed one forgets.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { Readable, Writable } from 'node:stream'
import { GenericContainer, Wait } from 'testcontainers'
import { KCAT, MOTO } from './neighbour-images.ts'
import { answers, controls, freePort, type Server } from './servers.ts'

/** SQS, SNS, EventBridge, S3, Kinesis and DynamoDB Streams, all at one address. */
export async function startMoto(): Promise<Server> {
  const port = await freePort()
  const container = await new GenericContainer(MOTO.tag)
    .withExposedPorts({ container: 5000, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Running on/))
    .start()
  const ready = () =>
    answers(port, { question: 'GET /moto-api/ HTTP/1.0\r\n\r\n', answer: 'HTTP/1.1 200' })
  return { url: `http://127.0.0.1:${port}`, ...controls(container.getId(), ready) }
}

/** Kinesis whose shards end when they are split or merged; moto's stay open and take records. */
export async function startKinesalite(): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort()
  const program = createRequire(import.meta.url).resolve('kinesalite/cli.js')
  const times = ['--createStreamMs', '10', '--updateStreamMs', '10']
  const child = spawn(process.execPath, [program, '--port', `${port}`, ...times], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

export interface Kafka {
  /** `host:port` of each broker. A topic is made when somebody names it, with four partitions. */
  brokers: string[]
  stop(): Promise<void>
}

/**
 * A Kafka cluster that lives as long as kcat's input is open, so that it ends with whoever started
 * it. Its brokers choose ports of the loopback interface, which must be the host's own.
 */
export async function startKafka(brokers = 1): Promise<Kafka> {
  const cluster = ['-X', `test.mock.num.brokers=${brokers}`]
  const producer = ['-P', '-b', 'the-cluster-itself:9092', '-t', 'hearth-holds-this-open']
  const child = spawn(
    'docker',
    ['run', '--rm', '--interactive', '--network', 'host', KCAT.tag, ...producer, ...cluster],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    brokers: await addressesSaidBy(child),
    stop: () => {
      child.stdin.end()
      return gone
    },
  }
}

/** librdkafka says once, at its start, where its brokers listen. */
function addressesSaidBy(child: ChildProcessByStdio<Writable, null, Readable>): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000)
      const [, addresses] = /replaced with (\S+)\n/.exec(said) ?? []
      if (addresses !== undefined) resolve(addresses.split(','))
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`kcat has ended: ${said}`)))
  })
}
