import { EventSource } from 'eventsource'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { outageOf } from '../../../src/transports/capabilities'
import { eventually } from '../../helpers/eventually'
import { elapse } from '../websocket/held-clock'
import { SseProvider } from './provider'
import { config, logged, type Running, start } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => void vi.useRealTimers())

const ETH = { base: 'ETH' }
const WANTED = { SSE_SUBSCRIPTION_TTL: '3600000', BACKGROUND_EXECUTE_MS_SSE: '1000' }

const refusedOnce = async (provider: SseProvider, service: Running) => {
  await service.transport.want(ETH, 'eth')
  await provider.until(() => provider.asked === 1)
  await eventually(() => expect(outageOf(service.transport)?.nextAttemptUnixMs).toBeDefined())
  return outageOf(service.transport)!
}

describe('a stream that is refused', () => {
  it.each([
    [429, '30'],
    [503, '30'],
    [429, 'date'],
  ])(
    'with %i and Retry-After (%s) is not asked for before that time, and the client is told',
    async (status, kind) => {
      await using provider = await SseProvider.start()
      provider.answer = status
      provider.headers = {
        'retry-after': kind === 'date' ? new Date(Date.now() + 31_000).toUTCString() : kind,
      }
      if (kind === 'date') provider.headers.date = new Date().toUTCString()
      await using service = await start(config(provider.url), WANTED)
      const outage = await refusedOnce(provider, service)
      expect(outage.code).toBe('REQUEST_FAILED')
      expect(outage.message).toMatch(
        /^The provider answered with status \d+; the provider asked for a pause of 3[012](\.\d)? s \(status \d+\)$/,
      )
      expect(outage.nextAttemptUnixMs! - Date.now()).toBeGreaterThan(28_000)
      await elapse(29_000)
      expect(provider.asked).toBe(1)
      expect(outageOf(service.transport)).toMatchObject({ message: outage.message })
      provider.answer = 'stream'
      await elapse(4_000)
      await provider.connection(0)
      expect(provider.asked).toBe(2)
      await eventually(() => expect(outageOf(service.transport)).toBeUndefined())
    },
  )

  it('is left alone by the class of its status where nothing is said, whoever made the class of the stream', async () => {
    for (const dependencies of [{}, { eventSource: EventSource }]) {
      await using provider = await SseProvider.start()
      provider.answer = 401
      await using service = await start(config(provider.url), WANTED, dependencies)
      await refusedOnce(provider, service)
      await elapse(59_000, 500)
      expect(provider.asked).toBe(1)
      await elapse(17_000, 500)
      await provider.until(() => provider.asked === 2)
    }
  })

  it('at another URL does not cost the stream that there is', async () => {
    await using provider = await SseProvider.start()
    await using other = await SseProvider.start()
    other.answer = 429
    let url = other.url
    await using service = await start(
      config(() => url),
      WANTED,
    )
    await refusedOnce(other, service)
    url = provider.url
    await elapse(3_000)
    const stream = await provider.connection(0)
    url = other.url
    await elapse(10_000)
    expect(stream.isGone()).toBe(false)
    expect(other.asked).toBe(1)
  })
})
