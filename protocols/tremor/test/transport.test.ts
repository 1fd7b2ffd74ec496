import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type ProviderResult, type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { type SubscriptionDeltas } from '../../../src/feeds/delta'
import { serve } from '../../../src/testing/serve'
import { connectionsOf } from '../../../src/transports/capabilities'
import { type TremorOptions, TremorTransport } from '..'
import { InputParameters } from '../../../src/validation/input-parameters'
import { PeerSocket } from './peer'
import { eventually } from './support'

const inputParameters = new InputParameters({ base: { description: 'Base', type: 'string', required: true } })
type Feed = typeof inputParameters.validated
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
}
type Prices = Record<string, number>

const price = (base: string, result: number): ProviderResult<Types> => ({
  params: { base },
  response: { result, data: { result } },
})

const results = (value: unknown) =>
  Object.entries(value as Prices).map(([base, result]) => price(base, result))

/** An adapter on this transport, with everything that is on its way in dealt with when `push` resolves. */
const pushedTo = async (handlers: TremorOptions<Types>['handlers'], stages: object = { codec: 'json' }) => {
  const transport = new TremorTransport<Types>({
    connector: () => ({ type: 'ws_server', definition: { ...stages, config: { url: '127.0.0.1:0' } } }),
    handlers,
  })
  const service = await adapterOn(transport)
  await eventually(() => connectionsOf(transport)[0]?.state === 'listening', 'listening')
  const { url = '' } = connectionsOf(transport)[0] ?? {}
  return {
    transport,
    service,
    connect: () => PeerSocket.connect(url),
    refused: (reason: string) => service.metric('data_refused_total', { app_name: 'PUSHED', reason }),
    result: async (base: string) => (await service.post({ base })).json.result as number,
    [Symbol.asyncDispose]: () => service.stop(),
  }
}

const adapterOn = (transport: TremorTransport<Types>) =>
  serve(
    () =>
      new Adapter({
        name: 'PUSHED',
        defaultEndpoint: 'price',
        endpoints: [
          new AdapterEndpoint<Types>({
            name: 'price',
            inputParameters,
            transport,
            guards: { onlyWanted: false },
          }),
        ],
      }),
    { env: { BACKGROUND_EXECUTE_MS_WS: '10', CACHE_POLLING_MAX_RETRIES: '1' } },
  )

describe('a handler', () => {
  it('IS-1: that throws, or returns what is none, costs its event and nothing else', async () => {
    await using adapter = await pushedTo({
      event({ value }) {
        if (value === 'throw') throw new Error('a handler of an author')
        if (value === 'promise') return Promise.resolve([]) as never
        if (value === 'bad') return [null, {}, price('ETH', 1), { params: { base: 'X' } }] as never
        return undefined
      },
    })
    const peer = await adapter.connect()
    for (const value of ['throw', 'promise', 'nothing', 'bad']) peer.send(JSON.stringify(value))
    await peer.settled()
    expect(peer.isOpen).toBe(true)
    expect(await adapter.result('ETH')).toBe(1)
    expect(await adapter.refused('handler-failed')).toBe(5)
  })

  it('answers the connection that an event came from, or all that contributed', async () => {
    const seen: number[] = []
    await using adapter = await pushedTo({
      event({ value, origin }, { send }) {
        seen.push(origin.stream)
        if (value === 'ack') send({ value: 'taken' })
        if (value === 'all') send({ value: 'everybody', origins: seen })
        return []
      },
    })
    const [one, two] = [await adapter.connect(), await adapter.connect()]
    one.send('"ack"')
    expect(await one.frames.next()).toEqual({ text: '"taken"' })
    two.send('"all"')
    for (const peer of [one, two]) expect(await peer.frames.next()).toEqual({ text: '"everybody"' })
    expect(adapter.transport.send({ value: 1 })).toEqual(['no-such-peer'])
  })

  it('hears of content that cannot be decoded, and may answer it', async () => {
    await using adapter = await pushedTo({
      event: () => [],
      error({ value }, { send }) {
        send({ value: `no: ${value.stream_id}` })
        throw new Error('counted')
      },
    })
    const peer = await adapter.connect()
    peer.send('{')
    expect(await peer.frames.next()).toEqual({ text: '"no: 0"' })
    expect(await adapter.refused('not-decodable')).toBe(1)
    expect(await adapter.refused('handler-failed')).toBe(1)
  })

  it('counts what it can make nothing of', async () => {
    await using adapter = await pushedTo({
      event: (_event, { refuse }) => void refuse('no idea'),
    })
    const peer = await adapter.connect()
    peer.send('1')
    await peer.settled()
    expect(await adapter.refused('not-understood')).toBe(1)
  })

  it('gets what a stream still held when its connection ended', async () => {
    await using adapter = await pushedTo(
      { event: ({ value }) => results(JSON.parse(value as string)) },
      { codec: 'string', preprocessors: ['separate'] },
    )
    const peer = await adapter.connect()
    peer.send('{"ETH":1}\n{"BTC":2}')
    await peer.settled()
    peer.socket.close()
    await adapter.service.until({ base: 'BTC' }, ({ json }) => json.result === 2)
    expect(await adapter.result('ETH')).toBe(1)
  })

  it('ER-2: does not serve an error of one peer over the price of another', async () => {
    await using adapter = await pushedTo({
      event: ({ value }) =>
        value === 'error'
          ? [{ params: { base: 'ETH' }, response: { statusCode: 502, errorMessage: 'no' } }]
          : results(value),
    })
    const peer = await adapter.connect()
    peer.send('{"ETH":1}')
    peer.send('"error"')
    await peer.settled()
    expect(await adapter.result('ETH')).toBe(1)
  })
})

describe('a client', () => {
  it('tells the provider what is wanted: all of it on each new connection, then what changes', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    const peers: PeerSocket[] = []
    server.on('connection', (socket) => peers.push(new PeerSocket(socket)))
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const bases = (feeds: Feed[]) => feeds.map(({ base }) => base)
    const asked: SubscriptionDeltas<Feed>[] = []
    const service = await adapterOn(
      new TremorTransport<Types>({
        connector: () => ({
          type: 'ws_client',
          definition: {
            codec: 'json',
            reconnect: { retry: { interval_ms: 1 } },
            config: { url: `ws://127.0.0.1:${port}` },
          },
        }),
        handlers: { event: ({ value }) => results(value), open: () => [{ value: 'hello' }] },
        requests: (deltas) => {
          asked.push(deltas)
          return [{ value: { on: bases(deltas.new), off: bases(deltas.stale) } }]
        },
      }),
    )
    const next = async (n: number) => {
      const frame = await peers[n]!.frames.next()
      return JSON.parse((frame as { text: string }).text) as unknown
    }
    await eventually(() => peers.length === 1, 'connected')
    expect(await next(0)).toBe('hello')
    const first = service.post({ base: 'ETH' })
    expect(await next(0)).toEqual({ on: ['ETH'], off: [] })
    peers[0]!.send('{"ETH":5}')
    await service.until({ base: 'ETH' }, ({ json }) => json.result === 5)
    await first
    void service.post({ base: 'BTC' })
    expect(await next(0)).toEqual({ on: ['BTC'], off: [] })
    expect(bases(asked[1]!.desired).sort()).toEqual(['BTC', 'ETH'])
    peers[0]!.socket.terminate()
    await eventually(() => peers.length === 2, 'connected again')
    expect(await next(1)).toBe('hello')
    const all = (await next(1)) as { on: string[]; off: string[] }
    expect(all.on.sort()).toEqual(['BTC', 'ETH'])
    await service.stop()
    expect(await peers[1]!.closes.next()).toBe(1000)
    await new Promise((resolve) => server.close(resolve))
  })
})
