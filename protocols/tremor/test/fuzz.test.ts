import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Link, type LinkClose, type LinkListener } from '../../../src/connections/link'
import { ConnectorStream } from '../connector-stream'
import { parseServerDefinition } from '../definition'
import { PeerSocket } from './peer'
import { eventually, listeningServer, serverDefinition } from './support'

const FRAMES = 10_000

const seeds = [
  '{"base":"ETH","quote":"USD","price":1800.5,"time":1700000000000}',
  '[{"base":"ETH","price":"1"},{"__proto__":{"a":1}}]',
  'spot,base=ETH,quote=USD last=1800.25 1700000000000000000\n',
  '12 hello world!3 abc',
  'aGVsbG8=\nYQ==\n',
  '\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0005hello',
].map((text) => Buffer.from(text))

/** A frame of a good peer with something wrong in it: bytes changed, cut out, doubled or put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(
      fc.tuple(fc.nat({ max: 80 }), fc.nat({ max: 255 }), fc.constantFrom('set', 'cut', 'twice', 'insert')),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  )
  .map(([seed, changes]) =>
    changes.reduce((frame, [place, byte, change]) => {
      const at = frame.length === 0 ? 0 : place % frame.length
      const [before, after] = [frame.subarray(0, at), frame.subarray(at)]
      if (change === 'cut') return before
      if (change === 'twice') return Buffer.concat([before, after, after])
      return Buffer.concat([before, Buffer.from([byte]), change === 'set' ? after.subarray(1) : after])
    }, seed),
  )

/** A connection without a socket. */
const stream = (stages: object) => {
  let listener: LinkListener | undefined
  let isOpen = true
  const told: string[] = []
  const { inbound, outbound } = parseServerDefinition(serverDefinition({}, stages))
  let pulls = 0
  const link = {
    peer: { host: '127.0.0.1', port: 1 },
    local: { host: '127.0.0.1', port: 2 },
    closed: new Promise<LinkClose>(() => {}),
    listen: (one: LinkListener) => (listener = one),
    pause: () => {},
    resume: () => {},
    close: () => (isOpen = false),
  } as unknown as Link
  const setup = {
    kind: 'ws_server' as const,
    alias: 'a',
    isTls: false,
    inbound,
    outbound,
    reading: { messagesPerSecond: Infinity, bytesPerSecond: Infinity, busyShare: 1 },
    nextPullId: () => pulls++,
    onEvent: () => told.push('event'),
    onError: () => told.push('error'),
    onFault: () => {},
    onExcess: () => {},
  }
  new ConnectorStream(setup, link, 0, { name: 'p', rank: 1 }, 1001).listen()
  return {
    told,
    isOpen: () => isOpen,
    feed: (frame: Buffer) => listener?.message(frame, false),
    end: () => listener?.close?.({ code: 1006, reason: '' }),
  }
}

describe('frames with something wrong in them', () => {
  it.each([
    [{ codec: 'json' }],
    [{ codec: 'json', preprocessors: ['separate'] }],
    [{ codec: 'influx', preprocessors: ['separate', 'remove-empty'] }],
    [{ codec: 'string', preprocessors: ['textual-length-prefixed'] }],
    [{ codec: 'string', preprocessors: ['length-prefixed'] }],
    [{ codec: 'binary', preprocessors: ['separate', 'base64'] }],
    [{ codec: 'msgpack' }],
    [{ codec: 'json', preprocessors: ['decompress'] }],
  ])('cost themselves and nothing else: %j', (stages) => {
    let current = stream(stages)
    fc.assert(
      fc.property(mutated, (frame) => {
        // One that has lost its place is closed, and the peer comes back.
        if (!current.isOpen()) {
          current.end()
          current = stream(stages)
        }
        current.feed(frame)
      }),
      { numRuns: FRAMES },
    )
    const good = stream(stages)
    for (const seed of seeds) good.feed(seed)
    good.end()
    expect(good.told.length).toBeGreaterThan(0)
  })

  it('cost their connection where the framing itself is broken, and nobody else', async () => {
    await using server = await listeningServer(serverDefinition())
    const witness = await PeerSocket.connect(server.url)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 2, maxLength: 40 }), async (bytes) => {
        const peer = await PeerSocket.connect(server.url)
        peer.wire.write(bytes)
        peer.wire.end()
        await peer.closes.next()
      }),
      { numRuns: 100 },
    )
    witness.send('"still here"')
    await server.events.next(({ value }) => value === 'still here')
    await eventually(() => server.connector.status().length === 2, 'the listener and the witness')
  })
})
