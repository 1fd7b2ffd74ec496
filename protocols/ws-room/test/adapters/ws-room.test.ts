import { once } from 'node:events'
import { createServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import nock from 'nock'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAdapter } from '../../adapters/ws-room'
import { pairOf } from '../../adapters/ws-room/pairs'
import { serve } from '../../../../src/testing'
import { WsRoomTransport } from '../..'
import { selfSigned } from '../../../../test/http/certificate'
import { eventually, GUARD_MS } from '../../../../test/helpers/eventually'
import { member } from '../member'
import { miniComms } from '../mini-comms'
import { type Client, kicked, roomServer, update } from '../room-server'
import { identityOf, key, keyOf } from '../vectors'
import { encodePrice, priceText } from '../../price'
import { roomNameOf } from '../../connection-string'
import { sceneBody } from '../../packets'

const alice = key('alice').address_lower
const ethUsd = { base: 'ETH', quote: 'USD' }
const dave = keyOf('dave')

const environment = (place: Record<string, string>, over: Record<string, string> = {}) => ({
  WS_ROOM_PRIVATE_KEY: dave.privateKey,
  WS_ROOM_DELEGATION: dave.delegation,
  WS_ROOM_SIGNERS: `${key('alice').address_checksum}, ${key('carol').address_lower}`,
  WS_ROOM_ALLOW_PLAINTEXT: 'true',
  WS_ROOM_BACKGROUND_EXECUTE_MS_WS: '10',
  WS_ROOM_STREAM_HANDLER_RETRY_MIN_MS: '100',
  CACHE_POLLING_MAX_RETRIES: '2',
  CACHE_POLLING_SLEEP_MS: '50',
  RETRY: '0',
  ...place,
  ...over,
})

const started = async (place: Record<string, string>, over?: Record<string, string>) => {
  const service = await serve(createAdapter, { env: environment(place, over), guardMs: GUARD_MS })
  onTestFinished(() => service.stop())
  return service
}

const says = (client: Client, url: string, over: object = {}, name = 'alice') => {
  const price = { feed: 'ETH/USD', value: '3150.2500', observedAt: Date.now(), seq: 1, ...over }
  const chain = identityOf(name).vouchFor(priceText(roomNameOf(url), price))
  client.send(update(1, sceneBody('urn:oracle:prices:v1', encodePrice(price, chain))))
  return price
}

const isGood = ({ statusCode }: { statusCode: number }) => statusCode === 200
const statusOf = async ({ api }: Awaited<ReturnType<typeof started>>) => {
  const { body } = await api.inject({ method: 'GET', url: '/status' })
  return {
    text: body,
    json: JSON.parse(body) as { endpoints: { connections?: Record<string, unknown>[] }[] },
  }
}

beforeEach(() => {
  nock.disableNetConnect()
  nock.enableNetConnect('127.0.0.1')
})
afterEach(() => {
  nock.cleanAll()
  nock.enableNetConnect()
})

describe('the adapter for a room', () => {
  it('answers with what a listed account says in the room, and shows its connection', async () => {
    const server = await miniComms()
    onTestFinished(server.stop)
    const place = { WS_ROOM_CONNECTION_STRING: server.connectionString('prices') }
    const service = await started(place)
    await using teller = member(
      'alice',
      { connectionString: server.connectionString('prices') },
      { repeatEveryMs: 50 },
    )
    const observedAt = Date.now()
    teller.room.publish({ feed: 'ETH/USD', value: '3150.2500', observedAt })
    const { json } = await service.until(ethUsd, isGood)
    expect(json).toMatchObject({
      result: 3150.25,
      data: { result: 3150.25, value: '3150.2500', signer: alice },
      timestamps: { providerIndicatedTimeUnixMs: observedAt },
    })
    const { text, json: status } = await statusOf(service)
    expect(status.endpoints[0]?.connections).toMatchObject([
      {
        role: 'client',
        state: 'open',
        url: server.url('prices'),
        details: { account: key('dave').address_lower },
      },
    ])
    expect(text).not.toContain(dave.privateKey.slice(2))
    expect(text).not.toContain(dave.delegation)
    expect(await service.metric('ws_connection_active')).toBeGreaterThanOrEqual(1)
  })

  it('answers at once with what was said before anybody asked', async () => {
    await using server = await roomServer()
    const service = await started({ WS_ROOM_CONNECTION_STRING: server.connectionString })
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    says(client, server.url, { feed: 'BTC/EUR', value: '54000' })
    says(client, server.url)
    await service.until(ethUsd, isGood)
    expect((await service.post({ base: 'btc', quote: 'eur' })).json).toMatchObject({ result: 54000 })
  })

  it('FR-2: a repeated value is as old as it was, and FR-1: ends with its age', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    await using server = await roomServer()
    const service = await started(
      { WS_ROOM_CONNECTION_STRING: server.connectionString },
      { WS_ROOM_MAX_PRICE_AGE_MS: '60000' },
    )
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    const observedAt = Date.now() - 40_000
    says(client, server.url, { observedAt })
    says(client, server.url, { observedAt, seq: 2 })
    const { json } = await service.until(ethUsd, isGood)
    expect(json.timestamps.providerIndicatedTimeUnixMs).toBe(observedAt)
    expect(json.timestamps.providerDataStreamEstablishedUnixMs).toBe(Date.now())
    vi.advanceTimersByTime(19_999)
    expect((await service.post(ethUsd)).statusCode).toBe(200)
    vi.advanceTimersByTime(1)
    expect((await service.post(ethUsd)).statusCode).toBe(504)
  })

  it('TM-1: a newer number with an older observation changes nothing', async () => {
    await using server = await roomServer()
    const service = await started({ WS_ROOM_CONNECTION_STRING: server.connectionString })
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    says(client, server.url)
    await service.until(ethUsd, isGood)
    says(client, server.url, { seq: 2, value: '1', observedAt: Date.now() - 10_000 })
    says(client, server.url, { seq: 3, value: '2', feed: 'BTC/USD' })
    await service.until({ base: 'BTC', quote: 'USD' }, isGood)
    expect((await service.post(ethUsd)).json.result).toBe(3150.25)
  })

  it('counts what is not served, by its cause, and messages that were lost', async () => {
    await using server = await roomServer()
    const service = await started({ WS_ROOM_CONNECTION_STRING: server.connectionString })
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    says(client, server.url, {}, 'mallory')
    says(client, server.url, { feed: 'eth/usd' })
    client.socket.send('text')
    client.send(Buffer.from('ff', 'hex'), update(99, Buffer.alloc(0)))
    says(client, server.url, { seq: 5 })
    says(client, server.url, { seq: 8, value: '0' })
    says(client, server.url, { seq: 9, value: '3151' })
    await service.until(ethUsd, ({ json }) => json.result === 3151)
    const refused = (reason: string) => service.metric('data_refused_total', { app_name: 'WS_ROOM', reason })
    const reasons = [
      'price-unknown-signer',
      'price-unknown-feed',
      'text-frame',
      'bad-frame',
      'unknown-peer',
      'sequence-gap',
    ]
    expect(await Promise.all(reasons.map(refused))).toEqual(reasons.map(() => 1))
    expect(await refused('not-positive')).toBe(1)
    const of = { app_name: 'WS_ROOM', adapter_endpoint: 'price' }
    expect(await service.metric('ws_room_updates_lost_total', of)).toBe(2)
    const expires = await service.metric('ws_room_key_expires_timestamp_seconds', of)
    expect(expires).toBe(dave.expiresAtUnixMs / 1_000)
  })

  it('tells waiting clients why there is no value', async () => {
    await using server = await roomServer()
    const service = await started({ WS_ROOM_CONNECTION_STRING: server.connectionString })
    const client = await (await server.clients.next()).admit()
    client.send(kicked())
    await eventually(async () => {
      const { statusCode, json } = await service.post(ethUsd)
      expect([statusCode, json.error?.reason?.code]).toEqual([504, 'REPLACED'])
    })
  })

  it('takes unsigned prices of listed senders from a trusted server, and only there', async () => {
    await using server = await roomServer()
    const service = await started(
      { WS_ROOM_CONNECTION_STRING: server.connectionString },
      { WS_ROOM_TRUST_SERVER: 'true' },
    )
    const client = await (await server.clients.next()).admit(7, { 1: alice, 2: key('bob').address_lower })
    const unsigned = (value: string) =>
      sceneBody(
        'urn:oracle:prices:v1',
        Buffer.from(JSON.stringify({ v: 1, feed: 'ETH/USD', value, observed_at: Date.now(), seq: 1 })),
      )
    client.send(update(2, unsigned('1')), update(1, unsigned('2')))
    expect((await service.until(ethUsd, isGood)).json.data).toEqual({ result: 2, value: '2', signer: alice })
  })

  it('trusts the realm by the authority that it trusts the server by, and by no other', async () => {
    const tls = selfSigned()
    await using server = await roomServer({ tls, protocol: 'rfc5' })
    const realm = createServer(tls, (_request, response) =>
      response.end(JSON.stringify({ comms: { fixedAdapter: server.connectionString } })),
    )
    const asked = vi.fn()
    realm.on('request', ({ url }) => void asked(url))
    realm.listen(0, '127.0.0.1')
    await once(realm, 'listening')
    onTestFinished(() => void realm.close())
    const url = `https://127.0.0.1:${(realm.address() as AddressInfo).port}`
    const stranger = await started({ WS_ROOM_REALM_URL: url, WS_ROOM_SERVER_CA: selfSigned().cert })
    await eventually(async () => expect((await statusOf(stranger)).text).toContain('The realm'))
    expect(asked).not.toHaveBeenCalled()
    await stranger.stop()
    const service = await started({ WS_ROOM_REALM_URL: url, WS_ROOM_SERVER_CA: tls.cert })
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    says(client, server.url)
    await service.until(ethUsd, isGood)
    expect(asked.mock.calls).toEqual([['/about']])
    realm.closeAllConnections()
  })

  it('finds the room by its realm, anew for each connection', async () => {
    await using server = await roomServer()
    const about = (fixedAdapter: unknown) => ({ healthy: true, comms: { protocol: 'v3', fixedAdapter } })
    const realm = nock('https://realm.example.com')
      .get('/about')
      .twice()
      .reply(200, about(server.connectionString))
    const service = await started({ WS_ROOM_REALM_URL: 'https://realm.example.com/' })
    const first = await (await server.clients.next()).admit()
    first.socket.close()
    const client = await (await server.clients.next()).admit(7, { 1: alice })
    says(client, server.url)
    await service.until(ethUsd, isGood)
    realm.done()
  })

  it.each([
    ['no room', 200, { comms: {} }, 'CONNECTION_STRING_REFUSED'],
    ['nothing', 200, 'hello', 'CONNECTION_STRING_REFUSED'],
    [
      'another transport',
      200,
      { comms: { fixedAdapter: 'livekit:wss://x.example.com?access_token=abc' } },
      'CONNECTION_STRING_REFUSED',
    ],
    [
      'a signed login',
      200,
      { comms: { fixedAdapter: 'signed-login:https://x.example.com/auth' } },
      'CONNECTION_STRING_REFUSED',
    ],
    ['an error', 500, 'down', 'REALM_FAILED'],
    ['somewhere else', 302, '', 'REALM_FAILED'],
  ])('says so when the realm names %s', async (_name, status, body, code) => {
    nock('https://realm.example.com').persist().get('/about').reply(status, body)
    const service = await started({ WS_ROOM_REALM_URL: 'https://realm.example.com' })
    await eventually(async () => expect((await service.post(ethUsd)).json.error?.reason?.code).toBe(code))
  })

  it.each([
    ['answered with HTTP status 502', (realm: nock.Interceptor) => realm.reply(502)],
    [
      'did not answer: ',
      (realm: nock.Interceptor) =>
        realm.replyWithError(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
    ],
  ])('tells a realm that %s from others', async (what, answers) => {
    answers(nock('https://realm.example.com').persist().get('/about'))
    const service = await started({ WS_ROOM_REALM_URL: 'https://realm.example.com' })
    await eventually(async () =>
      expect((await service.post(ethUsd)).json.error?.reason?.message).toContain(
        `The realm that names the room ${what}`,
      ),
    )
  })

  it.each([
    [
      'no room',
      {},
      'WS_ROOM_CONNECTION_STRING: Value must be set, or that of WS_ROOM_REALM_URL: exactly one of them, and neither is set',
    ],
    [
      'two rooms',
      { WS_ROOM_CONNECTION_STRING: 'ws-room:x.example.com', WS_ROOM_REALM_URL: 'https://x.example.com' },
      'exactly one of them, and both of them are set',
    ],
    ['another transport', { WS_ROOM_CONNECTION_STRING: 'offline:offline' }, 'not supported'],
    [
      'plain text',
      { WS_ROOM_CONNECTION_STRING: 'ws-room:ws://x.example.com/', WS_ROOM_ALLOW_PLAINTEXT: 'false' },
      'not allowed',
    ],
    [
      'signers that are none',
      { WS_ROOM_CONNECTION_STRING: 'ws-room:x.example.com', WS_ROOM_SIGNERS: 'alice' },
      'these are not: alice',
    ],
    [
      'no key',
      { WS_ROOM_CONNECTION_STRING: 'ws-room:x.example.com', WS_ROOM_PRIVATE_KEY: '' },
      'PRIVATE_KEY',
    ],
    [
      'a bad key',
      { WS_ROOM_CONNECTION_STRING: 'ws-room:x.example.com', WS_ROOM_PRIVATE_KEY: '0x01' },
      'The private key is not',
    ],
  ])('does not start with %s', async (_name, env: Record<string, string>, words) => {
    await expect(serve(createAdapter, { env: environment({}, env) })).rejects.toThrow(words)
  })

  it('stops at once in the middle of a login', async () => {
    await using server = await roomServer()
    const service = await started({ WS_ROOM_CONNECTION_STRING: server.connectionString })
    const client = await server.clients.next()
    await client.next()
    await service.stop()
    await client.closed
  })

  it('publishes from code, and hears nothing of itself', async () => {
    await using server = await roomServer()
    const service = await started({ WS_ROOM_CONNECTION_STRING: server.connectionString })
    const client = await (await server.clients.next()).admit()
    const transport = service.adapter.endpoints[0]!.transportRoutes.entries()[0]![1]
    expect(transport).toBeInstanceOf(WsRoomTransport)
    ;(transport as unknown as WsRoomTransport<never>).publish({
      feed: 'ETH/USD',
      value: '7',
      observedAt: Date.now(),
    })
    expect(await client.next()).toMatchObject({ $case: 'peerUpdateMessage' })
    expect((await service.post(ethUsd)).statusCode).toBe(504)
  })
})

describe('the pair of a feed', () => {
  it.each([
    'eth/usd',
    'ETH',
    'ETH/USD/EUR',
    '/USD',
    'ETH/',
    'usde/USD',
    'ETH-USD',
    ' ETH/USD',
    'ETH/USD\n',
    '',
  ])('ID-1: is none, rather than perhaps another: %j', (feed) => {
    expect(pairOf(feed)).toBeUndefined()
  })

  it('is what stands on both sides of the slash', () => {
    expect(pairOf('ETH/USD')).toEqual(ethUsd)
    expect(pairOf('USDe/USD')).toEqual({ base: 'USDe', quote: 'USD' })
  })
})
