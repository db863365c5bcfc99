// `hearth up`: from whatever is here to a function's answer, saying what it does. Every step finds out first
// whether there is anything to do, so that a second run is quick and changes nothing.

import { join } from 'node:path'
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda'
import { endpointOf, fetchBill, lambdaClient } from './client.ts'
import { composeUp } from './compose.ts'
import { deploy } from './deploy.ts'
import { ensureCompose, ensureEngine } from './engine.ts'
import { ensureImages, ROOT } from './images.ts'
import { dollars } from './output.ts'
import { step } from './progress.ts'

const SAMPLE = 'hello'
const WARM_INVOCATIONS = 10
const EVENT = '{"name":"Hearth"}'

export async function up(): Promise<void> {
  await step('Docker: an engine, and its compose command', async (report) => {
    await ensureEngine(report)
    await ensureCompose(report)
  })
  await step(
    'Images: pulled where a registry answers, built from Debian and npm elsewhere',
    ensureImages,
  )
  await step('Hearth: NATS, Valkey and the platform itself', composeUp)
  const client = lambdaClient({})
  const deployed = await step(
    'A sample function: deployed and invoked by the AWS SDK',
    async () => {
      const { changed, url } = await deploy(client, join(ROOT, 'deploy', 'sample'), {
        name: SAMPLE,
        runtime: 'nodejs24.x',
        handler: 'index.handler',
        url: true,
      })
      return { changed, url, timed: await timeInvocations(client) }
    },
  )
  await tell(client, deployed)
}

interface Timed {
  answer: string
  firstMs: number
  warmMs: number
}

async function timeInvocations(client: LambdaClient): Promise<Timed> {
  const once = async () => {
    const startedAt = performance.now()
    const { Payload, FunctionError } = await client.send(
      new InvokeCommand({ FunctionName: SAMPLE, Payload: EVENT }),
    )
    const answer = Buffer.from(Payload ?? []).toString()
    if (FunctionError) throw new Error(`the sample function failed: ${answer}`)
    return { answer, ms: performance.now() - startedAt }
  }
  const first = await once()
  const warm: number[] = []
  for (let count = 0; count < WARM_INVOCATIONS; count += 1) warm.push((await once()).ms)
  warm.sort((a, b) => a - b)
  return { answer: first.answer, firstMs: first.ms, warmMs: warm[warm.length >> 1] ?? first.ms }
}

async function tell(
  client: LambdaClient,
  { changed, url, timed }: { changed: boolean; url: string | undefined; timed: Timed },
): Promise<void> {
  const endpoint = endpointOf({})
  const bill = await fetchBill({}).catch(() => undefined)
  const { MemorySize } = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: SAMPLE }),
  )
  const address = url && curlAddress(url)
  console.log(`
${timed.answer}

  first answer   ${timed.firstMs.toFixed(0)} ms${changed ? ' (cold: a new execution environment)' : ''}
  warm answers   ${timed.warmMs.toFixed(1)} ms (median of ${WARM_INVOCATIONS})
  memory         ${MemorySize} MB
  cost here      $0.00${bill ? `, and AWS would have charged ${dollars(bill.awsCharge)} this month` : ''}

Call it with the AWS CLI:

  export AWS_ENDPOINT_URL_LAMBDA=${endpoint} AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=hearth AWS_SECRET_ACCESS_KEY=hearth
  aws lambda invoke --function-name ${SAMPLE} --cli-binary-format raw-in-base64-out \\
    --payload '${EVENT}' /dev/stdout
${address ? `\nOr with curl:\n\n  ${address}\n` : ''}
Deploy your own:  hearth deploy <folder>      See what runs:  hearth status
Stop, keep data:  make down                   Forget it all:  make clean
`)
}

/** Not every machine resolves names under localhost, so the printed line works without. */
function curlAddress(url: string): string {
  const { hostname, host, port } = new URL(url)
  if (!hostname.endsWith('.localhost')) return `curl '${url}?name=you'`
  return `curl --resolve ${host.includes(':') ? host : `${host}:80`}:127.0.0.1 'http://${hostname}${port && `:${port}`}/?name=you'`
}
