// A function that calls Hearth with what its environment gives it, as any function on AWS would.
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'

const client = new LambdaClient({ maxAttempts: 1 })

export const handler = async ({ invoke }) => {
  const command = invoke
    ? new InvokeCommand({ FunctionName: invoke, Payload: '{"from":"a function"}' })
    : new ListFunctionsCommand({})
  try {
    const { Payload, Functions } = await client.send(command)
    return Payload ? JSON.parse(Buffer.from(Payload)) : Functions.map((one) => one.FunctionName)
  } catch (error) {
    return { name: error.name, message: error.message }
  }
}
