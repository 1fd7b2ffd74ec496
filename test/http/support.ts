import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { type AdapterEndpointParams, type AdapterParams } from '../../src/adapter/params'
import { priceEndpointInputParametersDefinition } from '../../src/adapter/price-endpoint'
import { type LocalCache } from '../../src/feeds/local-cache'
import {
  type AdapterResponse,
  type SingleNumberResultResponse,
  type TimestampedAdapterResponse,
} from '../../src/feeds/responses'
import { type BaseAdapterSettings, type SettingsDefinitionMap } from '../../src/config/settings'
import { type Served } from '../../src/testing/serve'
import { DEFAULT_TRANSPORT_NAME } from '../../src/transports/routes'
import { SubscriptionTransport } from '../../src/transports/subscription-transport'
import { type TransportGenerics } from '../../src/transports/transport'
import { InputParameters } from '../../src/validation/input-parameters'

export interface PriceTypes extends TransportGenerics {
  Parameters: typeof priceEndpointInputParametersDefinition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
}

export interface Pair {
  base: string
  quote: string
}

export const SUBSCRIPTION_TTL_MS = 60_000

/** Remembers what is wanted and gets its values from the test. */
export class StillTransport extends SubscriptionTransport<PriceTypes> {
  backgroundHandler(): Promise<void> {
    return Promise.resolve()
  }

  getSubscriptionTtlFromConfig(): number {
    return SUBSCRIPTION_TTL_MS
  }

  /** Writes a value as a stream would: received now. */
  async put(params: Pair, result: number, providerIndicatedTimeUnixMs?: number): Promise<void> {
    await this.write(params, {
      result,
      data: { result },
      timestamps: {
        providerDataStreamEstablishedUnixMs: 1,
        providerDataReceivedUnixMs: Date.now(),
        providerIndicatedTimeUnixMs,
      },
    })
  }

  async putError(params: Pair, statusCode: number, errorMessage: string): Promise<void> {
    const timestamps = {
      providerDataStreamEstablishedUnixMs: 1,
      providerDataReceivedUnixMs: Date.now(),
      providerIndicatedTimeUnixMs: undefined,
    }
    await this.write(params, { statusCode, errorMessage, timestamps })
  }

  /** Says as a provider would that the value still stands. */
  async confirm(params: Pair, ttlMs: number): Promise<void> {
    await this.responseCache.writeTTL(this.name, [params], ttlMs)
  }

  async wanted(): Promise<Pair[]> {
    return this.subscriptionSet.getAll()
  }

  private async write(
    params: Pair,
    response: TimestampedAdapterResponse<SingleNumberResultResponse>,
  ): Promise<void> {
    await this.responseCache.write(this.name, [{ params, response }])
  }
}

export const priceParameters = () => new InputParameters(priceEndpointInputParametersDefinition)

/** How an endpoint takes its requests: with plans kept, or prepared anew each time because of an author's transform. */
export const WAYS = [
  { way: 'memoised', requestTransforms: [] },
  { way: 'prepared anew', requestTransforms: [() => {}] },
]
export type Way = (typeof WAYS)[number]

export interface StillAdapter {
  adapter: Adapter
  transport: StillTransport
  endpoint: AdapterEndpoint<PriceTypes>
  local: () => LocalCache<AdapterResponse>
}

/** An adapter `TEST` with a default endpoint `price` (alias `Crypto`) over a {@link StillTransport}. */
export const stillAdapter = (
  of: {
    endpoint?: Partial<Omit<AdapterEndpointParams<PriceTypes>, 'transport'>>
    adapter?: Partial<AdapterParams<SettingsDefinitionMap>>
    transport?: StillTransport
    make?: (params: AdapterParams<SettingsDefinitionMap>) => Adapter
  } = {},
): StillAdapter => {
  const transport = of.transport ?? new StillTransport()
  const endpoint = new AdapterEndpoint<PriceTypes>({
    name: 'price',
    aliases: ['Crypto'],
    inputParameters: priceParameters(),
    ...of.endpoint,
    transport,
  })
  const make = of.make ?? ((params: AdapterParams<SettingsDefinitionMap>) => new Adapter(params))
  const { endpoints = [], ...others } = of.adapter ?? {}
  const adapter = make({
    name: 'TEST',
    defaultEndpoint: 'price',
    ...others,
    endpoints: [endpoint, ...endpoints],
  })
  const local = () => adapter.dependencies.cache as LocalCache<AdapterResponse>
  return { adapter, transport, endpoint, local }
}

export const keyOf = (base: string, quote: string): string =>
  `TEST-price-${DEFAULT_TRANSPORT_NAME}-${JSON.stringify({ base, quote })}`

export const JSON_HEADERS = { 'content-type': 'application/json' }

/** What a test started, to be stopped at the end of its block: `await using`. */
export const stoppable = <T extends { service: Served }>(started: T): T & AsyncDisposable => ({
  ...started,
  [Symbol.asyncDispose]: () => started.service.stop(),
})
