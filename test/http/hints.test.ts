import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { answerUnknownPaths } from '../../src/http/unknown-paths'
import { serve } from '../../src/testing/serve'
import { TestAdapter } from '../../src/testing/test-adapter'
import { priceParameters, StillTransport } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const endpoint = (name: string, aliases?: string[]) =>
  new AdapterEndpoint({ name, aliases, inputParameters: priceParameters(), transport: new StillTransport() })
const adapterWith = (names: string[]) => {
  const endpoints = [endpoint('spot', ['crypto']), ...names.map((name) => endpoint(name))]
  return new Adapter({ name: 'TEST', endpoints: endpoints as never })
}

const asked = async (body: object, adapter = adapterWith(['volume'])) => {
  await using service = await serve(adapter)
  const reply = await service.api.inject({ method: 'POST', url: '/', payload: body })
  return { statusCode: reply.statusCode, json: reply.json<{ hint?: string; error: { message: string } }>() }
}

describe('a hint', () => {
  it.each([
    ['an unknown endpoint', { endpoint: 'prices', data: ETH }, 404],
    ['one that is called like a member of every object', { data: { ...ETH, endpoint: 'constructor' } }, 404],
    ['none where there is no default', { data: ETH }, 400],
    ['one that is no text', { endpoint: 5, data: ETH }, 400],
  ])('names the endpoints that there are: %s', async (_what, body, statusCode) => {
    const { json, ...rest } = await asked(body)
    expect(rest).toEqual({ statusCode })
    expect(json.hint).toBe('The endpoints of this adapter: spot (or crypto), volume')
  })

  it('does not name more than twenty of them', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `e${index}`)
    const { json } = await asked({ endpoint: 'none' }, adapterWith(names))
    expect(json.hint).toMatch(/^The endpoints of this adapter: spot \(or crypto\), e0, .*, e18 and 11 more$/)
  })

  it.each([
    ['no data', { ...ETH, endpoint: 'spot' }],
    ['null as data', { ...ETH, endpoint: 'spot', data: null }],
    ['another name of it', { from: 'ETH', to: 'USD', endpoint: 'crypto' }],
  ])('asks whether data was forgotten where parameters lie beside it: %s', async (_what, body) => {
    const { statusCode, json } = await asked(body)
    expect(statusCode).toBe(400)
    expect(json.hint).toBe('Did you forget "data"? Parameters belong there: {"data":{"base":…}}')
  })

  it.each([
    ['a parameter is missing', { endpoint: 'spot', data: { base: 'ETH' } }],
    ['nothing is there', { endpoint: 'spot' }],
    ['something else is there', { endpoint: 'spot', id: '1', meta: {}, secret: 'key' }],
  ])('is not given where there is nothing to say: %s', async (_what, body) => {
    const { statusCode, json } = await asked(body)
    expect([statusCode, 'hint' in json]).toEqual([400, false])
  })

  it('is at the paths that are not served', async () => {
    await using service = await serve(adapterWith([]))
    const reply = await service.api.inject({ method: 'POST', url: '/price?x=1', payload: ETH })
    expect(reply.json()).toEqual({
      message: 'Route POST:/price?x=1 not found',
      error: 'Not Found',
      statusCode: 404,
      hint: 'Requests go to POST /',
    })
  })

  it('is not in what adapters’ own tests compare', async () => {
    const tested = await TestAdapter.start(adapterWith([]), {})
    try {
      const { api } = tested
      const unknown = await api.inject({ method: 'POST', url: '/', payload: { endpoint: 'none' } })
      const nowhere = await api.inject({ method: 'GET', url: '/nowhere' })
      expect([unknown.statusCode, 'hint' in unknown.json<object>()]).toEqual([404, false])
      expect(nowhere.json()).toEqual({
        message: 'Route GET:/nowhere not found',
        error: 'Not Found',
        statusCode: 404,
      })
    } finally {
      await tested.api.close()
    }
  })
})

describe('what a path that is not served answers', () => {
  it.each([
    { method: 'GET', url: '/' },
    { method: 'HEAD', url: '/x' },
    { method: 'OPTIONS', url: '/x' },
    { method: 'DELETE', url: '/x%2f' },
    { method: 'GET', url: '/%zz' },
    { method: 'POST', url: '/x', payload: '{"a":1}', headers: { 'content-type': 'application/json' } },
    { method: 'POST', url: '/x', payload: '{"a":', headers: { 'content-type': 'application/json' } },
    { method: 'POST', url: '/x', payload: '<a/>', headers: { 'content-type': 'text/xml' } },
    { method: 'POST', url: '/x', payload: 'y'.repeat(200), headers: { 'content-type': 'text/plain' } },
  ] as const)(
    'is what the server itself answers, but for the hint: $method $url $payload',
    async (request) => {
      const [plain, hinting] = [0, 1].map(() => fastify({ bodyLimit: 100 }))
      answerUnknownPaths(hinting!, () => undefined)
      const [expected, got] = await Promise.all([plain!, hinting!].map((app) => app.inject(request)))
      const of = ({ statusCode, body, headers }: NonNullable<typeof got>) => ({
        statusCode,
        body,
        headers: { ...headers, date: '' },
      })
      expect(of(got!)).toEqual(of(expected!))
    },
  )
})
