// A Hono application behind its own streaming adapter for Lambda, as its guide shows it.
import { Hono } from 'hono'
import { streamHandle } from 'hono/aws-lambda'
import { streamText } from 'hono/streaming'

const app = new Hono()
app.get('/slow', (c) =>
  streamText(c, async (stream) => {
    await stream.write('Hello ')
    await stream.sleep(1_500)
    await stream.write('Hono')
  }),
)
app.get('/teapot', (c) => {
  c.header('set-cookie', 'a=1')
  return c.json({ short: true }, 418)
})
app.get('/nothing', (c) => c.body(null, 204))

export const handler = streamHandle(app)
