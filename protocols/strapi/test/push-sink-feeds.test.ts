import { describe, expect, it } from 'vitest'
import { ExpiringSortedSet } from '../../../src/feeds/expiring-sorted-set'
import { keepWanted, liveFeeds, type SinkSource } from '../push/sink-feeds'
import { SubscriptionTransport } from '../../../src/transports/subscription-transport'
import { type TransportGenerics } from '../../../src/transports/transport'

class Source extends SubscriptionTransport<TransportGenerics> {
  readonly served = new Map<string, object>()
  override name = 'source'
  override subscriptionTtl = 60_000
  override subscriptionSet = new ExpiringSortedSet<never>(100)
  override responseCache = {
    getCacheKey: (_name: string, { base }: { base: string }) => base,
    get: async (key: string) => this.served.get(key),
  } as never

  backgroundHandler = async () => {}
  getSubscriptionTtlFromConfig = () => this.subscriptionTtl
}

const served = (result: number, providerIndicatedTimeUnixMs?: number) => ({
  result,
  timestamps: { providerDataReceivedUnixMs: 7, providerIndicatedTimeUnixMs },
})

describe('the feeds of a sink', () => {
  const sourceOf = (transport: Source, feeds?: object[]): SinkSource<TransportGenerics> => ({
    transport,
    feeds: feeds as never[] | undefined,
    attributes: ({ response }) => ({ value: response.result }),
  })
  const fail = (error: unknown) => {
    throw error
  }

  it('are kept wanted when they are listed', async () => {
    const transport = new Source()
    await keepWanted(sourceOf(transport, [{ base: 'BTC' }, { base: 'ETH' }]))
    expect(transport.subscriptionSet.getAll()).toEqual([{ base: 'BTC' }, { base: 'ETH' }])
  })

  it('are those that somebody else wants when they are not listed, and the sink wants none', async () => {
    const transport = new Source()
    const source = sourceOf(transport)
    await keepWanted(source)
    expect(await liveFeeds(source, fail)).toEqual({ live: [], expected: 0 })
    transport.subscriptionSet.add({ base: 'BTC' } as never, 60_000, 'BTC')
    transport.subscriptionSet.add({ base: 'ETH' } as never, 60_000, 'ETH')
    transport.served.set('BTC', served(1, 5))
    expect(await liveFeeds(source, fail)).toEqual({
      live: [{ key: 'BTC', asOfUnixMs: 5, attributes: { value: 1 }, row: '{"value":1}' }],
      expected: 2,
    })
  })

  it('count once, and have the time of receipt where the provider gives none', async () => {
    const transport = new Source()
    transport.served.set('BTC', served(1))
    const { live, expected } = await liveFeeds(sourceOf(transport, [{ base: 'BTC' }, { base: 'BTC' }]), fail)
    expect([live.length, live[0]?.asOfUnixMs, expected]).toEqual([1, 7, 1])
  })

  it('have no row when it cannot be written down', async () => {
    const transport = new Source()
    transport.served.set('BTC', served(1)).set('ETH', served(2))
    const problems: unknown[] = []
    const source = {
      ...sourceOf(transport, [{ base: 'BTC' }, { base: 'ETH' }]),
      attributes: () => ({ value: 1n }),
    }
    expect(await liveFeeds(source, (error) => problems.push(error))).toEqual({ live: [], expected: 2 })
    expect(problems).toHaveLength(2)
  })
})
