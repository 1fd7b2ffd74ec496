import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ProviderResult } from '../../../src/feeds/responses'
import { watchProcess } from '../../helpers/hostile'
import { SseProvider } from './provider'
import { config, linesAt, logged, start, type Types } from './support'

beforeEach(() => {
  logged.length = 0
})

const ETH = { base: 'ETH' }

const refused = (service: Awaited<ReturnType<typeof start>>, reason: string) =>
  service.metric('data_refused_total', { app_name: 'TEST', reason })

describe('an event', () => {
  const bad: [string, string][] = [
    ['that is no JSON', 'event: tick\ndata: {oops\n\n'],
    ['without data', 'event: tick\n\n'],
    ['with empty data', 'event: tick\ndata:\n\n'],
    ['of another shape', 'event: tick\ndata: {"error":"no"}\n\n'],
    ['with null in it', 'event: tick\ndata: [null]\n\n'],
    ['of a type that nobody listens to', 'event: noise\ndata: 1\n\n'],
    ['that is called error', 'event: error\ndata: {"code":401}\n\n'],
    ['that is called open', 'event: open\ndata: 1\n\n'],
    ['with nothing that is an event', ': comment\nfoo\n\n\u0000\n\n'],
    ['with a name from a prototype', 'event: __proto__\ndata: {"__proto__":1}\n\n'],
  ]
  it.each(bad)('IS-2: %s costs that event only', async (_, text) => {
    using watch = watchProcess()
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post(ETH)
    const stream = await provider.connection(0)
    stream.raw(text)
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(provider.asked).toBe(1)
    expect(watch.escaped).toEqual([])
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  })

  it('ER-8: that its handler throws at is counted, and named once per interval', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post(ETH)
    const stream = await provider.connection(0)
    for (let n = 0; n < 5; n++) stream.raw('event: tick\ndata: {oops\n\n')
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(await refused(service, 'handler-failed')).toBe(5)
    expect(linesAt('debug').filter((line) => line === 'Refused what the provider sent')).toHaveLength(1)
  })

  it('IS-1: with one bad element costs that element only', async () => {
    await using provider = await SseProvider.start()
    const good = (price: number, base = 'ETH'): ProviderResult<Types> => ({
      params: { base },
      response: { result: price, data: { result: price } },
    })
    const elements = [null, 5, {}, { params: null }, good(NaN, 'BTC'), good(7), { response: {} }]
    const parseResponse = () => elements as ProviderResult<Types>[]
    await using service = await start(
      config(provider.url, { eventListeners: [{ type: 'tick', parseResponse }] }),
    )
    await service.post(ETH)
    ;(await provider.connection(0)).event('tick', [])
    await service.until(ETH, ({ json }) => json.result === 7)
    expect(await refused(service, 'handler-failed')).toBe(5)
    expect(await refused(service, 'not-finite')).toBe(1)
  })

  it.each([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a promise', () => Promise.resolve([])],
    ['a promise that rejects', () => Promise.reject(new Error('late'))],
    ['an endless loop of references', () => [{ params: ETH, response: Object.freeze({}) }]],
  ])('may be made %s of', async (_, parse) => {
    await using provider = await SseProvider.start()
    const parseResponse = parse as never
    const plain = config(provider.url)
    const eventListeners = [{ type: 'odd', parseResponse }, ...plain.eventListeners]
    await using service = await start({ ...plain, eventListeners })
    await service.post(ETH)
    const stream = await provider.connection(0)
    stream.event('odd', 1)
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
  })

  it('IS-2: may be anything at all', async () => {
    using watch = watchProcess()
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), { STREAM_HANDLER_RETRY_MIN_MS: '100' })
    await service.post(ETH)
    const stream = await provider.connection(0)
    let price = 1
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        stream.raw(bytes)
        stream.raw('\n\n')
        price++
        stream.event('tick', [{ base: 'ETH', price }])
        await service.until(ETH, ({ json }) => json.result === price)
      }),
      { numRuns: 100 },
    )
    expect(provider.asked).toBe(1)
    expect(watch.escaped).toEqual([])
  })
})
