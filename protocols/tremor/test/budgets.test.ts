import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type TremorLimits } from '..'
import { PeerSocket } from './peer'
import { eventually, listeningServer, serverDefinition } from './support'

const TOKENS = ['a-token-of-length-enough', 'another-token-of-length'] as const
const accounts = [
  { name: 'one', rank: 1, token: TOKENS[0] },
  { name: 'two', rank: 2, token: TOKENS[1] },
]
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

/** From here on the test moves the clock that the budgets go by. */
const holdClock = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

afterEach(() => void vi.useRealTimers())

const serverWith = (limits: TremorLimits, stages: object = {}) =>
  listeningServer(serverDefinition({}, stages), { limits })

describe('a peer that sends more messages than it may', () => {
  it('is read no further until the second is over, also of what came in one read, and loses nothing', async () => {
    holdClock()
    await using server = await serverWith({ maxMessagesPerSecond: 10 })
    const flood = await PeerSocket.connect(server.url)
    flood.wire.cork()
    for (let n = 0; n < 25; n++) flood.send(String(n))
    flood.wire.uncork()
    expect(await server.faults.next()).toBe('flood')
    for (const seconds of [1, 2]) {
      expect(server.events.all).toHaveLength(10 * seconds)
      vi.advanceTimersByTime(999)
      expect(server.events.all).toHaveLength(10 * seconds)
      vi.advanceTimersByTime(1)
    }
    expect(server.events.all.map(({ value }) => value)).toEqual(Array.from({ length: 25 }, (_, n) => n))
  })

  it('has every line counted that a message is split into', async () => {
    holdClock()
    await using server = await serverWith({ maxMessagesPerSecond: 10 }, { preprocessors: ['separate'] })
    const flood = await PeerSocket.connect(server.url)
    flood.send(Array.from({ length: 25 }, (_, n) => `${n}\n`).join(''))
    expect(await server.faults.next()).toBe('flood')
    expect(server.events.all).toHaveLength(10)
    flood.send('25\n')
    vi.advanceTimersByTime(1_000)
    expect(server.events.all).toHaveLength(20)
    vi.advanceTimersByTime(1_000)
    await server.events.next(({ value }) => value === 25)
    expect(server.events.all.map(({ value }) => value)).toEqual(Array.from({ length: 26 }, (_, n) => n))
  })

  it('has messages counted that become nothing', async () => {
    holdClock()
    await using server = await serverWith({ maxMessagesPerSecond: 3 }, { preprocessors: ['separate'] })
    const flood = await PeerSocket.connect(server.url)
    for (const part of ['1', '2', '3', '4\n']) flood.send(part)
    expect(await server.faults.next()).toBe('flood')
    expect(server.events.all).toHaveLength(0)
    vi.advanceTimersByTime(1_000)
    expect((await server.events.next()).value).toBe(1234)
  })

  it('that leaves in the meantime has all its messages told, and then its end', async () => {
    holdClock()
    await using server = await serverWith({ maxMessagesPerSecond: 2 })
    const flood = await PeerSocket.connect(server.url)
    flood.wire.cork()
    for (let n = 0; n < 5; n++) flood.send(String(n))
    flood.socket.close()
    flood.wire.uncork()
    await server.faults.next()
    await flood.closes.next()
    for (const told of [2, 4]) {
      expect(server.events.all).toHaveLength(told)
      vi.advanceTimersByTime(1_000)
    }
    expect(server.events.all).toHaveLength(5)
    await server.until(() => server.connector.outage() !== undefined, 'nobody connected')
  })

  it('costs others nothing', async () => {
    holdClock()
    await using server = await serverWith({ maxMessagesPerSecond: 2 })
    const flood = await PeerSocket.connect(server.url)
    for (let n = 0; n < 5; n++) flood.send(String(n))
    await server.faults.next()
    const other = await PeerSocket.connect(server.url)
    other.send('"other"')
    await server.events.next(({ value }) => value === 'other')
    expect(server.events.all).toHaveLength(3)
  })

  it('leaves no timer when the server stops', async () => {
    holdClock()
    const server = await serverWith({ maxMessagesPerSecond: 1 })
    const flood = await PeerSocket.connect(server.url)
    flood.send('1')
    flood.send('2')
    await server.faults.next()
    await server.connector.stop()
    expect(vi.getTimerCount()).toBe(0)
    expect(server.events.all).toHaveLength(1)
  })
})

describe('a peer that sends more bytes than it may', () => {
  it.each([
    ['as they come', {}, JSON.stringify('x'.repeat(600))],
    [
      'as they are unpacked',
      { codec: 'string', preprocessors: [{ name: 'decompress', config: { algorithm: 'gzip' } }] },
      gzipSync('x'.repeat(600)),
    ],
  ])('is read no further until the second is over: counted %s', async (_how, stages, message) => {
    holdClock()
    await using server = await serverWith({ maxBytesPerSecond: 1_000 }, stages)
    const flood = await PeerSocket.connect(server.url)
    for (let n = 0; n < 4; n++) flood.send(message)
    expect(await server.faults.next()).toBe('flood')
    expect(server.events.all).toHaveLength(2)
    vi.advanceTimersByTime(1_000)
    await server.until(() => server.events.all.length === 4, 'the others')
  })
})

describe('a peer whose content is meant to be expensive', () => {
  const bombs: [string, object, Buffer][] = [
    [
      'empty gzip members',
      { preprocessors: [{ name: 'decompress', config: { algorithm: 'gzip' } }] },
      Buffer.concat(Array.from({ length: 50_000 }, () => gzipSync(''))),
    ],
    ['empty JSON objects', {}, Buffer.from(`[${'{},'.repeat(340_000)}1]`)],
    ['nested YAML', { codec: 'yaml' }, Buffer.from('['.repeat(65_000))],
    ['flat YAML', { codec: 'yaml' }, Buffer.from(`[${'[],'.repeat(20_000)}]`)],
    ['lines', { codec: 'null', preprocessors: ['separate'] }, Buffer.from('\n'.repeat(1_000_000))],
  ]

  it.each(bombs)('is cut at its first message and named: %s', async (_name, stages, bomb) => {
    await using server = await serverWith({}, stages)
    const [bad, good] = [await PeerSocket.connect(server.url), await PeerSocket.connect(server.url)]
    bad.send(bomb)
    expect(await bad.closes.next()).toBe(1008)
    expect(server.faults.all).toEqual(['not-decodable', 'excess'])
    expect(server.errors.all).toHaveLength(1)
    await good.settled()
    expect(good.isOpen).toBe(true)
  })

  it('gets no connection for ten seconds where it has an account, and the other accounts do', async () => {
    holdClock()
    await using server = await listeningServer(serverDefinition(), { peers: accounts })
    const bad = await PeerSocket.connect(server.url, bearer(TOKENS[0]))
    bad.send('['.repeat(1_000))
    expect(await bad.closes.next()).toBe(1008)
    const again = await PeerSocket.connect(server.url, bearer(TOKENS[0]))
    expect(await again.closes.next()).toBe(1013)
    expect(server.faults.all.at(-1)).toBe('resting')
    const other = await PeerSocket.connect(server.url, bearer(TOKENS[1]))
    other.send('1')
    expect((await server.events.next()).peer.name).toBe('two')
    vi.advanceTimersByTime(10_000)
    const rested = await PeerSocket.connect(server.url, bearer(TOKENS[0]))
    rested.send('2')
    expect((await server.events.next()).peer.name).toBe('one')
  })

  it('has nothing told of what came with it', async () => {
    await using server = await serverWith({}, { preprocessors: ['separate'] })
    const bad = await PeerSocket.connect(server.url)
    bad.send(`1\n${'['.repeat(1_000)}\n2\nrest`)
    expect(await bad.closes.next()).toBe(1008)
    await eventually(() => server.connector.outage() !== undefined, 'nobody connected')
    expect(server.events.all.map(({ value }) => value)).toEqual([1])
  })
})
