import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type EndpointGenerics } from '../../src/adapter/params'
import {
  PoRAdapter,
  PoRAddressEndpoint,
  PoRBalanceEndpoint,
  porBalanceEndpointInputParametersDefinition,
  PoRProviderEndpoint,
  PoRTokenAddressEndpoint,
  PoRTotalBalanceEndpoint,
} from '../../src/public/adapter/por'
import { PriceEndpoint } from '../../src/adapter/price-endpoint'
import { AdapterConfig } from '../../src/config/adapter-config'
import { serve } from '../../src/testing/serve'
import { SubscriptionTransport } from '../../src/transports/subscription-transport'
import { InputParameters } from '../../src/validation/input-parameters'
import { answering, fresh } from './answering-transport'

afterEach(() => void vi.unstubAllEnvs())

type Endpoint = AdapterEndpoint<EndpointGenerics>
type Kind = new (params: never) => Endpoint

const balances = () => new InputParameters(porBalanceEndpointInputParametersDefinition)
const endpointOf = (kind: unknown, name: string, more: object = {}) =>
  new (kind as Kind)({ name, transport: answering(() => fresh(null, { result: [] })), ...more } as never)

const KINDS = [
  ['PoRAddressEndpoint', PoRAddressEndpoint],
  ['PoRTokenAddressEndpoint', PoRTokenAddressEndpoint],
  ['PoRBalanceEndpoint', PoRBalanceEndpoint],
  ['PoRTotalBalanceEndpoint', PoRTotalBalanceEndpoint],
  ['PoRProviderEndpoint', PoRProviderEndpoint],
] as const

const adapterOf = (endpoints: Endpoint[], config?: AdapterConfig) =>
  new PoRAdapter({ name: 'POR', endpoints, config })

describe('a proof-of-reserves adapter', () => {
  it.each(KINDS)('is one with a %s', (_name, kind) => {
    const endpoint = endpointOf(kind, 'x')
    expect(endpoint).toBeInstanceOf(AdapterEndpoint)
    expect(() => adapterOf([endpointOf(AdapterEndpoint, 'other'), endpoint])).not.toThrow()
  })

  it.each([[[]], [[AdapterEndpoint]], [[AdapterEndpoint, PriceEndpoint]]])(
    'is none without any of these',
    (kinds: unknown[]) => {
      const endpoints = kinds.map((kind, at) => endpointOf(kind, `e${at}`))
      expect(() => adapterOf(endpoints)).toThrow(
        new Error("This PoRAdapter's list of endpoints does not contain a valid PoR endpoint"),
      )
    },
  )
})

describe('the defaults of a proof-of-reserves adapter', () => {
  const patient = { BACKGROUND_EXECUTE_TIMEOUT: 180_000, API_TIMEOUT: 60_000, CACHE_MAX_AGE: 360_000 }
  const settingsOf = (config?: AdapterConfig) => {
    const { BACKGROUND_EXECUTE_TIMEOUT, API_TIMEOUT, CACHE_MAX_AGE } = adapterOf(
      [endpointOf(PoRAddressEndpoint, 'x')],
      config,
    ).config.settings
    return { BACKGROUND_EXECUTE_TIMEOUT, API_TIMEOUT, CACHE_MAX_AGE }
  }

  it('leave time for many addresses', () => {
    expect(settingsOf()).toEqual(patient)
    expect(settingsOf(new AdapterConfig({}))).toEqual(patient)
    expect(settingsOf(new AdapterConfig({}, {}))).toEqual(patient)
  })

  it('give way to those of the author, zero among them', () => {
    const envDefaultOverrides = { API_TIMEOUT: 0, CACHE_MAX_AGE: 5_000, WS_SUBSCRIPTION_TTL: 7 }
    const config = new AdapterConfig({}, { envDefaultOverrides })
    expect(settingsOf(config)).toEqual({ ...patient, API_TIMEOUT: 0, CACHE_MAX_AGE: 5_000 })
    expect(config.settings.WS_SUBSCRIPTION_TTL).toBe(7)
    expect(config.getSettingDebugDetails('BACKGROUND_EXECUTE_TIMEOUT').envDefaultOverride).toBe(180_000)
    expect(envDefaultOverrides).toEqual({ API_TIMEOUT: 0, CACHE_MAX_AGE: 5_000, WS_SUBSCRIPTION_TTL: 7 })
  })

  it('give way to the environment', () => {
    vi.stubEnv('API_TIMEOUT', '1000')
    vi.stubEnv('MY_CACHE_MAX_AGE', '2000')
    expect(settingsOf()).toEqual({ ...patient, API_TIMEOUT: 1000 })
    const config = new AdapterConfig({}, { envVarsPrefix: 'MY' })
    expect(settingsOf(config)).toEqual({ ...patient, CACHE_MAX_AGE: 2000 })
  })

  it('fill in what the author leaves undefined', () => {
    const config = new AdapterConfig({}, { envDefaultOverrides: { API_TIMEOUT: undefined } })
    expect(settingsOf(config)).toEqual(patient)
  })

  it('are valid, and the author’s config stays the adapter’s', () => {
    const config = new AdapterConfig({})
    const adapter = adapterOf([endpointOf(PoRAddressEndpoint, 'x')], config)
    expect(adapter.config).toBe(config)
    expect(() => config.validate()).not.toThrow()
  })
})

describe('the number of addresses in a request for balances', () => {
  const NAME = 'por_balance_address_length'
  const feed = (addresses: (string | null)[]) => ({
    feed_id: JSON.stringify({ addresses: addresses.map((address) => address && { address }) }),
  })

  const start = (env: Record<string, string> = {}) =>
    serve(
      () =>
        adapterOf([
          endpointOf(PoRBalanceEndpoint, 'balance', { inputParameters: balances() }),
          endpointOf(PoRTotalBalanceEndpoint, 'total', { inputParameters: balances() }),
          endpointOf(PoRBalanceEndpoint, 'bare'),
          endpointOf(PoRAddressEndpoint, 'address', { inputParameters: balances() }),
        ]),
      { env: { CACHE_POLLING_MAX_RETRIES: '0', ...env } },
    )

  it.each(['balance', 'total'])('is measured by feed: %s', async (endpoint) => {
    await using service = await start()
    const list = (...addresses: (string | null)[]) => addresses.map((address) => address && { address })
    const mark = endpoint.slice(0, 1)
    await service.post({ addresses: list(`${mark}1`, `${mark}2`) }, { endpoint })
    await service.post({ result: list(`${mark}3`) }, { endpoint })
    await service.post({ addresses: list(`${mark}4`, null) }, { endpoint })
    expect(await service.metric(NAME, feed([`${mark}1`, `${mark}2`]))).toBe(2)
    expect(await service.metric(NAME, feed([`${mark}3`]))).toBe(1)
    expect(await service.metric(NAME, feed([`${mark}4`, null]))).toBe(2)
  })

  it('is nothing where there are none, and for other endpoints', async () => {
    await using service = await start()
    for (const endpoint of ['bare', 'address'])
      expect((await service.post({ addresses: [{ address: 'q' }] }, { endpoint })).statusCode).toBe(200)
    expect(await service.metric(NAME, feed(['q']))).toBeUndefined()
    expect(await service.metric(NAME, { feed_id: '{}' })).toBeUndefined()
  })

  it('costs no answer, metrics or not', async () => {
    await using service = await start({ METRICS_ENABLED: 'false' })
    const { statusCode, json } = await service.post({ addresses: [] }, { endpoint: 'balance' })
    expect([statusCode, json.data]).toEqual([200, { result: [] }])
  })

  it('is there for requests that are answered from memory, too', async () => {
    class Still extends SubscriptionTransport<never> {
      backgroundHandler = () => Promise.resolve()
      getSubscriptionTtlFromConfig = () => 60_000
    }
    const transport = new Still()
    const make = () =>
      adapterOf([endpointOf(PoRBalanceEndpoint, 'balance', { inputParameters: balances(), transport })])
    await using service = await serve(make, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    const params = { addresses: [{ address: 'm' }] }
    const response = fresh(null, { result: [{ balance: '1' }] })
    await transport.responseCache.write('default_single_transport', [{ params, response }] as never)
    expect(service.adapter.servesVerbatim(service.adapter.endpoints[0]!)).toBe(true)
    for (let time = 0; time < 3; time++) {
      expect((await service.post(params, { endpoint: 'balance' })).statusCode).toBe(200)
      expect(await service.metric(NAME, feed(['m']))).toBe(1)
    }
  })

  it('is measured before an author’s own handler answers', async () => {
    class Own extends PoRAdapter {
      override async handleRequest(...args: Parameters<PoRAdapter['handleRequest']>) {
        const response = await super.handleRequest(...args)
        return { ...response, result: 'own' } as never
      }
    }
    const endpoint = endpointOf(PoRBalanceEndpoint, 'balance', { inputParameters: balances() })
    await using service = await serve(() => new Own({ name: 'OWN', endpoints: [endpoint] }))
    const reply = await service.post({ addresses: [{ address: 'o' }] }, { endpoint: 'balance' })
    expect(reply.json.result).toBe('own')
    expect(await service.metric(NAME, feed(['o']))).toBe(1)
  })
})
