import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { ExpiringSortedSet } from '../../../src/feeds/expiring-sorted-set'
import { StrapiPushTransport, type StrapiPushGenerics } from '../push/sink-transport'
import { CONNECTIONS, OUTAGE } from '../../../src/transports/capabilities'
import {
  type EndpointContext,
  type Transport,
  type TransportGenerics,
} from '../../../src/transports/transport'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { eventually } from '../../../test/helpers/eventually'
import { PushPeer } from './push-peer'

const INTERVAL_MS = 60_000
const context = {
  endpointName: 'push',
  adapterSettings: { BACKGROUND_EXECUTE_MS_WS: 1_000, WS_SUBSCRIPTION_TTL: 1_000 },
} as EndpointContext<StrapiPushGenerics>

describe('the transport of a sink', () => {
  let peer: PushPeer
  let transport: StrapiPushTransport<TransportGenerics, StrapiPushGenerics>
  let prices: Map<string, string>

  beforeAll(() => {
    LoggerFactoryProvider.set(silentLoggers)
    metrics.initialize()
  })

  beforeEach(async () => {
    peer = await PushPeer.start()
    prices = new Map([
      ['BTC', '1'],
      ['ETH', '2'],
    ])
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
    const source = {
      name: 'source',
      responseCache: {
        getCacheKey: (_name: string, { base }: { base: string }) => base,
        get: async (key: string) =>
          (prices.has(key) && {
            result: prices.get(key),
            timestamps: { providerDataReceivedUnixMs: Date.now() },
          }) ||
          undefined,
      },
    } as unknown as Transport<TransportGenerics>
    transport = new StrapiPushTransport({
      connection: () => ({ adminUrl: peer.adminUrl, token: 'the-token' }),
      intervalMs: () => INTERVAL_MS,
      mode: () => ({ kind: 'replace-matching', attributes: ['base', 'quote'] }),
      contentType: () => 'api::price.price',
      source: () => ({
        transport: source,
        feeds: ['BTC', 'ETH'].map((base) => ({ base }) as never),
        attributes: ({ params, response }) => ({
          base: (params as { base: string }).base,
          quote: 'USD',
          value: response.result,
        }),
      }),
    })
    await transport.initialize(
      { responseCache: {}, subscriptionSetFactory: { buildSet: () => new ExpiringSortedSet(100) } } as never,
      context.adapterSettings,
      'push',
      'sink',
    )
  })

  afterEach(async () => {
    const stopped = transport.shutdown()
    vi.useRealTimers()
    await stopped
    await peer[Symbol.asyncDispose]()
  })

  /** As its background loop does, once a second. */
  const pass = async (): Promise<void> => {
    const over = transport.streamHandler(context, { desired: [], new: [], stale: [] })
    await vi.advanceTimersByTimeAsync(1_000)
    await over
  }
  const state = () => transport[CONNECTIONS]()[0]
  const bases = () => peer.rows.map(({ data }) => data.base)

  it('begins when every feed has a value, and goes on at its interval', async () => {
    await pass()
    await peer.until(() => peer.rows.length === 2 && peer.open === 0)
    expect(bases()).toEqual(['BTC', 'ETH'])
    prices.set('ETH', '3')
    for (let second = 0; second < 50; second++) await pass()
    expect(bases()).toEqual(['BTC', 'ETH'])
    for (let second = 50; second < 70; second++) await pass()
    await peer.until(() => peer.rows.length === 3)
    expect(bases()).toEqual(['BTC', 'ETH', 'ETH'])
  })

  it('begins after one interval without the feeds that have no value', async () => {
    prices.delete('ETH')
    for (let second = 0; second < 59; second++) await pass()
    expect(peer.labels).toEqual([])
    expect(transport[OUTAGE]).toMatchObject({
      code: 'STARTING',
      message: 'Nothing has been pushed to Strapi yet',
    })
    for (let second = 59; second < 62; second++) await pass()
    await peer.until(() => peer.rows.length === 1)
    expect(bases()).toEqual(['BTC'])
  })

  it('tries again after a lost connection, before its interval is over, and says so meanwhile', async () => {
    peer.react('stream entities', 'cut')
    await pass()
    await eventually(() => expect(state()?.lastError?.code).toBe('connection-lost'))
    expect(transport[OUTAGE]).toMatchObject({ code: 'CONNECTION_CLOSED' })
    for (let second = 0; second < 30; second++) await pass()
    await peer.until(() => peer.rows.length === 2)
    await eventually(() =>
      expect(state()).toMatchObject({ opened: 1, details: { committedRows: 2, rowsInDoubt: 0 } }),
    )
    expect(transport[OUTAGE]).toBeUndefined()
  })

  it('waits long with a token that is refused', async () => {
    peer.refused.set('the-token', 403)
    await pass()
    await eventually(() => expect(state()?.lastError?.code).toBe('token-not-permitted'))
    peer.refused.clear()
    for (let second = 0; second < 200; second++) await pass()
    expect(peer.labels).toEqual([])
    expect(state()?.state).toBe('waiting')
  })

  it('says in its status that rows may be there or not', async () => {
    peer.react('close', 'cut')
    await pass()
    await eventually(() => expect(state()?.details).toMatchObject({ rowsInDoubt: 2 }))
  })
})
