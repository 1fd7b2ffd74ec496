import { describe, expect, it, onTestFinished } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { codeMistakes, codeWarnings } from '../../src/adapter/code-mistakes'
import { CryptoPriceEndpoint } from '../../src/adapter/price-endpoint'
import { problemsIn } from '../../src/config/config-error'
import { HttpTransport } from '../../src/transports/http/http-transport'
import { TransportRoutes } from '../../src/transports/routes'
import { SseTransport } from '../../src/transports/sse/sse-transport'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { NopTransport } from '../../src/testing/nop-transport'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { InputParameters } from '../../src/validation/input-parameters'

// As JavaScript: no types stand in the way.
type Options = Record<string, unknown>
const ws = (options?: unknown) => new WebSocketTransport(options as never)
const http = (options?: unknown) => new HttpTransport(options as never)
const sse = (options?: unknown) => new SseTransport(options as never)
const endpoint = (options?: unknown) => new AdapterEndpoint(options as never)

const nothing = () => undefined
const socket = { url: () => 'ws://127.0.0.1:9', handlers: { message: nothing } }
const requests = { prepareRequests: () => [], parseResponse: () => [] }
const events = {
  prepareSSEConnectionConfig: () => ({ url: 'http://127.0.0.1:9' }),
  prepareSubscriptionRequest: nothing,
  prepareUnsubscriptionRequest: nothing,
  eventListeners: [{ type: 'message', parseResponse: () => [] }],
}
const over = (transport: unknown) => ({ name: 'TEST', endpoints: [endpoint({ name: 'price', transport })] })
const withOption = (options: Options) => ({
  name: 'TEST',
  endpoints: [endpoint({ name: 'price', transport: ws(socket), ...options })],
})
const make = (options: unknown) => new Adapter(options as never)

const transportMistakes: [string, () => unknown, string][] = [
  ['no options', () => ws(), 'the argument of its constructor is missing; expected an object'],
  ['a url that is a text', () => ws({ ...socket, url: 'ws://x' }), 'url is a string; expected a function'],
  ['no url', () => ws({ handlers: socket.handlers }), 'url is missing; expected a function'],
  [
    'urls that are a text',
    () => ws({ urls: 'x', handlers: socket.handlers }),
    'urls is a string; expected an array of URLs, or a function',
  ],
  ['no handlers', () => ws({ url: socket.url }), 'handlers is missing; expected an object'],
  [
    'no handlers with a credential',
    () => ws({ url: socket.url, credential: { fetch: nothing } }),
    'handlers is missing; expected an object',
  ],
  [
    'no message handler',
    () => ws({ ...socket, handlers: {} }),
    'handlers.message is missing; expected a function',
  ],
  [
    'a heartbeat that is a number',
    () => ws({ ...socket, handlers: { message: nothing, heartbeat: 5 } }),
    'handlers.heartbeat is a number; expected a function',
  ],
  [
    'builders that are a text',
    () => ws({ ...socket, builders: 'x' }),
    'builders is a string; expected an object',
  ],
  [
    'a builder that is an object',
    () => ws({ ...socket, builders: { subscribeMessage: {} } }),
    'builders.subscribeMessage is an object; expected a function',
  ],
  ['limits that are a number', () => ws({ ...socket, limits: 5 }), 'limits is a number; expected an object'],
  [
    'batches without a session',
    () => ws({ url: socket.url, batches: { symbolOf: nothing } }),
    'batches.session is missing; expected a function',
  ],
  [
    'a credential without fetch',
    () => http({ ...requests, credential: {} }),
    'credential.fetch is missing; expected a function',
  ],
  [
    'no prepareRequests',
    () => http({ parseResponse: nothing }),
    'prepareRequests is missing; expected a function',
  ],
  [
    'no parseResponse',
    () => http({ ...requests, parseResponse: undefined }),
    'parseResponse is missing; expected a function',
  ],
  [
    'no events',
    () => sse({ ...events, eventListeners: undefined }),
    'eventListeners is missing; expected an array',
  ],
  [
    'an event without a parser',
    () => sse({ ...events, eventListeners: [{ type: 'message' }] }),
    'eventListeners[0].parseResponse is missing; expected a function',
  ],
  [
    'no subscription request',
    () => sse({ ...events, prepareSubscriptionRequest: null }),
    'prepareSubscriptionRequest is null; expected a function',
  ],
]

const endpointMistakes: [string, Options, string][] = [
  [
    'parameters that are a plain object',
    { inputParameters: { base: {} } },
    'inputParameters is an object; expected new InputParameters(...)',
  ],
  [
    'transforms that are no list',
    { requestTransforms: nothing },
    'requestTransforms is a function; expected an array',
  ],
  [
    'a transform that is no function',
    { requestTransforms: [nothing, 'x'] },
    'requestTransforms[1] is a string; expected a function',
  ],
  ['aliases that are a text', { aliases: 'crypto' }, 'aliases is a string; expected an array'],
  [
    'a guard that there is not',
    { guards: { maxAge: 5 } },
    'guards.maxAge is not known; there are futureToleranceMs, maxAgeMs, sign, allowZero, min, max, fields, maxJump, frozenAfterMs, onlyWanted, policy, maxHoldMs',
  ],
  ['a guard of another type', { guards: { min: '0' } }, 'guards.min is a string; expected a number'],
  [
    'a freshness without its mode',
    { freshness: { maxAgeMs: 5 } },
    'freshness.mode is missing; expected one of tick, confirmed, scheduled',
  ],
  [
    'essential feeds that are texts',
    { essentialFeeds: ['ETH'] },
    'essentialFeeds[0] is a string; expected an object',
  ],
  [
    'a key that is no function',
    { cacheKeyGenerator: 'base' },
    'cacheKeyGenerator is a string; expected a function',
  ],
]

describe('what is wrong with the code of an adapter', () => {
  it.each(transportMistakes)('is told at the place of the transport: %s', (_what, transport, line) => {
    expect(codeMistakes(make(over(transport())))).toEqual([`endpoint "price", transport: ${line}`])
  })

  it.each(endpointMistakes)('is told at the place of the endpoint: %s', (_what, options, line) => {
    expect(codeMistakes(make(withOption(options)))).toEqual([`endpoint "price": ${line}`])
  })

  it('is told of an endpoint that adds its own aliases', () => {
    const crypto = new CryptoPriceEndpoint({
      name: 'price',
      transport: ws(socket),
      aliases: 'crypto',
    } as never)
    expect(codeMistakes(make({ name: 'TEST', endpoints: [crypto] }))).toEqual([
      'endpoint "price": aliases is a string; expected an array',
    ])
  })

  it('is told of endpoints without a name, options or transport', () => {
    const routes = new TransportRoutes().register('ws', undefined as never)
    const endpoints = [
      endpoint(),
      endpoint({ name: 'a' }),
      endpoint({ name: 'b', transport: undefined }),
      endpoint({ name: 'c', transportRoutes: routes }),
      endpoint({ name: 'd', enableCompositeTransport: true }),
    ]
    const expected = 'expected a transport as "transport", or TransportRoutes as "transportRoutes"'
    expect(codeMistakes(make({ name: 'TEST', endpoints }))).toEqual([
      'endpoints[0]: the argument of its constructor is missing; expected an object',
      `endpoint "a": transportRoutes is missing; ${expected}`,
      `endpoint "d": transportRoutes is missing; ${expected}`,
      'endpoint "b", transport is missing; expected a transport',
      'endpoint "c", transport "ws" is missing; expected a transport',
    ])
  })

  it('is told of the adapter itself', () => {
    const good = endpoint({ name: 'price', transport: ws(socket) })
    const wrong = make({ name: 7, endpoints: [good, { name: 'x' }], config: { KEY: {} }, bootstrap: true })
    expect(codeMistakes(wrong)).toEqual([
      'adapter: name is a number; expected a string',
      'adapter: endpoints[1] is an object; expected an AdapterEndpoint',
      'adapter: bootstrap is a boolean; expected a function',
      'adapter: config is an object; expected an AdapterConfig',
    ])
    expect(wrong.endpoints).toEqual([good])
    expect(codeMistakes(make(undefined))).toEqual([
      'adapter: the argument of its constructor is missing; expected an object',
    ])
  })

  it('is refused at the start, all at once, before the settings and without a stack', async () => {
    const adapter = make({
      name: 'TEST',
      endpoints: [
        endpoint({ name: 'price', aliases: 'x', transport: ws({ url: 'ws://secret', handlers: {} }) }),
        endpoint({ name: 'volume', transport: http({}) }),
      ],
    })
    const error: unknown = await adapter.initialize().catch((thrown: unknown) => thrown)
    const lines = [
      'endpoint "price": aliases is a string; expected an array',
      'endpoint "price", transport: url is a string; expected a function',
      'endpoint "price", transport: handlers.message is missing; expected a function',
      'endpoint "volume", transport: prepareRequests is missing; expected a function',
      'endpoint "volume", transport: parseResponse is missing; expected a function',
    ]
    expect(problemsIn(error)).toEqual(lines)
    const message = `The code of TEST has mistakes:\n${lines.join('\n')}`
    expect(error).toMatchObject({ message, stack: `ConfigError: ${message}` })
  })

  it('is not looked for in getters, which may read settings that are not read yet', () => {
    const late = {
      get maxAgeMs(): number {
        throw new Error('not yet')
      },
    }
    expect(codeMistakes(make(withOption({ guards: late, aliases: 'x' })))).toEqual([
      'endpoint "price": aliases is a string; expected an array',
    ])
  })

  it('is nothing in an adapter as it should be', () => {
    const transportRoutes = new TransportRoutes().register('ws', ws(socket)).register('rest', http(requests))
    const guards = { min: 0, maxJump: { ratio: 0.1 }, policy: { jump: 'flag' } }
    const adapter = make({
      name: 'TEST',
      defaultEndpoint: 'Crypto',
      rateLimiting: { tiers: { free: { rateLimit1m: 5 } } },
      endpoints: [
        endpoint({ name: 'price', aliases: ['crypto'], transportRoutes, guards }),
        endpoint({ name: 'b', transport: sse(events), inputParameters: new InputParameters({}) }),
        endpoint({
          name: 'c',
          transport: ws({ urls: ['ws://x'], batches: { symbolOf: nothing, session: () => ({}) } }),
        }),
      ],
    })
    expect([codeMistakes(adapter), codeWarnings(adapter)]).toEqual([[], []])
  })
})

/** An adapter with one transport of ours in several places. */
const inSeveralPlaces = () => {
  const transport = ws(socket)
  const transportRoutes = new TransportRoutes().register('ws', transport).register('rest', http(requests))
  return {
    name: 'TEST',
    endpoints: [
      endpoint({ name: 'a', transport }),
      endpoint({ name: 'b', transportRoutes }),
      endpoint({ name: 'c', transport }),
    ],
  }
}

describe('what works and is most likely not meant', () => {
  const custom = { initialize: () => Promise.resolve() }

  it.each<[string, unknown, string[]]>([
    [
      'no endpoints',
      { name: 'TEST', endpoints: [], defaultEndpoint: 'x' },
      ['TEST: it has no endpoints, so it can answer nothing'],
    ],
    [
      'an unknown default endpoint',
      { ...withOption({ aliases: ['crypto'] }), defaultEndpoint: 'Prise' },
      [
        'TEST: its default endpoint "prise" does not exist, so a request that names no endpoint gets an error; there are price, crypto',
      ],
    ],
    [
      'no transports',
      { name: 'TEST', endpoints: [endpoint({ name: 'price', transportRoutes: new TransportRoutes() })] },
      ['TEST: endpoint "price" has no transport, so it can answer nothing'],
    ],
    [
      'an own transport that does nothing, in two endpoints',
      { name: 'TEST', endpoints: ['a', 'b'].map((name) => endpoint({ name, transport: custom })) },
      [
        'TEST: endpoint "a", transport has none of registerRequest, foregroundExecute and backgroundExecute, so it can give no value',
        'TEST: endpoint "b", transport has none of registerRequest, foregroundExecute and backgroundExecute, so it can give no value',
        'TEST: endpoint "a", transport: the same object as endpoint "b", transport, where its values would go; make one for each',
      ],
    ],
    [
      'a transport of ours in several places, whose values would go to the last',
      inSeveralPlaces(),
      [
        'TEST: endpoint "a", transport and endpoint "b", transport "ws": the same object as endpoint "c", transport, where its values would go; make one for each',
      ],
    ],
  ])('is warned of: %s', (_what, options, lines) => {
    const adapter = make(options)
    expect([codeMistakes(adapter), codeWarnings(adapter)]).toEqual([[], lines])
  })

  it('is in the log of the start, which goes on', async () => {
    const warned: unknown[] = []
    const logger = { fatal: nothing, error: nothing, info: nothing, debug: nothing, trace: nothing }
    onTestFinished(() => LoggerFactoryProvider.set())
    const adapter = make({
      name: 'TEST',
      defaultEndpoint: 'x',
      endpoints: [endpoint({ name: 'price', transport: new NopTransport() })],
    })
    const loggerFactory = { child: () => ({ ...logger, warn: (line: unknown) => void warned.push(line) }) }
    await adapter.initialize({ loggerFactory })
    onTestFinished(() => adapter.disconnect())
    expect(warned).toContainEqual(codeWarnings(adapter)[0])
    expect(adapter.initialized).toBe(true)
  })
})
