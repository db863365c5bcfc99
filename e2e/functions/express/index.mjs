// An Express application through serverless-http, as its guide shows it.
import express from 'express'
import serverless from 'serverless-http'

const app = express()
app.use(express.json())
app.get('/', (_request, response) => response.send('Hello Express'))
app.get('/user/:name', (request, response) => response.json({ name: request.params.name }))
app.post('/echo', (request, response) => response.status(201).json(request.body))
app.use((_request, response) => response.status(404).send('nowhere'))

export const handler = serverless(app)
