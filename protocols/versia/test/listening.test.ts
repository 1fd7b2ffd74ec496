import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type Served } from '../../../src/testing/serve'
import { wsProvider } from '../../../src/testing/ws-provider'
import { priceEntity, priceNote, type PriceObservation } from '../price-entities'
import { VersiaSender, type VersiaSenderOptions } from '../sender'
import { VersiaSigner } from '../signer'
import { selfSigned } from '../../../test/http/certificate'
import { ETH, priceMessage, refused, serveVersia, status, eventually } from './support'
import { key, PRICE_TYPE, trustedKeys } from './vectors'

const isGood = ({ statusCode }: { statusCode: number }) => statusCode === 200
const listen = { host: '127.0.0.1', port: 0 }
const form = { priceType: PRICE_TYPE, version: '0.6' } as const

const observation = (value: string): PriceObservation => ({
  feed: 'ETH/USD',
  base: 'ETH',
  quote: 'USD',
  value,
  observedAtUnixMs: Date.now(),
  author: 'feed',
})

/** Where a served adapter listens. */
const urlOf = async (service: Served): Promise<string> => {
  await eventually(async () => (await status(service))[0]?.['state'] === 'listening')
  return (await status(service))[0]!['url'] as string
}

const signer = new VersiaSigner({
  signedBy: 'feeds.example',
  privateKey: key('feed-instance').private_pkcs8_base64,
})

const sending = (options: Omit<VersiaSenderOptions, 'signer'>): VersiaSender => {
  const sender = new VersiaSender({ signer, allowLoopback: true, ...options })
  onTestFinished(() => sender.stop())
  return sender
}

/** A peer with a socket and nothing else. */
const peer = (url: string, headers: Record<string, string> = {}): WebSocket => {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false, ca: headers['ca'] })
  socket.on('error', () => {})
  onTestFinished(() => socket.terminate())
  return socket
}

const closing = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once('close', resolve))
const answered = async (socket: WebSocket): Promise<void> => {
  socket.ping()
  await once(socket, 'pong')
}

describe('a listener', () => {
  it('fills feeds with what a sender of ours pushes, as entities and as notes', async () => {
    await using service = await serveVersia({ listen })
    const sender = sending({ connect: { url: await urlOf(service) } })
    await sender.start()
    await eventually(() => sender.openCount === 1)
    expect(sender.send(priceEntity(observation('1.5'), form))).toEqual({ sent: 1, dropped: 0 })
    await service.until(ETH, ({ json }) => json.result === 1.5)
    sender.send(priceNote(observation('2.50'), form))
    const { json } = await service.until(ETH, ({ json: { result } }) => result === 2.5)
    expect(json.data).toEqual({ value: '2.50' })
    expect(await status(service)).toMatchObject([
      { role: 'listener', state: 'listening' },
      { role: 'peer', state: 'open', peer: '127.0.0.1' },
    ])
  })

  it('shares the memory of messages among its peers', async () => {
    await using service = await serveVersia({ listen })
    const url = await urlOf(service)
    const [one, two] = [peer(url), peer(url)]
    await Promise.all([once(one, 'open'), once(two, 'open')])
    const message = priceMessage()
    one.send(message)
    await answered(one)
    two.send(message)
    await answered(two)
    expect(await refused(service, 'replay')).toBe(1)
    expect((await service.post(ETH)).statusCode).toBe(200)
  })

  it('ends a peer with 1008 after a hundred bad messages, and the others go on', async () => {
    await using service = await serveVersia({ listen })
    const url = await urlOf(service)
    const [bad, good] = [peer(url), peer(url)]
    await Promise.all([once(bad, 'open'), once(good, 'open')])
    for (let count = 0; count < 200; count++) bad.send('{}')
    expect(await closing(bad)).toBe(1008)
    expect(await refused(service, 'malformed')).toBe(100)
    good.send(priceMessage({ value: '5' }))
    expect((await service.until(ETH, isGood)).json.result).toBe(5)
  })

  it.each([
    [
      'a binary frame',
      (socket: WebSocket) => socket.send(Buffer.from(priceMessage())),
      'malformed',
      undefined,
    ],
    ['a frame that is too large', (socket: WebSocket) => socket.send('x'.repeat(300_000)), undefined, 1009],
    [
      'text that is not UTF-8',
      (socket: WebSocket) => socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false }),
      undefined,
      1007,
    ],
  ])('refuses %s', async (_name, send, reason, code) => {
    await using service = await serveVersia({ listen })
    const socket = peer(await urlOf(service))
    await once(socket, 'open')
    const closed = closing(socket)
    send(socket)
    if (code !== undefined) expect(await closed).toBe(code)
    else {
      await answered(socket)
      expect(await refused(service, reason ?? '')).toBe(1)
    }
  })

  it('lets nobody in without the token, where there is one; with it, a message still has to be signed', async () => {
    await using service = await serveVersia({ listen: { ...listen, token: 'open sesame'.replace(' ', '-') } })
    const url = await urlOf(service)
    for (const headers of [{}, { authorization: 'Bearer open' }, { authorization: 'open-sesame' }]) {
      const socket = peer(url, headers as Record<string, string>)
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
      expect(response.statusCode).toBe(401)
    }
    expect(await refused(service, 'unauthenticated')).toBe(3)
    const socket = peer(url, { authorization: 'Bearer open-sesame' })
    await once(socket, 'open')
    socket.send(priceMessage({}, { seedHex: key('other-instance').seed_hex }))
    await answered(socket)
    expect(await refused(service, 'bad_signature')).toBe(1)
    socket.send(priceMessage({ value: '6' }))
    expect((await service.until(ETH, isGood)).json.result).toBe(6)
  })

  it('takes no more peers than it may', async () => {
    await using service = await serveVersia({ listen: { ...listen, maxConnections: 1 } })
    const url = await urlOf(service)
    const first = peer(url)
    await once(first, 'open')
    first.send(priceMessage())
    await answered(first)
    await closing(peer(url))
    expect(await refused(service, 'too-many')).toBe(1)
    expect(first.readyState).toBe(WebSocket.OPEN)
  })

  it('gives the place of a peer that has sent nothing to be trusted to the next', async () => {
    await using service = await serveVersia({ listen: { ...listen, maxConnections: 1 } })
    const url = await urlOf(service)
    const silent = peer(url)
    await once(silent, 'open')
    const next = peer(url)
    await Promise.all([closing(silent), once(next, 'open')])
    expect(await refused(service, 'crowded-out')).toBe(1)
    next.send(priceMessage({ value: '7' }))
    expect((await service.until(ETH, isGood)).json.result).toBe(7)
  })

  it.each([
    ['very many values', `{"signature":[${'{},'.repeat(80_000)}1]}`],
    ['values deep inside each other', '['.repeat(200_000)],
  ])('ends a peer with 1008 at its first message of %s', async (_what, message) => {
    await using service = await serveVersia({ listen })
    const bad = peer(await urlOf(service))
    await once(bad, 'open')
    bad.send(message)
    expect(await closing(bad)).toBe(1008)
    expect(await refused(service, 'excessive')).toBe(1)
  })

  it('speaks TLS with a certificate that is PEM in base64, and senders check it', async () => {
    const { key: tlsKey, cert } = selfSigned()
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    await using service = await serveVersia({
      listen: { ...listen, tls: { cert: base64(cert), key: base64(tlsKey) } },
    })
    const url = await urlOf(service)
    expect(url).toMatch(/^wss:/)
    const stranger = sending({ connect: { url } })
    const friend = sending({ connect: { url, tls: { ca: base64(cert) } } })
    await Promise.all([stranger.start(), friend.start()])
    await eventually(() => friend.openCount === 1 && stranger.status()[0]?.state === 'waiting')
    expect(stranger.status()[0]?.lastError?.code).toBe('TLS_FAILED')
    friend.send(priceEntity(observation('8'), form))
    expect((await service.until(ETH, isGood)).json.result).toBe(8)
  })

  it('has its certificate from files, and the new one when they change', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const at = mkdtempSync(join(tmpdir(), 'versia-'))
    onTestFinished(() => rmSync(at, { recursive: true }))
    const tls = { cert: join(at, 'tls.crt'), key: join(at, 'tls.key') }
    const fill = (pair: ReturnType<typeof selfSigned>): void => {
      for (const name of ['cert', 'key'] as const) writeFileSync(tls[name], pair[name])
    }
    fill(selfSigned())
    await using service = await serveVersia({ listen: { ...listen, tls } })
    const url = await urlOf(service)
    fill(selfSigned())
    // A sender reads the file as well, each time that it dials.
    const sender = sending({ connect: { url, tls: { ca: tls.cert } } })
    await eventually(async () => {
      vi.advanceTimersByTime(1_000)
      const socket = new WebSocket(url, { ca: readFileSync(tls.cert) }).on('error', () => {})
      const isOpen = await once(socket, 'open').then(
        () => true,
        () => false,
      )
      socket.terminate()
      return isOpen
    })
    await sender.start()
    await eventually(() => sender.openCount === 1)
    expect(sender.openCount).toBe(1)
  })

  it('ER-1: says that there is no peer, and says no more of it when there is one', async () => {
    await using service = await serveVersia({ listen })
    expect((await service.post(ETH)).text).toContain('No peer is connected')
    const socket = peer(await urlOf(service))
    await once(socket, 'open')
    await answered(socket)
    expect((await service.post(ETH)).text).not.toContain('No peer is connected')
  })

  it('LC-3: sends its peers away with 1001 when the adapter stops, and the port is free again', async () => {
    const service = await serveVersia({ listen })
    const url = await urlOf(service)
    const socket = peer(url)
    await once(socket, 'open')
    await answered(socket)
    const closed = closing(socket)
    await service.stop()
    expect(await closed).toBe(1001)
    await using again = await serveVersia({ listen: { ...listen, port: Number(new URL(url).port) } })
    expect(await urlOf(again)).toBe(url)
  })

  it('LC-5: whose port is taken does not start, and names the setting', async () => {
    await using blocker = await wsProvider()
    const port = Number(new URL(blocker.url).port)
    await expect(serveVersia({ listen: { ...listen, port } })).rejects.toThrow(
      `listen.port: Port ${port} is taken (EADDRINUSE)`,
    )
  })

  it('LC-5: whose key does not belong to its certificate does not start, and names the setting', async () => {
    const [one, other] = [selfSigned(), selfSigned()]
    const tls = { cert: one.cert, key: other.key }
    await expect(serveVersia({ listen: { ...listen, tls } })).rejects.toThrow(
      'listen.tls.cert: Value must be the certificate of the key in listen.tls.key',
    )
  })

  it('and a source that is dialled can fill the same feeds, each message once', async () => {
    await using provider = await wsProvider()
    await using service = await serveVersia({ listen, connect: { url: provider.url } })
    const connection = await provider.connection()
    await eventually(async () =>
      (await status(service)).some(({ role, state }) => role === 'listener' && state === 'listening'),
    )
    const own = (await status(service)).find(({ role }) => role === 'listener')!
    const socket = peer(own['url'] as string)
    await once(socket, 'open')
    const message = priceMessage({ value: '1' })
    connection.send(message)
    await service.until(ETH, isGood)
    socket.send(message)
    socket.send(priceMessage({ value: '2' }))
    await service.until(ETH, ({ json }) => json.result === 2)
    expect(await refused(service, 'replay')).toBe(1)
  })
})

describe('a sender', () => {
  it('serves an adapter that dials it, if that signs its upgrade request with a known key', async () => {
    const receiver = key('receiver-instance')
    const receivers = { 'receiver.example': [receiver.public_spki_base64] }
    const sender = sending({ listen: { ...listen, receivers } })
    const { port } = (await sender.start())!
    const url = `ws://127.0.0.1:${port}/ws?a=b`
    await closing(peer(url))
    const instance = { signedBy: 'receiver.example', privateKey: receiver.private_pkcs8_base64 }
    await using service = await serveVersia({ connect: { url, instance } })
    await eventually(() => sender.openCount === 1)
    sender.send(priceEntity(observation('9.75'), form))
    expect((await service.until(ETH, isGood)).json.result).toBe(9.75)
  })

  it('comes back to a receiver that went away, and keeps nothing for it', async () => {
    await using provider = await wsProvider()
    const sender = sending({ connect: { url: provider.url } })
    expect(sender.send(priceEntity(observation('1'), form))).toEqual({ sent: 0, dropped: 0 })
    await sender.start()
    const first = await provider.connection()
    expect(first.headers).toMatchObject({ 'versia-signed-by': 'feeds.example' })
    first.close(1001)
    const second = await provider.connection()
    await eventually(() => sender.openCount === 1)
    sender.send(priceEntity(observation('2'), form))
    const message = await second.nextJson<{ entity: string }>()
    expect(JSON.parse(message.entity)).toMatchObject({ value: '2' })
    expect(second.received).toHaveLength(1)
  })

  it('RS-4: drops what a receiver does not read, and the others get it', async () => {
    const sender = sending({ listen })
    const { port } = (await sender.start())!
    const [deaf, good] = [peer(`ws://127.0.0.1:${port}`), peer(`ws://127.0.0.1:${port}`)]
    await Promise.all([once(deaf, 'open'), once(good, 'open')])
    await eventually(() => sender.openCount === 2)
    deaf.pause()
    let received = 0
    good.on('message', () => (received += 1))
    const large = { ...priceEntity(observation('1'), form), note: 'x'.repeat(200_000) }
    let sent = 0
    let dropped = 0
    while (dropped === 0) {
      dropped = sender.send(large).dropped
      sent += 1
      await answered(good)
    }
    expect(received).toBe(sent)
    expect(sender.openCount).toBe(2)
  })

  it('signs nothing that a receiver would refuse', () => {
    const good = priceEntity(observation('1'), form)
    const bad: [string, object][] = [
      ['wrong_author', { ...good, author: 'evil.example:feed' }],
      ['malformed_entity', { ...good, created_at: undefined }],
      ['malformed_entity', { ...good, 'a key with blanks': 1 }],
      ['malformed_entity', { ...good, tiny: 1e-7 }],
    ]
    for (const [reason, entity] of bad) expect(() => signer.sign(entity)).toThrow(reason)
    expect(() => signer.sign('[]')).toThrow('malformed_entity')
    expect(() => priceEntity(observation('1e3'), form)).toThrow('Not a price that could be read')
    expect(() => priceNote(observation(''), form)).toThrow('Not a price that could be read')
  })

  it('sorts the keys of an entity before version 0.6', () => {
    const version = '0.5'
    const old = new VersiaSigner({
      version,
      signedBy: 'instance feeds.example',
      privateKey: key('feed-instance').private_pkcs8_base64,
    })
    const entity = priceEntity(
      { ...observation('1'), author: null, id: 'x', uri: 'https://feeds.example/x' },
      { priceType: PRICE_TYPE, version },
    )
    const keys = Object.keys(JSON.parse(old.sign(entity).entity) as object)
    expect(keys).toEqual([...keys].sort())
    expect(keys).not.toContain('extensions')
  })

  it('is not made with a key, name or URL that cannot be right, and no message of that holds the key', () => {
    const privateKey = key('feed-instance').private_pkcs8_base64
    expect(() => new VersiaSigner({ signedBy: 'https://feeds.example', privateKey })).toThrow(/not the name/)
    const spoilt = `${privateKey.slice(0, -1)}!`
    expect(() => new VersiaSigner({ signedBy: 'feeds.example', privateKey: spoilt })).toThrow(/PKCS8/)
    expect(() => new VersiaSender({ signer, connect: { url: 'ws://feeds.example' } })).toThrow(/this machine/)
    expect(() => new VersiaSender({ signer, listen: { ...listen, receivers: {} } })).toThrow(/no signer/)
    expect(JSON.stringify(signer) + inspect(signer, { depth: 9, showHidden: true })).not.toContain(
      privateKey.slice(20, 40),
    )
  })

  it('is understood by a receiver of each version', async () => {
    for (const version of ['0.6', '0.5', '0.4'] as const) {
      const signedBy = version === '0.6' ? 'feeds.example' : 'instance feeds.example'
      await using service = await serveVersia({ listen, version, signers: trustedKeys(version) })
      const old = new VersiaSigner({
        version,
        signedBy,
        privateKey: key('feed-instance').private_pkcs8_base64,
      })
      const sender = new VersiaSender({
        signer: old,
        allowLoopback: true,
        connect: { url: await urlOf(service) },
      })
      await sender.start()
      await eventually(() => sender.openCount === 1)
      const author = version === '0.6' ? 'feed' : null
      sender.send(priceNote({ ...observation('3'), author }, { priceType: PRICE_TYPE, version }))
      expect((await service.until(ETH, isGood)).json.result).toBe(3)
      await sender.stop()
    }
  })
})
