import { type IncomingMessage, request as httpRequest, Agent } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { WebSocketTransport } from '../../src/public/transports'
import { serve, type Reply } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually, PATIENT } from '../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from '../transports/http/support'
import { JSON_HEADERS, priceParameters, type PriceTypes, stillAdapter, StillTransport, WAYS } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Its background work never comes to an end, and neither does what a request makes it do. */
class HungTransport extends StillTransport {
  foregrounds = 0
  override backgroundHandler(): Promise<void> {
    return new Promise(() => {})
  }

  foregroundExecute(): Promise<void> {
    this.foregrounds++
    return new Promise(() => {})
  }
}

const ask = (url: string, agent: Agent, base: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ data: { base, quote: 'USD' } })
    const req = httpRequest(url, { method: 'POST', agent, headers: JSON_HEADERS }, (res: IncomingMessage) => {
      let text = ''
      res.on('data', (chunk: Buffer) => (text += chunk.toString()))
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: text }))
    })
    req.on('error', reject)
    req.end(body)
  })

describe.each(WAYS)('HT-8: while every provider hangs, where requests are $way', ({ requestTransforms }) => {
  it('known values and errors are answered, though no clock moves and others wait for their first value', async () => {
    const transport = new HungTransport()
    await using provider = await wsProvider()
    provider.hang()
    const stream = new WebSocketTransport<PriceTypes & { Provider: { WsMessage: object } }>({
      url: () => provider.url,
      handlers: { message: () => [] },
      builders: { subscribeMessage: ({ base }) => ({ sub: base }) },
    })
    const endpoint = new AdapterEndpoint({
      name: 'stream',
      inputParameters: priceParameters(),
      transport: stream,
    })
    const { adapter } = stillAdapter({
      transport,
      endpoint: { requestTransforms },
      adapter: { endpoints: [endpoint] },
    })
    await using service = await serve(adapter, { listen: true, env: PATIENT })
    await transport.put(ETH, 5)
    await transport.putError(BTC, 502, 'down')
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const waiting: Promise<Reply>[] = Array.from({ length: 200 }, (_, n) =>
      service.post({ base: `S${n}`, quote: 'USD' }, { endpoint: 'stream' }),
    )
    await provider.handshake(1)
    const stuck = Array.from({ length: 20 }, (_, n) => service.post({ base: `F${n}`, quote: 'USD' }))
    await eventually(() => expect(transport.foregrounds).toBe(20))
    // From here on nothing that waits for a timer comes to an end.
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] })
    for (let round = 0; round < 125; round++) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, n) => ask(service.url!, agent, n % 2 ? 'ETH' : 'BTC')),
      )
      for (const [n, { status, body }] of answers.entries()) {
        expect(status).toBe(n % 2 ? 200 : 502)
        expect(body).toContain(n % 2 ? '"result":5' : '"errorMessage":"down"')
      }
    }
    // A thousand answers asked nothing of any provider.
    expect([transport.foregrounds, provider.handshakes]).toEqual([20, 1])
    vi.useRealTimers()
    agent.destroy()
    void Promise.allSettled([...waiting, ...stuck])
  }, 60_000)
})

describe('HT-5: a flood for one feed', () => {
  it('is one request to an HTTP provider, whose answer is for all', async () => {
    let answer!: () => void
    const answered = new Promise<void>((resolve) => (answer = resolve))
    await using provider = await httpProvider(async (_path, n) => {
      if (n === 1) await answered
      return { body: { price: 5 } }
    })
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env: PATIENT })
    const asked = Array.from({ length: 2_000 }, () => service.post({ base: 'ETH' }))
    await provider.seen(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(provider.asked).toHaveLength(1)
    answer()
    const results = new Set((await Promise.all(asked)).map(({ json }) => json.result as number))
    expect([...results]).toEqual([5])
  }, 60_000)
})
