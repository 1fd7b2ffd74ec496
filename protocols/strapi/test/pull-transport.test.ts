import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAdapter } from '../adapters/strapi'
import { type Cache } from '../../../src/feeds/cache'
import { serve } from '../../../src/testing'
import { MockCache } from '../../../src/testing/mock-cache'
import { type StrapiPullTransport } from '../pull-transport'
import { MIN_PAUSE_MS } from '../transfer-schedule'
import { withServer } from '../server-lock'
import { serverKey } from '../admin-url'
import { type LoggerFactory, LoggerFactoryProvider } from '../../../src/util/logging'
import { eventually, GUARD_MS } from '../../../test/helpers/eventually'
import { batch, price, PullPeer, secrets } from './pull-peer'

const BTC = { base: 'BTC', quote: 'USD' }
const ETH = { base: 'ETH', quote: 'USD' }
const HOUR_MS = 3_600_000
const WHILE_MS = 900_000

type Served = Awaited<ReturnType<typeof start>>

/** Everything that is logged here, at any level, with whatever an error carries. */
const lines: string[] = []
const write = (...args: unknown[]): void =>
  void lines.push(args.map((arg) => JSON.stringify(arg, everyProperty)).join(' '))
const logger = {
  msgPrefix: undefined,
  fatal: write,
  error: write,
  warn: write,
  info: write,
  debug: write,
  trace: write,
}
const loggerFactory: LoggerFactory = { child: () => logger }

const everyProperty = (_name: string, value: unknown): unknown =>
  value instanceof Error
    ? Object.fromEntries(Object.getOwnPropertyNames(value).map((name) => [name, value[name as keyof Error]]))
    : value

const start = (peer: PullPeer, env: Record<string, string> = {}, dependencies: { cache?: Cache } = {}) =>
  serve(createAdapter, {
    dependencies: { loggerFactory, ...dependencies },
    guardMs: GUARD_MS,
    env: {
      STRAPI_SERVER_URL: peer.url,
      STRAPI_SERVER_TOKEN: 'a-transfer-token-of-tests',
      STRAPI_BACKGROUND_EXECUTE_MS_WS: '10000',
      // What ends values here is the life of their snapshot.
      STRAPI_MAX_PRICE_AGE_MS: '86400000',
      STRAPI_PULL_INTERVAL_MS: '300000',
      ...env,
    },
  })

const transportOf = ({ adapter }: Served) =>
  adapter.endpoints[0]?.transportRoutes.get('pull') as unknown as StrapiPullTransport<never>

/** Asks for a pull, and waits until it is led to its end, well or not. */
const pullAgain = async (served: Served, peer: PullPeer) => {
  const { pulls } = peer
  const transport = transportOf(served)
  await vi.advanceTimersByTimeAsync(MIN_PAUSE_MS)
  transport.pullNow()
  await peer.until(() => peer.pulls > pulls)
  await eventually(() => expect(statusOf(served).state).not.toBe('pulling'))
}

const statusOf = (served: Served) => {
  const transport = transportOf(served) as unknown as {
    connections(): [{ state: string; lastError?: { code: string } }]
  }
  return transport.connections()[0]
}

const refused = (served: Served, reason: string) =>
  served.metric('data_refused_total', { transport: 'pull', reason, app_name: 'STRAPI' })

/** Asks until there is a value or the word that there is none. */
const valueOf = (served: Served, feed: object): Promise<number | string> =>
  eventually(async () => {
    const { json, statusCode } = await served.post(feed)
    expect(statusCode).not.toBe(504)
    return statusCode === 200 ? (json.result as number) : String(json.errorMessage ?? json.error?.message)
  })

const isGood = ({ statusCode }: { statusCode: number }) => statusCode === 200

describe('a table of prices in Strapi', () => {
  beforeEach(() => {
    LoggerFactoryProvider.set(loggerFactory)
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
      shouldAdvanceTime: true,
    })
  })
  afterEach(() => void vi.useRealTimers())

  it('ID-1: tells rows apart that differ in letter case alone, and refuses a question that may mean either', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'USDe', '1'), price(3, 'eth', '5')], []]
    await using served = await start(peer)
    const usd = (base: string) => ({ base, quote: 'USD' })
    expect(await valueOf(served, usd('USDe'))).toBe(1)
    expect(await valueOf(served, usd('usde'))).toBe(1)
    expect(await valueOf(served, usd('ETH'))).toBe(5)
    peer.entities = [[price(1, 'USDe', '1'), price(2, 'USDE', '777')], []]
    await pullAgain(served, peer)
    expect(await valueOf(served, usd('USDE'))).toBe(777)
    expect(await valueOf(served, usd('USDe'))).toBe(1)
    const message = 'This may be any of USDe/USD, USDE/USD: letter case tells them apart'
    await eventually(async () => {
      const { statusCode, json } = await served.post(usd('usde'))
      expect([statusCode, json.errorMessage]).toEqual([400, message])
    })
  })

  it('answers a request with the price, its own time and the time of receipt', async () => {
    await using peer = await PullPeer.start()
    const startedAt = Date.now()
    const observedAt = startedAt - 60_000
    peer.entities = [
      secrets,
      [price(1, 'BTC', '64000.5', { observedAt: new Date(observedAt).toISOString() })],
      [],
    ]
    await using served = await start(peer)
    const { json, statusCode } = await served.until(BTC, isGood)
    expect([statusCode, json.result, json.data]).toEqual([200, 64000.5, { result: 64000.5 }])
    expect(json.timestamps.providerIndicatedTimeUnixMs).toBe(observedAt)
    expect(json.timestamps.providerDataReceivedUnixMs).toBeGreaterThanOrEqual(startedAt)
    expect(json.timestamps.providerDataReceivedUnixMs).toBeLessThanOrEqual(Date.now())
    await peer.until(() => peer.ends === 1)
    expect(peer.labels).toEqual([
      'init',
      'bootstrap',
      'getMetadata',
      'getSchemas',
      'start entities',
      'end entities',
      'close',
      'end',
    ])
    expect(peer.authorizations).toEqual(['Bearer a-transfer-token-of-tests'])
  })

  it('makes no transfer until a feed is wanted, and then one for all feeds', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1), price(2, 'ETH', 2)]]
    await using served = await start(peer)
    await vi.advanceTimersByTimeAsync(WHILE_MS)
    expect(peer.pulls).toBe(0)
    expect(await valueOf(served, BTC)).toBe(1)
    expect(await valueOf(served, ETH)).toBe(2)
    expect(await valueOf(served, { base: 'eth', quote: 'usd' })).toBe(2)
    expect(peer.pulls).toBe(1)
  })

  it('pulls again at the interval while feeds are wanted, and rests when they are not', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer, {
      STRAPI_PULL_INTERVAL_MS: '60000',
      STRAPI_WS_SUBSCRIPTION_TTL: '90000',
    })
    expect(await valueOf(served, BTC)).toBe(1)
    peer.entities = [[price(1, 'BTC', 2)]]
    await eventually(() => expect(statusOf(served).state).toBe('waiting'))
    await vi.advanceTimersByTimeAsync(60_100)
    await eventually(() => expect(peer.ends).toBe(2))
    await eventually(() => expect(statusOf(served).state).toBe('waiting'))
    await vi.advanceTimersByTimeAsync(WHILE_MS)
    expect(peer.pulls).toBeLessThanOrEqual(3)
    expect(statusOf(served).state).toBe('idle')
  })

  it('serves a new snapshot at once, and ends a price at once that was unpublished', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1), price(2, 'ETH', 2)]]
    await using served = await start(peer)
    expect([await valueOf(served, BTC), await valueOf(served, ETH)]).toEqual([1, 2])
    peer.entities = [[price(1, 'BTC', 3), price(2, 'ETH', 2, { publishedAt: null })]]
    await pullAgain(served, peer)
    expect(await valueOf(served, BTC)).toBe(3)
    expect(await valueOf(served, ETH)).toBe('Strapi has no published entry for this')
  })

  it('says why there is no value for a feed that the table does not have', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer)
    expect(await valueOf(served, { base: 'NOPE', quote: 'USD' })).toBe(
      'Strapi has no published entry for this',
    )
    expect(await valueOf(served, BTC)).toBe(1)
  })

  it('says with it that entries were refused, which may be the reason', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1), price(2, 'ETH', null), price(3, 'ETH', 'many')]]
    await using served = await start(peer)
    expect(await valueOf(served, ETH)).toMatch(
      /^Strapi has no published entry for this that can be used; entries were refused: \d for [a-z-]+(, \d for [a-z-]+)?$/,
    )
    expect(await valueOf(served, BTC)).toBe(1)
  })

  it.each<[string, string, (peer: PullPeer) => void]>([
    ['a warning that may mean a loss', 'loss-warning', (peer) => (peer.warning = 'Failed to read rows')],
    ['an end marker with an error', 'step-failed', (peer) => (peer.stepError = {})],
    ['a connection that is lost', 'connection-lost', (peer) => peer.misbehaviours.set('end entities', 'cut')],
    [
      'a connection that is closed',
      'connection-lost',
      (peer) => peer.misbehaviours.set('getSchemas', 'leave'),
    ],
    ['a schema that changed', 'schema-mismatch', (peer) => (peer.schemas = {})],
    ['a token that was revoked', 'token-refused', (peer) => peer.refusals.push(401)],
    ['a transfer that was switched off', 'transfer-not-found', (peer) => peer.refusals.push(404)],
    ['a busy database', 'server-error', (peer) => peer.refusals.push(500)],
    [
      'a frame that is not JSON',
      'frame-unexpected',
      (peer) => peer.misbehaviours.set('start entities', (socket) => socket.send('{"data":')),
    ],
    [
      'a foreign answer',
      'answer-unexpected',
      (peer) =>
        peer.misbehaviours.set('getMetadata', (socket, { uuid }) =>
          socket.send(JSON.stringify({ uuid, data: [], error: null })),
        ),
    ],
  ])('changes nothing after %s, and names it', async (_what, reason, misbehave) => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer)
    expect(await valueOf(served, BTC)).toBe(1)
    await eventually(() => expect(statusOf(served).state).toBe('waiting'))
    const before = (await refused(served, reason)) ?? 0
    peer.entities = [[price(1, 'BTC', 2), price(2, 'ETH', 2)]]
    misbehave(peer)
    await vi.advanceTimersByTimeAsync(MIN_PAUSE_MS)
    transportOf(served).pullNow()
    await eventually(() => expect(statusOf(served).lastError?.code).toBe(reason))
    expect(await valueOf(served, BTC)).toBe(1)
    expect(await refused(served, reason)).toBe(before + 1)
  })

  it('tells waiting clients the cause when there is nothing to serve, and recovers', async () => {
    await using peer = await PullPeer.start()
    peer.refusals.push(403)
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer)
    const text = await eventually(async () => {
      const { statusCode, text: said } = await served.post(BTC)
      expect(statusCode).toBeGreaterThanOrEqual(500)
      expect(said).toContain('no permission for this direction')
      return said
    })
    expect(text).not.toContain('a-transfer-token')
    await pullAgain(served, peer)
    expect(await valueOf(served, BTC)).toBe(1)
  })

  it('serves everything else when some rows cannot be served, and counts each by its cause', async () => {
    await using peer = await PullPeer.start()
    const hour = new Date(Date.now() + HOUR_MS).toISOString()
    const old = new Date(Date.now() - 48 * HOUR_MS).toISOString()
    peer.entities = [
      [
        price(1, 'BTC', 1),
        price(2, 'NAN', 'NaN'),
        price(3, 'NOTIME', 1, { observedAt: null }),
        price(4, 'FUTURE', 1, { observedAt: hour }),
        price(5, 'OLD', 1, { observedAt: old }),
        price(6, 'NEGATIVE', '-1'),
        price(7, 'ZERO', 0),
        price(8, 'ENGLISH', 1, { locale: 'en' }),
        price(9, 'BTC', 2, { observedAt: old }),
        { type: 'api::price.price', id: 10 },
      ],
    ]
    const reasons = [
      'attribute-refused',
      'future',
      'too-old',
      'not-positive',
      'locale-unchosen',
      'duplicate-key',
      'row-malformed',
    ]
    await using served = await start(peer)
    const before = await Promise.all(reasons.map(async (reason) => (await refused(served, reason)) ?? 0))
    const bad = ['NAN', 'OLD', 'NEGATIVE', 'ZERO', 'ENGLISH', 'FUTURE']
    const answers = Promise.all(bad.map((base) => served.post({ base, quote: 'USD' })))
    expect(await valueOf(served, BTC)).toBe(1)
    for (const { statusCode } of await answers) expect(statusCode).not.toBe(200)
    const after = await Promise.all(reasons.map(async (reason) => (await refused(served, reason)) ?? 0))
    for (const [place, reason] of reasons.entries())
      expect([reason, after[place]! > before[place]!]).toEqual([reason, true])
  })

  it('keeps the last good price of a row that became unusable, until it ends by itself', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer)
    expect(await valueOf(served, BTC)).toBe(1)
    peer.entities = [[price(1, 'BTC', 'oops')]]
    await pullAgain(served, peer)
    expect(await valueOf(served, BTC)).toBe(1)
  })

  it.each<[string, () => Cache | undefined]>([
    ['which takes the time of receipt', () => undefined],
    ['which does not', () => new MockCache(1_000)],
  ])(
    'FR-2: never serves a snapshot beyond its life, to feeds that are wanted late either, from a cache %s',
    async (_which, cacheOf) => {
      await using peer = await PullPeer.start()
      peer.entities = [[price(1, 'BTC', 1), price(2, 'ETH', 2)]]
      const cache = cacheOf()
      await using served = await start(peer, { STRAPI_PULL_INTERVAL_MS: '600000' }, cache && { cache })
      expect(await valueOf(served, BTC)).toBe(1)
      peer.refusals.push(...Array<number>(50).fill(403))
      await vi.advanceTimersByTimeAsync(800_000)
      const late = await served.until(ETH, isGood)
      expect(late.json.result).toBe(2)
      expect(Date.now() - late.json.timestamps.providerDataReceivedUnixMs).toBeGreaterThan(790_000)
      await vi.advanceTimersByTimeAsync(110_000)
      expect((await served.post(ETH)).statusCode).not.toBe(200)
    },
  )

  it('lets another transfer of this process with the same server end first', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer)
    let release = () => {}
    const other = withServer(
      serverKey(`${peer.url}/admin/`),
      { owner: 'a push', waitMs: 1, holdMs: 60_000 },
      new AbortController().signal,
      () => new Promise<void>((resolve) => (release = resolve)),
    )
    const answered = valueOf(served, BTC)
    await eventually(() => expect(statusOf(served).state).toBe('pulling'))
    expect(peer.authorizations).toEqual([])
    release()
    await other
    expect(await answered).toBe(1)
  })

  it('shows its transfers in the status and in metrics', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1), price(2, 'ETH', 2)]]
    await using served = await start(peer)
    const attempts = (await served.metric('ws_connection_attempt', { app_name: 'STRAPI' })) ?? 0
    await served.post(BTC)
    await eventually(() => expect(statusOf(served).state).toBe('waiting'))
    const { body } = await served.api.inject({ method: 'GET', url: '/status' })
    expect(JSON.parse(body).endpoints[0].connections).toEqual([
      {
        transport: 'pull',
        role: 'client',
        state: 'waiting',
        url: `ws://127.0.0.1:${peer.port}/admin/transfer/runner/pull`,
        sinceUnixMs: expect.any(Number),
        opened: 1,
        nextAttemptUnixMs: expect.any(Number),
        details: { feeds: 2, serverVersion: '5.54.0' },
      },
    ])
    expect(body).not.toContain('a-transfer-token')
    expect(await served.metric('ws_connection_attempt', { app_name: 'STRAPI' })).toBe(attempts + 1)
    expect(await served.metric('ws_connection_active', { app_name: 'STRAPI' })).toBe(0)
  })

  it('SC-1: writes neither the token nor anything that was not asked for into the log, at any level', async () => {
    lines.length = 0
    await using peer = await PullPeer.start()
    const session = { type: 'api::price.price', id: 3, data: { secret: 'session-of-someone' } }
    peer.entities = [[...secrets, price(1, 'BTC', '$2a$10$hash-of-a-password'), session]]
    await using served = await start(peer)
    await served.post(BTC)
    peer.stepError = secrets
    await pullAgain(served, peer)
    peer.stepError = null
    peer.misbehaviours.set('getSchemas', (socket, { uuid }) =>
      socket.send(JSON.stringify({ uuid, data: null, error: { message: 'no', details: secrets } })),
    )
    await pullAgain(served, peer)
    peer.misbehaviours.set('start entities', (socket) => socket.send(`{"data":${JSON.stringify(secrets)}`))
    await pullAgain(served, peer)
    const text = lines.join('\n')
    expect(text).toContain('attribute-refused')
    expect(text).toContain('frame-unexpected')
    for (const secret of ['a-transfer-token', 'hash-of-a-password', 'session-of-someone', 'someone@'])
      expect(text).not.toContain(secret)
  })

  it('counts a transfer in which the server said something that means nothing, and reads on', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    peer.misbehaviours.set('getMetadata', (socket, { uuid }) => {
      const answer = JSON.stringify({ uuid, data: { strapi: { version: '5.54.0' } }, error: null })
      for (const frame of [answer, answer, '{"uuid":"u","data":null,"error":null}', '[]']) socket.send(frame)
    })
    await using served = await start(peer)
    const before = (await refused(served, 'frame-ignored')) ?? 0
    expect(await valueOf(served, BTC)).toBe(1)
    await eventually(() => expect(statusOf(served).state).toBe('waiting'))
    expect(await refused(served, 'frame-ignored')).toBe(before + 1)
  })

  it('says that values expire between two pulls, where the settings make them', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    lines.length = 0
    await using served = await start(peer, { STRAPI_CACHE_MAX_AGE: '300000' })
    await served.post(BTC)
    await eventually(() => expect(lines.join('\n')).toContain('Values expire between two pulls'))
  })

  it('notices another version of the server, and reads on', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(peer)
    expect(await valueOf(served, BTC)).toBe(1)
    peer.version = '5.55.1'
    await pullAgain(served, peer)
    expect(statusOf(served)).toMatchObject({ details: { serverVersion: '5.55.1' } })
  })

  it.each<[string, (peer: PullPeer) => void]>([
    ['connecting', () => {}],
    ['a request in flight', (peer) => peer.misbehaviours.set('getSchemas', 'silent')],
    [
      'the middle of a stage',
      (peer) =>
        peer.misbehaviours.set('start entities', (socket, { uuid }) => {
          socket.send(JSON.stringify({ uuid, data: { ok: true, id: 'x' }, error: null }))
          socket.send(batch('x', [price(1, 'BTC', 1)]))
        }),
    ],
    ['the farewell', (peer) => peer.misbehaviours.set('end', 'silent')],
    ['a wait', () => {}],
  ])('leaves no timer and no socket behind when it stops in %s', async (state, misbehave) => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1)]]
    misbehave(peer)
    // Nobody waits for the answer.
    const served = await start(peer, { STRAPI_CACHE_POLLING_MAX_RETRIES: '1' })
    const post = served.post(BTC)
    const reached: Record<string, () => boolean> = {
      connecting: () => peer.authorizations.length > 0,
      'a request in flight': () => peer.labels.includes('getSchemas'),
      'the middle of a stage': () => peer.labels.includes('start entities'),
      'the farewell': () => peer.labels.includes('end'),
      'a wait': () => peer.closes.length > 0,
    }
    await peer.until(reached[state]!)
    await served.stop()
    await post
    await peer.until(() => peer.closes.length === 1)
    const { pulls } = peer
    await vi.advanceTimersByTimeAsync(WHILE_MS)
    expect(peer.pulls).toBe(pulls)
    expect(statusOf(served).state).toBe('stopped')
  })

  it('pulls from a server that was restarted', async () => {
    const first = await PullPeer.start()
    const { port } = first
    first.entities = [[price(1, 'BTC', 1)]]
    await using served = await start(first)
    expect(await valueOf(served, BTC)).toBe(1)
    await first[Symbol.asyncDispose]()
    await eventually(() => expect(statusOf(served).state).toBe('waiting'))
    await vi.advanceTimersByTimeAsync(MIN_PAUSE_MS)
    transportOf(served).pullNow()
    await eventually(() => expect(statusOf(served).lastError?.code).toBe('connection-failed'))
    await using second = await PullPeer.start(port)
    second.entities = [[price(1, 'BTC', 2)]]
    await pullAgain(served, second)
    expect(await valueOf(served, BTC)).toBe(2)
  })
})
