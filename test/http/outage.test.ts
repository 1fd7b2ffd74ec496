import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { elapse } from '../transports/websocket/held-clock'
import { eventually } from '../helpers/eventually'
import { makeAcme } from '../testing/acme'

const ETH = { base: 'ETH', quote: 'USD' }

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: 1_700_000_000_000,
  })
})
afterEach(() => void vi.useRealTimers())

it.each([
  ['of no essential feed', {}, 200],
  ['of an essential feed', { READY_ESSENTIAL_FEEDS: JSON.stringify([{ data: ETH }]) }, 503],
])(
  'LC-7: an outage of the provider %s makes its feeds bad and liveness never, readiness only where they are essential',
  async (_, essential, ready) => {
    await using provider = await wsProvider()
    const env = {
      WS_API_ENDPOINT: provider.url,
      CACHE_POLLING_MAX_RETRIES: '0',
      WS_SUBSCRIPTION_TTL: '3600000',
    }
    await using service = await serve(makeAcme, { env: { ...env, ...essential } })
    const pages = async () =>
      Promise.all(
        ['/live', '/ready', '/health'].map(async (url) => (await service.api.inject(url)).statusCode),
      )
    await service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send({ s: 'ETH/USD', p: 5 })
    await eventually(async () => expect((await service.post(ETH)).statusCode).toBe(200))
    expect(await pages()).toEqual([200, 200, 200])
    provider.refuse()
    connection.close(1_011)
    await connection.closed
    // Half an hour of it: liveness has its limits in seconds.
    for (let minute = 0; minute < 30; minute++) {
      await elapse(60_000, 20_000)
      expect((await pages())[0]).toBe(200)
    }
    expect((await service.post(ETH)).statusCode).toBe(504)
    expect(await pages()).toEqual([200, ready, 200])
  },
)
