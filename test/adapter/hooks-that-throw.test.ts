import { beforeEach, describe, expect, it } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type AdapterEndpointParams } from '../../src/adapter/params'
import { type ExpiringSortedSet } from '../../src/feeds/expiring-sorted-set'
import { type LocalCache } from '../../src/feeds/local-cache'
import { type SubscriptionSet } from '../../src/feeds/subscription-set'
import { type Reply, serve, type Served } from '../../src/testing/serve'
import { parseSamples } from '../../src/testing/samples'
import { renderMetrics } from '../../src/metrics/render'
import { wsProvider } from '../../src/testing/ws-provider'
import { HttpTransport } from '../../src/public/transports/http'
import { SseTransport } from '../../src/transports/sse/sse-transport'
import { type Transport } from '../../src/transports/transport'
import { type WebSocketTransportConfig } from '../../src/transports/websocket/config'
import { type Batches } from '../../src/transports/websocket/batches/batches'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { eventually } from '../helpers/eventually'
import { watchProcess } from '../helpers/hostile'
import { type PriceTypes, priceParameters, StillTransport } from '../http/support'
import { httpProvider } from '../transports/http/support'
import { SseProvider } from '../transports/sse/provider'
import { logged, loggerFactory } from '../transports/websocket/support'

const ETH = { base: 'ETH', quote: 'USD' }
const ENV = {
  CACHE_POLLING_MAX_RETRIES: '0',
  RETRY: '0',
  STREAM_HANDLER_RETRY_MIN_MS: '100',
  BACKGROUND_EXECUTE_MS_WS: '20',
  SSE_KEEPALIVE_SLEEP: '20',
  BACKGROUND_EXECUTE_MS_SSE: '20',
}

/** What an author's function may do: throw, reject later, or return nonsense. */
const FAULTS: [how: string, fault: () => never][] = [
  [
    'throws',
    () => {
      throw new Error('mine')
    },
  ],
  ['rejects', () => Promise.reject(new Error('mine')) as never],
  ['returns nonsense', () => ({ toString: 5 }) as never],
]

type Types = PriceTypes & { Provider: { WsMessage: unknown; RequestBody: never; ResponseBody: never } }
type Made = {
  transport: Transport<Types> & { subscriptionSet: SubscriptionSet<unknown> }
  provider: AsyncDisposable
  tick?: () => void
  /** Ends its connections. */
  cut: () => void
}
type WsConfig = WebSocketTransportConfig<Types>

const value = [{ params: ETH, response: { result: 1, data: { result: 1 } } }]

const webSocket = async (change: (of: WsConfig) => void): Promise<Made> => {
  const provider = await wsProvider()
  provider.onMessage((_, connection) => connection.send({}))
  const of: WsConfig = {
    url: () => provider.url,
    handlers: { message: () => value },
    builders: { subscribeMessage: () => 'subscribe', unsubscribeMessage: () => 'unsubscribe' },
  }
  change(of)
  const cut = () => provider.connections.forEach((connection) => connection.close(1011))
  return { transport: new WebSocketTransport<Types>(of), provider, cut }
}

/** In place of `url`. */
const useUrls =
  (urls: () => never) =>
  (of: WsConfig): void =>
    void Object.assign(of, { url: undefined, urls })

const pinging =
  (pong: () => never) =>
  (of: WsConfig): void => {
    of.ping = { everyMs: 20, pongWithinMs: 10_000 }
    of.handlers.pong = pong
  }

const inSession =
  (change: object) =>
  (of: Batches<Types>): void => {
    const { session } = of
    of.session = () => ({ ...session(), ...change })
  }

/** The first session is made with the transport: what fails there is named at the start. */
const fromTheSecondOn =
  (fault: () => never) =>
  (of: Batches<Types> & { isCut?: boolean }): void => {
    const { session } = of
    let made = 0
    of.isCut = true
    of.session = () => (made++ === 0 ? session() : fault())
  }

const batched = async (change: (of: Batches<Types> & { isCut?: boolean }) => void): Promise<Made> => {
  const provider = await wsProvider()
  provider.onMessage((_, connection) => (of.isCut === true ? connection.close(1011) : connection.send({})))
  const of: Batches<Types> & { isCut?: boolean } = {
    symbolOf: ({ base }) => base,
    session: () => ({
      subscribe: () => 'subscribe',
      unsubscribe: () => 'unsubscribe',
      answer: () => ({ accepted: [['ETH']], values: [['ETH', value[0]!.response]] }) as never,
    }),
  }
  change(of)
  const transport = new WebSocketTransport<Types>({ url: () => provider.url, batches: of })
  const cut = () => provider.connections.forEach((connection) => connection.close(1011))
  return { transport, provider, cut }
}

const sse = async (
  change: (of: ConstructorParameters<typeof SseTransport<Types>>[0]) => void,
): Promise<Made> => {
  const provider = await SseProvider.start()
  const request = () => ({ url: provider.url, method: 'POST' })
  const of: ConstructorParameters<typeof SseTransport<Types>>[0] = {
    prepareSSEConnectionConfig: () => ({ url: provider.url }),
    prepareSubscriptionRequest: request,
    prepareUnsubscriptionRequest: request,
    eventListeners: [{ type: 'tick', parseResponse: () => value }],
  }
  change(of)
  const tick = () => provider.streams.forEach((stream) => stream.event('tick', 1))
  const cut = () => provider.streams.forEach((stream) => stream.destroy())
  return { transport: new SseTransport<Types>(of), provider, tick, cut }
}

const http = async (
  change: (of: ConstructorParameters<typeof HttpTransport<Types>>[0]) => void,
): Promise<Made> => {
  const provider = await httpProvider(() => ({ body: {} }))
  const of: ConstructorParameters<typeof HttpTransport<Types>>[0] = {
    prepareRequests: (params) => ({ params, request: { url: provider.url } }),
    parseResponse: () => value,
  }
  change(of)
  return { transport: new HttpTransport<Types>(of), provider, cut: () => undefined }
}

/** What is seen of the fault: in an answer, or in a counter. */
const COUNTERS = ['data_refused_total', 'bg_execute_errors', 'stream_handler_errors']

/** Each function of an author by which values come, and what makes its fault there. */
const OF_TRANSPORTS: [name: string, make: (fault: () => never) => Promise<Made>][] = [
  ['url', (fault) => webSocket((of) => (of.url = fault))],
  ['options', (fault) => webSocket((of) => (of.options = fault))],
  ['handlers.open', (fault) => webSocket((of) => (of.handlers.open = fault))],
  ['handlers.message', (fault) => webSocket((of) => (of.handlers.message = fault))],
  ['builders.subscribeMessage', (fault) => webSocket((of) => (of.builders = { subscribeMessage: fault }))],
  [
    'builders.customSubscriptionMessages',
    (fault) => webSocket((of) => (of.builders = { customSubscriptionMessages: fault })),
  ],
  ['urls', (fault) => webSocket(useUrls(fault))],
  ['credential.fetch', (fault) => webSocket((of) => (of.credential = { fetch: fault }))],
  ['batches.symbolOf', (fault) => batched((of) => (of.symbolOf = fault))],
  ['batches.session', (fault) => batched(fromTheSecondOn(fault))],
  ['session.subscribe', (fault) => batched(inSession({ subscribe: fault }))],
  ['session.answer', (fault) => batched(inSession({ answer: fault }))],
  ['credential.fetch of requests', (fault) => http((of) => (of.credential = { fetch: fault }))],
  ['prepareSSEConnectionConfig', (fault) => sse((of) => (of.prepareSSEConnectionConfig = fault))],
  ['prepareSubscriptionRequest', (fault) => sse((of) => (of.prepareSubscriptionRequest = fault))],
  ['eventListeners', (fault) => sse((of) => (of.eventListeners[0]!.parseResponse = fault))],
  ['prepareRequests', (fault) => http((of) => (of.prepareRequests = fault))],
  ['parseResponse', (fault) => http((of) => (of.parseResponse = fault))],
]

/** Those without which values come all the same. `heartbeat.test.ts` is about what is sent at intervals. */
const BESIDE: [name: string, make: (fault: () => never) => Promise<Made>][] = [
  ['handlers.error', (fault) => webSocket((of) => (of.handlers.error = fault))],
  ['handlers.close', (fault) => webSocket((of) => (of.handlers.close = fault))],
  ['handlers.pong', (fault) => webSocket(pinging(fault))],
  [
    'credential.isAuthClose',
    (fault) => webSocket((of) => (of.credential = { fetch: () => ({ value: 'token' }), isAuthClose: fault })),
  ],
  [
    'failover.probe',
    (fault) => webSocket((of) => Object.assign(of, { failover: { dwellMs: 1, probe: fault } })),
  ],
  ['session.unsubscribe', (fault) => batched(inSession({ unsubscribe: fault }))],
  ['prepareKeepAliveRequest', (fault) => sse((of) => (of.prepareKeepAliveRequest = fault))],
  [
    'builders.unsubscribeMessage',
    (fault) =>
      webSocket((of) => (of.builders = { subscribeMessage: () => 'subscribe', unsubscribeMessage: fault })),
  ],
  ['prepareUnsubscriptionRequest', (fault) => sse((of) => (of.prepareUnsubscriptionRequest = fault))],
]

class Foreground extends StillTransport {
  foregroundExecute: (() => never) | undefined
}

interface Running extends AsyncDisposable {
  service: Served
  sound: StillTransport
}

/** An adapter with an endpoint of this transport, and a sound one. */
const run = async (
  transport: Transport<never>,
  more: Partial<AdapterEndpointParams<PriceTypes>> = {},
): Promise<Running> => {
  const sound = new StillTransport()
  const of = { name: 'price', inputParameters: priceParameters(), ...more, transport } as never
  const endpoints = [
    new AdapterEndpoint<PriceTypes>(of),
    new AdapterEndpoint<PriceTypes>({ name: 'sound', inputParameters: priceParameters(), transport: sound }),
  ]
  const service = await serve(() => new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints }), {
    env: ENV,
    dependencies: { loggerFactory },
  })
  await sound.put(ETH, 7)
  return { service, sound, [Symbol.asyncDispose]: () => service.stop() }
}

const isSound = async ({ service, sound }: Running) => {
  expect((await service.post(ETH, { endpoint: 'sound' })).json.result).toBe(7)
  await sound.put({ ...ETH, quote: 'EUR' }, 8)
  expect((await service.post({ ...ETH, quote: 'EUR' }, { endpoint: 'sound' })).json.result).toBe(8)
}

const counted = async (): Promise<number> =>
  parseSamples(await renderMetrics())
    .filter(({ name, labels }) => COUNTERS.includes(name) && labels['adapter_endpoint'] === 'price')
    .reduce((sum, sample) => sum + sample.value, 0)

const classOf = ({ json }: Reply): string | undefined =>
  (json as { error?: { reason?: { class: string } } } | undefined)?.error?.reason?.class

beforeEach(() => void (logged.length = 0))

/** Functions that may return a promise, by their types or because authors do. Of others nobody looks at one. */
const PROMISING =
  /url|options|handlers|eventListeners|parseResponse|fetch|probe|backgroundHandler|foreground|registerRequest/
const named = <T extends readonly [string, ...unknown[]]>(list: readonly T[], how: string): T[] =>
  list.filter(([name]) => how !== 'rejects' || PROMISING.test(name))

/** A promise that is never settled. */
const hang = (): never => new Promise(() => {}) as never

describe('IS-4: where a function of an author never ends,', () => {
  it.each(named([...OF_TRANSPORTS, ...BESIDE], 'rejects'))(
    '%s holds up nobody else, nor the end',
    async (_, make) => {
      using watch = watchProcess()
      const { transport, provider, tick, cut } = await make(hang)
      await using running = await run(transport as never)
      expect([200, 504]).toContain((await running.service.post(ETH)).statusCode)
      tick?.()
      cut()
      await isSound(running)
      await running.service.stop()
      await provider[Symbol.asyncDispose]()
      expect(watch.escaped).toEqual([])
    },
  )
})

describe.each(FAULTS)('IS-4: where a function of an author %s,', (how, fault) => {
  it.each(named(OF_TRANSPORTS, how))(
    '%s costs its own feeds only, and is named or counted',
    async (_name, make) => {
      using watch = watchProcess()
      const { transport, provider, tick } = await make(fault)
      await using running = await run(transport as never)
      const { service } = running
      const before = await counted()
      await eventually(async () => {
        tick?.()
        const reply = await service.post(ETH)
        const isNamed = ![undefined, 'starting'].includes(classOf(reply)) || reply.statusCode === 500
        // Nonsense may be harmless.
        const isSeen = isNamed || (await counted()) > before || (how !== 'throws' && reply.statusCode === 200)
        expect(isSeen, `${reply.statusCode} ${reply.text.slice(0, 500)}`).toBe(true)
      })
      await isSound(running)
      await service.stop()
      await provider[Symbol.asyncDispose]()
      expect(watch.escaped).toEqual([])
    },
  )

  it.each(named(BESIDE, how))('%s costs no value', async (_name, make) => {
    using watch = watchProcess()
    const { transport, provider, tick, cut } = await make(fault)
    await using running = await run(transport as never)
    const { service } = running
    const isServed = () =>
      eventually(async () => {
        tick?.()
        expect((await service.post(ETH)).json.result).toBe(1)
      })
    await isServed()
    // Nobody wants it any more, somebody does again, and the connection ends.
    const cache = service.adapter.dependencies.cache as LocalCache
    const key = [...cache.cache.keys()].find((one) => one.startsWith('TEST-price'))
    ;(transport.subscriptionSet as ExpiringSortedSet<unknown>).delete(key!)
    await service.post({ ...ETH, base: 'BTC' })
    for (const again of [() => undefined, cut]) {
      again()
      await cache.delete(key!)
      await isServed()
    }
    await isSound(running)
    await service.stop()
    await provider[Symbol.asyncDispose]()
    expect(watch.escaped).toEqual([])
  })

  it.each(named([['backgroundHandler'], ['foregroundExecute'], ['registerRequest']], how))(
    '%s of a transport of his own costs its own endpoint only',
    async (name) => {
      using watch = watchProcess()
      const transport = Object.assign(new Foreground(), { [name]: fault })
      await using running = await run(transport as never)
      const { statusCode } = await running.service.post(ETH)
      expect([200, 500, 504]).toContain(statusCode)
      await isSound(running)
      await running.service.stop()
      expect(watch.escaped).toEqual([])
    },
  )

  it.each(
    named(
      [
        ['customInputValidation'],
        ['customOutputValidation'],
        ['cacheKeyGenerator'],
        ['customRouter'],
        ['requestTransforms'],
      ],
      how,
    ),
  )('%s costs the requests of its own endpoint only', async (name) => {
    using watch = watchProcess()
    const transport = new StillTransport()
    await using running = await run(transport as never, {
      [name]: name === 'requestTransforms' ? [fault] : fault,
    })
    for (let time = 0; time < 2; time++) {
      const { statusCode } = await running.service.post(ETH)
      expect([200, 500, 504]).toContain(statusCode)
    }
    await isSound(running)
    await running.service.stop()
    expect(watch.escaped).toEqual([])
  })
})
