import { createHash } from 'node:crypto'
import { canonicalJson } from '../util/canonical-json'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'

const logger = makeLogger('Keys')

/** The settings a key depends on. They may change at run time, so a memoised key must not outlive such a change. */
export interface KeySettings {
  CACHE_PREFIX?: string
  DEFAULT_CACHE_KEY: string
  /** Absent (settings in unit tests are often partial): no key is too long. */
  MAX_COMMON_KEY_SIZE?: number
  FEED_ID_JSON: boolean
}

/**
 * What functions for authors need of a context. Transports pass theirs, and most adapters write such a literal by hand (contract 18.5).
 */
export interface KeyContext<S = KeySettings> {
  endpointName: string
  adapterSettings: S
  inputParameters?: unknown
}

type Data = Record<string, unknown>
/** What callers may name as the types of their endpoint; only its settings count. */
export type KeyGenerics = { Settings: KeySettings }

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null

const canonicalParams = (data: unknown): string => {
  if (!isObject(data)) throw new Error('Data to calculate cache key should be an object')
  return canonicalJson(data)
}

const sha1 = (text: string) => createHash('sha1').update(text).digest('base64')

const hashIfLong = (text: string, settings: KeySettings, asJson: boolean): string => {
  const { MAX_COMMON_KEY_SIZE: limit } = settings
  if (limit === undefined || text.length <= limit) return text
  const hash = sha1(text)
  return asJson ? JSON.stringify({ hash }) : hash
}

const isEmpty = (data: unknown): boolean => isObject(data) && Object.keys(data).length === 0

const paramsKey = (data: unknown, settings: KeySettings): string =>
  isEmpty(data)
    ? settings.DEFAULT_CACHE_KEY
    : hashIfLong(canonicalParams(data), settings, settings.FEED_ID_JSON)

const withPrefix = (key: string, settings: KeySettings): string =>
  settings.CACHE_PREFIX ? `${settings.CACHE_PREFIX}-${key}` : key

const idOfNothing = (settings: KeySettings): string => (settings.FEED_ID_JSON ? '{}' : 'N/A')

/** `[<CACHE_PREFIX>-]<ADAPTER>-<endpoint>-<transport>-<params>` (contract 8.2). */
export const calculateCacheKey = <T extends KeyGenerics = KeyGenerics>(of: {
  data: Data
  adapterName: string
  endpointName: string
  adapterSettings: T['Settings']
  transportName: string
}): string => feedNames(of).key

/** The cache key and the feed id of the same parameters, which are spelled but once for both. */
export const feedNames = (of: {
  data: Data
  adapterName: string
  endpointName: string
  adapterSettings: KeySettings
  transportName: string
}): { key: string; feedId: string } => {
  const { adapterName, endpointName, transportName, adapterSettings: settings, data } = of
  const params = paramsKey(data, settings)
  const key = withPrefix(`${adapterName}-${endpointName}-${transportName}-${params}`, settings)
  return { key, feedId: isEmpty(data) ? idOfNothing(settings) : params }
}

/** The key an endpoint's own generator made, prefixed, and hashed when it is too long. */
export const generatedCacheKey = (generated: string, settings: KeySettings): string =>
  withPrefix(hashIfLong(generated, settings, false), settings)

/**
 * `<endpoint>-<transport>-<params>`, for one set of parameters or a batch of them. Writes exactly one line, at trace, which adapters' own
 * tests count (contract 18.5).
 */
export const calculateHttpRequestKey = <T extends KeyGenerics = KeyGenerics>(of: {
  context: KeyContext<T['Settings']>
  data: object
  transportName: string
}): string => {
  const { context, transportName } = of
  const key = `${context.endpointName}-${transportName}-${paramsKey(of.data, context.adapterSettings)}`
  // A test of a key alone need not set up logging first.
  if (LoggerFactoryProvider.isSet) logger.trace(`Generated HTTP request queue key: "${key}"`)
  return key
}

/** The name a request goes by: `adapterNameOverride` in upper case where a request carries one. */
export const calculateAdapterName = (adapterName: string, data: Data): string =>
  typeof data['adapterNameOverride'] === 'string' ? data['adapterNameOverride'].toUpperCase() : adapterName

/** The feed's name in metrics and `meta`: its parameters, or `N/A` without any (contract 8.3). */
export const calculateFeedId = <T extends KeyGenerics = KeyGenerics>(
  { adapterSettings }: { adapterSettings: T['Settings'] },
  data: object,
): string => {
  if (isEmpty(data)) return idOfNothing(adapterSettings)
  return paramsKey(data, adapterSettings)
}
