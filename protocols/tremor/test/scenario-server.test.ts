import { get } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type SendResult } from '../events'
import { PeerSocket } from './peer'
import { bytesOf, expectErrorEvent, expectEvent, fill, type Scenario, type Step, unknownStep } from './steps'
import { certificateFiles, listeningServer } from './support'
import { vectorsOf } from './vectors'

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

const plainGet = (port: number, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject)
  })

describe('ws_server, scenarios', () => {
  it.each(vectorsOf<Scenario>('scenario-server.json'))('$id: $title', async ({ definition, steps }) => {
    using files = certificateFiles()
    const names: Record<string, unknown> = { $port: 0, $cert: files.cert, $key: files.key }
    const filled = fill(definition, names)
    await using server = await listeningServer(filled, { limits: { maxMessageBytes: MAX_MESSAGE_BYTES } })
    const { url } = server
    const peers = new Map<string, PeerSocket>()
    const streams = new Map<number, number>()
    let lastSend: SendResult | undefined

    const peer = (step: Step): PeerSocket => peers.get(step.peer ?? 'p1') as PeerSocket
    const settle = async () => {
      for (const one of peers.values()) await one.settled()
    }
    const origin = (name: string): number => {
      const stream = streams.get(names[`$${name}.port`] as number)
      if (stream === undefined) throw new Error(`nothing came from ${name}`)
      return stream
    }
    const operations: Record<string, (step: Step) => unknown> = {
      async peer_connect({ peer: name = '' }) {
        const connected = await PeerSocket.connect(url, { ca: files.text.cert, servername: 'localhost' })
        peers.set(name, connected)
        names[`$${name}.host`] = connected.wire.localAddress
        names[`$${name}.port`] = connected.wire.localPort
      },
      peer_send: (step) => {
        if (step.fragments) peer(step).sendFragments(step.fragments.map(bytesOf), step.kind === 'binary')
        else peer(step).send(step.binary ? bytesOf(step.binary) : (step.text as string))
      },
      peer_send_raw_frame: (step) =>
        peer(step).sendRawFrame(step.opcode as number, bytesOf(step.payload!), step.masked !== false),
      // The header says how long it would be; that is enough to refuse it.
      peer_send_size: (step) => peer(step).sendRawFrame(2, Buffer.alloc(0), true, step.bytes),
      peer_ping: (step) => peer(step).socket.ping(bytesOf(step.payload!)),
      peer_pong: (step) => peer(step).socket.pong(bytesOf(step.payload!)),
      peer_close: (step) => peer(step).socket.close(step.code, step.reason),
      async http_get({ path = '/' }) {
        expect(await plainGet(server.port, path)).toBeGreaterThanOrEqual(400)
      },
      send_event: ({ value, meta, origins = [] }) => {
        lastSend = server.connector.send({
          value: value as string,
          meta: meta ?? {},
          origins: origins.map(origin),
        })
      },
      async expect_event(step) {
        const event = await server.events.next()
        streams.set(event.origin.port, event.origin.stream)
        expectEvent(event, step)
      },
      expect_error_event: async (step) => expectErrorEvent(await server.errors.next(), step),
      async expect_no_event() {
        await settle()
        expect(server.events.all).toHaveLength(taken)
      },
      async expect_frame(step) {
        expect(lastSend).toEqual([])
        const wanted = step.binary ? { binary: bytesOf(step.binary).toString('hex') } : { text: step.text }
        expect(await peer(step).frames.next()).toEqual(wanted)
      },
      async expect_no_frame(step) {
        await peer(step).settled()
        expect(peer(step).frames.all).toEqual([])
      },
      async expect_pong(step) {
        await peer(step).pongs.next((pong) => pong === bytesOf(step.payload!).toString('hex'))
      },
      async expect_open(step) {
        await peer(step).settled()
        expect(peer(step).isOpen).toBe(true)
      },
      async expect_closed(step) {
        expect(await peer(step).closes.next()).toBe(step.code)
      },
      expect_send_failed: () => expect(lastSend).not.toEqual([]),
    }
    let taken = 0
    for (const step of steps) {
      await (operations[step.op] ?? unknownStep)(fill(step, names))
      if (step.op === 'expect_event') taken++
    }
  })
})
