import { expect, it } from 'vitest'
import { createAdapter as createCoinbase } from '../../endpoints/coinbase'
import { type Adapter } from '../../src/adapter/adapter'
import { simulatedExchange } from '../../src/testing/simulated-exchange'
import { describeWithRedis, redisServer } from '../helpers/redis-server'
import { type Mode, processOf } from './redis-support'

describeWithRedis('an adapter with Redis whose names are told apart by letter case', () => {
  it('ID-1: keeps letter case there where it counts, and serves a reader the price of the asset that is meant', async () => {
    await using redis = await redisServer()
    await using exchange = await simulatedExchange({
      tradeIntervalMs: 0,
      products: { 'USDe-USD': 1, 'USDE-USD': 777 },
    })
    const coinbase = (mode: Mode) =>
      processOf(() => ({ adapter: createCoinbase() as unknown as Adapter }), redis.port, mode, {
        COINBASE_WS_API_ENDPOINT: exchange.url,
      })
    await using writer = await coinbase('writer')
    await using reader = await coinbase('reader')
    expect(writer.api).toBeUndefined()
    for (let time = 0; time < 2; time++)
      for (const [base, result] of [
        ['USDe', 1],
        ['USDE', 777],
      ] as const)
        expect((await reader.post({ base, quote: 'USD' })).json().result).toBe(result)
    const name = 'COINBASE-price-default_single_transport'
    const keys = await redis.client.keys(`${name}-{*`)
    expect(keys.sort()).toEqual(['USDE', 'USDe'].map((base) => `${name}-{"base":"${base}","quote":"USD"}`))
    expect((await redis.client.zrange(`${name}-subscriptionSet`, 0, '-1')).sort()).toEqual(
      ['USDE', 'USDe'].map((base) => `{"base":"${base}","quote":"USD"}`),
    )
  })
})
