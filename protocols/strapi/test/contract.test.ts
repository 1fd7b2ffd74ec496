import { vi } from 'vitest'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type BaseAdapterSettings } from '../../../src/config/settings'
import { type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { serve } from '../../../src/testing/serve'
import { connectionsOf } from '../../../src/transports/capabilities'
import { InputParameters } from '../../../src/validation/input-parameters'
import { closeAndSend, closeAndStay } from '../../../test/contract/late-frame'
import { GUARD_MS, SOON, testTransport } from '../../../test/contract/transport'
import { priceMapping, StrapiPullTransport } from '..'
import { MIN_PAUSE_MS } from '../transfer-schedule'
import { batch, price, PullPeer } from './pull-peer'

const inputParameters = new InputParameters({
  base: { description: 'Base', type: 'string', required: true },
  quote: { description: 'Quote', type: 'string', required: true },
})
type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
}

const params = (n: number) => ({ base: `F${n}`, quote: 'USD' })
const prices = priceMapping()

testTransport('the transport for pulls from Strapi', {
  // The pauses between two pulls are of seconds and minutes.
  fakesTimers: true,
  lacks: {
    'late events':
      'Rows count once their pull is whole. One that has been left never is, whatever it still gets.',
  },
  async start() {
    const peer = await PullPeer.start()
    const transport = new StrapiPullTransport<Types>({
      connection: () => ({ adminUrl: peer.adminUrl, token: 'a-transfer-token-of-tests' }),
      intervalMs: () => 60_000,
      mappings: () => [
        {
          ...prices,
          map(row) {
            if (row.attributes['base'] === 'THROW') throw new Error('a function of an author')
            if (row.attributes['base'] === 'NONE') return null as never
            return prices.map(row)
          },
        },
      ],
    })
    const endpoint = new AdapterEndpoint<Types>({ name: 'price', transport, inputParameters })
    const service = await serve(
      () => new Adapter({ name: 'STRAPI_TEST', defaultEndpoint: 'price', endpoints: [endpoint] }),
      { env: { ...SOON, CACHE_MAX_AGE: '900000', WS_SUBSCRIPTION_TTL: '900000' }, guardMs: GUARD_MS },
    )
    const table = new Map<string, unknown>()
    const isPulling = () => connectionsOf(transport)[0]?.state === 'pulling'
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const rest = async () => {
      while (isPulling()) await turn()
    }
    /** A pull from its beginning to its end, whatever that is. */
    const pull = async (bad: [base: string, value: unknown][] = []) => {
      const rows = [...bad, ...table, ...bad].map(([base, value], at) => price(at + 1, base, value))
      peer.entities = [rows.slice(0, 1), rows.slice(1)]
      await rest()
      await vi.advanceTimersByTimeAsync(MIN_PAUSE_MS)
      await rest()
      const { length } = peer.authorizations
      transport.pullNow()
      await peer.until(() => peer.authorizations.length > length)
      await rest()
    }
    const send = async (n: number, value: number, bad?: [string, unknown][]) => {
      table.set(`F${n}`, value)
      await pull(bad)
    }
    return {
      service,
      params,
      async wanted() {
        // After failures the next pull may be minutes away.
        if (peer.pulls === 0 && peer.authorizations.length > 0) await pull()
        await peer.until(() => peer.pulls > 0)
      },
      send: (n, value) => send(n, value),
      async sendThrowing() {
        await pull([['THROW', 1]])
      },
      sendBroken: (n, value) =>
        send(n, value, [
          ['NONE', 1],
          ['F9', null],
          ['F9', 'no number'],
          ['', 1],
        ]),
      sample: JSON.stringify(batch('the-step', [price(1, 'F0', 1)])),
      async sendHostile(ones) {
        peer.misbehaviours.set('start entities', (socket, { uuid }) => {
          socket.send(JSON.stringify({ uuid, data: { ok: true, id: 'the-step' }, error: null }))
          for (const { kind, bytes } of ones) socket.send(bytes, { binary: kind === 'binary' })
          socket.close()
        })
        await pull()
      },
      async cut() {
        peer.misbehaviours.set('start entities', 'cut')
        await pull()
      },
      async afterGoodbye(n, value) {
        peer.misbehaviours.set('start entities', (socket, { uuid }) => {
          socket.send(JSON.stringify({ uuid, data: { ok: true, id: 'the-step' }, error: null }))
          closeAndSend(socket, 1000, batch('the-step', [price(1, `F${n}`, value)]))
        })
        await pull()
        await pull()
      },
      async announce() {
        peer.misbehaviours.set('start entities', (socket) => closeAndStay(socket, 1001))
        await pull()
      },
      refuse: async () => void peer.refusals.push(...Array<number>(1_000).fill(503)),
      accept: () => void (peer.refusals.length = 0),
      gone: () => peer.until(() => peer.open === 0),
      async end() {
        await service.stop()
        await peer[Symbol.asyncDispose]()
      },
    }
  },
})
