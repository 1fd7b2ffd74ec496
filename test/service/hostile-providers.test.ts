import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually } from '../helpers/eventually'
import { hostile } from '../helpers/hostile'
import { endAll, launch, PATIENCE_MS, post } from './service-process'

const SEEDS = 2
const VENUES = {
  coinbase: (price: number) => ({
    type: 'ticker',
    product_id: 'ETH-USD',
    sequence: price,
    price: `${price}`,
    best_bid: `${price}`,
    best_ask: `${price}`,
    time: new Date().toISOString(),
    trade_id: price,
  }),
  kraken: (price: number) => ({
    channel: 'ticker',
    type: 'update',
    data: [
      {
        symbol: 'ETH/USD',
        bid: price,
        ask: price,
        last: price,
        volume: 1,
        vwap: price,
        low: price,
        high: price,
        timestamp: new Date().toISOString(),
      },
    ],
  }),
}

afterEach(endAll)

it(
  'IS-2: neither bytes of providers nor of clients end the process, which answers all the while and ends with 0 when it is told to',
  async () => {
    await using coinbase = await wsProvider()
    await using kraken = await wsProvider()
    const providers = { coinbase, kraken }
    const service = launch({
      ADAPTERS: 'coinbase,kraken',
      COINBASE_WS_API_ENDPOINT: coinbase.url,
      KRAKEN_WS_API_ENDPOINT: kraken.url,
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      CACHE_POLLING_MAX_RETRIES: '0',
    })
    const url = await service.url()
    const body = { data: { base: 'ETH', quote: 'USD' } }
    for (let seed = 0; seed < SEEDS; seed++)
      for (const [name, provider] of Object.entries(providers)) {
        const sample = JSON.stringify(VENUES[name as keyof typeof VENUES](1_000))
        const ones = fc.sample(hostile(sample), 25)
        await post(`${url}/${name}`, body)
        const connection = await provider.connection()
        for (const { kind, bytes } of ones) {
          connection.send(kind === 'text' ? String(bytes) : bytes)
          if (bytes.length > 10_000) continue
          const headers = { 'content-type': 'application/json' }
          const { status } = await fetch(`${url}/${name}`, { method: 'POST', headers, body: bytes })
          expect([200, 400, 404, 413, 504]).toContain(status)
        }
        connection.destroy()
        expect((await fetch(`${url}/live`)).status).toBe(200)
      }
    for (const name of Object.keys(providers))
      await eventually(async () => expect([200, 504]).toContain((await post(`${url}/${name}`, body)).status))
    expect(service.lines.filter(({ level }) => level === 'fatal')).toEqual([])
    service.signal('SIGTERM')
    expect(await service.exit).toBe(0)
    expect(service.stderr).toBe('')
  },
  PATIENCE_MS,
)
