import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wsProvider, type WsProvider } from '../../../src/testing/ws-provider'
import { outageOf } from '../../../src/transports/capabilities'
import { eventually } from '../../helpers/eventually'
import { elapse } from './held-clock'
import { config, ETH, FAKED, linesAt, logged, type Running, start } from './support'

beforeEach(() => {
  logged.length = 0
  vi.useFakeTimers(FAKED)
})
afterEach(() => void vi.useRealTimers())

const refusedOnce = async (provider: WsProvider, service: Running, status: number) => {
  await service.transport.want(ETH, 'eth')
  await provider.handshake(1)
  await eventually(() => expect(outageOf(service.transport)?.message).toContain(String(status)))
}

const WANTED = { WS_SUBSCRIPTION_TTL: '3600000' }

describe('a refused handshake', () => {
  it.each([
    [429, '30'],
    [503, '30'],
    [503, 'date'],
    [418, '30'],
  ])(
    'with %i and Retry-After (%s) is not repeated before that time, and the client is told',
    async (status, kind) => {
      await using provider = await wsProvider()
      provider.refuse(status, {
        'retry-after': kind === 'date' ? new Date(Date.now() + 31_000).toUTCString() : kind,
      })
      await using service = await start(config(provider.url), WANTED)
      await refusedOnce(provider, service, status)
      const outage = outageOf(service.transport)
      expect(outage).toMatchObject({ code: 'HANDSHAKE_REFUSED' })
      expect(outage?.message).toMatch(
        /^Could not connect: Unexpected server response: \d+; the provider asked for a pause of 3[012](\.\d)? s \(status \d+\)$/,
      )
      const inMs = outage!.nextAttemptUnixMs! - Date.now()
      expect(inMs).toBeGreaterThan(29_000)
      expect(inMs).toBeLessThan(32_000)
      await elapse(29_000)
      expect(provider.handshakes).toBe(1)
      // What the pause forbids counts for nothing.
      expect(outageOf(service.transport)?.nextAttemptUnixMs).toBeCloseTo(outage!.nextAttemptUnixMs!, -2)
      provider.accept()
      await elapse(4_000)
      await (await provider.connection(0)).next()
      expect(provider.handshakes).toBe(2)
      expect(outageOf(service.transport)).toBeUndefined()
    },
  )

  it('with 401 and no Retry-After is repeated slowly, each time later', async () => {
    await using provider = await wsProvider()
    provider.refuse(401)
    await using service = await start(config(provider.url), WANTED)
    await refusedOnce(provider, service, 401)
    await elapse(59_000)
    expect(provider.handshakes).toBe(1)
    await elapse(17_000)
    await provider.handshake(2)
    await eventually(() => {
      const { nextAttemptUnixMs = 0 } = outageOf(service.transport) ?? {}
      expect(nextAttemptUnixMs - Date.now()).toBeGreaterThan(100_000)
    })
    await elapse(100_000, 1_000)
    expect(provider.handshakes).toBe(2)
  })

  it('with 500 is repeated as the settings say', async () => {
    await using provider = await wsProvider()
    provider.refuse(500)
    await using service = await start(config(provider.url), {
      ...WANTED,
      STREAM_HANDLER_RETRY_MIN_MS: '100',
      STREAM_HANDLER_RETRY_EXP_FACTOR: '1',
    })
    await refusedOnce(provider, service, 500)
    await elapse(3_000, 50)
    await provider.handshake(6)
  })

  it('leaves other hosts alone: an adapter that fails over does so as soon as before', async () => {
    await using refusing = await wsProvider()
    await using healthy = await wsProvider()
    refusing.refuse(429, { 'retry-after': '3600' })
    const of = config((_, __, { streamHandlerInvocationsWithNoConnection: count }) =>
      count <= 2 ? refusing.url : healthy.url,
    )
    await using service = await start(of, WANTED)
    await refusedOnce(refusing, service, 429)
    await elapse(3_000)
    await (await healthy.connection(0)).next()
    expect(refusing.handshakes).toBe(1)
  })

  it('of another URL does not cost the connection that there is', async () => {
    await using provider = await wsProvider()
    await using other = await wsProvider()
    other.refuse(429, { 'retry-after': '600' })
    let url = provider.url
    await using service = await start(
      config(() => url),
      WANTED,
    )
    await service.transport.want(ETH, 'eth')
    const first = await provider.connection(0)
    await first.next()
    url = other.url
    await elapse(2_000)
    await other.handshake(1)
    url = provider.url
    await elapse(8_000)
    const second = await provider.connection(1)
    await second.next()
    url = other.url
    await elapse(60_000, 1_000)
    expect(second.isOpen).toBe(true)
    expect(other.handshakes).toBe(1)
  })

  it('tells the author of its error as ever', async () => {
    await using provider = await wsProvider()
    provider.refuse(429)
    const of = config(provider.url)
    const errors: unknown[] = []
    of.handlers.error = (event) => void errors.push(event.message)
    await using service = await start(of, WANTED)
    await refusedOnce(provider, service, 429)
    expect(errors).toEqual(['Unexpected server response: 429'])
    expect(linesAt('warn')).toEqual(['WebSocket error: Unexpected server response: 429'])
  })
})
