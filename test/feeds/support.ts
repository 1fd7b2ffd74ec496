import { type Cache } from '../../src/feeds/cache'
import { type GuardOptions } from '../../src/feeds/guards'
import { LocalCache } from '../../src/feeds/local-cache'
import { SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type AdapterResponse, type TimestampedProviderResult } from '../../src/feeds/responses'
import { AdapterConfig } from '../../src/config/adapter-config'
import { metrics } from '../../src/metrics/registry'
import { type AdapterSettings } from '../../src/config/settings'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { type Pair, priceParameters, type PriceTypes } from '../http/support'

export type Results = TimestampedProviderResult<PriceTypes>[]

/** Lets writes go through `set` and `setMany`, as a test's own cache does. */
export class ObservedCache extends LocalCache<AdapterResponse> {
  readonly sets: { key: string; value: AdapterResponse; ttl: number }[] = []

  override set(key: string, value: AdapterResponse, ttl: number): Promise<void> {
    this.sets.push({ key, value, ttl })
    return super.set(key, value, ttl)
  }
}

/** How writes reach the cache: straight, or through the methods of somebody's own cache. */
export const CACHES = [
  { way: 'at once', makeCache: () => new LocalCache<AdapterResponse>(1_000) },
  { way: 'through its methods', makeCache: () => new ObservedCache(1_000) },
]

export const T = 'default_single_transport'

export const responseCacheOf = (
  of: {
    guards?: GuardOptions
    cache?: LocalCache<AdapterResponse>
    settings?: Partial<AdapterSettings>
  } = {},
) => {
  LoggerFactoryProvider.set()
  metrics.initialize()
  const config = new AdapterConfig({})
  config.initialize()
  const adapterSettings = Object.assign(config.settings, of.settings)
  const cache = of.cache ?? new LocalCache<AdapterResponse>(1_000)
  const responseCache = new SimpleResponseCache<PriceTypes>({
    dependencies: { cache: cache as Cache },
    adapterSettings,
    adapterName: 'TEST',
    endpointName: 'price',
    inputParameters: priceParameters(),
    guards: of.guards,
  })
  return { responseCache, cache, adapterSettings }
}

/** A value received now, with the provider's own time if it gives one. */
export const valueOf = (params: Pair, result: number, indicated?: number): Results[number] => ({
  params,
  response: {
    result,
    data: { result },
    timestamps: {
      providerDataStreamEstablishedUnixMs: 1,
      providerDataReceivedUnixMs: Date.now(),
      providerIndicatedTimeUnixMs: indicated,
    },
  },
})

export const errorOf = (params: Pair, errorMessage: string, statusCode = 502): Results[number] => ({
  params,
  response: {
    statusCode,
    errorMessage,
    timestamps: {
      providerDataStreamEstablishedUnixMs: 1,
      providerDataReceivedUnixMs: Date.now(),
      providerIndicatedTimeUnixMs: undefined,
    },
  },
})
