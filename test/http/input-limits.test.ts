import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually } from '../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from '../transports/http/support'
import { SseProvider } from '../transports/sse/provider'
import { config as sseConfig, start as startSse } from '../transports/sse/support'
import { config as wsConfig, ETH, start as startWs, tick } from '../transports/websocket/support'
import { JSON_HEADERS, stillAdapter } from './support'

const MIB = 1024 * 1024
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0' }
const LIMIT = 2 * MIB

/** At its best it would take seconds. */
const brotli = (bytes: Buffer): Buffer =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

/** A provider that says what it likes, once it is asked. */
const rawProvider = async (answer: (socket: Socket) => void) => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.once('data', () => answer(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const running: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]()
})

describe('RS-7: a client', () => {
  const start = async () => {
    const { adapter } = stillAdapter()
    const env = { ...AT_ONCE, MAX_PAYLOAD_SIZE_LIMIT: `${LIMIT}` }
    const service = await serve(adapter, { listen: true, env })
    running.push(service)
    return service
  }

  it('has as much read as the setting allows, also of a body without an end, and is told so', async () => {
    const service = await start()
    const { port, hostname } = new URL(service.url!)
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    socket.on('error', () => undefined)
    socket.write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const ended = once(socket, 'close')
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    let sent = 0
    while (!socket.destroyed && answer === '') {
      sent += 0x10000
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), ended])
      // It is never the client that ends this.
      expect(sent).toBeLessThan(100 * MIB)
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.destroy()
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('may not send a compressed body, whatever it becomes', async () => {
    const service = await start()
    const payload = gzipSync(Buffer.alloc(50 * MIB, ' '))
    expect(payload.length).toBeLessThan(LIMIT)
    const headers = { ...JSON_HEADERS, 'content-encoding': 'gzip' }
    const { statusCode } = await service.api.inject({ method: 'POST', url: '/', headers, payload })
    expect(statusCode).toBe(400)
  })

  it('is told when its body is longer than the setting allows, and served when it is not', async () => {
    const service = await start()
    const post = (length: number) => service.post({ base: 'ETH', quote: 'USD', more: 'x'.repeat(length) })
    expect((await post(LIMIT)).statusCode).toBe(413)
    expect((await post(LIMIT - 200)).statusCode).toBe(504)
  })
})

describe('RS-7: a provider over HTTP', () => {
  const reasonFor = async (options: object, raw: Buffer, headers: Record<string, string>) => {
    const provider = await httpProvider(() => ({ headers, raw }))
    running.push(provider)
    const of = oneByOne(provider.url)
    const service = await serve(
      () =>
        httpAdapter({
          ...of,
          prepareRequests: (params) =>
            params.map((feed) => ({
              params: [feed],
              request: { baseURL: provider.url, url: `/${feed.base}`, ...options },
            })),
        }),
      { env: AT_ONCE },
    )
    running.unshift(service)
    const json = await eventually(async () => {
      const reply = await service.post({ base: 'ETH' })
      expect(reply.json.error.reason.class).not.toBe('starting')
      return reply.json as { error: { reason: { class: string; message: string } } }
    })
    const refused = await service.metric('data_refused_total', { app_name: 'TEST', reason: 'too-large' })
    return { reason: json.error.reason, refused }
  }

  it('may not send an answer that is larger than its author allows, compressed or not', async () => {
    const large = Buffer.alloc(100_000, ' ')
    for (const [raw, headers] of [
      [large, {}],
      [gzipSync(large), { 'content-encoding': 'gzip' }],
    ] as const) {
      const { reason, refused } = await reasonFor({ maxContentLength: 10_000 }, raw, headers)
      expect(reason).toMatchObject({ class: 'decode' })
      expect(reason.message).toContain('size of 10000 exceeded')
      expect(refused).toBe(1)
      for (const one of running.splice(0)) await one[Symbol.asyncDispose]()
    }
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotli],
  ])(
    'may not send an answer that is larger than 64 MiB as %s where its author says nothing',
    async (name, compress) => {
      const bomb = compress(Buffer.alloc(64 * MIB + 1))
      expect(bomb.length).toBeLessThan(MIB)
      const { reason, refused } = await reasonFor({}, bomb, { 'content-encoding': name })
      expect(reason).toMatchObject({ class: 'decode' })
      expect(refused).toBe(1)
    },
  )

  it('may not send headers without an end, and its client is told', async () => {
    await using provider = await rawProvider((socket) => {
      const more = () => {
        if (!socket.destroyed && socket.write(`x-more: ${'x'.repeat(1_000)}\r\n`)) setImmediate(more)
      }
      socket.write('HTTP/1.1 200 OK\r\n')
      socket.on('drain', more)
      more()
    })
    const service = await serve(() => httpAdapter(oneByOne(provider.url)), { env: AT_ONCE })
    running.unshift(service)
    await eventually(async () =>
      expect((await service.post({ base: 'ETH' })).json.error.reason).toMatchObject({
        class: 'decode',
        message: expect.stringContaining('Header overflow') as string,
      }),
    )
  })
})

describe('RS-7: a provider over a WebSocket', () => {
  it('has a message refused that is larger than its author allows, compressed or not, and goes on', async () => {
    await using provider = await wsProvider({ perMessageDeflate: true })
    await using service = await startWs(wsConfig(provider.url, { maxMessageBytes: 10_000 }))
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send(JSON.stringify({ ticks: 'x'.repeat(10_000) }))
    connection.send(JSON.stringify({ ticks: ' '.repeat(20 * MIB) }))
    connection.send(tick(ETH, 5))
    await service.until(ETH, ({ json }) => json.result === 5)
    expect(await service.metric('data_refused_total', { reason: 'too-large' })).toBe(2)
    expect(connection.isOpen).toBe(true)
  })

  it.each([
    ['as it is', false],
    ['after it was inflated', true],
  ])(
    'is left when a message is larger than is ever kept %s, with that as the reason, and asked again',
    async (_, perMessageDeflate) => {
      await using provider = await wsProvider({ perMessageDeflate })
      const env = { ...AT_ONCE, STREAM_HANDLER_RETRY_MIN_MS: '2000' }
      await using service = await startWs(wsConfig(provider.url), env)
      void service.post(ETH)
      const connection = await provider.connection()
      connection.send(Buffer.alloc(32 * MIB + 1))
      expect((await connection.closed).code).toBe(1009)
      await eventually(async () =>
        expect((await service.post(ETH)).json.error.reason).toMatchObject({
          code: 'PROTOCOL_VIOLATED',
          class: 'provider',
          message: 'The provider sent what is not taken: Max payload size exceeded',
        }),
      )
      expect(await service.metric('data_refused_total', { reason: 'too-large' })).toBe(1)
      const next = await provider.connection()
      await next.next()
      next.send(tick(ETH, 5))
      await service.until(ETH, ({ json }) => json.result === 5)
    },
  )

  it('may send messages as large as its author allows', async () => {
    await using provider = await wsProvider()
    await using service = await startWs(wsConfig(provider.url, { maxMessageBytes: 40 * MIB }))
    void service.post(ETH)
    const connection = await provider.connection()
    connection.send(JSON.stringify({ ...tick(ETH, 5), more: 'x'.repeat(33 * MIB) }))
    await service.until(ETH, ({ json }) => json.result === 5)
  })
})

describe('RS-7: a provider of server-sent events', () => {
  it('has an event refused that is too large, and goes on', async () => {
    await using provider = await SseProvider.start()
    await using service = await startSse(sseConfig(provider.url))
    await service.post(ETH)
    const stream = await provider.connection(0)
    stream.event('tick', 'x'.repeat(8 * MIB))
    stream.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until({ base: 'ETH' }, ({ json }) => json.result === 5)
    expect(await service.metric('data_refused_total', { app_name: 'TEST', reason: 'too-large' })).toBe(1)
  })

  it('is left when an event has no end once it is decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(33 * MIB, 'x'))
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\n'
    await using provider = await rawProvider((socket) => {
      socket.write(head)
      socket.write(bomb)
    })
    await using service = await startSse(sseConfig(provider.url), { STREAM_HANDLER_RETRY_MIN_MS: '2000' })
    await service.post({ base: 'ETH' })
    await eventually(async () =>
      expect((await service.post({ base: 'ETH' })).json.error.reason.code).toBe('PROTOCOL_VIOLATED'),
    )
  })

  it.each([
    ['a line', 'x'],
    ['lines', 'data: x\n'],
  ])(
    'is left when an event is %s without an end, with that as the reason, and asked again',
    async (_, text) => {
      await using provider = await SseProvider.start()
      await using service = await startSse(sseConfig(provider.url), {
        STREAM_HANDLER_RETRY_MIN_MS: '2000',
      })
      await service.post({ base: 'ETH' })
      const stream = await provider.connection(0)
      const piece = text.repeat(MIB / text.length)
      for (let sent = 0; !stream.isGone(); sent++) {
        expect(sent).toBeLessThan(500)
        stream.raw(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await eventually(async () =>
        expect((await service.post({ base: 'ETH' })).json.error.reason).toMatchObject({
          code: 'PROTOCOL_VIOLATED',
          class: 'provider',
        }),
      )
      expect(await service.metric('data_refused_total', { app_name: 'TEST', reason: 'too-large' })).toBe(1)
      await provider.connection(1)
    },
  )
})
