import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { watchUselessness } from '../../src/adapter/useless'
import { Background } from '../../src/adapter/background'
import { localLayerOf } from '../../src/feeds/local-cache'
import { buildAdapterServer } from '../../src/http/server'
import { WorkerAdapters } from '../../src/service/workers/worker-adapters'
import { WriterAdapters } from '../../src/service/workers/writer-adapters'
import { serve } from '../../src/testing/serve'
import { TestAdapter } from '../../src/testing/test-adapter'
import { wsProvider } from '../../src/testing/ws-provider'
import { CHILDREN, FAILURES, outageOf, STALL } from '../../src/transports/capabilities'
import { HttpTransport } from '../../src/transports/http/http-transport'
import { SseTransport } from '../../src/transports/sse/sse-transport'
import { commonStall, stall, uselessReason } from '../../src/transports/stall'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { Listeners } from '../../src/util/listeners'
import { eventually } from '../helpers/eventually'
import { inputParameters as httpParameters, oneByOne } from './http/support'
import { config as sseConfig, inputParameters as sseParameters } from './sse/support'
import { config as wsConfig, inputParameters as wsParameters, tick } from './websocket/support'

const ETH = { base: 'ETH', quote: 'USD' }
const LIMIT_MS = 2_200

/** No wait ends while the clock is held: neither that of a request nor that between two attempts. */
beforeEach(
  () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }),
)
afterEach(() => void vi.useRealTimers())

const adapterOf = (endpoint: object) =>
  new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint as never] })

/** An adapter of each kind, whose provider is at this host. */
const kinds: [string, (host: string) => Adapter][] = [
  [
    'a WebSocket',
    (host) => {
      const transport = new WebSocketTransport(wsConfig(`ws://${host}`))
      return adapterOf(new AdapterEndpoint({ name: 'price', transport, inputParameters: wsParameters }))
    },
  ],
  [
    'server-sent events',
    (host) => {
      const transport = new SseTransport(sseConfig(`http://${host}`))
      return adapterOf(new AdapterEndpoint({ name: 'price', transport, inputParameters: sseParameters }))
    },
  ],
  [
    'polling over HTTP',
    (host) => {
      const transport = new HttpTransport(oneByOne(`http://${host}`))
      return adapterOf(new AdapterEndpoint({ name: 'price', transport, inputParameters: httpParameters }))
    },
  ],
]

/** A host whose port refuses. */
const refusing = async (): Promise<string> => {
  const provider = await wsProvider()
  await provider.stop()
  return new URL(provider.url).host
}

const REFUSED = {
  statusCode: 504,
  json: {
    error: {
      reason: { code: 'CONNECTION_REFUSED', class: 'network', nextAttemptUnixMs: expect.any(Number) },
    },
  },
}

const waitersOf = (adapter: Adapter) => localLayerOf(adapter.cache)!.waiters

/** A writer and a worker with the same adapter. */
const startPair = async (make: () => Adapter) => {
  const directory = mkdtempSync(join(tmpdir(), 'at-once-'))
  const [writer, worker] = [new WriterAdapters(), new WorkerAdapters(join(directory, 'link.sock'))]
  const [filled, read] = [make(), make()]
  await filled.initialize(writer.dependenciesOf(filled))
  await writer.listen(join(directory, 'link.sock'))
  const background = new Background(filled)
  await read.initialize(worker.dependenciesOf(read))
  const api = await buildAdapterServer(read)
  worker.link.start()
  await worker.link.synchronised
  onTestFinished(async () => {
    await api.close()
    worker.link.stop()
    writer.stop()
    await background.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const post = async (data: object) => {
    const headers = { 'content-type': 'application/json' }
    const { statusCode, body } = await api.inject({
      method: 'POST',
      url: '/',
      headers,
      payload: JSON.stringify({ data }),
    })
    return { statusCode, json: JSON.parse(body) as object }
  }
  return { post, worker: read }
}

describe.each(kinds)('a request for a feed of a refused port, over %s', (_kind, make) => {
  it('ER-5: is answered when the attempt has failed, and later ones without a wait', async () => {
    const host = await refusing()
    await using service = await serve(make(host))
    const wait = vi.spyOn(waitersOf(service.adapter), 'wait')
    expect(await service.post(ETH)).toMatchObject(REFUSED)
    wait.mockClear()
    expect(await service.post(ETH)).toMatchObject(REFUSED)
    expect(wait).not.toHaveBeenCalled()
    expect(waitersOf(service.adapter).size).toBe(0)
  })

  it('ER-5: is answered in a worker when the attempt of the writer has failed, and later ones as well', async () => {
    const host = await refusing()
    const { post, worker } = await startPair(() => make(host))
    for (let time = 0; time < 3; time++) expect(await post(ETH)).toMatchObject(REFUSED)
    expect(waitersOf(worker).size).toBe(0)
  })

  it('waits as long as the contract says under TestAdapter, and is told no reason', async () => {
    const context: { testAdapter?: TestAdapter } = {}
    const testAdapter = await TestAdapter.start(make(await refusing()), context)
    onTestFinished(() => testAdapter.api.close())
    const waiters = waitersOf(testAdapter.adapter)
    const asked = testAdapter.request(ETH)
    await eventually(() => expect(waiters.size).toBe(1))
    await vi.advanceTimersByTimeAsync(LIMIT_MS - 1)
    expect(waiters.size).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    const { statusCode, body } = await asked
    expect(statusCode).toBe(504)
    expect(JSON.parse(body)).not.toHaveProperty('error.reason')
  })
})

it('a request that comes when an attempt is due waits for how that ends', async () => {
  await using provider = await wsProvider()
  await provider.stop()
  const transport = new WebSocketTransport(wsConfig(provider.url))
  const adapter = adapterOf(new AdapterEndpoint({ name: 'price', transport, inputParameters: wsParameters }))
  await using service = await serve(adapter)
  expect(await service.post(ETH)).toMatchObject(REFUSED)
  await provider.restart()
  provider.onMessage((_message, connection) => connection.send(tick(ETH, 7)))
  // The pause after the failed attempt ends, and so does every other one.
  const answered = eventually(async () => {
    await vi.advanceTimersByTimeAsync(500)
    const reply = await service.post(ETH)
    expect(reply.json).toMatchObject({ result: 7 })
  })
  await answered
})

it.each([
  [
    'that the author chooses',
    (dead: string, alive: string) => ({
      ...wsConfig(''),
      url: (
        _context: unknown,
        _desired: unknown,
        { streamHandlerInvocationsWithNoConnection: n }: { streamHandlerInvocationsWithNoConnection: number },
      ) => (n > 1 ? alive : dead),
    }),
  ],
  [
    'of a list',
    (dead: string, alive: string) => {
      const { builders, handlers } = wsConfig('')
      return { ...(builders && { builders }), handlers, urls: [dead, alive] }
    },
  ],
])('a request waits for the attempt at another URL, %s', async (_which, configOf) => {
  await using provider = await wsProvider()
  provider.onMessage((_message, connection) => connection.send(tick(ETH, 7)))
  const transport = new WebSocketTransport(configOf(`ws://${await refusing()}`, provider.url))
  const adapter = adapterOf(new AdapterEndpoint({ name: 'price', transport, inputParameters: wsParameters }))
  await using service = await serve(adapter)
  const asked = service.post(ETH)
  await eventually(() => expect(outageOf(transport)?.code).toBe('CONNECTION_REFUSED'))
  const answer = await Promise.race([
    asked,
    eventually(async () => {
      await vi.advanceTimersByTimeAsync(10)
      expect(provider.connections).toHaveLength(1)
    }).then(() => asked),
  ])
  expect(answer.json).toMatchObject({ result: 7 })
})

describe('waiting is useless', () => {
  const since = (ms: number) => ({ message: 'm', sinceUnixMs: Date.now() - ms })
  const stalled = (code: string, leftMs: number, agoMs = 0, mayHelp = false) => ({
    [STALL]: () => stall({ code, ...since(agoMs) }, leftMs, mayHelp),
  })
  const isUseless = (transport: object) => uselessReason(transport, ETH, LIMIT_MS) !== undefined

  it('ER-5: where the next attempt comes too late, its cause lasts, or has lasted for longer than the wait', () => {
    expect(isUseless(stalled('CONNECTION_FAILED', LIMIT_MS + 1))).toBe(true)
    expect(isUseless(stalled('CONNECTION_REFUSED', 1))).toBe(true)
    expect(isUseless(stalled('CONNECTION_FAILED', 1, LIMIT_MS + 1_000))).toBe(true)
  })

  it('is not where an attempt in time may help, or nothing is known', () => {
    expect(isUseless(stalled('CONNECTION_FAILED', LIMIT_MS - 1))).toBe(false)
    expect(isUseless(stalled('CONNECTION_REFUSED', 1, 0, true))).toBe(false)
    expect(isUseless({ [STALL]: () => undefined })).toBe(false)
    expect(isUseless({})).toBe(false)
  })

  it('for several transports only where it is so for each of them, until the first of their attempts', () => {
    const of = (...parts: object[]) => parts.map((part, at) => [`t${at}`, part] as const)
    const [refused, late] = [stalled('CONNECTION_REFUSED', 5_000), stalled('CONNECTION_FAILED', 9_000)]
    expect(commonStall(of(refused, {}), ETH)).toBeUndefined()
    expect(commonStall(of(refused, late), ETH)).toMatchObject({
      leftMs: 5_000,
      isLasting: false,
      reason: { code: 'CONNECTION_REFUSED', message: 't0: m; t1: m' },
    })
    expect(commonStall(of(refused, refused), ETH)).toMatchObject({ isLasting: true })
  })

  it('is looked at again whenever one of them says that an attempt has failed, until the watch ends', () => {
    const child = { [FAILURES]: new Listeners(), [STALL]: vi.fn() }
    const whole = { [CHILDREN]: new Map([['ws', child]]), [STALL]: child[STALL] }
    const tell = vi.fn()
    const end = watchUselessness(whole, ETH, LIMIT_MS, tell)
    child[FAILURES].tell()
    expect(tell).not.toHaveBeenCalled()
    child[STALL].mockReturnValue(stall({ code: 'HOST_NOT_FOUND', ...since(0) }, 1))
    child[FAILURES].tell()
    child[FAILURES].tell()
    expect(tell).toHaveBeenCalledTimes(1)
    end()
    child[STALL].mockClear()
    child[FAILURES].tell()
    expect(child[STALL]).not.toHaveBeenCalled()
  })
})
