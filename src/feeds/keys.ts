import { createHash } from 'node:crypto'
import { canonicalJson } from '../util/canonical-json'
import { LoggerFactoryProvider, makeLogger } from '../util/logging'

const logger = makeLogger('Keys')

/** The settings a key depends on. They may change at run time, so a memoised key must not outlive such a change. */
export interface KeySettings {
  CACHE_PREFIX?: string
  DEFAULT_CACHE_KEY: string
  /** Where it is absent (settings in unit tests are often partial), no key is too long. */
  MAX_COMMON_KEY_SIZE?: number
  FEED_ID_JSON: boolean
}

/**
 * What functions for authors need of a context. Transports pass their own, and most adapters write such an object by hand (contract 18.5).
 */
export interface KeyContext<S = KeySettings> {
  endpointName: string
  adapterSettings: S
  inputParameters?: unknown
  /** As the endpoint says. Default: letter case does not count. */
  caseSensitive?: boolean | undefined
}

type Data = Record<string, unknown>
/** Callers may give the types of their endpoint here; only its settings are used. */
export type KeyGenerics = { Settings: KeySettings }

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null

/** Whether letter case makes another feed. `in` comes first: objects in unit tests may throw when an unknown member is read. */
export const isCaseSensitive = (of: object): boolean => 'caseSensitive' in of && of.caseSensitive === true

const canonicalParams = (data: unknown, isExact: boolean): string => {
  if (!isObject(data)) throw new Error('Data to calculate cache key should be an object')
  return canonicalJson(data, isExact)
}

const sha1 = (text: string) => createHash('sha1').update(text).digest('base64')

const hashed = (text: string, asJson: boolean): string => {
  const hash = sha1(text)
  return asJson ? JSON.stringify({ hash }) : hash
}

const hashIfLong = (text: string, settings: KeySettings, asJson: boolean): string => {
  const { MAX_COMMON_KEY_SIZE: limit } = settings
  return limit === undefined || text.length <= limit ? text : hashed(text, asJson)
}

/** A hash as JSON. Where letter case counts, parameters that look like one are hashed, so that they are never taken for a hash. */
const HASH_AS_JSON = /^\{"hash":"[A-Za-z0-9+/]{27}="\}$/

const isEmpty = (data: unknown): boolean => isObject(data) && Object.keys(data).length === 0

const paramsKey = (data: unknown, settings: KeySettings, isExact: boolean): string => {
  if (isEmpty(data)) return settings.DEFAULT_CACHE_KEY
  const text = canonicalParams(data, isExact)
  const { FEED_ID_JSON: asJson } = settings
  return isExact && asJson && HASH_AS_JSON.test(text)
    ? hashed(text, asJson)
    : hashIfLong(text, settings, asJson)
}

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
  /** As the endpoint says. Default: letter case does not count. */
  caseSensitive?: boolean | undefined
}): string => feedNames(of, keyPrefix(of)).key

/** What the keys of all feeds of a transport begin with. */
export const keyPrefix = (of: {
  adapterName: string
  endpointName: string
  transportName: string
  adapterSettings: KeySettings
}): string => withPrefix(`${of.adapterName}-${of.endpointName}-${of.transportName}-`, of.adapterSettings)

/**
 * The cache key and the feed id of the same parameters, which are written as text only once for both.
 *
 * @param prefix - the {@link keyPrefix}. V8 does not copy it: keys that were made with the same one have it in memory once
 */
export const feedNames = (
  of: { data: Data; adapterSettings: KeySettings; caseSensitive?: boolean | undefined },
  prefix: string,
): { key: string; feedId: string } => {
  const { adapterSettings: settings, data } = of
  const params = paramsKey(data, settings, isCaseSensitive(of))
  return { key: prefix + params, feedId: isEmpty(data) ? idOfNothing(settings) : params }
}

/** A key that an endpoint's own generator made, with the prefix, and hashed where it is too long. */
export const generatedCacheKey = (generated: string, settings: KeySettings): string =>
  withPrefix(hashIfLong(generated, settings, false), settings)

/**
 * `<endpoint>-<transport>-<params>`, for one set of parameters or a batch of them. Logs exactly one line, at trace, because adapters' tests
 * count it (contract 18.5).
 */
export const calculateHttpRequestKey = <T extends KeyGenerics = KeyGenerics>(of: {
  context: KeyContext<T['Settings']>
  data: object
  transportName: string
}): string => {
  const { context, transportName } = of
  const params = paramsKey(of.data, context.adapterSettings, isCaseSensitive(context))
  const key = `${context.endpointName}-${transportName}-${params}`
  // A test that only makes a key may not have set up logging.
  if (LoggerFactoryProvider.isSet) logger.trace(`Generated HTTP request queue key: "${key}"`)
  return key
}

/** The adapter's name for a request: `adapterNameOverride` in upper case where the request has one. */
export const calculateAdapterName = (adapterName: string, data: Data): string =>
  typeof data['adapterNameOverride'] === 'string' ? data['adapterNameOverride'].toUpperCase() : adapterName

/** The feed's name in metrics and `meta`: its parameters, or `N/A` without any (contract 8.3). */
export const calculateFeedId = <T extends KeyGenerics = KeyGenerics>(
  of: { adapterSettings: T['Settings']; caseSensitive?: boolean | undefined },
  data: object,
): string => {
  const { adapterSettings } = of
  if (isEmpty(data)) return idOfNothing(adapterSettings)
  return paramsKey(data, adapterSettings, isCaseSensitive(of))
}
