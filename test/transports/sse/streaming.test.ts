import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../helpers/eventually'
import { SseProvider } from './provider'
import { config, linesAt, logged, type Params, start } from './support'

beforeEach(() => {
  logged.length = 0
})
afterEach(() => void vi.useRealTimers())

const ETH = { base: 'ETH' }
const BTC = { base: 'BTC' }
const subscribed = (...body: string[]) => ({ path: '/subscribe', body })
const unsubscribed = (...body: string[]) => ({ path: '/unsubscribe', body })

describe('a stream of server-sent events', () => {
  it('is opened for the first wanted feed, and fills it', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    expect(provider.asked).toBe(0)
    const before = Date.now()
    await service.post(ETH)
    const stream = await provider.connection(0)
    expect(await provider.request(0)).toEqual(subscribed('ETH'))
    stream.event('tick', [{ base: 'ETH', price: 5, t: 1_700_000_000_000 }])
    const { json } = await service.until(ETH, ({ statusCode }) => statusCode === 200)
    expect(json).toMatchObject({ result: 5, data: { result: 5 }, statusCode: 200 })
    const { timestamps } = json
    expect(timestamps.providerIndicatedTimeUnixMs).toBe(1_700_000_000_000)
    expect(timestamps.providerDataStreamEstablishedUnixMs).toBeGreaterThanOrEqual(before)
    expect(timestamps.providerDataReceivedUnixMs).toBeGreaterThanOrEqual(
      timestamps.providerDataStreamEstablishedUnixMs,
    )
    expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  })

  it('SB-9: takes other feeds at once, without another stream', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post(ETH)
    const stream = await provider.connection(0)
    await provider.request(0)
    for (let n = 1; n <= 10; n++) {
      await service.post({ base: `F${n}` })
      expect(await provider.request(n)).toEqual(subscribed(`F${n}`))
    }
    expect(provider.asked).toBe(1)
    expect(stream.isGone()).toBe(false)
  })

  it('LC-3: is told at a stop that nothing is wanted any more, before the stream ends', async () => {
    await using provider = await SseProvider.start()
    const service = await start(config(provider.url))
    await service.post(ETH)
    const stream = await provider.connection(0)
    await provider.request(0)
    await service.post(BTC)
    await provider.request(1)
    const stopped = service.stop()
    expect(await provider.request(2)).toEqual(unsubscribed('ETH', 'BTC'))
    await stopped
    await eventually(() => expect(stream.isGone()).toBe(true))
  })

  it('SB-4: is told of a feed that nobody wants any more', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), {
      SSE_SUBSCRIPTION_TTL: '60000',
      BACKGROUND_EXECUTE_MS_SSE: '50',
    })
    await service.post(ETH)
    expect(await provider.request(0)).toEqual(subscribed('ETH'))
    vi.advanceTimersByTime(60_000)
    expect(await provider.request(1)).toEqual(unsubscribed('ETH'))
    expect(provider.asked).toBe(1)
  })

  it('SB-4: leaves a feed subscribed that is asked for while it is being unsubscribed', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    await using provider = await SseProvider.start()
    let answer = () => {}
    const slow = new Promise<void>((resolve) => (answer = resolve))
    const sent: string[] = []
    const requester = {
      request: async (_key: string, { url }: { url: string }) => {
        sent.push(new URL(url).pathname)
        if (url.endsWith('/unsubscribe')) await slow
        return { response: {}, timestamps: {} }
      },
    }
    await using service = await start(
      config(provider.url),
      { SSE_SUBSCRIPTION_TTL: '60000', BACKGROUND_EXECUTE_MS_SSE: '20' },
      { requester: requester as never },
    )
    await service.post(ETH)
    while (sent.length < 1) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(60_000)
    while (sent.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const passes = await service.metric('bg_execute_total', { app_name: 'TEST' })
    await service.post(ETH)
    // Two passes later the wish is known, and waits for its turn.
    while (((await service.metric('bg_execute_total', { app_name: 'TEST' })) ?? 0) < (passes ?? 0) + 2)
      await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toEqual(['/subscribe', '/unsubscribe'])
    answer()
    while (sent.length < 3) await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toEqual(['/subscribe', '/unsubscribe', '/subscribe'])
  })

  it('uses the class that it is given instead of the package', async () => {
    const made: unknown[][] = []
    const listeners = new Map<string, (event: unknown) => void>()
    let isClosed = false
    class Puppet {
      constructor(...args: unknown[]) {
        made.push(args)
      }
      addEventListener(type: string, listener: (event: unknown) => void) {
        listeners.set(type, listener)
      }
      close() {
        isClosed = true
      }
    }
    const init = { withCredentials: true }
    const requests: unknown[][] = []
    const requester = { request: (...args: unknown[]) => Promise.resolve(requests.push(args)) }
    const service = await start(
      config('http://127.0.0.1:1/', {
        prepareSSEConnectionConfig: () => ({ url: 'http://127.0.0.1:1/', eventSourceInitDict: init }),
      }),
      {},
      { eventSource: Puppet as never, requester: requester as never },
    )
    await service.post(ETH)
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(made).toEqual([['http://127.0.0.1:1/', init]])
    expect(requests).toEqual([
      [
        'price-default_single_transport-[{"base":"eth"}]',
        { url: 'http://127.0.0.1:1/subscribe', method: 'POST', data: ['ETH'] },
      ],
    ])
    listeners.get('tick')?.({ data: '[{"base":"ETH","price":3}]' })
    expect((await service.post(ETH)).json.result).toBe(3)
    await service.stop()
    expect(isClosed).toBe(true)
  })

  it('is kept alive while something is wanted and nothing else was sent for long', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    await using provider = await SseProvider.start()
    const prepareKeepAliveRequest = () => ({ url: `${provider.url}/alive`, method: 'POST' })
    await using service = await start(config(provider.url, { prepareKeepAliveRequest }), {
      SSE_KEEPALIVE_SLEEP: '100',
      SSE_SUBSCRIPTION_TTL: '60000',
    })
    await service.post(ETH)
    expect(await provider.request(0)).toEqual(subscribed('ETH'))
    expect((await provider.request(1)).path).toBe('/alive')
    expect((await provider.request(2)).path).toBe('/alive')
    vi.advanceTimersByTime(60_000)
    await provider.until(() => provider.calls.some(({ path }) => path === '/unsubscribe'))
    const count = provider.calls.length
    const passes = (await service.metric('bg_execute_total', { app_name: 'TEST' })) ?? 0
    service.transport.want({ base: 'other' }, 'other') as undefined
    await provider.until(() => provider.calls.length > count)
    expect(provider.calls[count]).toEqual(subscribed('other'))
    expect(await service.metric('bg_execute_total', { app_name: 'TEST' })).toBeGreaterThan(passes)
  })

  it('is closed with everything else when the service stops', async () => {
    await using provider = await SseProvider.start()
    const service = await start(config(provider.url))
    await service.post(ETH)
    const stream = await provider.connection(0)
    await service.stop()
    await stream.gone
    expect(provider.asked).toBe(1)
    expect(linesAt('warn', 'error')).toEqual([])
  })

  it('is given up when the service stops while it is being opened', async () => {
    await using provider = await SseProvider.start()
    provider.answer = 'never'
    const service = await start(config(provider.url))
    await service.post(ETH)
    await provider.until(() => provider.asked === 1)
    await service.stop()
    expect(provider.asked).toBe(1)
    expect(linesAt('warn', 'error')).toEqual([])
  })
})

describe('a subscription request', () => {
  it('SB-3: that the provider refuses is told to clients, and sent again after a pause', async () => {
    await using provider = await SseProvider.start()
    provider.statusOf = () => (provider.calls.length < 3 ? 400 : 200)
    await using service = await start(config(provider.url))
    await service.post(ETH)
    const refused = await service.until(ETH, ({ statusCode }) => statusCode === 502)
    expect(refused.json.errorMessage).toBe('The subscription request failed with status 400')
    expect(await provider.request(2)).toEqual(subscribed('ETH'))
    ;(await provider.connection(0)).event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(linesAt('warn').filter((line) => line === 'A subscription request failed')).toHaveLength(1)
  })

  it('that gets no answer is a reason that clients are told', async () => {
    await using provider = await SseProvider.start()
    const requester = { request: () => Promise.reject(new Error('connect ECONNREFUSED')) }
    await using service = await start(config(provider.url), {}, { requester: requester as never })
    await service.post(ETH)
    while (linesAt('warn').length === 0) await new Promise((resolve) => setImmediate(resolve))
    const { statusCode, json } = await service.post(ETH)
    expect(statusCode).toBe(504)
    expect(json.error.reason).toMatchObject({ code: 'SUBSCRIBE_FAILED' })
  })

  it('that never ends holds up its own feeds alone', async () => {
    await using provider = await SseProvider.start()
    provider.statusOf = ({ body }) => (body.includes('ETH') ? 'never' : 200)
    await using service = await start(config(provider.url))
    await service.post(ETH)
    await provider.request(0)
    await service.post(BTC)
    expect(await provider.request(1)).toEqual(subscribed('BTC'))
  })

  it('IS-4: that cannot be built for one feed is built for the others', async () => {
    await using provider = await SseProvider.start()
    const plain = config(provider.url)
    const prepareSubscriptionRequest: typeof plain.prepareSubscriptionRequest = (feeds, context) => {
      if (feeds.some(({ base }) => base === 'BAD')) throw new Error('no such symbol')
      return plain.prepareSubscriptionRequest(feeds, context)
    }
    await using service = await start({ ...plain, prepareSubscriptionRequest })
    const feeds: Params[] = [ETH, { base: 'BAD' }, BTC]
    await Promise.all(feeds.map((feed) => service.post(feed)))
    await provider.until(() => provider.calls.flatMap(({ body }) => body).length === 2)
    expect(provider.calls.flatMap(({ body }) => body).sort()).toEqual(['BTC', 'ETH'])
    const { json } = await service.until({ base: 'BAD' }, ({ statusCode }) => statusCode === 500)
    expect(json.errorMessage).toBe('The subscription request could not be built: no such symbol')
  })

  it.each([undefined, null, 'text', 5])('survives builders that return %s', async (nonsense) => {
    await using provider = await SseProvider.start()
    const prepareSubscriptionRequest = () => nonsense as never
    await using service = await start(config(provider.url, { prepareSubscriptionRequest }))
    await service.post(ETH)
    const stream = await provider.connection(0)
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
  })
})
