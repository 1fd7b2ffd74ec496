import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { Inbox } from '../../../src/testing/inbox'
import { type SendResult } from '../events'
import { type WsClient } from '../ws-client'
import { PeerSocket } from './peer'
import { bytesOf, expectErrorEvent, expectEvent, fill, type Scenario, type Step, unknownStep } from './steps'
import { certificateFiles, running } from './support'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { vectorsOf } from './vectors'

/** A provider on loopback that takes connections or cuts them. */
const provider = async (tls: { cert: string; key: string } | undefined) => {
  const accepted = new Inbox<PeerSocket>('a connection', GUARD_MS)
  const server: Server = tls === undefined ? createHttpServer() : createHttpsServer(tls)
  const sockets = new WebSocketServer({ server })
  const wires = new Set<Socket>()
  const state = { refusals: 0 }
  sockets.on('connection', (socket) => accepted.put(new PeerSocket(socket)))
  server.prependListener('connection', (wire: Socket) => {
    wires.add(wire)
    wire.on('error', () => {})
    if (state.refusals-- > 0) wire.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    accepted,
    port: (server.address() as AddressInfo).port,
    refuse: (times: number) => (state.refusals = times),
    [Symbol.asyncDispose]: async () => {
      for (const wire of wires) wire.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('ws_client, scenarios', () => {
  it.each(vectorsOf<Scenario>('scenario-client.json'))('$id: $title', async ({ definition, steps }) => {
    using files = certificateFiles()
    const isTls = JSON.stringify(definition).includes('wss:')
    await using srv = await provider(isTls ? files.text : undefined)
    const names: Record<string, unknown> = { $port: srv.port, $ca: files.cert, '$peer.host': '127.0.0.1' }
    await using client = await running<WsClient>({ type: 'ws_client', definition: fill(definition, names) })
    const { connector } = client
    let connection: PeerSocket | undefined
    let lastSend: SendResult | undefined
    let taken = 0

    const current = () => connection as PeerSocket
    /** Lets the wait that is on be over, and not a moment earlier. */
    const passWait = async (): Promise<number> => {
      await client.until(() => connector.status()[0]?.state === 'waiting', 'waiting')
      const { nextAttemptUnixMs = NaN } = connector.status()[0] ?? {}
      const waitMs = nextAttemptUnixMs - Date.now()
      vi.advanceTimersByTime(waitMs - 1)
      expect(connector.status()[0]?.state).toBe('waiting')
      vi.advanceTimersByTime(1)
      return waitMs
    }
    const accept = async ({ after_ms_at_least: least = 0 }: Step) => {
      if (connection === undefined) connector.start()
      else expect(await passWait()).toBeGreaterThanOrEqual(least)
      connection = await srv.accepted.next()
      await client.until(() => connector.state === 'connected', 'connected')
    }
    const operations: Record<string, (step: Step) => unknown> = {
      srv_accept: accept,
      srv_accept_tls: () => {
        connector.start()
        if (steps[1]?.op === 'expect_attempt_failed') return undefined
        return srv.accepted.next().then(async (one) => {
          connection = one
          await client.until(() => connector.state === 'connected', 'connected')
        })
      },
      srv_refuse: async ({ times = 1 }) => {
        srv.refuse(times)
        connector.start()
        await client.until(() => connector.status()[0]?.state === 'waiting', 'the first attempt has failed')
      },
      srv_send: ({ text, binary }) => current().send(binary ? bytesOf(binary) : (text as string)),
      srv_ping: ({ payload }) => current().socket.ping(bytesOf(payload!)),
      srv_close: ({ code }) => current().socket.close(code),
      srv_drop: () => current().wire.resetAndDestroy(),
      send_event: ({ value, meta = {} }) => {
        lastSend = connector.send({ value: value as string, meta })
      },
      async expect_event(step) {
        expectEvent(await client.events.next(), step)
        taken++
      },
      expect_error_event: async (step) => expectErrorEvent(await client.errors.next(), step),
      async expect_no_event() {
        await current().settled()
        expect(client.events.all).toHaveLength(taken)
      },
      async expect_srv_frame({ text, binary }) {
        expect(lastSend).toEqual([])
        const wanted = binary ? { binary: bytesOf(binary).toString('hex') } : { text }
        expect(await current().frames.next()).toEqual(wanted)
      },
      async expect_srv_pong({ payload }) {
        await current().pongs.next((pong) => pong === bytesOf(payload!).toString('hex'))
      },
      expect_state: ({ state }) => client.until(() => connector.state === state, `state ${state}`),
      expect_circuit: ({ state }) =>
        client.until(() => connector.circuit.state === state, `circuit ${state}`),
      async expect_attempts({ count, waits_ms }) {
        const waits: number[] = []
        while (waits.length < (waits_ms?.length ?? 0)) waits.push(await passWait())
        await client.until(() => connector.state === 'failed', 'given up')
        expect(waits).toEqual(waits_ms)
        expect(client.states.all.filter((state) => state === 'connecting')).toHaveLength(count ?? NaN)
      },
      expect_attempt_failed: () => client.until(() => connector.state === 'failed', 'a failed attempt'),
      expect_send_failed: () => expect(lastSend).toEqual(['not-connected']),
    }
    for (const step of steps) await (operations[step.op] ?? unknownStep)(fill(step, names))
  })
})
