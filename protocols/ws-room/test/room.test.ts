import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { Room } from '../room'
import { sceneBody } from '../packets'
import { encodePrice, priceText, type RoomPrice } from '../price'
import { roomNameOf } from '../connection-string'
import { addressOf, newPrivateKey, sign } from '../ethereum'
import { writeDelegation } from '../auth-chain'
import { LoggerFactoryProvider, type LoggerFactory } from '../../../src/util/logging'
import { selfSigned } from '../../../test/http/certificate'
import { eventually } from '../../../test/helpers/eventually'
import { entering } from './entering'
import { member } from './member'
import { miniComms } from './mini-comms'
import { type Client, kicked, roomServer, update } from './room-server'
import { identityOf, key, keyOf } from './vectors'

const alice = key('alice').address_lower
const lines: { level: string; fields: object; text: string }[] = []

beforeAll(() => {
  const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']
  const logger = Object.fromEntries(
    levels.map((level) => [level, (fields: object, text: string) => lines.push({ level, fields, text })]),
  )
  LoggerFactoryProvider.set({ child: () => logger } as unknown as LoggerFactory)
  metrics.initialize()
})
beforeEach(() => void lines.splice(0))

const said = (level: string) => lines.filter((line) => line.level === level).map(({ text }) => text)
const price = (over: Partial<RoomPrice> = {}): RoomPrice => ({
  feed: 'ETH/USD',
  value: '3150.25',
  observedAt: Date.now(),
  seq: 1,
  ...over,
})

const signed = (url: string, of: RoomPrice, name = 'alice', sceneId = 'urn:oracle:prices:v1') =>
  sceneBody(sceneId, encodePrice(of, identityOf(name).vouchFor(priceText(roomNameOf(url), of))))

const connected = (room: Room) => eventually(() => expect(room.status().state).toBe('open'))

describe('a room', () => {
  it('is entered, and signed prices of listed accounts are believed', async () => {
    await using server = await roomServer()
    await using listener = member('dave', { connectionString: server.connectionString })
    const client = await (await server.clients.next()).admit(7, { 1: alice, 2: key('bob').address_lower })
    const good = price()
    client.send(
      update(1, signed(server.url, good)),
      update(1, signed(server.url, price({ seq: 2 }), 'mallory')),
      update(2, signed(server.url, price({ seq: 3, value: '3151' }))),
      update(1, signed(server.url, price({ seq: 3 }))),
      update(1, signed('wss://comms.example.com/rooms/prices', price({ seq: 4 }))),
      update(1, signed(server.url, price({ seq: 5, observedAt: 1 }))),
      update(1, signed(server.url, price({ seq: 6 }), 'alice', 'another scene')),
      update(1, Buffer.from('no packet')),
      update(1, sceneBody('urn:oracle:prices:v1', Buffer.from('{}'))),
      update(1, signed(server.url, price({ seq: 9, feed: 'unknown' }))),
    )
    expect(await listener.prices.next()).toEqual({ ...good, signer: alice })
    expect(await listener.prices.next()).toMatchObject({ seq: 3, value: '3151' })
    const wrong = ['unknown-signer', 'replay', 'wrong-payload', 'stale', 'malformed', 'unknown-feed']
    for (const problem of wrong) await listener.faults.next((fault) => fault === `price-${problem}`)
    expect(listener.prices.all).toHaveLength(2)
    await connected(listener.room)
    expect(listener.room.status()).toMatchObject({
      role: 'client',
      state: 'open',
      url: server.url,
      details: {
        account: key('dave').address_lower,
        alias: 7,
        peers: 2,
        room: roomNameOf(server.url),
        lostUpdates: 1,
      },
    })
    expect(listener.room.outage()).toBeUndefined()
  })

  it('goes on when what makes use of a price fails', async () => {
    await using server = await roomServer()
    const fails = (feed: string) => {
      if (feed === 'BAD/USD') throw new Error('a bug')
      return true
    }
    await using listener = member('dave', { connectionString: server.connectionString }, {}, fails)
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    client.send(
      update(1, signed(server.url, price({ feed: 'BAD/USD' }))),
      update(1, signed(server.url, price())),
    )
    await listener.prices.next()
    expect(listener.faults.all).toEqual(['handler-failed'])
  })

  it('takes an option that is undefined for one that was not given', async () => {
    await using server = await roomServer()
    const options = { maxAgeMs: undefined, sceneId: undefined }
    await using listener = member('dave', { connectionString: server.connectionString }, options)
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    client.send(update(1, signed(server.url, price({ observedAt: Date.now() - 61_000 }))))
    client.send(update(1, signed(server.url, price())))
    await listener.prices.next()
    expect(listener.faults.all).toEqual(['price-stale'])
  })

  it('shows how many messages were lost on the way', async () => {
    await using server = await roomServer()
    await using listener = member('dave', { connectionString: server.connectionString })
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    for (const seq of [1, 2, 63, 64]) client.send(update(1, signed(server.url, price({ seq }))))
    await listener.prices.next(({ seq }) => seq === 64)
    expect(listener.faults.all).toEqual(['sequence-gap'])
    expect(listener.room.status().details).toMatchObject({ lostUpdates: 60 })
  })

  it('is entered again after every end, with a new challenge signed, and nothing counts twice', async () => {
    await using server = await roomServer()
    await using listener = member('dave', { connectionString: server.connectionString })
    const first = await (await server.clients.next()).admit(7, { 1: alice })
    const repeated = update(1, signed(server.url, price()))
    first.send(repeated)
    await listener.prices.next()
    first.socket.terminate()
    const second = await (await server.clients.next()).admit(9, { 1: alice })
    second.send(repeated, update(1, signed(server.url, price({ seq: 2 }))))
    expect(await listener.prices.next()).toMatchObject({ seq: 2 })
    expect(listener.faults.all).toEqual(['price-replay'])
    await connected(listener.room)
    expect(listener.room.status()).toMatchObject({ opened: 2, details: { alias: 9 } })
  })

  it('is left alone for five minutes by whom another has replaced, with an alarm', async () => {
    await using server = await roomServer()
    await using listener = member('dave', { connectionString: server.connectionString })
    const client = await (await server.clients.next()).admit()
    await connected(listener.room)
    const before = Date.now()
    client.send(kicked('This world is full. Try again later.'))
    await eventually(() => expect(listener.room.status().state).toBe('waiting'))
    expect(listener.room.status().nextAttemptUnixMs).toBeGreaterThanOrEqual(before + 300_000)
    expect(listener.room.outage()).toMatchObject({ code: 'REPLACED' })
    expect(said('error')).toEqual(['Another client logged in with our address and took our place'])
    expect(JSON.stringify(lines)).toContain('This world is full')
    expect(JSON.stringify(listener.room.status())).not.toContain('This world')
  })

  it('that is full is asked again after 30 s at the earliest', async () => {
    await using server = await roomServer()
    await using listener = member('dave', { connectionString: server.connectionString })
    const client = await server.clients.next()
    await client.next()
    const before = Date.now()
    client.send(kicked('This world is full. Try again later.'))
    await eventually(() => expect(listener.room.outage()).toMatchObject({ code: 'ROOM_FULL' }))
    expect(listener.room.status().nextAttemptUnixMs).toBeGreaterThanOrEqual(before + 30_000)
    expect(said('error')).toEqual([])
  })

  it.each([
    ['HANDSHAKE_REFUSED', { refuse: 404 }, undefined],
    ['LOGIN_REFUSED', {}, (client: Client) => client.socket.close()],
    ['CONNECTION_FAILED', { protocol: 'rfc4' }, undefined],
  ])('that cannot be entered says why: %s', async (code, script, act) => {
    await using server = await roomServer({ protocol: 'rfc5', ...script })
    await using listener = member('dave', { connectionString: server.connectionString })
    if (act !== undefined) act(await server.clients.next())
    await eventually(() => expect(listener.room.outage()).toMatchObject({ code }))
  })

  it('is entered over TLS where the certificate is of a listed authority, and not otherwise', async () => {
    const tls = selfSigned()
    await using server = await roomServer({ protocol: 'rfc5', tls })
    await using stranger = member('dave', { connectionString: server.connectionString })
    await eventually(() => expect(stranger.room.outage()).toMatchObject({ code: 'TLS_FAILED' }))
    const ca = Buffer.from(tls.cert).toString('base64')
    await using listener = member(
      'dave',
      { connectionString: server.connectionString },
      { tls: { ca }, allowPlaintext: false },
    )
    await (await server.clients.next()).admit()
    await connected(listener.room)
  })

  it('is left politely, and nothing is left behind', async () => {
    await using server = await roomServer()
    const { room } = member('dave', { connectionString: server.connectionString })
    const client = await (await server.clients.next()).admit()
    await connected(room)
    const leaving = room.stop()
    expect(await client.closed).toBe(1000)
    await leaving
    room.tend()
    expect(room.status().state).toBe('stopped')
  })
})

describe('a room that cannot be', () => {
  const { privateKey, delegation } = keyOf('dave')
  const given = {
    place: { connectionString: 'ws-room:comms.example.com/rooms/x' },
    privateKey,
    delegation,
    signers: [alice],
  }
  const ports = {
    connectionStringOf: () => Promise.resolve(''),
    isKnownFeed: () => true,
    onConnected: () => {},
    onPrice: () => {},
    onFault: () => {},
  }
  const attempt = (over: object) => () =>
    new Room({ ...given, ...over }, { minMs: 10, maxMs: 100, factor: 2 }, ports)

  it.each([
    [
      'a connection string for another transport',
      { place: { connectionString: 'offline:offline' } },
      'not supported',
    ],
    ['plain text', { place: { connectionString: 'ws-room:ws://comms.example.com/rooms/x' } }, 'not allowed'],
    ['a realm without TLS', { place: { realm: 'http://realm.example.com' } }, 'not one of https:'],
    ['a realm that is no URL', { place: { realm: 'realm.example.com' } }, 'not one of https:'],
    ['a signer that is no address', { signers: [alice, 'alice'] }, 'these are not: alice'],
    ['no key', { privateKey: '' }, 'The private key is not'],
    ['another key', { privateKey: newPrivateKey() }, 'not one for this private key'],
  ])('is refused at once: %s', (_name, over, words) => {
    expect(attempt(over)).toThrow(words)
    expect(attempt({})).not.toThrow()
  })
})

describe('the key of a room', () => {
  const expiring = (expiresAtUnixMs: number) => {
    const privateKey = newPrivateKey()
    const payload = writeDelegation(addressOf(privateKey), expiresAtUnixMs)
    const links = [
      { type: 'SIGNER', payload: alice, signature: '' },
      { type: 'ECDSA_EPHEMERAL', payload, signature: sign(payload, key('alice').private_key) },
    ]
    return { privateKey, delegation: Buffer.from(JSON.stringify(links)).toString('base64url') }
  }

  it('that has expired opens nothing, and is given up', async () => {
    await using server = await roomServer()
    await using listener = member(
      'alice',
      { connectionString: server.connectionString },
      expiring(Date.now() - 1),
    )
    await eventually(() => expect(listener.room.outage()).toMatchObject({ code: 'KEY_EXPIRED' }))
    listener.room.tend()
    expect(listener.room.status()).toMatchObject({ state: 'failed', details: { account: alice } })
    expect(said('error')).toContain('The ephemeral key of the room has expired; make a new delegation')
    expect(server.clients.all).toEqual([])
  })

  it('that will expire within a week is warned of, once an hour', async () => {
    await using server = await roomServer()
    await using listener = member(
      'alice',
      { connectionString: server.connectionString },
      expiring(Date.now() + 6 * 86_400_000),
    )
    listener.room.tend()
    listener.room.tend()
    expect(said('warn')).toEqual(['The ephemeral key of the room expires soon; make a new delegation'])
  })

  it('that is good for longer is nothing to speak of', async () => {
    await using server = await roomServer()
    await using listener = member(
      'alice',
      { connectionString: server.connectionString },
      expiring(Date.now() + 8 * 86_400_000),
    )
    await (await server.clients.next()).admit()
    await connected(listener.room)
    expect([...said('warn'), ...said('error')]).toEqual([])
  })

  it('is in no line, status or error', async () => {
    await using server = await roomServer()
    const secret = expiring(Date.now() + 1_000_000)
    await using listener = member('alice', { connectionString: server.connectionString }, secret)
    const client = await (await server.clients.next()).admit()
    await connected(listener.room)
    client.send(kicked())
    await eventually(() => expect(listener.room.status().state).toBe('waiting'))
    const all = JSON.stringify([lines, listener.room.status(), listener.room.outage()])
    expect(all).not.toContain(secret.privateKey.slice(2))
    expect(all).not.toContain(secret.delegation)
  })
})

describe('with the room server of the protocol’s own authors', () => {
  let server: Awaited<ReturnType<typeof miniComms>>
  beforeAll(async () => {
    server = await miniComms()
  })
  afterAll(() => server.stop())

  it('prices go from one member to the others', async () => {
    const place = { connectionString: server.connectionString('prices') }
    await using dave = member('dave', place)
    await using bob = member('bob', place)
    await Promise.all([connected(dave.room), connected(bob.room)])
    await using teller = member('alice', place, { repeatEveryMs: 50 })
    const observedAt = Date.now()
    teller.room.publish({ feed: 'ETH/USD', value: '3150.25', observedAt })
    const heard = await Promise.all([dave.prices.next(), bob.prices.next()])
    for (const one of heard)
      expect(one).toMatchObject({ feed: 'ETH/USD', value: '3150.25', observedAt, signer: alice })
    // Full state again, under the next number.
    const again = await dave.prices.next()
    expect(again).toEqual({ ...heard[0], seq: heard[0].seq + 1 })
    expect([...dave.faults.all, ...bob.faults.all, ...teller.prices.all]).toEqual([])
  })

  it('a second login with the same account puts the first one out, which stays out', async () => {
    await using first = member('dave', { connectionString: server.connectionString('one') })
    await connected(first.room)
    await using second = member('dave', { connectionString: server.connectionString('two') })
    await connected(second.room)
    await eventually(() => expect(first.room.outage()).toMatchObject({ code: 'REPLACED' }))
    expect(said('warn')).toContain('Our address is connected there already; that connection will be put out')
    expect([first.room.status().opened, second.room.status().state]).toEqual([1, 'open'])
  })

  it('who appears as somebody else is not believed for it', async () => {
    const url = server.url('prices')
    await using listener = member('dave', { connectionString: server.connectionString('prices') })
    await connected(listener.room)
    // This server takes the address from the identification, whoever signs.
    const mallory = { ...identityOf('mallory'), owner: alice }
    const { entered } = entering(url, { identity: mallory })
    const session = await entered
    onTestFinished(async () => void (await session.close()))
    await eventually(() => expect(listener.room.status().details).toMatchObject({ peers: 1 }))
    const unsigned = sceneBody(
      'urn:oracle:prices:v1',
      Buffer.from(JSON.stringify({ v: 1, feed: 'ETH/USD', value: '1', observed_at: Date.now(), seq: 1 })),
    )
    session.update(unsigned)
    session.update(signed(url, price({ seq: 1 }), 'mallory'))
    await listener.faults.next((fault) => fault === 'price-malformed')
    await listener.faults.next((fault) => fault === 'price-unknown-signer')
    expect(listener.prices.all).toEqual([])
  })

  it('others come and go, and nothing is lost on the way', async () => {
    const place = { connectionString: server.connectionString('prices') }
    await using listener = member('dave', place)
    await connected(listener.room)
    {
      await using teller = member('alice', place, { repeatEveryMs: 20 })
      await connected(teller.room)
      for (let value = 1; value <= 40; value++)
        teller.room.publish({ feed: 'ETH/USD', value: String(value), observedAt: Date.now() })
      expect(await listener.prices.next(({ value }) => value === '40')).toBeDefined()
    }
    await eventually(() => expect(listener.room.status().details).toMatchObject({ peers: 0, lostUpdates: 0 }))
  })

  it('a server that goes away is an outage', async () => {
    const own = await miniComms()
    onTestFinished(own.stop)
    await using listener = member('dave', { connectionString: own.connectionString('prices') })
    await connected(listener.room)
    await own.stop()
    await eventually(() => expect(listener.room.outage()).toMatchObject({ code: 'CONNECTION_REFUSED' }))
  })
})
