import { expect, it, vi } from 'vitest'
import { localLayerOf } from '../../src/feeds/local-cache'
import { type RedisCache } from '../../src/redis/redis-cache'
import { wsProvider } from '../../src/testing/ws-provider'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { eventually } from '../helpers/eventually'
import { acme, ETH } from './redis-support'

const REFUSED = { statusCode: 504, text: expect.stringContaining('"code":"CONNECTION_REFUSED"') as string }

/** Where nothing listens. */
const refusing = async (): Promise<string> => {
  const provider = await wsProvider()
  await provider.stop()
  return provider.url
}

type Process = Awaited<ReturnType<typeof acme>>

const cacheOf = ({ adapter }: Process) => adapter.cache as unknown as RedisCache
const waiting = ({ adapter }: Process) => localLayerOf(adapter.cache)!.waiters.size

/** The waits of all these processes would last until the test has failed. */
describeWithRedis('a request for a feed of a refused port, with Redis', () => {
  it('ER-5: does not wait where this process holds the lease, nor while nobody does', async () => {
    await using redis = await redisServer()
    const url = await refusing()
    await using holder = await acme(redis.port, 'reader-writer', url, { CACHE_LOCK_DEFERRAL_MS: '0' })
    expect(await holder.adapter.lockAcquiredPromise).toBe(true)
    for (let time = 0; time < 3; time++) expect(await holder.post(ETH)).toMatchObject(REFUSED)
    await using other = await acme(redis.port, 'reader-writer', url, { CACHE_PREFIX: 'other' })
    for (let time = 0; time < 3; time++) expect(await other.post(ETH)).toMatchObject(REFUSED)
    expect([waiting(holder), waiting(other)]).toEqual([0, 0])
  })

  it('waits where another process holds the lease, and gets what that one writes', async () => {
    await using redis = await redisServer()
    await using provider = await wsProvider()
    await using old = await acme(redis.port, 'reader-writer', provider.url, { CACHE_LOCK_DEFERRAL_MS: '0' })
    expect(await old.adapter.lockAcquiredPromise).toBe(true)
    await using next = await acme(redis.port, 'reader-writer', await refusing())
    const asksWhetherOthers = vi.spyOn(cacheOf(next), 'mayOthersWrite')
    const asked = next.post(ETH)
    await eventually(() => expect(asksWhetherOthers).toHaveResolvedWith(true))
    expect(waiting(next)).toBe(1)
    const socket = await provider.connection()
    await socket.next()
    socket.send({ s: 'ETH/USD', p: 7 })
    expect((await asked).json().result).toBe(7)
  })

  it('waits in a process that only reads, which has no word from the writer', async () => {
    await using redis = await redisServer()
    await using reader = await acme(redis.port, 'reader', await refusing())
    const asked = reader.post(ETH)
    await eventually(() => expect(waiting(reader)).toBe(1))
    const key = 'ACME-price-default_single_transport-{"base":"eth","quote":"usd"}'
    await redis.client.set(
      key,
      JSON.stringify({ result: 7, data: { result: 7 }, statusCode: 200 }),
      'PX',
      60_000,
    )
    expect((await asked).json().result).toBe(7)
  })
})
