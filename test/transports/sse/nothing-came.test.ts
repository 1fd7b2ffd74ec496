import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Reason } from '../../../src/validation/reason'
import { eventually } from '../../helpers/eventually'
import { SseProvider } from './provider'
import { config, type Params, type Running, start } from './support'

const AT = Date.parse('2026-03-01T12:00:00.000Z')

/** Only the date is held: what is waited for here is real. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: AT }))
afterEach(() => void vi.useRealTimers())

const reasonOf = async (service: Running, params: Params) =>
  (await service.post(params)).json.error?.reason as Reason | undefined

const ETH = { base: 'ETH' }
const BTC = { base: 'BTC' }

describe('a client that waits for a feed for which no event came', () => {
  it('is told since when the stream is open and the feed subscribed, and whether anything has come', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post(BTC)
    await provider.request(0)
    await eventually(async () => expect((await reasonOf(service, BTC))?.code).toBe('NO_DATA'))
    vi.setSystemTime(AT + 5_000)
    await service.post(ETH)
    await provider.request(1)
    await eventually(async () =>
      expect(await reasonOf(service, ETH)).toEqual({
        code: 'NO_DATA',
        class: 'provider',
        message:
          'Connected since 2026-03-01T12:00:00.000Z, this feed subscribed since 2026-03-01T12:00:05.000Z; ' +
          'received on this connection so far: no value at all, for this feed 0 values',
        sinceUnixMs: AT + 5_000,
      }),
    )
    vi.setSystemTime(AT + 7_000)
    provider.streams[0]!.event('tick', [{ base: 'BTC', price: 5 }])
    await eventually(async () =>
      expect((await reasonOf(service, ETH))?.message).toContain(
        'so far: values, the last at 2026-03-01T12:00:07.000Z, for this feed 0 values',
      ),
    )
  })

  it('is told that it is early, while the request that subscribes it is not answered', async () => {
    await using provider = await SseProvider.start()
    provider.statusOf = () => 'never'
    await using service = await start(config(provider.url))
    await service.post(ETH)
    await provider.request(0)
    expect(await reasonOf(service, ETH)).toMatchObject({
      code: 'NO_DATA_YET',
      message: expect.stringContaining('this feed not yet subscribed') as string,
      sinceUnixMs: AT,
    })
  })

  it('is told of a failed subscription and of a lost stream before that', async () => {
    await using provider = await SseProvider.start()
    await using service = await start(config(provider.url))
    await service.post(ETH)
    await eventually(async () => expect((await reasonOf(service, ETH))?.code).toBe('NO_DATA'))
    provider.statusOf = () => 500
    await service.post(BTC)
    await eventually(async () => expect((await reasonOf(service, ETH))?.code).toBe('SUBSCRIBE_FAILED'))
    provider.answer = 'never'
    provider.streams[0]!.end()
    await eventually(async () => expect((await reasonOf(service, ETH))?.code).toBe('CONNECTION_CLOSED'))
  })
})
