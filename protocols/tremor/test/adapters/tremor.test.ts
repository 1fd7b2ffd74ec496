import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { createAdapter } from '../../adapters/tremor'
import { eventTime } from '../../adapters/tremor/event-time'
import { fieldAt } from '../../adapters/tremor/fields'
import { type Served, serve } from '../../../../src/testing'
import { PeerSocket } from '../peer'
import { certificateFiles, eventually } from '../support'

const TOKENS = { first: 'the-token-of-the-first-peer', second: 'the-token-of-the-second-peer' }
const PEERS = JSON.stringify([
  { name: 'first', rank: 1, token: TOKENS.first },
  { name: 'second', rank: 2, token: TOKENS.second },
])

const ethUsd = { base: 'ETH', quote: 'USD' }

const start = (env: Record<string, string>) =>
  serve(createAdapter, { env: { BACKGROUND_EXECUTE_MS_WS: '10', CACHE_POLLING_MAX_RETRIES: '1', ...env } })

type Files = ReturnType<typeof certificateFiles>

interface Connection {
  role: string
  state: string
  url?: string
  peer?: string
  details?: object
}

const connections = async ({ api }: Served): Promise<Connection[]> => {
  const { endpoints } = (await api.inject('/status')).json<{ endpoints: { connections?: Connection[] }[] }>()
  return endpoints[0]?.connections ?? []
}

/** What `/status` shows first, once it is in this state. */
const connectionIn = async (service: Served, state: string): Promise<Connection> => {
  for (;;) {
    const [first] = await connections(service)
    if (first?.state === state) return first
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** An adapter that is pushed to, and where. */
const pushedTo = async (env: Record<string, string> = {}) => {
  const service = await start({ TREMOR_LISTEN: '127.0.0.1:0', ...env })
  const { url = '' } = await connectionIn(service as unknown as Served, 'listening')
  const push = async (event: unknown, peer: PeerSocket) => {
    peer.send(typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event))
    await peer.settled()
  }
  return { service: service as unknown as Served, url, push, [Symbol.asyncDispose]: () => service.stop() }
}

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const refused = (service: Served, reason: string) =>
  service.metric('data_refused_total', { adapter_endpoint: 'price', reason })

describe('an adapter that is pushed to', () => {
  it('answers what was pushed, before and after somebody asked', async () => {
    await using adapter = await pushedTo()
    const peer = await PeerSocket.connect(adapter.url)
    const time = Date.now() - 1_000
    await adapter.push({ base: 'ETH', quote: 'USD', price: 1800.5, bid: 1800, ask: '1801.0', time }, peer)
    const { statusCode, json } = await adapter.service.post(ethUsd)
    expect(statusCode).toBe(200)
    expect(json).toMatchObject({
      result: 1800.5,
      data: { result: 1800.5, bid: 1800, mid: 1800.5, ask: 1801 },
      timestamps: { providerIndicatedTimeUnixMs: time },
    })
    await adapter.push(
      [
        { base: 'eth', quote: 'usd', price: 1900, time: time + 1 },
        { base: 'BTC', quote: 'USD', price: 9 },
      ],
      peer,
    )
    expect((await adapter.service.post({ base: 'eth', quote: 'usd' })).json.result).toBe(1900)
    expect((await adapter.service.post({ base: 'BTC', quote: 'USD' })).json.result).toBe(9)
  })

  it('says why there is no value while nobody pushes, and shows its connections', async () => {
    await using adapter = await pushedTo()
    const { statusCode, text } = await adapter.service.post(ethUsd)
    expect(statusCode).toBe(504)
    expect(text).toContain('No peer is connected')
    const peer = await PeerSocket.connect(adapter.url)
    await peer.settled()
    expect(await connections(adapter.service)).toMatchObject([
      { role: 'listener', state: 'listening', details: { circuit: 'open', connector: 'connected' } },
      { role: 'peer', state: 'open', peer: 'anybody' },
    ])
    expect(await adapter.service.metric('transport_circuit_open', { adapter_endpoint: 'price' })).toBe(1)
    expect(await adapter.service.metric('transport_circuit_events_total', { state: 'open' })).toBe(1)
  })

  it('lets in who shows a token, shows no token to anybody, and ranks what they push', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    await using adapter = await pushedTo({ TREMOR_PEERS: PEERS, CACHE_MAX_AGE: '10000' })
    const { service, push, url } = adapter
    await expect(PeerSocket.connect(url)).rejects.toThrow('401')
    const [first, second] = [
      await PeerSocket.connect(url, as(TOKENS.first)),
      await PeerSocket.connect(url, as(TOKENS.second)),
    ]
    const price = (value: number) => ({ ...ethUsd, price: value, time: Date.now() })
    await push(price(1), second)
    await push(price(2), first)
    vi.advanceTimersByTime(9_999)
    await push(price(3), second)
    expect((await service.post(ethUsd)).json.result).toBe(2)
    expect(await refused(service, 'outranked')).toBe(1)
    vi.advanceTimersByTime(1)
    await push(price(4), second)
    expect((await service.post(ethUsd)).json.result).toBe(4)
    const shown = [
      (await service.api.inject('/status')).body,
      JSON.stringify(await connections(service)),
    ].join()
    for (const token of Object.values(TOKENS)) expect(shown).not.toContain(token)
    expect(await refused(service, 'unauthenticated')).toBe(1)
  })

  it('TM-2: does not let a price of the future, of one peer, keep the other out', async () => {
    await using adapter = await pushedTo({ TREMOR_PEERS: PEERS })
    const { service, push, url } = adapter
    const [first, second] = [
      await PeerSocket.connect(url, as(TOKENS.first)),
      await PeerSocket.connect(url, as(TOKENS.second)),
    ]
    await push({ ...ethUsd, price: 1, time: Date.now() + 60_000 }, first)
    await push({ ...ethUsd, price: 2, time: Date.now() }, second)
    expect((await service.post(ethUsd)).json.result).toBe(2)
    expect(await refused(service, 'future')).toBe(1)
  })

  it.each([
    ['no price', { ...ethUsd }],
    ['a price of zero', { ...ethUsd, price: 0 }],
    ['a price that is a word', { ...ethUsd, price: 'high' }],
    ['a price that is true', { ...ethUsd, price: true }],
    ['no base', { quote: 'USD', price: 1 }],
    ['a base that is a number', { base: 1, quote: 'USD', price: 1 }],
    ['a base with a slash', { base: 'ETH/USD', quote: 'USD', price: 1 }],
    ['a base that may be two', { base: 'usde', quote: 'USD', price: 1 }],
    ['a time in seconds', { ...ethUsd, price: 1, time: 1_700_000_000 }],
    ['a time that is null', { ...ethUsd, price: 1, time: null }],
    ['nothing', null],
    ['a number', 5],
  ])('refuses an event with %s, and serves the next', async (_what, event) => {
    await using adapter = await pushedTo()
    const peer = await PeerSocket.connect(adapter.url)
    await adapter.push([event, { base: 'BTC', quote: 'USD', price: 7 }], peer)
    expect(await refused(adapter.service, 'not-understood')).toBe(1)
    expect((await adapter.service.post({ base: 'BTC', quote: 'USD' })).json.result).toBe(7)
    expect((await adapter.service.post(ethUsd)).statusCode).toBe(504)
  })

  it('TM-1: refuses what is older than what it serves, and what is older than it may be', async () => {
    await using adapter = await pushedTo({ TREMOR_MAX_AGE_MS: '60000' })
    const peer = await PeerSocket.connect(adapter.url)
    const now = Date.now()
    await adapter.push({ ...ethUsd, price: 2, time: now }, peer)
    await adapter.push({ ...ethUsd, price: 1, time: now - 1 }, peer)
    await adapter.push({ base: 'BTC', quote: 'USD', price: 1, time: now - 60_001 }, peer)
    expect((await adapter.service.post(ethUsd)).json.result).toBe(2)
    expect((await adapter.service.post({ base: 'BTC', quote: 'USD' })).statusCode).toBe(504)
    expect(await refused(adapter.service, 'backwards')).toBe(1)
    expect(await refused(adapter.service, 'too-old')).toBe(1)
  })

  it('reads lines of influx whose fields the settings name', async () => {
    await using adapter = await pushedTo({
      TREMOR_CODEC: 'influx',
      TREMOR_PREPROCESSORS: '["separate"]',
      TREMOR_BASE_FIELD: 'tags.base',
      TREMOR_QUOTE_FIELD: 'tags.quote',
      TREMOR_PRICE_FIELD: 'fields.last',
      TREMOR_TIME_FIELD: 'timestamp',
      TREMOR_TIME_UNIT: 'ns',
    })
    const peer = await PeerSocket.connect(adapter.url)
    const ms = Date.now()
    await adapter.push(`spot,base=ETH,quote=USD last=1800.25 ${ms}999999\nbroken\n`, peer)
    const { json } = await adapter.service.post(ethUsd)
    expect(json).toMatchObject({ result: 1800.25, timestamps: { providerIndicatedTimeUnixMs: ms } })
    expect(await refused(adapter.service, 'not-decodable')).toBe(1)
  })

  it('ID-1: tells assets apart that differ in letter case alone', async () => {
    await using adapter = await pushedTo({ TREMOR_ASSET_NAMES: '{"XBT":"BTC"}' })
    const { service, push, url } = adapter
    const peer = await PeerSocket.connect(url)
    const price = (base: string, value: number) => ({ base, quote: 'USD', price: value })
    await push(
      [price('USDe', 1), price('USDE', 777), price('XBT', 9), price('sUSD', 4), price('usde', 5)],
      peer,
    )
    const bases = ['USDe', 'USDE', 'sUSD', 'btc']
    const results = await Promise.all(bases.map((base) => service.post({ base, quote: 'USD' })))
    expect(results.map(({ json }) => json.result as number)).toEqual([1, 777, 4, 9])
    expect((await service.post({ base: 'usde', quote: 'USD' })).statusCode).toBe(400)
    expect(await refused(service, 'not-understood')).toBe(1)
  })

  it('cannot be filled with feeds that nobody asks for', async () => {
    await using adapter = await pushedTo()
    const peer = await PeerSocket.connect(adapter.url)
    const invented = Array.from({ length: 1_200 }, (_, n) => ({ base: `X${n}`, quote: 'USD', price: 1 }))
    await adapter.push(invented, peer)
    expect(await refused(adapter.service, 'unknown-feed')).toBe(200)
  })

  it('ends its connections when it stops', async () => {
    const adapter = await pushedTo()
    const peer = await PeerSocket.connect(adapter.url)
    await adapter.service.stop()
    expect(await peer.closes.next()).toBe(1001)
  })
})

describe('an adapter that connects', () => {
  const provider = async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    const peers: PeerSocket[] = []
    const headers: unknown[] = []
    server.on('connection', (socket, request) => {
      headers.push(request.headers['x-key'])
      peers.push(new PeerSocket(socket))
    })
    await new Promise((resolve) => server.once('listening', resolve))
    return {
      peers,
      headers,
      url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/feed`,
      connection: async (n: number) => {
        await eventually(() => peers.length > n, `connection ${n}`)
        return peers[n] as PeerSocket
      },
      [Symbol.asyncDispose]: async () => {
        for (const { socket } of peers) socket.terminate()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }

  it('greets, serves what it gets, and comes back after a loss', async () => {
    await using srv = await provider()
    await using service = await start({
      TREMOR_URL: srv.url,
      TREMOR_GREETING: '{"op":"subscribe"}',
      TREMOR_HEADERS: '{"x-key":"k"}',
      TREMOR_RECONNECT: '{"retry":{"interval_ms":1}}',
    })
    for (const n of [0, 1]) {
      const peer = await srv.connection(n)
      expect(await peer.frames.next()).toEqual({ text: '{"op":"subscribe"}' })
      peer.send(JSON.stringify({ ...ethUsd, price: 1800 + n }))
      await service.until(ethUsd, ({ json }) => json.result === 1800 + n)
      peer.socket.terminate()
    }
    expect(srv.headers).toEqual(['k', 'k'])
    expect(
      await service.metric('transport_circuit_events_total', { state: 'closed' }),
    ).toBeGreaterThanOrEqual(1)
  })

  it('says that it gave up', async () => {
    await using service = await start({ TREMOR_URL: 'ws://127.0.0.1:1', TREMOR_RECONNECT: 'none' })
    await connectionIn(service as unknown as Served, 'failed')
    const { statusCode, text } = await service.post(ethUsd)
    expect(statusCode).toBe(504)
    expect(text).toContain('CONNECTION_REFUSED')
    expect(text).toContain('gave up')
  })
})

describe('settings that contradict each other', () => {
  it.each([
    ['neither of the two ways', {}, 'exactly one'],
    ['both of them', { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_URL: 'ws://127.0.0.1:1' }, 'exactly one'],
    ['an open door', { TREMOR_LISTEN: '0.0.0.0:0' }, 'anybody who reaches'],
    ['peers that are no list', { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_PEERS: '{}' }, 'PEERS'],
    ['a peer without a rank', { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_PEERS: '[{"name":"a"}]' }, 'PEERS'],
    ['a codec that is no JSON', { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_CODEC: '{' }, 'CODEC'],
    ['an unknown codec', { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_CODEC: 'snot' }, 'snot'],
    [
      'a certificate without its key',
      { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_CERT_FILE: __filename },
      'TREMOR_KEY_FILE: Value is required with TREMOR_CERT_FILE',
    ],
    [
      'client certificates without TLS',
      { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_CLIENT_CA_FILE: __filename },
      'CLIENT_CA_FILE',
    ],
    ['headers that are no texts', { TREMOR_URL: 'ws://127.0.0.1:1', TREMOR_HEADERS: '{"a":1}' }, 'HEADERS'],
    [
      'names that are no texts',
      { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_ASSET_NAMES: '{"a":1}' },
      'ASSET_NAMES',
    ],
    [
      'a stage that joins events on a client',
      { TREMOR_URL: 'ws://127.0.0.1:1', TREMOR_POSTPROCESSORS: '[{"name":"collect"}]' },
      'collect',
    ],
  ])('keep it from starting: %s', async (_what, env, said) => {
    await expect(start(env as Record<string, string>)).rejects.toThrow(said)
  })

  it('are taken where the operator says so in so many words', async () => {
    await using adapter = await pushedTo({
      TREMOR_LISTEN: '0.0.0.0:0',
      TREMOR_ALLOW_UNAUTHENTICATED: 'yes-anyone-may-push',
    })
    expect((await connections(adapter.service))[0]?.state).toBe('listening')
  })

  it.each([
    [
      'a key of another certificate',
      'TREMOR_KEY_FILE',
      ({ write }: Files, other: Files) => write('other.pem', other.text.key),
    ],
    ['a certificate that is none', 'TREMOR_CERT_FILE', ({ write }: Files) => write('none.pem', 'nothing')],
    [
      'an authority that is none',
      'TREMOR_CLIENT_CA_FILE',
      ({ write }: Files) => write('none.pem', 'nothing'),
    ],
  ])('LC-5: with %s keep the adapter from starting, and are named', async (_what, variable, file) => {
    using files = certificateFiles()
    using others = certificateFiles()
    const given = {
      TREMOR_CERT_FILE: files.cert,
      TREMOR_KEY_FILE: files.key,
      [variable]: file(files, others),
    }
    await expect(start({ TREMOR_LISTEN: '127.0.0.1:0', ...given })).rejects.toThrow(`${variable}: `)
  })

  it('LC-5: with a port that is taken keep the adapter from starting, and are named', async () => {
    await using first = await pushedTo({})
    const env = { TREMOR_LISTEN: new URL(first.url).host }
    await expect(start(env)).rejects.toThrow(/TREMOR_LISTEN: Port \d+ is taken \(EADDRINUSE\)/)
  })

  it('are taken for TLS with certificates of peers', async () => {
    using files = certificateFiles()
    await using adapter = await pushedTo({
      TREMOR_CERT_FILE: files.cert,
      TREMOR_KEY_FILE: files.key,
      TREMOR_CLIENT_CA_FILE: files.cert,
      TREMOR_PEERS: '[{"name":"one","rank":1,"certificate":"localhost"}]',
    })
    const peer = await PeerSocket.connect(adapter.url, { ...files.text, ca: files.text.cert })
    await adapter.push({ ...ethUsd, price: 5 }, peer)
    expect((await adapter.service.post(ethUsd)).json.result).toBe(5)
  })
})

describe('what an event is read by', () => {
  it.each([
    [1_700_000_000, 's', 1_700_000_000_000],
    ['1700000000.1239', 's', 1_700_000_000_123],
    [1_700_000_000.001, 's', 1_700_000_000_001],
    [1_700_000_000_123, 'ms', 1_700_000_000_123],
    [1_700_000_000_123.9, 'ms', 1_700_000_000_123],
    [1_700_000_000_123_456, 'us', 1_700_000_000_123],
    [1_700_000_000_123_456_789n, 'ns', 1_700_000_000_123],
    ['2023-11-14T22:13:20.123456Z', 'iso', 1_700_000_000_123],
    ['Tue, 14 Nov 2023 22:13:20 GMT+00:00', 'iso', 1_700_000_000_000],
    ['2023-11-14T22:13:20', 'iso', undefined],
    [1_700_000_000_123, 's', undefined],
    [1_700_000_000, 'ms', undefined],
    [-1, 's', undefined],
    ['1e9', 's', undefined],
    [`${'1700000000'.padStart(20, '0')}.${'5'.padEnd(20, '0')}`, 's', 1_700_000_000_500],
    ['1700000000'.padStart(21, '0'), 's', undefined],
    [`1700000000.${'5'.padEnd(21, '0')}`, 's', undefined],
    ['1700000000.', 's', undefined],
    ['+1700000000', 's', undefined],
    [true, 's', undefined],
    [1_700_000_000, 'iso', undefined],
  ] as const)('TM-5: %s as %s is the time %s', (value, unit, expected) => {
    expect(eventTime(value, unit)).toBe(expected)
  })

  it('is a path of own fields only', () => {
    const value = { a: { b: [1], 'c.d': 2 } }
    expect(fieldAt(value, 'a.b')).toEqual([1])
    for (const nowhere of ['a.b.0', 'a.c', 'a.constructor', 'toString', '', 'a.b.length'])
      expect(fieldAt(value, nowhere)).toBeUndefined()
  })
})
