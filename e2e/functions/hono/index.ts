// A Hono application behind its own Lambda adapter, as its guide shows it.
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'

const app = new Hono()
app.get('/', (c) => c.text('Hello Hono'))
app.get('/user/:name', (c) => c.json({ name: c.req.param('name'), tag: c.req.query('tag') }))
app.post('/echo', async (c) => c.json(await c.req.json(), 201))
app.get('/bytes', (c) =>
  c.body(new Uint8Array([0, 159, 146, 150]), 200, { 'content-type': 'image/png' }),
)

export const handler = handle(app)
