import { expect, it } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { eventually } from '../../helpers/eventually'
import { config, type Params, start, subscribe, tick } from './support'

const FEEDS = 10_000
const MOST_IN_A_TASK = 500

/** Counts what is done in one task, and knows the most that it ever was. */
const perTask = () => {
  let now = 0
  const counted = { most: 0, hit: () => void (counted.most = Math.max(counted.most, ++now)) }
  const reset = () => {
    now = 0
    timer = setImmediate(reset)
  }
  let timer = setImmediate(reset)
  return Object.assign(counted, { [Symbol.dispose]: () => clearImmediate(timer) })
}

it('RS-5: ten thousand feeds are subscribed in slices, each once, and the delay of the loop is exported', async () => {
  using task = perTask()
  await using provider = await wsProvider()
  const subscribeMessage = (params: Params) => {
    task.hit()
    return subscribe(params)[0]
  }
  const of = config(provider.url, { builders: { subscribeMessage } })
  await using service = await start(of, {
    SUBSCRIPTION_SET_MAX_ITEMS: `${FEEDS}`,
    CACHE_POLLING_MAX_RETRIES: '0',
  })
  const params = (feed: number) => ({ base: `F${feed}`, quote: 'USD' })
  const { subscriptionSet, responseCache, name } = service.transport
  for (let feed = 0; feed < FEEDS; feed++)
    void subscriptionSet.add(params(feed), 900_000, responseCache.getCacheKey(name, params(feed)))
  const connection = await provider.connection()
  await eventually(() => expect(connection.received.length).toBeGreaterThanOrEqual(FEEDS))
  const all = Array.from({ length: FEEDS }, (_, feed) => params(feed))
  expect(connection.received).toEqual(subscribe(...all))
  connection.send(tick(params(FEEDS - 1), 1))
  await service.until(params(FEEDS - 1), ({ json }) => json.result === 1)
  expect(task.most).toBeGreaterThan(0)
  expect(task.most).toBeLessThanOrEqual(MOST_IN_A_TASK)
  expect(await service.metric('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
})
