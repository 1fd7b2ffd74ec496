import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { serve } from '../../../src/testing/serve'
import { InputParameters } from '../../../src/validation/input-parameters'
import { closeAndSend, closeAndStay } from '../../../test/contract/late-frame'
import { GUARD_MS, SOON, testTransport } from '../../../test/contract/transport'
import { type BelievedPrice, WsRoomTransport } from '..'
import { roomNameOf } from '../connection-string'
import { sceneBody } from '../packets'
import { encodePrice, priceText } from '../price'
import { challenge, type Client, roomServer, update } from './room-server'
import { identityOf, key, keyOf } from './vectors'

const inputParameters = new InputParameters({ base: { description: 'Base', type: 'string', required: true } })
type Types = {
  Parameters: typeof inputParameters.definition
  Response: { Result: number; Data: { result: number } }
  Settings: BaseAdapterSettings
}

const params = (n: number) => ({ base: `F${n}` })

const response = ({ feed, value, observedAt }: BelievedPrice) => {
  if (feed === 'THROW/USD') throw new Error('a function of an author')
  if (feed === 'NONE/USD') return null as never
  const result = feed === 'NAN/USD' ? NaN : Number(value)
  return { result, data: { result }, timestamps: { providerIndicatedTimeUnixMs: observedAt } }
}

const adapterOf = (connectionString: string) => () =>
  new Adapter({
    name: 'WS_ROOM_TEST',
    defaultEndpoint: 'price',
    endpoints: [
      new AdapterEndpoint<Types>({
        name: 'price',
        inputParameters,
        guards: { onlyWanted: false },
        transport: new WsRoomTransport<Types>({
          options: () => ({
            place: { connectionString },
            ...keyOf('dave'),
            signers: [key('alice').address_checksum],
            sceneId: 'urn:oracle:prices:v1',
            allowPlaintext: true,
          }),
          paramsOf: (feed) => ({ base: feed.replace('/USD', '') }),
          response,
        }),
      }),
    ],
  })

testTransport('the transport for rooms', {
  async start() {
    const script: Parameters<typeof roomServer>[0] = { protocol: 'rfc5' }
    const server = await roomServer(script)
    const service = await serve(adapterOf(server.connectionString), { env: SOON, guardMs: GUARD_MS })
    const alice = identityOf('alice')
    let seq = 0
    let observedAt = Date.now() - 10_000
    let current: Promise<Client> | undefined
    const client = () =>
      (current ??= server.clients.next().then((one) => one.admit(7, { 1: key('alice').address_lower })))

    const packetOf = (base: string, value: number): Buffer => {
      const price = { feed: `${base}/USD`, value: `${value}`, observedAt: ++observedAt, seq: ++seq }
      const chain = alice.vouchFor(priceText(roomNameOf(server.url), price))
      return update(1, sceneBody('urn:oracle:prices:v1', encodePrice(price, chain)))
    }
    const leave = async () => {
      if (current === undefined) return
      const { socket, closed } = await current
      current = undefined
      socket.close(1001)
      await closed
    }
    return {
      service,
      params,
      wanted: async () => void (await client()),
      send: async (n, value) => (await client()).send(packetOf(`F${n}`, value)),
      sendThrowing: async () => (await client()).send(packetOf('THROW', 1)),
      // A packet is one price: the bad ones are packets of their own.
      async sendBroken(n, value) {
        const bad = [packetOf('NONE', 1), packetOf('NAN', 1), Buffer.from('ff', 'hex')]
        ;(await client()).send(...bad, packetOf(`F${n}`, value), ...bad)
      },
      sample: packetOf('F0', 1),
      async sendHostile(ones) {
        const { socket } = await client()
        for (const { kind, bytes } of ones) socket.send(bytes, { binary: kind === 'binary' })
      },
      cut: leave,
      async late(n, value) {
        const old = await client()
        current = undefined
        // In one breath: a second challenge is against the rules, and it has left when the price comes.
        old.send(challenge(), packetOf(`F${n}`, value))
        await old.closed
      },
      async afterGoodbye(n, value) {
        const { socket, closed } = await client()
        current = undefined
        closeAndSend(socket, 1001, packetOf(`F${n}`, value))
        await closed
      },
      async announce() {
        const { socket } = await client()
        current = undefined
        closeAndStay(socket, 1001)
      },
      async refuse() {
        script.refuse = 503
        await leave()
      },
      accept: () => void delete script.refuse,
      gone: async () => void (await Promise.all(server.clients.all.map(({ closed }) => closed))),
      async end() {
        await service.stop()
        await server.stop()
      },
    }
  },
})
