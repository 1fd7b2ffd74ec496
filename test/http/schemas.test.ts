import { expect, it } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { buildServer } from '../../src/http/server'

it('a route with schemas that somebody adds to the server is checked and rendered by them', async () => {
  const config = new AdapterConfig({})
  config.initialize()
  const app = buildServer(config.settings)
  const number = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } as const
  app.post('/twice', { schema: { body: number, response: { 200: number } } }, (req) => {
    const { n } = req.body as { n: number }
    return { n: n * 2, secret: true }
  })
  const good = await app.inject({ method: 'POST', url: '/twice', payload: { n: '4' } })
  expect([good.statusCode, good.body]).toEqual([200, '{"n":8}'])
  const bad = await app.inject({ method: 'POST', url: '/twice', payload: { n: 'x' } })
  expect([bad.statusCode, bad.json()]).toMatchObject([400, { message: 'body/n must be integer' }])
  await app.close()
})
