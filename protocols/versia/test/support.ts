import { vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { AdapterConfig } from '../../../src/config/adapter-config'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { type ProviderConnection } from '../../../src/testing/provider-connection'
import { serve, type Served, type ServeOptions } from '../../../src/testing/serve'
import { type VersiaOptions } from '../options'
import { ReplayMemory } from '../replay-memory'
import { VersiaTransport, type VersiaTransportConfig } from '../versia-transport'
import { InputParameters } from '../../../src/validation/input-parameters'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { type Draft, secondMessage } from './second-opinion'
import { key, PRICE_TYPE, trustedKeys } from './vectors'

export const inputParameters = new InputParameters({
  base: { description: 'Base asset', type: 'string', required: true },
  quote: { description: 'Quote asset', type: 'string', required: true },
})

export type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: { value: string } }
  Settings: BaseAdapterSettings
}
export type PriceFunction = VersiaTransportConfig<Types>['price']

export const ETH = { base: 'ETH', quote: 'USD' }
export const BTC = { base: 'BTC', quote: 'USD' }

const priceOf: PriceFunction = ({ base, quote, value }) =>
  base === undefined || quote === undefined
    ? undefined
    : { params: { base, quote }, response: { result: Number(value), data: { value } } }

/** An adapter with one Versia transport; every one has a replay memory of its own, because tests send the same vectors. */
export const versiaAdapter =
  (options: Partial<VersiaOptions>, price: PriceFunction = vi.fn(priceOf)) =>
  () =>
    new Adapter({
      name: 'VERSIA_TEST',
      defaultEndpoint: 'price',
      config: new AdapterConfig({}),
      endpoints: [
        new AdapterEndpoint<Types>({
          name: 'price',
          inputParameters,
          guards: { onlyWanted: false, maxAgeMs: 600_000, futureToleranceMs: 1e12 },
          transport: new VersiaTransport<Types>({
            options: () => ({
              signers: trustedKeys('0.6'),
              priceType: PRICE_TYPE,
              allowLoopback: true,
              replayMemory: new ReplayMemory(),
              ...options,
            }),
            price,
          }),
        }),
      ],
    })

export const serveVersia = (
  options: Partial<VersiaOptions>,
  of: { price?: PriceFunction; serve?: ServeOptions } = {},
): Promise<Served> =>
  serve(versiaAdapter(options, of.price), {
    guardMs: GUARD_MS,
    ...of.serve,
    env: {
      METRICS_ENABLED: 'true',
      EXPERIMENTAL_METRICS_ENABLED: 'true',
      CACHE_POLLING_MAX_RETRIES: '0',
      CACHE_POLLING_SLEEP_MS: '10',
      ...of.serve?.env,
    },
  })

let entities = 0

/** The text of a price's entity; fields are given in place of the usual ones, or undefined to leave them out. */
export const priceText = (fields: Record<string, unknown> = {}): string => {
  entities += 1
  const now = new Date().toISOString()
  return JSON.stringify({
    type: PRICE_TYPE,
    id: `price-${entities}`,
    created_at: now,
    author: 'feed',
    feed: 'ETH/USD',
    base: 'ETH',
    quote: 'USD',
    value: '3150.25',
    observed_at: now,
    ...fields,
  })
}

export const SEED = key('feed-instance').seed_hex

/** A frame with a price, signed by the trusted instance. */
export const priceMessage = (fields: Record<string, unknown> = {}, draft: Partial<Draft> = {}): string =>
  secondMessage({ seedHex: SEED, signedBy: 'feeds.example', entity: priceText(fields), ...draft })

/** Resolves when everything that was sent on the connection has been dealt with: frames are handled in order, pings among them. */
export const handled = async (connection: ProviderConnection): Promise<void> => {
  connection.ping()
  await connection.nextPong()
}

/** How often something was refused for a reason, by the adapter of these tests. */
export const refused = async (service: Served, reason: string): Promise<number> =>
  (await service.metric('data_refused_total', { app_name: 'VERSIA_TEST', reason })) ?? 0

export const status = async (service: Served) => {
  const { body } = await service.api.inject({ method: 'GET', url: '/status' })
  return (JSON.parse(body) as { endpoints: [{ connections: Record<string, unknown>[] }] }).endpoints[0]
    .connections
}

/** Waits for something of another side, such as a connection that it has yet to notice. */
export const eventually = <T>(condition: () => T | Promise<T>) =>
  vi.waitUntil(condition, { timeout: GUARD_MS, interval: 10 })
