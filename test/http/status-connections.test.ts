import { expect, it } from 'vitest'
import { type ConnectionStatus } from '../../src/connections/connection-status'
import { type StatusResponse } from '../../src/http/status'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { CONNECTIONS } from '../../src/transports/capabilities'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { eventually } from '../helpers/eventually'
import { config, ETH, run, subscribe, tick, type Types } from '../transports/websocket/support'
import { stillAdapter, StillTransport } from './support'

const endpointOf = async ({ api }: Served) =>
  (await api.inject('/status')).json<StatusResponse>().endpoints[0]!

it('/status shows a stream while it is idle, open, and lost, with the next attempt', async () => {
  await using provider = await wsProvider()
  const transport = new WebSocketTransport<Types>(config(`${provider.url}/feed?key=hidden-in-the-url`))
  await using service = await run(transport)
  const shown = async () => (await endpointOf(service)).connections
  expect(await shown()).toMatchObject([
    { transport: 'default_single_transport', role: 'client', state: 'idle' },
  ])
  const asked = service.post(ETH)
  const connection = await provider.connection()
  expect(await connection.next()).toBe(subscribe(ETH)[0])
  connection.send(tick(ETH))
  await asked
  expect(await shown()).toMatchObject([
    {
      state: 'open',
      url: `${provider.url}/feed`,
      opened: 1,
      details: { subscriptions: 1, messages: 1, lastMessageUnixMs: transport.lastMessageReceivedAt },
    },
  ])
  await provider.stop()
  await eventually(async () =>
    expect(await shown()).toMatchObject([
      {
        state: 'waiting',
        lastError: { code: 'CONNECTION_REFUSED', unixMs: expect.any(Number) as number },
        nextAttemptUnixMs: expect.any(Number) as number,
        details: { subscriptions: 0 },
      },
    ]),
  )
  expect(JSON.stringify(await endpointOf(service))).not.toContain('hidden-in-the-url')
})

it('/status is as the contract has it on the contract’s harness', async () => {
  await using provider = await wsProvider()
  await using service = await run(new WebSocketTransport<Types>(config(provider.url)))
  service.adapter.givesReasons = false
  expect(await endpointOf(service)).not.toHaveProperty('connections')
})

it('/status shows 50 connections of an endpoint, those that are not open first, and how many others there are', async () => {
  const peer = (at: number): ConnectionStatus => ({
    role: 'peer',
    state: at < 55 ? 'open' : 'closing',
    peer: String(at),
    sinceUnixMs: 1,
  })
  class Peers extends StillTransport {
    [CONNECTIONS] = () => Array.from({ length: 60 }, (_, at) => peer(at))
  }
  await using service = await serve(stillAdapter({ transport: new Peers() }).adapter)
  const { connections, otherConnections } = await endpointOf(service)
  expect(otherConnections).toBe(10)
  const names = Array.from({ length: 60 }, (_, at) => String(at))
  expect(connections?.map((one) => one.peer)).toEqual([...names.slice(55), ...names.slice(0, 45)])
})
