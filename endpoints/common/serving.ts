import { type WebSocketTransport, type WebsocketTransportGenerics } from '../../src/public/transports'
import { makeLogger, type ProviderResult, type TimestampedProviderResult } from '../../src/public/util'
import { type Quote } from './quote'

const logger = makeLogger('Serving')

type Params<T extends WebsocketTransportGenerics> = ProviderResult<T>['params']

/** A provider's refusal for one feed, in its own words. Status 502: it is the provider who cannot, not the client who may not. */
export const refusal = <T extends WebsocketTransportGenerics>(
  params: Params<T>,
  errorMessage: string,
): ProviderResult<T> => ({ params, response: { statusCode: 502, errorMessage } })

/**
 * Gives a feed's response a new life of `lifeMs`, because the provider has confirmed the value it holds. Another value (a guard may
 * have refused the one that was confirmed) is left to end. Ages do not change (FR-2), and the guards' age limit still ends it.
 */
export const extendLife = async <T extends WebsocketTransportGenerics>(
  { name, responseCache }: WebSocketTransport<T>,
  params: Params<T>,
  confirmed: { quote: Quote; time: number | undefined },
  lifeMs: number,
): Promise<void> => {
  try {
    const served = await responseCache.get(responseCache.getCacheKey(name, params))
    const isServed =
      served?.result === confirmed.quote.result &&
      served.timestamps.providerIndicatedTimeUnixMs === confirmed.time
    if (isServed) await responseCache.writeTTL(name, [params], lifeMs)
  } catch (err) {
    logger.debug({ err, transport: name }, 'A confirmation could not be noted')
  }
}

/**
 * Stops serving what a transport has served, and tells clients why instead: for providers that announce that their prices stand
 * still. To be repeated for as long as that lasts, since errors expire as values do.
 */
export const pause = async <T extends WebsocketTransportGenerics>(
  transport: WebSocketTransport<T>,
  why: string,
): Promise<void> => {
  const { name, responseCache, subscriptionSet, providerDataStreamEstablished } = transport
  try {
    const feeds = await subscriptionSet.getAll()
    // An error does not replace a live value: that has to end first.
    await responseCache.writeTTL(name, feeds, 0)
    const timestamps = {
      providerDataStreamEstablishedUnixMs: providerDataStreamEstablished,
      providerDataReceivedUnixMs: Date.now(),
      providerIndicatedTimeUnixMs: undefined,
    }
    const results = feeds.map((params): TimestampedProviderResult<T> => ({
      params,
      response: { statusCode: 502, errorMessage: why, timestamps },
    }))
    await responseCache.write(name, results)
  } catch (err) {
    logger.warn({ err, transport: name }, 'A pause could not be noted')
  }
}
