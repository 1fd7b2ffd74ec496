import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createAdapter as bitfinex } from '../../endpoints/bitfinex'
import { createAdapter as coinbase } from '../../endpoints/coinbase'
import { createAdapter as kraken } from '../../endpoints/kraken'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { ProviderWords, wordsOf } from '../../src/transports/provider-words'
import { AdapterDataProviderError, AdapterRateLimitError } from '../../src/validation/errors'
import { eventually } from '../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from './http/support'
import { SseProvider } from './sse/provider'
import { config as sseConfig, start as startSse } from './sse/support'
import { BTC, config as wsConfig, ETH, start as startWs, tick, type Types } from './websocket/support'

const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0', BACKGROUND_EXECUTE_MS_WS: '10' }
const TIMES = {
  providerDataRequestedUnixMs: 0,
  providerDataReceivedUnixMs: 0,
  providerIndicatedTimeUnixMs: undefined,
}
const refusal = (message: string, providerStatusCode = 500) =>
  new AdapterDataProviderError({ message, providerStatusCode }, TIMES)

/** Asks until the reason has these words. */
const told = (service: Pick<Served, 'post'>, data: object, words: string) =>
  eventually(async () => {
    const { json } = await service.post(data)
    expect(json.error?.reason?.message).toContain(words)
    return json.error.reason as { code: string; class: string; message: string }
  })

describe('what a provider says against all that was asked', () => {
  const handlers = {
    message: (message: Types['Provider']['WsMessage'] & { error?: string }) => {
      if (message.error !== undefined) throw refusal(message.error)
      return wsConfig('').handlers.message(message, undefined as never)
    },
  }

  it('ER-1: is the reason of all who wait on a WebSocket, where its handler throws an error of the contract', async () => {
    await using provider = await wsProvider()
    await using service = await startWs(wsConfig(provider.url, { handlers }), AT_ONCE)
    await service.post(ETH)
    const connection = await provider.connection()
    connection.send({ error: 'API key is missing' })
    for (const feed of [ETH, BTC])
      expect(await told(service, feed, 'The provider says: API key is missing')).toMatchObject({
        code: 'PROVIDER_ERROR',
        class: 'auth',
      })
    // Providers often hang up after that.
    connection.close(1008)
    expect(await told(service, BTC, '1008')).toMatchObject({
      class: 'auth',
      message: expect.stringContaining('the provider says: API key is missing'),
    })
  })

  it('is over when a value has come, and later words concern nobody in particular', async () => {
    await using provider = await wsProvider()
    await using service = await startWs(wsConfig(provider.url, { handlers }), AT_ONCE)
    await service.post(ETH)
    await service.post(BTC)
    const connection = await provider.connection()
    connection.send({ error: 'slow down' })
    await told(service, BTC, 'slow down')
    connection.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect((await service.post(BTC)).json.error.reason.code).toMatch(/^NO_DATA/)
    connection.send({ error: 'you there' })
    connection.send(tick(ETH, 6))
    await service.until(ETH, ({ json }) => json.result === 6)
    expect((await service.post(BTC)).json.error.reason.code).toMatch(/^NO_DATA/)
    const counted = { app_name: 'TEST', reason: 'handler-failed' }
    expect(await service.metric('data_refused_total', counted)).toBe(2)
  })

  it('ER-1: is the reason of all who wait for server-sent events', async () => {
    await using provider = await SseProvider.start()
    const plain = sseConfig(provider.url)
    const eventListeners = [
      ...plain.eventListeners,
      {
        type: 'trouble',
        parseResponse: ({ data }: { data?: unknown }) => {
          throw new AdapterRateLimitError({ message: String(data) })
        },
      },
    ]
    await using service = await startSse({ ...plain, eventListeners })
    await service.post({ base: 'ETH' })
    const stream = await provider.connection(0)
    stream.event('trouble', 'enough for today')
    for (const base of ['ETH', 'BTC'])
      expect(await told(service, { base }, 'enough for today')).toMatchObject({ class: 'quota' })
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until({ base: 'ETH' }, ({ json }) => json.result === 5)
    expect((await service.post({ base: 'BTC' })).json.error.reason.message).not.toContain('enough')
  })

  it('ER-1: is the reason of the feeds of an HTTP request, where the code that reads the answer throws it', async () => {
    await using provider = await httpProvider(() => ({ body: { error: 'plan expired' } }))
    const parseResponse = () => {
      throw refusal('plan expired', 402)
    }
    await using service = await serve(() => httpAdapter({ ...oneByOne(provider.url), parseResponse }), {
      env: AT_ONCE,
    })
    expect(await told(service, { base: 'ETH' }, 'plan expired')).toMatchObject({
      code: 'PROVIDER_ERROR',
      class: 'quota',
    })
  })

  it.each([
    [
      'KRAKEN',
      kraken,
      { error: 'Symbol field must be an array', method: 'subscribe', success: false },
      undefined,
    ],
    ['KRAKEN', kraken, { error: 'Exceeded msg rate', success: false }, 'quota'],
    ['COINBASE', coinbase, { type: 'error', message: 'rate limit exceeded' }, 'quota'],
    ['BITFINEX', bitfinex, { event: 'error', code: 10_300, msg: 'apikey: invalid' }, 'auth'],
  ])('ER-1: is the reason of all who wait at %s, and counted', async (name, createAdapter, frame, kind) => {
    await using provider = await wsProvider()
    provider.onConnection((connection) => {
      if (name === 'BITFINEX') connection.send({ event: 'info', version: 2, platform: { status: 1 } })
      connection.send(frame)
    })
    await using service = await serve(createAdapter, {
      env: { ...AT_ONCE, [`${name}_WS_API_ENDPOINT`]: provider.url },
    })
    const words =
      (frame as { error?: string; message?: string; msg?: string }).error ?? Object.values(frame).at(-1)
    for (const base of ['ETH', 'BTC'])
      expect(await told(service, { base, quote: 'USD' }, `${words as string}`)).toMatchObject({
        code: 'PROVIDER_ERROR',
        class: kind ?? 'provider',
      })
    expect(await service.metric('data_refused_total', { app_name: name, reason: 'provider-error' })).toBe(1)
  })
})

it('is told from the bugs of a handler', () => {
  expect(wordsOf(new Error('x'))).toBeUndefined()
  expect(wordsOf(refusal('x', 403))).toEqual({ text: 'x', class: 'auth' })
  expect(wordsOf(refusal('x'))).toEqual({ text: 'x' })
})

it('keeps its time while the same is said, and is short', () => {
  const words = new ProviderWords()
  words.say('again '.repeat(100))
  const first = words.in(undefined)
  words.say('again '.repeat(100))
  expect(words.in(undefined)).toEqual(first)
  expect(first?.message.length).toBeLessThan(330)
  words.acknowledge()
  words.say('late')
  expect(words.in(undefined)).toBeUndefined()
})

it('ER-1: a subscription request of a stream whose answer is cut off says so, and caches no error', async () => {
  const server = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    res.write('{"a', () => res.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await using provider = await SseProvider.start()
  const prepareSubscriptionRequest = () => ({ url, method: 'POST' })
  await using service = await startSse(sseConfig(provider.url, { prepareSubscriptionRequest }))
  await service.post({ base: 'ETH' })
  const reason = await told(service, { base: 'ETH' }, 'was cut off')
  expect(reason).toMatchObject({ code: 'CONNECTION_CLOSED', class: 'network' })
  expect(reason.message).toMatch(
    /^The subscription request failed: The data provider's answer \(status 200\) was cut off/,
  )
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
