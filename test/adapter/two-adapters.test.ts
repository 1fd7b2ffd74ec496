import { expect, it } from 'vitest'
import { LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { serve } from '../../src/testing/serve'
import { type AdapterDependencies } from '../../src/transports/transport'
import { stillAdapter } from '../http/support'
import { collectLogs } from '../redis/redis-support'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { processOf } from '../service/redis-support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0', METRICS_ENABLED: 'true' }

it('ID-7: adapters with the same endpoints and parameters share a cache and a process, and nothing else', async () => {
  const cache = new LocalCache<AdapterResponse>(100)
  const start = async (name: Uppercase<string>) => {
    const { adapter, transport } = stillAdapter({ adapter: { name } })
    const dependencies = { cache } as unknown as Partial<AdapterDependencies>
    return { transport, service: await serve(adapter, { env: AT_ONCE, dependencies }), name }
  }
  const [one, two] = [await start('ONE'), await start('TWO')]
  await using first = one.service
  await using second = two.service
  await one.transport.put(ETH, 1)
  expect([(await first.post(ETH)).json.result, (await second.post(ETH)).statusCode]).toEqual([1, 504])
  await two.transport.put(ETH, 2)
  for (let time = 0; time < 3; time++)
    expect([(await first.post(ETH)).json.result, (await second.post(ETH)).json.result]).toEqual([1, 2])
  await second.post(BTC)
  expect([await one.transport.wanted(), await two.transport.wanted()]).toEqual([[ETH], [ETH, BTC]])
  const hits = (app_name: string) => first.metric('cache_data_get_count', { app_name })
  expect([await hits('ONE'), await hits('TWO')]).toEqual([4, 3])
})

describeWithRedis('adapters of one Redis', () => {
  it('ID-7: have their own values, subscriptions and locks there', async () => {
    await using redis = await redisServer()
    const start = (name: Uppercase<string>) =>
      processOf(() => stillAdapter({ adapter: { name } }), redis.port, 'reader-writer', {
        CACHE_POLLING_MAX_RETRIES: '0',
        CACHE_LOCK_DEFERRAL_MS: '0',
      })
    collectLogs()
    await using one = await start('ONE')
    await using two = await start('TWO')
    expect([await one.adapter.lockAcquiredPromise, await two.adapter.lockAcquiredPromise]).toEqual([
      true,
      true,
    ])
    await one.transport.put(ETH, 1)
    expect((await two.post(ETH)).statusCode).toBe(504)
    await two.transport.put(ETH, 2)
    await two.post(BTC)
    expect([(await one.post(ETH)).json().result, (await two.post(ETH)).json().result]).toEqual([1, 2])
    expect([await one.transport.wanted(), await two.transport.wanted()]).toEqual([[ETH], [ETH, BTC]])
  })
})
