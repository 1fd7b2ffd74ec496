import nock from 'nock'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LocalCache } from '../../../src/feeds/local-cache'
import { wsProvider } from '../../../src/testing/ws-provider'
import { ReplayMemory } from '../replay-memory'
import { selfSigned } from '../../../test/http/certificate'
import { secondHash, secondVerify } from './second-opinion'
import {
  BTC,
  ETH,
  handled,
  type PriceFunction,
  priceMessage,
  priceText,
  refused,
  serveVersia,
  status,
  eventually,
} from './support'
import { key, negativeMessages, NOW_MS, trustedKeys, validMessages } from './vectors'

const isGood = ({ statusCode }: { statusCode: number }) => statusCode === 200

describe('a source that is dialled', () => {
  it('NU-3: fills feeds with signed prices, to the last digit, at the time they were observed', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    const observed = new Date(Date.now() - 20_000).toISOString()
    connection.send(priceMessage({ value: '0.123456789012345678901234567890', observed_at: observed }))
    const { json } = await service.until(ETH, isGood)
    expect(json.data).toEqual({ value: '0.123456789012345678901234567890' })
    expect(json.result).toBe(0.12345678901234568)
    expect(json.timestamps.providerIndicatedTimeUnixMs).toBe(Date.parse(observed))
  })

  it('is asked for nothing, offered no compression and no subprotocol, and sent no message', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: `${provider.url}/ws?room=1` } })
    const connection = await provider.connection()
    connection.send(priceMessage())
    await service.until(ETH, isGood)
    expect(connection.path).toBe('/ws?room=1')
    expect(connection.headers).not.toHaveProperty('sec-websocket-extensions')
    expect(connection.headers).not.toHaveProperty('sec-websocket-protocol')
    expect(connection.headers).not.toHaveProperty('versia-signature')
    expect([...connection.received, ...connection.receivedBinary]).toEqual([])
  })

  it('sees an upgrade request that our instance has signed, anew for each attempt, without the query', async () => {
    await using provider = await wsProvider()
    let now = Date.now()
    const { private_pkcs8_base64: privateKey, public_raw_hex: raw } = key('receiver-instance')
    await using service = await serveVersia({
      connect: { url: `${provider.url}/ws?a=b`, instance: { signedBy: 'receiver.example', privateKey } },
      clock: () => now,
    })
    const check = (headers: Record<string, unknown>) => {
      const at = String(Math.floor(now / 1_000))
      expect(headers).toMatchObject({ 'versia-signed-by': 'receiver.example', 'versia-signed-at': at })
      expect(
        secondVerify(`get /ws ${at} ${secondHash('')}`, headers['versia-signature'] as string, raw),
      ).toBe(true)
    }
    const first = await provider.connection()
    check(first.headers)
    now += 5_000
    first.close(1001)
    check((await provider.connection()).headers)
    expect(await refused(service, 'malformed')).toBe(0)
  })

  it('is heard from the first message on, even when that comes with the handshake', async () => {
    await using provider = await wsProvider({ sendWithHandshake: [priceMessage({ value: '7' })] })
    await using service = await serveVersia({ connect: { url: provider.url } })
    expect((await service.until(ETH, isGood)).json.result).toBe(7)
  })

  it('fills a feed before anybody asks for it', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    connection.send(priceMessage({ feed: 'BTC/USD', ...BTC, value: '60000.5' }))
    await handled(connection)
    expect((await service.post(BTC)).json.result).toBe(60000.5)
  })

  it('is shown in /status and in the metrics of connections', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: `${provider.url}/?token=hush` } })
    await handled(await provider.connection())
    const connections = await status(service)
    expect(connections).toMatchObject([{ role: 'client', transport: 'default_single_transport', opened: 1 }])
    expect(JSON.stringify(connections)).not.toContain('hush')
    expect(await service.metric('ws_connection_active')).toBeGreaterThanOrEqual(1)
  })
})

describe('messages that are not trusted', () => {
  it('never reach the author, are counted by reason, and answer no one', async () => {
    await using provider = await wsProvider()
    const price = vi.fn<PriceFunction>()
    let now = NOW_MS
    await using service = await serveVersia({ connect: { url: provider.url }, clock: () => now }, { price })
    const connection = await provider.connection()
    const expected = new Map<string, number>()
    const vectors = negativeMessages.filter(({ version }) => version === '0.6')
    for (const { message_text: text, frame, now: seconds, expect: outcome } of vectors) {
      now = seconds * 1_000
      connection.send(frame === 'binary' ? Buffer.from(text) : text)
      await handled(connection)
      expected.set(outcome.reason!, (expected.get(outcome.reason!) ?? 0) + 1)
    }
    for (const [reason, count] of expected)
      expect([reason, await refused(service, reason)]).toEqual([reason, count])
    expect(price).not.toHaveBeenCalled()
    expect([...connection.received, ...connection.receivedBinary]).toEqual([])
    expect(connection.isOpen).toBe(true)
    now = NOW_MS
    connection.send(validMessages[0]!.message_text)
    await handled(connection)
    expect(price).toHaveBeenCalledTimes(1)
  })

  it('of an unknown signer lead to no request, whatever they name', async () => {
    await using provider = await wsProvider()
    nock.disableNetConnect()
    nock.enableNetConnect('127.0.0.1')
    const asked: string[] = []
    const noteRequest = ({ host }: { host: string }) => void (host.startsWith('127.') || asked.push(host))
    nock.emitter.on('no match', noteRequest)
    onTestFinished(() => {
      nock.emitter.off('no match', noteRequest)
      nock.enableNetConnect()
    })
    const signers = { ...trustedKeys('0.6'), 'keyless.example': [] }
    await using service = await serveVersia({ connect: { url: provider.url }, discovery: {}, signers })
    const connection = await provider.connection()
    connection.send(priceMessage({}, { signedBy: 'evil.example', seedHex: key('other-instance').seed_hex }))
    await handled(connection)
    expect(await refused(service, 'unknown_signer')).toBe(1)
    // The one that is listed without a key, at the start; and nobody else.
    expect(asked).toEqual(['keyless.example:443'])
  })

  it('end the connection with 1008 after a hundred in a row, and it is left alone for a while', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    for (let count = 0; count < 99; count++) connection.send('hello')
    connection.send(priceMessage())
    for (let count = 0; count < 99; count++) connection.send('hello')
    await handled(connection)
    expect(connection.isOpen).toBe(true)
    const soonest = Date.now() + 29_000
    connection.send('hello')
    expect((await connection.closed).code).toBe(1008)
    await eventually(async () => (await status(service))[0]?.['state'] === 'waiting')
    expect((await status(service))[0]?.['nextAttemptUnixMs']).toBeGreaterThan(soonest)
    expect(await refused(service, 'malformed')).toBe(199)
  })

  it('are named to the clients that wait', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    connection.send(priceMessage({}, { seedHex: key('other-instance').seed_hex }))
    await handled(connection)
    const { statusCode, text } = await service.post(ETH)
    expect(statusCode).toBe(504)
    expect(text).toContain('The last message was refused: bad_signature')
  })

  it.each([
    ['1009, when it is larger than 256 KiB', 'x'.repeat(256 * 1024 + 1), 1009],
    ['nothing, when it is just as large', priceMessage({ note: '' }).padEnd(256 * 1024, ' '), undefined],
  ])('a frame ends its connection with %s', async (_name, frame, code) => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    connection.send(frame)
    if (code === undefined) expect((await service.until(ETH, isGood)).json.result).toBe(3150.25)
    else expect((await connection.closed).code).toBe(code)
  })
})

describe('trusted messages', () => {
  it('are taken once, on whatever connection they come', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const first = await provider.connection()
    const message = priceMessage()
    first.send(message)
    first.send(message)
    await handled(first)
    expect(await refused(service, 'replay')).toBe(1)
    first.close(1001)
    const second = await provider.connection()
    second.send(message)
    await handled(second)
    expect(await refused(service, 'replay')).toBe(2)
  })

  it('are refused when there is no room to remember them, and what was taken stays', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({
      connect: { url: provider.url },
      replayMemory: new ReplayMemory(2),
    })
    const connection = await provider.connection()
    for (const value of ['1', '2', '3']) connection.send(priceMessage({ value }))
    await handled(connection)
    expect(await refused(service, 'replay_memory_full')).toBe(1)
    expect((await service.post(ETH)).json.result).toBe(2)
  })

  it('TM-1: never take a feed back in time; an entity that is signed anew is no news', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    const seen = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
    const entity = priceText({ value: '3', observed_at: seen(10) })
    connection.send(priceMessage({}, { entity }))
    connection.send(priceMessage({ value: '2', observed_at: seen(40) }))
    connection.send(priceMessage({ feed: 'BTC/USD', ...BTC, value: '5', observed_at: seen(50) }))
    connection.send(priceMessage({}, { entity, signedAt: String(Math.floor(Date.now() / 1_000) - 7) }))
    await handled(connection)
    expect(await refused(service, 'older_than_current')).toBe(1)
    expect(await refused(service, 'duplicate_entity')).toBe(1)
    expect((await service.post(ETH)).json.result).toBe(3)
    expect((await service.post(BTC)).json.result).toBe(5)
  })

  it('TM-1: do not go back behind what an earlier process has left in a shared cache', async () => {
    /** Outlives the adapters that use it, as a store beside them does. */
    class SharedCache extends LocalCache {}
    const cache = new SharedCache(100)
    await using provider = await wsProvider()
    const of = { serve: { dependencies: { cache } } }
    const seen = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
    const late = priceMessage({ value: '2', observed_at: seen(40) })
    {
      await using service = await serveVersia({ connect: { url: provider.url } }, of)
      const connection = await provider.connection()
      connection.send(priceMessage({ value: '3', observed_at: seen(10) }))
      await service.until(ETH, isGood)
    }
    await using service = await serveVersia({ connect: { url: provider.url } }, of)
    const connection = await provider.connection()
    const before = await refused(service, 'older_than_current')
    connection.send(late)
    await handled(connection)
    expect((await refused(service, 'older_than_current')) - before).toBe(1)
    expect((await service.post(ETH)).json.result).toBe(3)
    connection.send(priceMessage({ value: '4', observed_at: seen(0) }))
    expect((await service.until(ETH, ({ json }) => json.result === 4)).statusCode).toBe(200)
  })

  it('TM-2: that were observed ahead of our clock are refused, and hold up nothing', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    connection.send(priceMessage({ value: '9', observed_at: new Date(Date.now() + 60_000).toISOString() }))
    connection.send(priceMessage({ value: '1' }))
    await handled(connection)
    expect(await refused(service, 'ahead_of_clock')).toBe(1)
    expect((await service.post(ETH)).json.result).toBe(1)
  })

  it('of a Delete, or of a type that nobody knows, change nothing and are no fault', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    connection.send(priceMessage({ value: '1' }))
    connection.send(priceMessage({ type: 'Delete', deleted: 'price-1', deleted_type: 'x', id: undefined }))
    connection.send(priceMessage({ type: 'org.other:things/Thing' }))
    await handled(connection)
    expect((await service.post(ETH)).json.result).toBe(1)
    for (const reason of ['malformed_entity', 'wrong_author', 'unknown-feed'])
      expect(await refused(service, reason)).toBe(0)
  })

  it('IS-4: one that the author cannot take costs itself alone', async () => {
    await using provider = await wsProvider()
    const price: PriceFunction = ({ value, base, quote }) => {
      if (value === '1') throw new Error('no')
      if (value === '2') return undefined
      return { params: { base: base!, quote: quote! }, response: { result: Number(value), data: { value } } }
    }
    await using service = await serveVersia({ connect: { url: provider.url } }, { price })
    const connection = await provider.connection()
    for (const value of ['1', '2', '3']) connection.send(priceMessage({ value }))
    await handled(connection)
    expect(await refused(service, 'handler-failed')).toBe(1)
    expect(await refused(service, 'unknown-feed')).toBe(1)
    expect((await service.post(ETH)).json.result).toBe(3)
  })

  it('are taken with either of two keys while a signer changes from one to the other', async () => {
    await using provider = await wsProvider()
    const [old, next] = [key('feed-instance'), key('feed-user')]
    const signers = { 'feeds.example': [old.public_spki_base64, next.public_spki_base64] }
    await using service = await serveVersia({ connect: { url: provider.url }, signers })
    const connection = await provider.connection()
    connection.send(priceMessage({ value: '1' }, { seedHex: old.seed_hex }))
    connection.send(priceMessage({ value: '2' }, { seedHex: next.seed_hex }))
    connection.send(priceMessage({ value: '3' }, { seedHex: key('other-user').seed_hex }))
    await handled(connection)
    expect((await service.post(ETH)).json.result).toBe(2)
    expect(await refused(service, 'bad_signature')).toBe(1)
  })

  it('of version 0.4 are taken where they are switched on, each once', async () => {
    await using provider = await wsProvider()
    const nonce = negativeMessages.find(({ version }) => version === '0.4')!
    const signers = {
      'https://feeds.example/users/01930000-aaaa-7000-8000-000000000001': [
        key('feed-user').public_spki_base64,
      ],
    }
    const price = vi.fn<PriceFunction>()
    const clock = () => nonce.now * 1_000
    const options = { connect: { url: provider.url }, signers, signaturePath: nonce.path, clock }
    await using service = await serveVersia({ ...options, version: '0.4' }, { price })
    const connection = await provider.connection()
    connection.send(nonce.message_text)
    connection.send(nonce.message_text)
    connection.send(validMessages.find(({ version }) => version === '0.5')!.message_text)
    await handled(connection)
    expect(price).toHaveBeenCalledTimes(1)
    expect(await refused(service, 'replay')).toBe(1)
    expect(await refused(service, 'malformed')).toBe(1)
  })
})

describe('the connection', () => {
  it('CN-2: is replaced when the source answers no pings', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    await using provider = await wsProvider()
    await using service = await serveVersia({ connect: { url: provider.url }, pingEveryMs: 20 })
    const first = await provider.connection()
    await eventually(async () => (await status(service))[0]?.['state'] === 'open')
    first.freeze()
    await vi.advanceTimersByTimeAsync(3 * 20)
    // No further than that, so that the next one has time for its pongs.
    while (provider.handshakes < 2) await vi.advanceTimersByTimeAsync(5)
    const second = await provider.connection()
    second.send(priceMessage({ value: '4' }))
    expect((await service.until(ETH, isGood)).json.result).toBe(4)
  })

  it('LC-3: is closed with 1000 when the adapter stops, and does not come back', async () => {
    await using provider = await wsProvider()
    const service = await serveVersia({ connect: { url: provider.url } })
    const connection = await provider.connection()
    await handled(connection)
    await service.stop()
    expect((await connection.closed).code).toBe(1000)
    expect(provider.handshakes).toBe(1)
  })

  it('is given up in the middle of a handshake when the adapter stops', async () => {
    await using provider = await wsProvider()
    provider.hang()
    const service = await serveVersia({ connect: { url: provider.url } })
    await provider.handshake(1)
    await service.stop()
    expect(provider.openCount).toBe(0)
  })

  it('ER-1: tells clients why there is none', async () => {
    await using provider = await wsProvider()
    provider.refuse(403)
    await using service = await serveVersia({ connect: { url: provider.url } })
    await provider.handshake(1)
    await eventually(async () => (await status(service))[0]?.['state'] === 'waiting')
    const { statusCode, text } = await service.post(ETH)
    expect(statusCode).toBe(504)
    expect(text).toContain('The server refused the upgrade with HTTP status 403')
  })

  it('SC-6: is not made to a server whose certificate nobody vouches for', async () => {
    const { createServer } = await import('node:https')
    const server = createServer(selfSigned()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    await using service = await serveVersia({ connect: { url: `wss://127.0.0.1:${port}` } })
    await eventually(async () => (await status(service))[0]?.['state'] === 'waiting')
    expect((await status(service))[0]).toMatchObject({ lastError: { code: 'TLS_FAILED' } })
  })
})
