import { ResponseCache } from '../../../feeds/response-cache'
import { type ProviderResult } from '../../../feeds/responses'
import { makeLogger } from '../../../util/logging'
import { type ResponseTimestamps } from '../../../validation/timestamps'
import { type WebsocketTransportGenerics } from '../config'

const logger = makeLogger('WebSocketTransport')

interface Host<T extends WebsocketTransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T>
}

/** Whether what is served is this value of ours: the intake has written the time of receipt into the object that it was given. */
const isThat = (
  served: object,
  { timestamps: ours }: { timestamps?: Partial<ResponseTimestamps> },
): boolean => {
  const { timestamps: theirs } = served as { timestamps?: Partial<ResponseTimestamps> }
  return (
    ours !== undefined &&
    theirs?.providerDataReceivedUnixMs === ours.providerDataReceivedUnixMs &&
    theirs?.providerIndicatedTimeUnixMs === ours.providerIndicatedTimeUnixMs
  )
}

const wasRefused = <T extends WebsocketTransportGenerics>(
  { name, responseCache }: Host<T>,
  params: ProviderResult<T>['params'],
): boolean => {
  if (!(responseCache instanceof ResponseCache)) return false
  const code = responseCache.feed(name, params).refusal?.code
  return code === 'REFUSED_VALUE' || code === 'STALE_VALUE'
}

/**
 * Gives a feed's response a new life of `lifeMs`, because the provider has confirmed the value it holds. Another value (a guard may have
 * refused the one that was confirmed) is left to end. Ages do not change (FR-2), and the endpoint's freshness still ends it.
 */
export const extendLife = async <T extends WebsocketTransportGenerics>(
  host: Host<T>,
  params: ProviderResult<T>['params'],
  confirmed: object,
  lifeMs: number,
): Promise<void> => {
  const { name, responseCache } = host
  try {
    const served = await responseCache.get(responseCache.getCacheKey(name, params))
    if (served !== undefined && isThat(served, confirmed) && !wasRefused(host, params))
      await responseCache.writeTTL(name, [params], lifeMs)
  } catch (err) {
    logger.debug({ err, transport: name }, 'A confirmation could not be noted')
  }
}
