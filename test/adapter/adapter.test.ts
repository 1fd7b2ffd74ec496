import { afterEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type EndpointGenerics } from '../../src/adapter/params'
import { LocalCache } from '../../src/feeds/local-cache'
import { type ConfigError } from '../../src/config/config-error'
import { AdapterConfig } from '../../src/config/adapter-config'
import { startAdapter } from '../../src/service/started-adapter'
import { start } from '../../src/service/expose'
import { serve } from '../../src/testing/serve'
import { SubscriptionSetFactory } from '../../src/adapter/subscription-set-factory'
import { stillAdapter, StillTransport } from '../http/support'

const endpoint = (name: string, more: object = {}) =>
  new AdapterEndpoint({ name, transport: new StillTransport() as never, ...more })

const adapterOf = (endpoints: AdapterEndpoint<EndpointGenerics>[], more: object = {}) =>
  new Adapter({ name: 'TEST', endpoints, ...more })

afterEach(() => void vi.unstubAllEnvs())

describe('constructing an adapter', () => {
  it('reads the environment at once', () => {
    vi.stubEnv('CACHE_MAX_AGE', '1234')
    const adapter = adapterOf([])
    vi.stubEnv('CACHE_MAX_AGE', '5678')
    expect(adapter.config.settings.CACHE_MAX_AGE).toBe(1234)
  })

  it('lower-cases the names of endpoints, their aliases, and the default endpoint', () => {
    const one = endpoint('PriCe', { aliases: ['Crypto', 'FX'] })
    const adapter = adapterOf([one], { defaultEndpoint: 'PRICE' })
    expect(adapter).toMatchObject({ defaultEndpoint: 'price', initialized: false })
    expect(one).toMatchObject({ name: 'price', aliases: ['crypto', 'fx'] })
  })

  it('takes an adapter without endpoints, and a default endpoint that does not exist', async () => {
    await using service = await serve(adapterOf([], { defaultEndpoint: 'nope' }))
    expect((await service.post({})).statusCode).toBe(404)
  })

  const shares = (...given: (number | undefined)[]) => {
    const endpoints = given.map((allocationPercentage, n) =>
      endpoint(`e${n}`, allocationPercentage === undefined ? {} : { rateLimiting: { allocationPercentage } }),
    )
    adapterOf(endpoints)
    return endpoints.map(({ rateLimiting }) => rateLimiting?.allocationPercentage)
  }

  it('divides what is left of the request budget among endpoints without a share', () => {
    expect(shares(undefined, undefined)).toEqual([50, 50])
    expect(shares(40, undefined, undefined)).toEqual([40, 30, 30])
    expect(shares(60, 40)).toEqual([60, 40])
    expect(shares(100, 0)).toEqual([100, 0])
    expect(shares(20, 0, undefined)).toEqual([20, 0, 80])
  })

  it('refuses shares that do not add up', () => {
    expect(() => shares(60, 41)).toThrow(
      new Error('The total allocation set for all endpoints summed cannot exceed 100%'),
    )
    expect(() => shares(100, undefined)).toThrow(
      new Error('The explicit allocation is at 100% but there are endpoints with implicit allocation'),
    )
  })
})

describe('initializing an adapter', () => {
  it('runs in the order of the contract', async () => {
    const events: string[] = []
    const config = new AdapterConfig({})
    const validate = config.validate.bind(config)
    config.validate = () => {
      events.push('validate')
      validate()
    }
    const buildCensorList = config.buildCensorList.bind(config)
    config.buildCensorList = (...args) => {
      events.push('censor list')
      return buildCensorList(...args)
    }
    class Noting extends StillTransport {
      override async initialize(...args: Parameters<StillTransport['initialize']>) {
        events.push(`${args[2]} ${args[3]} begins`)
        await Promise.resolve()
        await super.initialize(...args)
        events.push(`${args[2]} ends`)
      }
    }
    const bootstrap = (adapter: Adapter) => {
      events.push(`bootstrap ${adapter.dependencies === undefined}`)
      return Promise.resolve()
    }
    const endpoints = ['a', 'b'].map(
      (name) => new AdapterEndpoint({ name, transport: new Noting() as never }),
    )
    const adapter = adapterOf(endpoints, { config, bootstrap })
    await adapter.initialize()
    expect(events).toEqual([
      'validate',
      'bootstrap true',
      'a default_single_transport begins',
      'a ends',
      'b default_single_transport begins',
      'b ends',
      'censor list',
    ])
    expect(adapter.initialized).toBe(true)
  })

  it('knows every endpoint by its name and its aliases', async () => {
    const one = endpoint('one', { aliases: ['uno', 'constructor'] })
    const adapter = adapterOf([one])
    await adapter.initialize()
    expect(Object.keys(adapter.endpointsMap)).toEqual(['one', 'uno', 'constructor'])
    expect(adapter.endpointsMap['uno']).toBe(one)
    expect('toString' in adapter.endpointsMap).toBe(false)
  })

  it('happens once', async () => {
    const adapter = adapterOf([])
    await adapter.initialize()
    await expect(adapter.initialize()).rejects.toThrow(
      new Error('This adapter has already been initialized!'),
    )
  })

  it('refuses a name that is not in upper case', async () => {
    const adapter = new Adapter({ name: 'Test' as 'TEST', endpoints: [] })
    await expect(adapter.initialize()).rejects.toThrow(new Error('Adapter name must be uppercase'))
  })

  it.each([
    [[endpoint('a'), endpoint('A')], 'a'],
    [[endpoint('a', { aliases: ['x'] }), endpoint('b', { aliases: ['X'] })], 'x'],
    [[endpoint('a', { aliases: ['b'] }), endpoint('b')], 'b'],
    [[endpoint('a', { aliases: ['A'] })], 'a'],
  ])('refuses two endpoints of one name', async (endpoints, name) => {
    await expect(adapterOf(endpoints).initialize()).rejects.toThrow(
      new Error(`Duplicate endpoint / alias: "${name}"`),
    )
  })

  it('LC-5: lists all bad settings at once', async () => {
    vi.stubEnv('CACHE_MAX_AGE', 'abc')
    vi.stubEnv('EA_PORT', '70000')
    await expect(adapterOf([]).initialize()).rejects.toThrow(
      /CACHE_MAX_AGE[^]*EA_PORT|EA_PORT[^]*CACHE_MAX_AGE/,
    )
  })

  it('LC-5: lists with them what would be refused later: limits of feeds, essential feeds, the mode, the tier', async () => {
    vi.stubEnv('CACHE_MAX_AGE', 'abc')
    vi.stubEnv('FEED_LIMITS', '{')
    vi.stubEnv('READY_ESSENTIAL_FEEDS', '{}')
    vi.stubEnv('EA_MODE', 'reader')
    vi.stubEnv('RATE_LIMIT_API_TIER', 'gold')
    const rateLimiting = { tiers: { free: { rateLimit1s: 1 } } }
    const problems = await adapterOf([], { rateLimiting })
      .initialize()
      .catch((error: ConfigError) => error.problems)
    expect(problems).toEqual([
      expect.stringMatching(/^CACHE_MAX_AGE: /),
      'EA_MODE: EA mode cannot be reader while cache type is local',
      'RATE_LIMIT_API_TIER: The selected rate limit tier "gold" is not valid (can be one of "free")',
      expect.stringMatching(/^FEED_LIMITS: /),
      'READY_ESSENTIAL_FEEDS: is no list, such as ["coinbase:ETH/USD"]',
    ])
  })

  it.each(['reader', 'writer'])('refuses EA_MODE=%s with the local cache', async (mode) => {
    vi.stubEnv('EA_MODE', mode)
    await expect(adapterOf([]).initialize()).rejects.toThrow(
      new Error(`EA mode cannot be ${mode} while cache type is local`),
    )
  })

  it('fails with the bootstrap', async () => {
    const adapter = adapterOf([], { bootstrap: () => Promise.reject(new Error('not today')) })
    await expect(adapter.initialize()).rejects.toThrow(new Error('not today'))
    expect(adapter.initialized).toBe(false)
  })

  it('uses what the caller injects, and builds the rest', async () => {
    const cache = new LocalCache(5)
    const adapter = adapterOf([])
    await adapter.initialize({ cache })
    expect(adapter.dependencies.cache).toBe(cache)
    expect(adapter.dependencies.subscriptionSetFactory).toBeInstanceOf(SubscriptionSetFactory)
    const other = adapterOf([])
    await other.initialize()
    expect(other.dependencies.cache).toMatchObject({ type: 'local', capacity: 10_000 })
  })

  it('lets somebody take the rate limits away between construction and start', async () => {
    const { adapter, transport } = stillAdapter({
      adapter: { rateLimiting: { tiers: { free: { rateLimit1s: 1 } } } },
    })
    adapter.rateLimiting = undefined
    await using service = await serve(adapter)
    await transport.put({ base: 'ETH', quote: 'USD' }, 5)
    expect((await service.post({ base: 'ETH', quote: 'USD' })).statusCode).toBe(200)
  })
})

describe('starting an adapter', () => {
  it('takes adapters only', async () => {
    const message = 'The adapter has not been initialized as an instance of the Adapter class, exiting.'
    await expect(start({} as never)).rejects.toThrow(new Error(message))
  })

  it('tells that it stops, once, when its server is closed', async () => {
    vi.stubEnv('METRICS_ENABLED', 'false')
    const { adapter } = stillAdapter()
    const { api, stop } = await startAdapter(adapter)
    const closed = vi.fn()
    adapter.shutdownNotifier.on('onClose', closed)
    await Promise.all([stop(), api!.close()])
    await stop()
    expect(closed).toHaveBeenCalledTimes(1)
  })

  it('ends the background work with the server', async () => {
    const { adapter, transport } = stillAdapter()
    const shutdown = vi.fn(() => Promise.resolve())
    Object.assign(transport, { shutdown })
    const { api } = await start(adapter)
    await api!.close()
    expect(shutdown).toHaveBeenCalledTimes(1)
  })
})
