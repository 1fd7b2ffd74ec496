import { Authenticator } from '@dcl/crypto'
import { WsPacket } from '@dcl/protocol/out-js/decentraland/kernel/comms/rfc5/ws_comms.gen'
import { beforeAll, describe, expect, it } from 'vitest'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { entering, me, troubleOf } from './entering'
import { type Client, roomServer } from './room-server'
import { bytesOf, type TraceEvent, traces } from './vectors'

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))

/** Every connection of every trace, by itself. */
const conversations = traces().flatMap(({ file, events }) => {
  const names = new Set(events.flatMap(({ conn }) => conn ?? []))
  return [...names].map((name) => [file, name, events.filter(({ conn }) => conn === name)] as const)
})

const isSent = ({ event, dir }: TraceEvent) => event === 'frame' && dir === 's2c'
const packets = (events: readonly TraceEvent[]) =>
  events.filter(isSent).map((event) => WsPacket.decode(bytesOf(event)).message)

/** What must have come of a conversation, by what the recorded server said in it. */
const expectedOf = (events: readonly TraceEvent[]) => {
  let peers: Map<number, string> | undefined
  let alias = 0
  let end: string | undefined
  const updates: { address: string; body: string }[] = []
  for (const message of packets(events)) {
    switch (message?.$case) {
      case 'welcomeMessage':
        alias = message.welcomeMessage.alias
        peers = new Map(
          Object.entries(message.welcomeMessage.peerIdentities).map(([at, address]) => [Number(at), address]),
        )
        break
      case 'peerJoinMessage':
        peers?.set(message.peerJoinMessage.alias, message.peerJoinMessage.address)
        break
      case 'peerLeaveMessage':
        peers?.delete(message.peerLeaveMessage.alias)
        break
      case 'peerUpdateMessage': {
        const { fromAlias, body } = message.peerUpdateMessage
        const address = peers?.get(fromAlias)
        if (address !== undefined) updates.push({ address, body: Buffer.from(body).toString('hex') })
        break
      }
      case 'peerKicked':
        end = peers === undefined ? 'room-full' : 'replaced'
        break
      // The login itself is watched by the player.
      case 'challengeMessage':
      case 'signedChallengeForServer':
      case 'peerIdentification':
      case undefined:
    }
  }
  const isAddress = (address: string) => /^0x[0-9a-f]{40}$/i.test(address)
  const heardOf = updates.filter(({ address }) => isAddress(address))
  const others = [...(peers ?? [])].filter(([, address]) => isAddress(address))
  return { alias, peers: peers && others.map(([at]) => at), updates: heardOf, end }
}

/** Plays the server's part of a conversation, waiting for the client where the recorded one had to. */
const play = async (client: Client, events: readonly TraceEvent[], leave: () => void): Promise<void> => {
  const awaited = new Set(['peerIdentification'])
  let challenge = ''
  for (const event of events) {
    if (isSent(event)) {
      const message = WsPacket.decode(bytesOf(event)).message
      if (message?.$case === 'challengeMessage') {
        challenge = message.challengeMessage.challengeToSign
        awaited.add('signedChallengeForServer')
      }
      client.send(bytesOf(event))
    } else if (event.event === 'frame' && awaited.delete(event.decoded?.case ?? '')) {
      const message = await client.next()
      expect(message.$case).toBe(event.decoded?.case)
      if (message.$case === 'peerIdentification') expect(message.peerIdentification.address).toBe(me.owner)
      if (message.$case === 'signedChallengeForServer') {
        const chain = JSON.parse(message.signedChallengeForServer.authChainJson) as never
        expect(await Authenticator.validateSignature(challenge, chain, null)).toEqual({ ok: true })
      }
    } else if (event.event === 'ping' && event.dir === 's2c') {
      client.socket.ping(Buffer.from(event.hex ?? '', 'hex'))
      expect(await client.pongs.next()).toBe(event.hex ?? '')
    } else if (event.event === 'close_sent') {
      leave()
      await client.closed
    } else if (event.event === 'close') {
      if (event.code === 1005) client.socket.close()
      else if (event.code === 1007) client.socket.close(1007)
      else if (event.code === 1006) client.socket.terminate()
    }
  }
}

describe('a conversation with a real server', () => {
  it.each(conversations)('comes to what it must: %s, %s', async (_file, name, events) => {
    const refused = events.find(({ event }) => event === 'http_response')
    const protocol = name === 'p-none' ? undefined : 'rfc5'
    await using server = await roomServer({ protocol, ...(refused && { refuse: refused.status }) })
    const isUnreachable = events.some(({ event }) => event === 'error') && packets(events).length === 0
    if (isUnreachable && !events.some(({ event }) => event === 'open') && refused === undefined)
      await server.stop()
    const leaving = new AbortController()
    const { entered, heard } = entering(server.url, {}, leaving.signal)
    if (refused !== undefined) return expect(await troubleOf(entered)).toBe('HANDSHAKE_REFUSED')
    if (!events.some(({ event }) => event === 'open'))
      return expect(await troubleOf(entered)).toBe('CONNECTION_REFUSED')

    const expected = expectedOf(events)
    const isLeaving = events.some(({ event }) => event === 'close_sent')
    const leave = () => {
      if (expected.peers === undefined) leaving.abort()
      else void entered.then((session) => session.close())
    }
    const playing = server.clients.next().then((client) => play(client, events, leave))
    if (expected.peers === undefined) {
      const trouble = isLeaving ? 'CONNECTION_CLOSED' : (expected.end ?? 'login-refused')
      expect(await troubleOf(entered)).toBe(trouble)
      return playing
    }
    const session = await entered
    const { cause } = await session.closed
    await playing
    expect(session.alias).toBe(expected.alias)
    expect(expected.peers.map((alias) => session.peers.get(alias) !== undefined)).toEqual(
      expected.peers.map(() => true),
    )
    expect(session.peers.size).toBe(expected.peers.length)
    expect(heard.updates).toEqual(expected.updates)
    expect((cause as { trouble?: string } | undefined)?.trouble).toBe(expected.end)
    // Everything that a real server sends is understood; what comes of strangers may be dropped.
    expect(heard.faults.filter((fault) => fault !== 'unknown-peer' && fault !== 'refused-peer')).toEqual([])
    expect(server.offered).toEqual(['rfc5'])
  })
})
