import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LiveFeed, planPush, type SinkMode } from '../push/plan'
import { Sink, type SinkTask } from '../push/sink'
import { type SinkSource } from '../push/sink-feeds'
import { type Transport, type TransportGenerics } from '../../../src/transports/transport'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { PushPeer } from './push-peer'

const PRICE = 'api::price.price'
const APPEND: SinkMode = { kind: 'append' }
const MATCHING: SinkMode = { kind: 'replace-matching', attributes: ['base', 'quote'] }
const TYPE: SinkMode = { kind: 'replace-type' }

const feed = (base: string, value = '1', rest: object = {}): LiveFeed => {
  const attributes = { base, quote: 'USD', value, ...rest }
  return { key: base, asOfUnixMs: 0, attributes, row: JSON.stringify(attributes) }
}

describe('the plan of a push', () => {
  const pushed = new Map([['BTC', feed('BTC').row]])
  const planned = (mode: SinkMode, live: LiveFeed[], expected = live.length) => {
    const plan = planPush(mode, PRICE, live, expected, pushed)
    return plan.kind === 'push' ? { keys: plan.feeds.map(({ key }) => key), mode: plan.mode } : plan
  }

  it.each([APPEND, MATCHING, TYPE])('is nothing where Strapi has every row already: $kind', (mode) => {
    expect(planned(mode, [feed('BTC')])).toEqual({ kind: 'nothing' })
    expect(planned(mode, [])).toEqual({ kind: 'nothing' })
  })

  it('appends what has changed', () => {
    expect(planned(APPEND, [feed('BTC', '2'), feed('ETH')])).toEqual({ keys: ['BTC', 'ETH'], mode: APPEND })
    expect(planned(APPEND, [feed('BTC'), feed('ETH')])).toEqual({ keys: ['ETH'], mode: APPEND })
  })

  it('replaces the rows of what has changed, and no others', () => {
    expect(planned(MATCHING, [feed('BTC'), feed('ETH')])).toEqual({
      keys: ['ETH'],
      mode: { kind: 'replace-matching', type: PRICE, matches: [{ base: 'ETH', quote: 'USD' }] },
    })
  })

  it('replaces a whole type by all feeds or not at all', () => {
    const live = [feed('BTC'), feed('ETH')]
    expect(planned(TYPE, live)).toEqual({
      keys: ['BTC', 'ETH'],
      mode: { kind: 'replace-types', types: [PRICE] },
    })
    expect(planned(TYPE, live, 5)).toEqual({ kind: 'incomplete', missing: 3 })
  })

  it('refuses two feeds that would be one row', () => {
    expect(() => planned(MATCHING, [feed('BTC'), { ...feed('BTC', '2'), key: 'XBT' }])).toThrow(
      'Two feeds have the same values of base, quote',
    )
  })

  it('takes no more rows at once than a filter may have alternatives', () => {
    const live = Array.from({ length: 1_000 }, (_, n) => feed(`B${n}`))
    const plan = planPush(MATCHING, PRICE, live, 1_000, new Map())
    expect(plan.kind === 'push' && plan.feeds.length).toBe(400)
  })
})

describe('a sink', () => {
  let peer: PushPeer
  let sink: Sink<TransportGenerics>
  let values: Map<string, { value: string; asOf?: number } | Error | 'expired'>
  let outcomes: string[]
  let lost: string[]
  let stop: AbortController

  beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
  beforeEach(async () => {
    peer = await PushPeer.start()
    stop = new AbortController()
    values = new Map([['BTC', { value: '1' }]])
    outcomes = []
    lost = []
    sink = new Sink({ pushed: (outcome) => outcomes.push(outcome), lost: (reason) => lost.push(reason) })
  })
  afterEach(() => peer[Symbol.asyncDispose]())

  const responseOf = (value: { value: string; asOf?: number } | Error | 'expired' | undefined) => {
    if (value === undefined || value === 'expired') return undefined
    if (value instanceof Error) return { statusCode: 502, errorMessage: value.message, timestamps: {} }
    const timestamps = { providerIndicatedTimeUnixMs: value.asOf, providerDataReceivedUnixMs: Date.now() }
    return { statusCode: 200, result: value.value, timestamps }
  }

  const source = (): SinkSource<TransportGenerics> => ({
    transport: {
      name: 'source',
      responseCache: {
        getCacheKey: (_name: string, { base }: { base: string }) => base,
        get: async (key: string) => responseOf(values.get(key)),
      },
    } as unknown as Transport<TransportGenerics>,
    feeds: [...values.keys()].map((base) => ({ base }) as never),
    attributes: ({ params, response }) => {
      if (response.result === 'broken') throw new Error('no row')
      return { base: (params as { base: string }).base, quote: 'USD', value: response.result }
    },
  })

  const pass = (mode: SinkMode, task: Partial<SinkTask<TransportGenerics>> = {}, limits = {}) => {
    const server = { adminUrl: peer.adminUrl, token: 'the-token', owner: 'sink', ...limits }
    return sink.pass(
      { server, verification: server, mode, contentType: PRICE, source: source(), ...task },
      stop.signal,
    )
  }
  const rows = () => peer.rows.map(({ data }) => `${data.base as string} ${data.value as string}`)

  it('pushes what is served, once, and again when it has changed', async () => {
    values.set('ETH', { value: '10' })
    await pass(MATCHING)
    await pass(MATCHING)
    values.set('BTC', { value: '2' })
    await pass(MATCHING)
    expect(rows()).toEqual(['BTC 1', 'ETH 10', 'BTC 2'])
    expect(outcomes).toEqual(['committed', 'committed'])
    expect(sink.report).toMatchObject({ result: 1, committedPushes: 2, committedRows: 3 })
  })

  it('does not push what is not served: errors, expired values, and what cannot be made into a row', async () => {
    values.set('ETH', new Error('no price')).set('SOL', 'expired').set('ADA', { value: 'broken' })
    await pass(APPEND)
    expect(rows()).toEqual(['BTC 1'])
    expect(lost).toEqual(['handler-failed'])
  })

  it('does not replace a whole type while a feed has no value', async () => {
    values.set('ETH', 'expired')
    await expect(pass(TYPE)).rejects.toMatchObject({ reason: 'rows-missing' })
    expect(peer.labels).toEqual([])
    values.set('ETH', { value: '10' })
    await pass(TYPE)
    expect(rows()).toEqual(['BTC 1', 'ETH 10'])
  })

  it('does not append what is from before its time: an earlier process may have done so', async () => {
    values.set('BTC', { value: '1', asOf: Date.now() - 3_600_000 })
    await pass(APPEND)
    expect(peer.labels).toEqual([])
    await pass(MATCHING)
    expect(rows()).toEqual(['BTC 1'])
  })

  it('pushes hundreds of feeds in several pushes, one after the other', async () => {
    for (let n = 0; n < 900; n++) values.set(`B${n}`, { value: '1' })
    await pass(MATCHING)
    expect(peer.rows).toHaveLength(901)
    expect(outcomes).toHaveLength(3)
    expect(peer.mostOpen).toBe(1)
  })

  it('tries again what has changed nothing', async () => {
    peer.react('stream entities', 'cut')
    await expect(pass(APPEND)).rejects.toMatchObject({ reason: 'connection-lost' })
    await pass(APPEND)
    expect(rows()).toEqual(['BTC 1'])
    expect(outcomes).toEqual(['unchanged', 'committed'])
  })

  describe('that does not know whether a push was committed', () => {
    it.each([APPEND, MATCHING])(
      'looks it up before anything else, and does not repeat what is there: $kind',
      async (mode) => {
        peer.react('close', 'cut-after')
        await expect(pass(mode)).rejects.toMatchObject({ reason: 'connection-lost' })
        expect(sink.rowsInDoubt).toBe(1)
        await pass(mode)
        expect(rows()).toEqual(['BTC 1'])
        expect(sink.rowsInDoubt).toBe(0)
        expect(sink.report).toMatchObject({ committedPushes: 1, committedRows: 1 })
        expect(peer.pushed.filter((label) => label === 'init')).toHaveLength(1)
      },
    )

    it('repeats what is not there where rows replace each other', async () => {
      peer.react('close', 'cut')
      await expect(pass(MATCHING)).rejects.toMatchObject({ reason: 'connection-lost' })
      await pass(MATCHING)
      expect(rows()).toEqual(['BTC 1'])
      expect(outcomes).toEqual(['unknown', 'committed'])
    })

    it('never repeats what was to be appended, and says that it is lost', async () => {
      peer.react('close', 'cut')
      await expect(pass(APPEND)).rejects.toMatchObject({ reason: 'connection-lost' })
      await pass(APPEND)
      expect(rows()).toEqual([])
      expect(lost).toEqual(['rows-not-repeated'])
      values.set('BTC', { value: '2' })
      await pass(APPEND)
      expect(rows()).toEqual(['BTC 2'])
    })

    it('pushes nothing for as long as it cannot be looked up', async () => {
      peer.react('close', 'cut-after')
      await expect(pass(APPEND)).rejects.toMatchObject({ reason: 'connection-lost' })
      peer.react('start entities', 'cut')
      values.set('ETH', { value: '10' })
      await expect(pass(APPEND)).rejects.toMatchObject({ reason: 'connection-lost' })
      peer.refused.set('the-token', 403)
      await expect(pass(APPEND)).rejects.toMatchObject({ reason: 'token-not-permitted' })
      expect(rows()).toEqual(['BTC 1'])
      expect(sink.rowsInDoubt).toBe(1)
      peer.refused.clear()
      await pass(APPEND)
      expect(rows()).toEqual(['BTC 1', 'ETH 10'])
    })

    it('looks it up with the token that may pull', async () => {
      peer.react('close', 'cut-after')
      await expect(pass(MATCHING)).rejects.toMatchObject({ reason: 'connection-lost' })
      peer.refused.set('the-token', 403)
      const verification = { adminUrl: peer.adminUrl, token: 'another-token', owner: 'sink' }
      await pass(MATCHING, { verification })
      expect(sink.rowsInDoubt).toBe(0)
    })
  })

  it('says whether every feed has a value', async () => {
    expect(await sink.isComplete(source())).toBe(true)
    values.set('ETH', 'expired')
    expect(await sink.isComplete(source())).toBe(false)
    values.clear()
    expect(await sink.isComplete(source())).toBe(false)
  })
})
