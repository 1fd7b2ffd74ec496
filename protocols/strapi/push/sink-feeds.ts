import { type AdapterResponse, type ResponseGenerics } from '../../../src/public/util/types'
import { type TypeFromDefinition } from '../../../src/public/validation/input-params'
import { wantingTransports } from '../../../src/transports/peer/terms'
import { type Transport, type TransportGenerics } from '../../../src/public/transports'
import { type LiveFeed } from './plan'

/** One value that an endpoint serves now. */
export interface ServedValue<T extends TransportGenerics> {
  params: TypeFromDefinition<T['Parameters']>
  response: Extract<AdapterResponse<T['Response'] & ResponseGenerics>, { errorMessage?: never }>
}

/** Where a sink takes its values from, and how they are written down. */
export interface SinkSource<T extends TransportGenerics> {
  /** The transport of another endpoint of the same adapter. */
  transport: Transport<T>
  /** Feeds that the sink keeps wanted, and pushes. Undefined: those that somebody else wants. */
  feeds: readonly TypeFromDefinition<T['Parameters']>[] | undefined
  /** One row for one value: what stands in which attribute. */
  attributes: (value: ServedValue<T>) => Record<string, unknown>
}

/** Keeps the feeds wanted for as long as it is called often enough. */
export const keepWanted = async <T extends TransportGenerics>({
  transport,
  feeds = [],
}: SinkSource<T>): Promise<void> => {
  for (const wanting of wantingTransports(transport))
    for (const params of feeds) await wanting.want(params, keyOf(transport, params))
}

/**
 * The values that are being served: nothing that has expired, and no errors.
 *
 * @param onBroken - told when a value cannot be made into a row, which then counts as missing
 * @returns them, and how many there should be
 */
export const liveFeeds = async <T extends TransportGenerics>(
  { transport, feeds, attributes }: SinkSource<T>,
  onBroken: (error: unknown) => void,
): Promise<{ live: LiveFeed[]; expected: number }> => {
  const expected = feeds ?? (await wantedElsewhere(transport))
  const live = new Map<string, LiveFeed>()
  const keys = new Set<string>()
  for (const params of expected) {
    const key = keyOf(transport, params)
    keys.add(key)
    const response = await transport.responseCache.get(key)
    if (response === undefined || response.errorMessage !== undefined) continue
    const { providerIndicatedTimeUnixMs, providerDataReceivedUnixMs } = response.timestamps
    const asOfUnixMs = providerIndicatedTimeUnixMs ?? providerDataReceivedUnixMs
    try {
      const values = attributes({ params, response })
      live.set(key, { key, asOfUnixMs, attributes: values, row: JSON.stringify(values) })
    } catch (error) {
      onBroken(error)
    }
  }
  return { live: [...live.values()], expected: keys.size }
}

const wantedElsewhere = async <T extends TransportGenerics>(
  transport: Transport<T>,
): Promise<TypeFromDefinition<T['Parameters']>[]> => {
  const wanted: TypeFromDefinition<T['Parameters']>[] = []
  for (const { subscriptionSet } of wantingTransports(transport))
    wanted.push(...(await subscriptionSet.getAll()))
  return wanted
}

const keyOf = <T extends TransportGenerics>(
  { responseCache, name }: Transport<T>,
  params: TypeFromDefinition<T['Parameters']>,
): string => responseCache.getCacheKey(name, params)
