import { Agent, request } from 'node:http'
import { expect, it } from 'vitest'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually } from '../helpers/eventually'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import {
  config,
  ETH,
  inputParameters,
  loggerFactory,
  tick,
  type Types,
} from '../transports/websocket/support'

/** Feeds that are asked for, as fast as it goes: few of those of the night. */
const ASKED = process.env['SCENARIOS'] === 'long' ? 100_000 : 3_000
const CAPACITY = 1_000
/** Requests under way at a time. */
const CLIENTS = 200
const EVERY = 100

interface Answer {
  status: number | undefined
  body: { result?: number; error?: { reason?: { code: string; class: string; message: string } } }
}

const post = (url: string, agent: Agent, data: object): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, body: JSON.parse(text) as Answer['body'] }),
      )
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ data }))
  })

it('Greedy client: of far more feeds than may be, those beyond the capacity are refused at once by name, and a feed that is there is served all along', async () => {
  await using provider = await wsProvider()
  provider.onMessage((text, connection) => {
    if (text === '+ETH/USD') connection.send(tick(ETH, 7))
  })
  const make = () => {
    const transport = new WebSocketTransport<Types>(config(provider.url, { firstDataMs: 3_600_000 }))
    const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
    return new Adapter({ name: 'TEST', defaultEndpoint: 'price', endpoints: [endpoint] })
  }
  await using service = await serve(make, {
    env: {
      SUBSCRIPTION_SET_MAX_ITEMS: String(CAPACITY),
      // Nobody is answered by the end of a wait, and a client that had to wait for a refusal would not be answered at all.
      CACHE_POLLING_MAX_RETRIES: '20',
      CACHE_POLLING_SLEEP_MS: '1000',
      WS_SUBSCRIPTION_TTL: '3600000',
      CACHE_MAX_AGE: '3600000',
      WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '180000',
    },
    dependencies: { loggerFactory },
    listen: true,
  })
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS + CAPACITY })
  const url = service.url!
  try {
    expect((await post(url, agent, ETH)).body.result).toBe(7)
    // These wait for a value that will not come: they are what the capacity is for.
    const waiting = Array.from({ length: CAPACITY - 1 }, (_, at) =>
      post(url, agent, { base: `W${at}`, quote: 'USD' }).catch(() => undefined),
    )
    await eventually(async () => {
      const received = provider.connections.flatMap((connection) => connection.received)
      expect(new Set(received).size).toBe(CAPACITY)
    })
    const reasons = new Map<string, number>()
    const served: (number | undefined)[] = []
    let next = 0
    const client = async () => {
      while (next < ASKED) {
        const at = next++
        const isKnown = at % EVERY === 0
        const { body } = await post(url, agent, isKnown ? ETH : { base: `G${at}`, quote: 'USD' })
        const { code, class: cause } = body.error?.reason ?? {}
        if (isKnown) served.push(body.result)
        else reasons.set(`${cause} ${code}`, (reasons.get(`${cause} ${code}`) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    // SB-10: refused by name, not silently; and none of those that are in was put out.
    expect([...reasons]).toEqual([['capacity CAPACITY', ASKED - ASKED / EVERY]])
    expect(new Set(served)).toEqual(new Set([7]))
    const sent = provider.connections.flatMap((connection) => connection.received)
    expect(new Set(sent).size).toBe(CAPACITY)
    expect(await service.metric('subscriptions_refused_total')).toBeGreaterThanOrEqual(ASKED - ASKED / EVERY)
    agent.destroy()
    await Promise.all(waiting)
  } finally {
    agent.destroy()
  }
}, 600_000)
