// The smallest runtime: it takes events from the Runtime API and answers them with themselves.

const api = `http://${process['env'].AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`

async function run() {
  for (;;) {
    const next = await fetch(`${api}/next`)
    const event = await next.text()
    console.log(`image got ${event}`)
    const id = next.headers.get('lambda-runtime-aws-request-id')
    await fetch(`${api}/${id}/response`, { method: 'POST', body: event })
  }
}

run()
