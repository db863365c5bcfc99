// The function that `make up` deploys: it greets, whether it was invoked or opened in a browser.
export const handler = async (event, context) => {
  const name = event.name ?? event.queryStringParameters?.name ?? 'world'
  const greeting = `Hello, ${name}!`
  console.log(greeting)
  return { message: greeting, function: context.functionName, requestId: context.awsRequestId }
}
