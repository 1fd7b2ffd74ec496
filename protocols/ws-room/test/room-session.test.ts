import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { decodePacket, sceneBody } from '../packets'
import { silentLoggers } from '../../../test/connections/support'
import { entering, me, troubleOf } from './entering'
import { challenge, kicked, packet, roomServer, update, welcome } from './room-server'
import { key } from './vectors'

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
afterEach(() => void vi.useRealTimers())

const alice = key('alice').address_lower
const bob = key('bob').address_lower
const join = (alias: number, address: string) =>
  packet({ $case: 'peerJoinMessage', peerJoinMessage: { alias, address } })
const leave = (alias: number) => packet({ $case: 'peerLeaveMessage', peerLeaveMessage: { alias } })
const body = (text: string) => Buffer.from(text, 'utf8')
const hex = (text: string) => body(text).toString('hex')

/** A session that was let in, with the server's end of it. */
const inside = async (options = {}) => {
  const server = await roomServer()
  onTestFinished(server.stop)
  const { entered, heard } = entering(server.url, options)
  const client = await (await server.clients.next()).admit(7, { 1: alice, 2: bob })
  return { server, session: await entered, client, heard }
}

/** Resolves when everything that was sent before has been received. */
const settled = async (client: {
  send: (...frames: Uint8Array[]) => void
  socket: { ping: (data: Buffer) => void }
  pongs: { next: () => Promise<string> }
}) => {
  client.socket.ping(Buffer.from('done'))
  await client.pongs.next()
}

const kindOf = (frame: Buffer): string => {
  try {
    return decodePacket(frame).case ?? 'unknown'
  } catch {
    return 'bad'
  }
}

describe('a session', () => {
  it('offers rfc5 and no compression', async () => {
    const { server } = await inside()
    expect(server.offered).toEqual(['rfc5'])
  })

  it('gives up a server that never sends its challenge, and one that never welcomes', async () => {
    await using server = await roomServer()
    const first = entering(server.url, { challengeTimeoutMs: 30 })
    const silent = await server.clients.next()
    expect(await troubleOf(first.entered)).toBe('login-timeout')
    await silent.closed

    const second = entering(server.url, { welcomeTimeoutMs: 30 })
    const client = await server.clients.next()
    await client.next()
    client.send(challenge())
    expect(await troubleOf(second.entered)).toBe('login-timeout')
    expect(await client.closed).toBe(1000)
  })

  it('signs no delegation and no price, and leaves', async () => {
    await using server = await roomServer()
    const { entered } = entering(server.url)
    const client = await server.clients.next()
    await client.next()
    client.send(challenge('oracle-price/1\nroom: x\nfeed: ETH/USD\nvalue: 1\nobserved_at: 1\nseq: 1'))
    expect(await troubleOf(entered)).toBe('bad-challenge')
    await client.closed
    expect(client.frames.all).toHaveLength(1)
  })

  it('is put out before the welcome because the room is full, after it because somebody took its place', async () => {
    await using server = await roomServer()
    const { entered } = entering(server.url)
    const client = await server.clients.next()
    await client.next()
    client.send(kicked('Already connected'))
    expect(await troubleOf(entered)).toBe('room-full')

    const { session, client: later } = await inside()
    later.send(kicked('This world is full. Try again later.'))
    const { cause } = await session.closed
    expect(cause).toMatchObject({ trouble: 'replaced', reason: { code: 'REPLACED' } })
    expect(cause?.message).not.toContain('world')
  })

  it('says that its address is connected already', async () => {
    await using server = await roomServer()
    const { entered, heard } = entering(server.url)
    const client = await server.clients.next()
    await client.next()
    client.send(challenge('dcl-1', true))
    await client.next()
    client.send(welcome())
    await entered
    expect(heard.elsewhere).toBe(1)
  })

  it('takes a welcome at once where it may', async () => {
    await using server = await roomServer()
    const { entered } = entering(server.url, { welcomeAtOnce: true })
    const client = await server.clients.next()
    client.send(welcome(3))
    expect((await entered).alias).toBe(3)
  })

  it('sends nothing before the welcome, and updates as sender 0 after it', async () => {
    const { session, client } = await inside()
    expect(client.frames.all).toHaveLength(2)
    expect(session.update(body('x'))).toBe('sent')
    const message = await client.next()
    expect(message).toMatchObject({
      $case: 'peerUpdateMessage',
      peerUpdateMessage: { fromAlias: 0, unreliable: false },
    })
  })

  it('sends frames of up to 16 384 bytes', async () => {
    const { session, client } = await inside()
    expect(session.update(Buffer.alloc(16_378))).toBe('sent')
    expect(await client.frames.next((frame) => frame.length > 1_000)).toHaveLength(16_384)
    expect(session.update(Buffer.alloc(16_379))).toBe('large')
    await settled(client)
    expect(client.frames.all.filter((frame) => frame.length > 1_000)).toHaveLength(1)
  })

  it('sends nothing after its end', async () => {
    const { session } = await inside()
    await session.close()
    expect(session.update(body('x'))).toBe('closed')
  })

  it('leaves with code 1000', async () => {
    const { session, client } = await inside()
    const closing = session.close()
    expect(await client.closed).toBe(1000)
    expect((await closing).code).toBe(1000)
  })

  it('hears the others, and knows who is there', async () => {
    const { session, client, heard } = await inside()
    client.send(update(1, body('a')), join(3, bob.toUpperCase().replace('0X', '0x')), update(3, body('b')))
    client.send(leave(3), update(3, body('c')), leave(3), leave(99), join(1, bob), update(1, body('d')))
    await settled(client)
    expect(heard.updates).toEqual([
      { address: alice, body: hex('a') },
      { address: bob, body: hex('b') },
      { address: bob, body: hex('d') },
    ])
    expect(heard.faults).toEqual(['unknown-peer'])
    expect(session.peers.size).toBe(2)
  })

  it('does not listen to who has no address', async () => {
    await using server = await roomServer()
    const { entered, heard } = entering(server.url)
    const client = await (await server.clients.next()).admit(7, { 1: 'dcl-0.817w5rejjft', 2: alice })
    const session = await entered
    client.send(
      join(3, ''),
      join(4, `${alice}0`),
      update(1, body('a')),
      update(3, body('a')),
      update(4, body('a')),
    )
    await settled(client)
    expect([session.peers.size, heard.updates]).toEqual([1, []])
    expect(heard.faults.sort()).toEqual([
      ...Array<string>(3).fill('refused-peer'),
      ...Array<string>(3).fill('unknown-peer'),
    ])
  })

  it('keeps ten thousand others, and no more', async () => {
    const { session, client, heard } = await inside()
    for (let alias = 100; alias < 10_100; alias++) client.send(join(alias, alice))
    await settled(client)
    expect(session.peers.size).toBe(10_000)
    expect(heard.faults.filter((fault) => fault !== 'flood')).toEqual(['refused-peer', 'refused-peer'])
  })

  it('reads frames in pieces, answers pings, and refuses text', async () => {
    const { client, heard } = await inside()
    const frame = update(1, body('fragmented'))
    client.socket.send(frame.subarray(0, 5), { binary: true, fin: false })
    client.socket.send(frame.subarray(5), { binary: true, fin: true })
    client.socket.send(update(1, body('text')).toString('latin1'))
    await settled(client)
    expect(heard.updates).toEqual([{ address: alice, body: hex('fragmented') }])
    expect(heard.faults).toEqual(['text-frame'])
  })

  it('reads more than 16 384 bytes, up to a body of 64 KiB', async () => {
    const { client, heard } = await inside()
    client.send(update(1, Buffer.alloc(65_536)), update(1, Buffer.alloc(65_537)))
    await settled(client)
    expect(heard.updates.map((each) => each.body.length / 2)).toEqual([65_536])
    expect(heard.faults).toEqual(['large-body'])
  })

  it('gives up on a frame without measure, and on a server that is dead', async () => {
    const { session, client } = await inside()
    client.send(Buffer.alloc(1_048_577))
    expect((await session.closed).code).toBe(1006)

    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { session: other, client: dead } = await inside({ pingEveryMs: 20 })
    dead.socket.pause()
    vi.advanceTimersByTime(3 * 20)
    expect((await other.closed).cause?.message).toBe('The peer left 2 pings unanswered')
  })

  it('drops what a server that does not read would have to be sent, and lives on', async () => {
    const { session, client } = await inside({ maxBufferedBytes: 100_000 })
    client.socket.pause()
    const outcomes = new Set<string>()
    for (let sent = 0; sent < 5_000 && !outcomes.has('full'); sent++)
      outcomes.add(session.update(Buffer.alloc(16_000)))
    expect([...outcomes]).toEqual(['sent', 'full'])
    client.socket.resume()
    await client.frames.next((frame) => frame.length > 16_000)
    await settled(client)
    expect(session.update(body('again'))).toBe('sent')
    await client.frames.next((frame) => frame.includes('again'))
  })

  it('is no member any more when the server cuts it off, with any code or none', async () => {
    for (const end of [1000, 1005, 1011, 4001]) {
      const { session, client } = await inside()
      if (end === 1005) client.socket.close()
      else client.socket.close(end)
      expect((await session.closed).cause).toBeUndefined()
    }
  })

  it('ends at once when it is stopped in the middle of the login', async () => {
    await using server = await roomServer()
    const stopping = new AbortController()
    const { entered } = entering(server.url, {}, stopping.signal)
    const client = await server.clients.next()
    await client.next()
    stopping.abort()
    expect(await troubleOf(entered)).toBe('CONNECTION_CLOSED')
    await client.closed
  })

  it('survives ten thousand mutated frames, each counted or ignored, and goes on', async () => {
    const { session, client, heard } = await inside()
    const samples = [
      update(1, sceneBody('urn:oracle:prices:v1', body('{"v":1}'))),
      join(3, alice),
      leave(3),
      welcome(9, { 1: alice }),
      packet({ $case: 'signedChallengeForServer', signedChallengeForServer: { authChainJson: '[]' } }),
    ]
    const change = fc.tuple(fc.nat(100), fc.nat(255))
    const mutation = fc.tuple(
      fc.constantFrom(...samples),
      fc.array(change, { minLength: 1, maxLength: 5 }),
      fc.nat(120),
    )
    let sent = 0
    for (const [sample, changes, length] of fc.sample(mutation, 10_000)) {
      const whole = Buffer.from(sample)
      for (const [at, byte] of changes) whole[at % whole.length] = byte
      const frame = whole.subarray(0, length)
      // A challenge or a kick is what it is, however it came about, and ends the stay.
      if (['challengeMessage', 'peerKicked'].includes(kindOf(frame))) continue
      client.send(frame)
      if (++sent % 500 === 0) await settled(client)
    }
    client.send(join(1, alice), update(1, body('still here')))
    await settled(client)
    expect(heard.updates.at(-1)).toEqual({ address: alice, body: hex('still here') })
    expect(heard.faults.filter((fault) => fault === 'bad-frame').length).toBeGreaterThan(100)
    expect(session.peers.size).toBeLessThanOrEqual(10_000)
  })
})

describe('who we are', () => {
  it('is told to the server by the account, and proved by the key', async () => {
    const { client } = await inside()
    const [first, second] = client.frames.all
    expect(first?.toString()).toContain(me.owner)
    expect(second?.toString()).toContain('ECDSA_EPHEMERAL')
  })
})
