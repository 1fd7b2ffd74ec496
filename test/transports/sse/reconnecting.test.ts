import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { refusingHost } from '../../helpers/two-addresses'
import { SseProvider, type Stream } from './provider'
import { config, linesAt, logged, start } from './support'

beforeEach(() => {
  logged.length = 0
})
afterEach(() => void vi.useRealTimers())

const ETH = { base: 'ETH' }
const BTC = { base: 'BTC' }

const logLine = async (text: RegExp) => {
  while (!linesAt('warn', 'error').some((line) => text.test(line)))
    await new Promise((resolve) => setImmediate(resolve))
}

describe('a stream that ends', () => {
  const ends: [string, (stream: Stream) => void][] = [
    ['politely', (stream) => stream.end()],
    ['in the middle of an event', (stream) => (stream.raw('event: tick\ndata: [{"ba'), stream.destroy())],
    ['without a word', (stream) => stream.destroy()],
  ]
  it.each(ends)('SB-2: %s is replaced, and everything wanted is subscribed again', async (_, end) => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post({ base: 'eTh' })
    const first = await provider.connection(0)
    await provider.request(0)
    await service.post(BTC)
    await provider.request(1)
    first.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
    end(first)
    const second = await provider.connection(1)
    expect(await provider.request(2)).toEqual({ path: '/subscribe', body: ['eTh', 'BTC'] })
    second.event('tick', [{ base: 'ETH', price: 6 }])
    await service.until(ETH, ({ json }) => json.result === 6)
    expect(provider.asked).toBe(2)
    expect(provider.calls).toHaveLength(3)
  })

  it('SB-2: again and again is subscribed again each time', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), { STREAM_HANDLER_RETRY_MAX_MS: '3000' })
    await service.post(ETH)
    for (let n = 0; n < 4; n++) {
      const stream = await provider.connection(n)
      expect(await provider.request(n)).toEqual({ path: '/subscribe', body: ['ETH'] })
      stream.destroy()
    }
    await provider.connection(4)
    expect(provider.streams.filter((stream) => !stream.isGone())).toHaveLength(1)
  })

  it('SB-2: while its subscription is on the way is subscribed again all the same', async () => {
    await using provider = await SseProvider.start()
    provider.statusOf = () => (provider.calls.length === 1 ? 'never' : 200)
    await using service = await start(config(provider.url))
    await service.post(ETH)
    const first = await provider.connection(0)
    await provider.request(0)
    first.destroy()
    await provider.connection(1)
    expect(await provider.request(1)).toEqual({ path: '/subscribe', body: ['ETH'] })
  })

  it('is named to clients that wait meanwhile, and in one line of the log', async () => {
    // Nobody moves the clock: it is not opened again.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using provider = await SseProvider.start()
    await using service = await start(
      config(() => `${provider.url}/v1?key=secret`),
      { STREAM_HANDLER_RETRY_MIN_MS: '10000' },
    )
    await service.post(ETH)
    ;(await provider.connection(0)).end()
    await logLine(/^The stream ended/)
    const { statusCode, json } = await service.post(ETH)
    expect(statusCode).toBe(504)
    expect(json.error.reason).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: 'The provider closed the stream',
    })
    expect(linesAt('warn', 'error')).toHaveLength(1)
    expect(JSON.stringify(logged)).not.toContain('secret')
  })

  it('is not replaced while nothing is wanted', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'] })
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), {
      SSE_SUBSCRIPTION_TTL: '60000',
      BACKGROUND_EXECUTE_MS_SSE: '20',
    })
    await service.post(ETH)
    const stream = await provider.connection(0)
    await provider.request(0)
    vi.advanceTimersByTime(60_000)
    await provider.until(() => provider.calls.some(({ path }) => path === '/unsubscribe'))
    stream.end()
    await logLine(/^The stream ended/)
    const passes = async () => (await service.metric('bg_execute_total', { app_name: 'TEST' })) ?? 0
    const seen = await passes()
    while ((await passes()) < seen + 5) await new Promise((resolve) => setImmediate(resolve))
    expect(provider.asked).toBe(1)
    await service.post(BTC)
    await provider.connection(1)
    await provider.until(() => provider.calls.at(-1)?.path === '/subscribe')
    expect(provider.calls.at(-1)?.body).toEqual(['BTC'])
  })
})

describe('a stream that cannot be opened', () => {
  it.each([204, 500, 503])('for status %i is asked for again, later and later', async (status) => {
    await using provider = await SseProvider.start()
    provider.answer = status
    await using service = await start(config(provider.url))
    await service.post(ETH)
    await logLine(/failed/)
    const { json } = await service.post(ETH)
    expect(json.error.reason).toMatchObject({
      code: 'REQUEST_FAILED',
      message: `The provider answered with status ${status}`,
    })
    await provider.until(() => provider.asked >= 2)
    provider.answer = 'stream'
    await provider.connection(0)
    expect(await provider.request(0)).toEqual({ path: '/subscribe', body: ['ETH'] })
    const codeOf = async () =>
      ((await service.post(ETH)).json.error.reason as { code?: string } | undefined)?.code
    while ((await codeOf()) !== 'NO_DATA') await new Promise((resolve) => setImmediate(resolve))
  })

  it('because nothing listens there is asked for again', async () => {
    const provider = await SseProvider.start()
    const { url } = provider
    await provider[Symbol.asyncDispose]()
    await using service = await start(config(url))
    await service.post(ETH)
    await logLine(/failed/)
    expect((await service.post(ETH)).json.error.reason.code).toBe('CONNECTION_REFUSED')
  })

  it('because a host refuses at each of its addresses names what each said', async () => {
    const { host, parts } = await refusingHost()
    await using service = await start(config(`http://${host}/`))
    await service.post(ETH)
    await logLine(/failed/)
    const message = `The connection was refused: ${parts}`
    expect((await service.post(ETH)).json.error.reason).toMatchObject({ code: 'CONNECTION_REFUSED', message })
    expect(linesAt('error')[0]).toContain(message)
    vi.restoreAllMocks()
  })

  it.each([
    ['is no URL', 'not a URL with a secret'],
    ['is nothing', undefined as never],
  ])('because its URL %s is an error like any other', async (_, url) => {
    await using service = await start(
      config('http://127.0.0.1:1', { prepareSSEConnectionConfig: () => ({ url }) }),
    )
    await service.post(ETH)
    await logLine(/failed/)
    const { json } = await service.post(ETH)
    expect(json.error.reason.code).toBe('URL_FAILED')
    expect(JSON.stringify(json)).not.toContain('secret')
  })

  it('because the author throws is an error like any other', async () => {
    const prepareSSEConnectionConfig = () => {
      throw new Error('no token')
    }
    await using service = await start(config('http://127.0.0.1:1', { prepareSSEConnectionConfig }))
    await service.post(ETH)
    await logLine(/failed/)
    expect((await service.post(ETH)).json.error.reason.code).toBe('URL_FAILED')
  })
})

describe('another URL', () => {
  it('closes the stream, opens another and subscribes everything again', async () => {
    await using provider = await SseProvider.start()
    await using other = await SseProvider.start()
    let { url } = provider
    await using service = await start(
      config(() => url),
      { BACKGROUND_EXECUTE_MS_SSE: '20' },
    )
    await service.post(ETH)
    await service.post(BTC)
    const first = await provider.connection(0)
    await provider.until(() => provider.calls.flatMap(({ body }) => body).length === 2)
    url = other.url
    await first.gone
    await other.connection(0)
    expect(await other.request(0)).toEqual({ path: '/subscribe', body: ['ETH', 'BTC'] })
    expect(provider.asked).toBe(1)
    expect(linesAt('warn', 'error')).toEqual([])
  })

  it('on every pass is a nonce, and replaces nothing', async () => {
    await using provider = await SseProvider.start()
    let nonce = 0
    await using service = await start(
      config(() => `${provider.url}/?nonce=${nonce++}`),
      { BACKGROUND_EXECUTE_MS_SSE: '10' },
    )
    await service.post(ETH)
    await provider.connection(0)
    const asked = nonce
    while (nonce < asked + 10) await new Promise((resolve) => setImmediate(resolve))
    expect(provider.asked).toBe(1)
  })
})
