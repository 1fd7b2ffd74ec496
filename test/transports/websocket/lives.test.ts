import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { BTC, config, ETH, FAKED, start, tick } from './support'

beforeEach(() => void vi.useFakeTimers(FAKED))
afterEach(() => void vi.useRealTimers())

const LIFE_MS = 20_000
const BEAT_MS = 5_000
const ENV = { CACHE_MAX_AGE: String(LIFE_MS), WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '60000' }

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('how long a feed of a connection lives', () => {
  it('FR-3: is not told by the ticks of another feed on it', async () => {
    await using provider = await wsProvider()
    provider.onMessage((text, connection) => connection.send(tick(text === '+ETH/USD' ? ETH : BTC, 100)))
    await using service = await start(config(provider.url), ENV)
    expect((await service.post(ETH)).json.result).toBe(100)
    expect((await service.post(BTC)).json.result).toBe(100)
    const connection = await provider.connection()
    for (let price = 101; price < 111; price++) {
      await advance(LIFE_MS / 10 - 1)
      connection.send(tick(ETH, price))
      await service.until(ETH, ({ json }) => json.result === price)
      expect((await service.post(BTC)).json.result).toBe(100)
    }
    await advance(10)
    service.adapter.settings.CACHE_POLLING_MAX_RETRIES = 0
    expect((await service.post(ETH)).json.result).toBe(110)
    expect((await service.post(BTC)).statusCode).toBe(504)
  })

  it('FR-4: is not told by what we send, or try, ourselves', async () => {
    await using provider = await wsProvider()
    provider.onMessage((text, connection) => {
      if (text.startsWith('+ETH')) connection.send(tick(ETH, 100))
    })
    const of = config(provider.url)
    of.handlers.heartbeat = (socket) => {
      socket.ping()
      socket.send('beat')
    }
    await using service = await start(of, { ...ENV, WS_HEARTBEAT_INTERVAL_MS: String(BEAT_MS) })
    expect((await service.post(ETH)).json.result).toBe(100)
    const connection = await provider.connection()
    service.adapter.settings.CACHE_POLLING_MAX_RETRIES = 0
    expect(await connection.next()).toBe('+ETH/USD')
    for (let beat = 1; beat < LIFE_MS / BEAT_MS; beat++) {
      await advance(BEAT_MS)
      expect(await connection.next()).toBe('beat')
      // Another subscription is asked for, and never answered.
      await service.post({ base: `X${beat}`, quote: 'USD' })
      expect(await connection.next()).toBe(`+X${beat}/USD`)
      expect((await service.post(ETH)).json.result).toBe(100)
    }
    await advance(BEAT_MS)
    expect((await service.post(ETH)).statusCode).toBe(504)
  })
})
