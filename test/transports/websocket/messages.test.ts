import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WebSocketTransportConfig } from '../../../src/transports/websocket/config'
import { WebSocketTransport } from '../../../src/transports/websocket/websocket-transport'
import { wsProvider } from '../../../src/testing/ws-provider'
import { UNHOLDABLE } from '../../feeds/unholdable'
import { type Hostile, hostile, watchProcess } from '../../helpers/hostile'
import { BTC, config, ETH, FAKED, linesAt, logged, result, run, start, tick, type Types } from './support'

beforeEach(() => {
  logged.length = 0
})
afterEach(() => void vi.useRealTimers())

const refusedLines = (reason: string) =>
  logged.filter(
    ({ level, args: [fields] }) => level === 'debug' && (fields as { reason?: string }).reason === reason,
  )

describe('a message', () => {
  // Naive: exceptions in the message handler are swallowed; no counter and no line tells of them.
  it('IS-4: whose handler throws costs itself only, is counted, and named in the log once per interval', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const { message } = of.handlers
    of.handlers.message = (m, context) => {
      if ('boom' in m) throw new Error('what is this?')
      return message(m, context)
    }
    await using service = await start(of)
    void service.post(ETH)
    const connection = await provider.connection()
    for (let i = 0; i < 3; i++) connection.send({ boom: i })
    connection.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(await service.metric('data_refused_total', { reason: 'handler-failed' })).toBe(3)
    expect(refusedLines('handler-failed')).toHaveLength(1)
    expect(linesAt('warn', 'error', 'fatal')).toEqual([])
  })

  it.each(UNHOLDABLE)('8.5, 17.4, IS-1: with $what is a 502, and no live value goes', async ({ make }) => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const odd = (params: typeof ETH) => ({ params, response: make() })
    of.handlers.message = () =>
      [result({ ...ETH, price: 1 }), odd(ETH), odd(BTC)] as ReturnType<typeof of.handlers.message>
    await using service = await start(of)
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send({})
    const { json } = await service.until(BTC, ({ statusCode }) => statusCode === 502)
    expect(json.errorMessage).toBe('Response could not be censored due to an error')
    expect((await service.post(ETH)).json.result).toBe(1)
  })

  // Naive: the first bad element throws, and takes its good neighbours with it.
  it('IS-1: with one bad result among good ones serves the good ones', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const frozen = Object.freeze({ result: 1, data: { result: 1 } })
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    const bad = [
      undefined,
      null,
      'text',
      {},
      { params: ETH },
      { params: ETH, response: null },
      { params: null, response: { result: 1, data: {} } },
      { params: 'ETH', response: { result: 1, data: {} } },
      { params: cyclic, response: { result: 1, data: {} } },
      { params: ETH, response: frozen },
    ]
    of.handlers.message = () =>
      [result({ ...ETH, price: 1 }), ...bad, result({ ...BTC, price: 2 })] as ReturnType<
        typeof of.handlers.message
      >
    await using service = await start(of)
    void service.post(ETH)
    void service.post(BTC)
    const connection = await provider.connection()
    connection.send({})
    expect((await service.until(ETH, ({ json }) => json.result === 1)).statusCode).toBe(200)
    expect((await service.until(BTC, ({ json }) => json.result === 2)).statusCode).toBe(200)
    expect(await service.metric('data_refused_total', { reason: 'handler-failed' })).toBe(bad.length)
  })

  it('ER-8: that cannot be read is counted by reason, and the stream goes on', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url))
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send('not json')
    connection.send('')
    connection.send(Buffer.from([0xff, 0x00, 0xfe]))
    connection.send(`{"ticks":"${'x'.repeat(10 * 1024 * 1024)}"}`)
    connection.send({ unknown: true })
    connection.send('null')
    connection.send({ ticks: 'none' })
    connection.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(await service.metric('data_refused_total', { reason: 'not-json' })).toBe(3)
    expect(await service.metric('data_refused_total', { reason: 'too-large' })).toBe(1)
    // `null` and a text instead of a list are read, and then make the handler throw.
    expect(await service.metric('data_refused_total', { reason: 'handler-failed' })).toBe(2)
    expect(connection.isOpen).toBe(true)
    expect(linesAt('warn', 'error', 'fatal')).toEqual([])
  })

  it('IS-2: of any bytes costs itself only, and its connection goes on', async () => {
    using watch = watchProcess()
    await using provider = await wsProvider()
    await using service = await start(config(provider.url))
    void service.post(ETH)
    const connection = await provider.connection()
    let price = 1
    const run = async (ones: Hostile[]) => {
      // As texts, those that are no UTF-8 would end the connection by the rules of its protocol.
      for (const { bytes } of ones) connection.send(bytes)
      connection.send(tick(ETH, ++price))
      await service.until(ETH, ({ json }) => json.result === price)
    }
    const batches = fc.array(hostile(JSON.stringify(tick(ETH, 1))), { minLength: 5, maxLength: 20 })
    await fc.assert(fc.asyncProperty(batches, run), { numRuns: 10, endOnFailure: true })
    expect([provider.handshakes, watch.escaped]).toEqual([1, []])
  })

  it('in a binary frame is read like any other', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url))
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.send(Buffer.from(JSON.stringify(tick(ETH, 5))))
    expect((await asked).json.result).toBe(5)
  })

  it('may be as long as its transport allows', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url, { maxMessageBytes: 60 }))
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send(JSON.stringify(tick(ETH, 5)) + ' '.repeat(60))
    connection.send(tick(ETH, 6))
    expect((await service.until(ETH, ({ statusCode }) => statusCode === 200)).json.result).toBe(6)
  })

  it('decoded to something that JSON cannot show costs itself only, too', async () => {
    class Decoding extends WebSocketTransport<Types> {
      override deserializeMessage(data: unknown): Types['Provider']['WsMessage'] {
        const message = JSON.parse(String(data)) as object
        return { ...message, sequence: 1n } as Types['Provider']['WsMessage']
      }
    }
    await using provider = await wsProvider()
    const of: WebSocketTransportConfig<Types> = config(provider.url)
    const { message } = of.handlers
    of.handlers.message = (m, context) => {
      if (m.ticks === undefined) throw new Error('no ticks')
      return message(m, context)
    }
    await using service = await run(new Decoding(of))
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send({})
    connection.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(refusedLines('handler-failed')).toHaveLength(1)
  })

  it('whose handler is asynchronous is refused, whatever becomes of its promise', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const { message } = of.handlers
    of.handlers.message = ((m: Types['Provider']['WsMessage'], context: never) =>
      m.ticks === undefined ? Promise.reject(new Error('late')) : message(m, context)) as typeof message
    await using service = await start(of)
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send({})
    connection.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(await service.metric('data_refused_total', { reason: 'handler-failed' })).toBe(2)
  })
})

describe('what a message brings', () => {
  it('is stamped with when the stream began, when it arrived, and the time the provider gave', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url))
    const before = Date.now()
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.send(tick(ETH, 5, 1_700_000_000_123))
    const { timestamps } = (await asked).json
    expect(timestamps.providerIndicatedTimeUnixMs).toBe(1_700_000_000_123)
    expect(timestamps.providerDataStreamEstablishedUnixMs).toBe(
      service.transport.providerDataStreamEstablished,
    )
    expect(timestamps.providerDataStreamEstablishedUnixMs).toBeGreaterThanOrEqual(before)
    expect(timestamps.providerDataReceivedUnixMs).toBeGreaterThanOrEqual(
      timestamps.providerDataStreamEstablishedUnixMs,
    )
    expect(service.transport.lastMessageReceivedAt).toBe(timestamps.providerDataReceivedUnixMs)
  })

  it('is served as an error with its own status when it is a refusal, and never replaces a live value', async () => {
    await using provider = await wsProvider()
    await using service = await start(config(provider.url))
    const asked = service.post(ETH)
    const connection = await provider.connection()
    connection.send({ refused: { ...ETH, why: 'not listed' } })
    const { statusCode, json } = await asked
    expect(statusCode).toBe(502)
    expect(json.errorMessage).toBe('not listed')
    connection.send(tick(ETH, 5))
    await service.until(ETH, (reply) => reply.statusCode === 200)
    connection.send({ refused: { ...ETH, why: 'gone' } })
    connection.send(tick(BTC, 6))
    await service.until(BTC, (reply) => reply.statusCode === 200)
    expect((await service.post(ETH)).json.result).toBe(5)
  })

  it('ER-6: wakes the request that waits for it', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    await using service = await start(config(provider.url), {
      CACHE_POLLING_SLEEP_MS: '1000',
      CACHE_POLLING_MAX_RETRIES: '4',
    })
    const warmUp = service.post(BTC)
    const connection = await provider.connection()
    connection.send(tick(BTC))
    await warmUp
    await connection.next((text) => text === '+BTC/USD')
    // Naive: the feed is noticed at the next pass (a second), the value at the next look at the cache (another).
    const startedAt = Date.now()
    const asked = service.post(ETH)
    await connection.next((text) => text === '+ETH/USD')
    // As slow as a provider is.
    await vi.advanceTimersByTimeAsync(37)
    connection.send(tick(ETH, 9))
    expect((await asked).json.result).toBe(9)
    expect(Date.now()).toBe(startedAt + 37)
  })

  it('is not waited for when the settings allow no retry', async () => {
    vi.useFakeTimers(FAKED)
    await using provider = await wsProvider()
    provider.onMessage((text, connection) => text === '+ETH/USD' && connection.send(tick(ETH)))
    await using service = await start(config(provider.url), { CACHE_POLLING_MAX_RETRIES: '0' })
    // Nobody moves the clock.
    expect((await service.post(ETH)).statusCode).toBe(504)
    await (await provider.connection()).next()
    await service.until(ETH, ({ statusCode }) => statusCode === 200)
  })
})

describe('the other handlers', () => {
  it('hear of pongs, and one that throws costs nothing but a line in the log', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const pongs: string[] = []
    of.handlers.open = (socket) => socket.ping('p1')
    of.handlers.pong = (_socket, data) => {
      pongs.push(data.toString())
      throw new Error('my pong handler')
    }
    await using service = await start(of)
    const asked = service.post(ETH)
    const connection = await provider.connection()
    await connection.nextPing()
    connection.send(tick(ETH, 5))
    expect((await asked).json.result).toBe(5)
    expect(pongs).toEqual(['p1'])
    expect(linesAt('warn')).toEqual([`The author's pong handler failed`])
  })

  it('hear of closes and errors with the context, and may throw or reject', async () => {
    await using provider = await wsProvider()
    const of = config(provider.url)
    const closes: unknown[] = []
    const errors: unknown[] = []
    of.handlers.close = ({ code, reason }, { endpointName }) => {
      closes.push({ code, reason, endpointName })
      return Promise.reject(new Error('my close handler')) as unknown as void
    }
    of.handlers.error = (event, { endpointName }) => {
      errors.push({ message: event.message, endpointName })
      throw new Error('my error handler')
    }
    await using service = await start(of)
    void service.post(ETH)
    ;(await provider.connection(0)).close(1013, 'busy')
    const second = await provider.connection(1)
    expect(closes).toEqual([{ code: 1013, reason: 'busy', endpointName: 'price' }])
    provider.refuse(500)
    second.destroy()
    await provider.handshake(3)
    provider.accept()
    const third = await provider.connection(2)
    expect(errors).toEqual([{ message: 'Unexpected server response: 500', endpointName: 'price' }])
    third.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(linesAt('warn').filter((text) => text.includes('handler failed'))).toEqual([
      `The author's close handler failed`,
      `The author's close handler failed`,
      `The author's error handler failed`,
    ])
  })
})
