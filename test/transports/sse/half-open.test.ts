import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { outageOf } from '../../../src/transports/capabilities'
import { elapse } from '../websocket/held-clock'
import { FAKED } from '../websocket/support'
import { SseProvider } from './provider'
import { config, linesAt, logged, start } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

const ETH = { base: 'ETH' }
const BTC = { base: 'BTC' }
const PATIENT = {
  BACKGROUND_EXECUTE_MS_SSE: '1000',
  SSE_SUBSCRIPTION_TTL: '3600000',
  SSE_KEEPALIVE_SLEEP: '120000',
  WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '5000',
}

describe('a stream that stays open', () => {
  it('CN-2: and brings nothing for the limit is let go and replaced, with all that is wanted, and named meanwhile', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), PATIENT)
    await service.post(ETH)
    await service.post(BTC)
    const first = await provider.connection(0)
    await provider.until(() => provider.calls.flatMap(({ body }) => body).length === 2)
    first.event('tick', [{ base: 'ETH', price: 5 }])
    await service.until(ETH, ({ json }) => json.result === 5)
    await elapse(4_000)
    expect(provider.asked).toBe(1)
    provider.answer = 'never'
    await elapse(3_000)
    await provider.until(() => provider.asked === 2)
    expect(outageOf(service.transport)).toMatchObject({ code: 'UNRESPONSIVE' })
    await first.gone
    provider.answer = 'stream'
    while (provider.streams.length < 2) await elapse(250)
    const second = await provider.connection(1)
    await provider.until(() => provider.calls.at(-1)?.body.length === 2)
    second.event('tick', [{ base: 'BTC', price: 6 }])
    await service.until(BTC, ({ json }) => json.result === 6)
    expect(linesAt('info')).toContain('Replacing the stream: nothing usable for too long')
  })

  it('CN-3: is kept for as long as anything usable comes, for whatever feed', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), PATIENT)
    await service.post(ETH)
    await service.post(BTC)
    const stream = await provider.connection(0)
    for (let price = 1; price < 6; price++) {
      stream.event('tick', [{ base: 'ETH', price }])
      await service.until(ETH, ({ json }) => json.result === price)
      await elapse(4_000)
    }
    expect(provider.asked).toBe(1)
  })

  it('is not blamed for the time in which nothing was wanted', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url), { ...PATIENT, SSE_SUBSCRIPTION_TTL: '1000' })
    await service.post(ETH)
    await provider.request(0)
    await elapse(30_000)
    expect((await provider.request(1)).path).toBe('/unsubscribe')
    await service.post(ETH)
    await provider.request(2)
    await elapse(500)
    expect(provider.asked).toBe(1)
  })
})
