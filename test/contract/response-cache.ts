import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { localLayerOf } from '../../src/feeds/local-cache'
import { type ResponseCache } from '../../src/feeds/response-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { errorOf, T, valueOf } from '../feeds/support'
import { type PriceTypes } from '../http/support'

/** A response cache whose values live for {@link LIFE_MS}, in a test's hands. */
export interface ResponseCacheRig {
  responseCache: ResponseCache<PriceTypes>
  /** How many results were refused as not finite. */
  refused: () => number
  /** Lets time pass, wherever it is counted. */
  pass: (ms: number) => Promise<void>
  end: () => Promise<void>
}

/** `CACHE_MAX_AGE` of every rig. */
export const LIFE_MS = 90_000

const HALF_MS = LIFE_MS / 2
const GUARD_MS = 20_000

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }

/** What some response caches do not have, with the reason. No test is made for it. */
export type Lacks = { waiters?: string }

/** What every response cache does, whatever it stores in. */
export const testResponseCache = (
  name: string,
  make: () => Promise<ResponseCacheRig>,
  lacks: Lacks = {},
): void => {
  let rig: ResponseCacheRig

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: 1_700_000_000_000 })
    rig = await make()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await rig.end()
  })

  const keyOf = (params: typeof ETH) => rig.responseCache.getCacheKey(T, params)
  const read = (params: typeof ETH) => rig.responseCache.get(keyOf(params))

  describe(`${name}, as every response cache,`, () => {
    it('CA-1: gives what was written last', async () => {
      const { responseCache } = rig
      expect(await read(ETH)).toBeUndefined()
      await responseCache.write(T, [valueOf(ETH, 1), valueOf(BTC, 2), valueOf(ETH, 3)])
      expect(await read(ETH)).toMatchObject({ result: 3, data: { result: 3 }, statusCode: 200 })
      expect(await read(BTC)).toMatchObject({ result: 2 })
      await responseCache.write(T, [valueOf(ETH, 4)])
      expect(await read(ETH)).toMatchObject({ result: 4 })
    })

    it('CA-2: gives nothing when its time is over', async () => {
      await rig.responseCache.write(T, [valueOf(ETH, 1)])
      await rig.pass(HALF_MS)
      expect(await read(ETH)).toMatchObject({ result: 1 })
      await rig.pass(HALF_MS)
      expect(await read(ETH)).toBeUndefined()
    })

    it('17.4: never lets an error take the place of a live success, nor of its time', async () => {
      const { responseCache } = rig
      await responseCache.write(T, [valueOf(ETH, 1)])
      await rig.pass(HALF_MS)
      await responseCache.write(T, [errorOf(ETH, 'down')])
      const error: AdapterResponse = { ...errorOf(ETH, 'down').response, statusCode: 502 }
      await responseCache.writeEntries([{ key: keyOf(ETH), value: error as never }])
      expect(await read(ETH)).toMatchObject({ result: 1 })
      await rig.pass(HALF_MS)
      expect(await read(ETH)).toBeUndefined()
    })

    it('ER-2: gives the error that comes once the value has expired', async () => {
      const { responseCache } = rig
      await responseCache.write(T, [valueOf(ETH, 1)])
      await rig.pass(LIFE_MS)
      await responseCache.write(T, [errorOf(ETH, 'down', 503)])
      expect(await read(ETH)).toMatchObject({ errorMessage: 'down', statusCode: 503 })
    })

    it('ER-3: lets a value, or another error, take the place of an error', async () => {
      const { responseCache } = rig
      await responseCache.write(T, [errorOf(ETH, 'down')])
      await responseCache.write(T, [errorOf(ETH, 'still down')])
      expect(await read(ETH)).toMatchObject({ errorMessage: 'still down' })
      await responseCache.write(T, [valueOf(ETH, 2)])
      expect(await read(ETH)).toMatchObject({ result: 2 })
    })

    it('gives live responses a longer life when it is told to, and those that are gone none', async () => {
      const { responseCache } = rig
      await responseCache.write(T, [valueOf(ETH, 1), valueOf(BTC, 2)])
      await rig.pass(HALF_MS)
      await responseCache.writeTTL(T, [ETH, { base: 'NEVER', quote: 'SEEN' }], LIFE_MS)
      await rig.pass(HALF_MS)
      expect(await read(ETH)).toMatchObject({ result: 1 })
      await responseCache.writeTTL(T, [BTC], LIFE_MS)
      expect(await read(BTC)).toBeUndefined()
      await rig.pass(HALF_MS)
      expect(await read(ETH)).toBeUndefined()
    })

    it('ends the life of a response when it is told to', async () => {
      const { responseCache } = rig
      await responseCache.write(T, [valueOf(ETH, 1), valueOf(BTC, 2)])
      await responseCache.writeTTL(T, [ETH], 0)
      expect(await read(ETH)).toBeUndefined()
      expect(await read(BTC)).toMatchObject({ result: 2 })
      await responseCache.write(T, [errorOf(ETH, 'gone')])
      expect(await read(ETH)).toMatchObject({ errorMessage: 'gone' })
    })

    it('takes entries under keys of their own, for as long as values', async () => {
      const { responseCache } = rig
      const entry = (key: string, result: number) => {
        const value: unknown = { ...valueOf(ETH, result).response, statusCode: 200 }
        return { key, value: value as never }
      }
      await responseCache.writeEntries([entry('mine', 1), entry('yours', 2)])
      await responseCache.writeEntries([])
      await rig.pass(HALF_MS)
      expect(await responseCache.get('mine')).toMatchObject({ result: 1 })
      expect(await responseCache.get('yours')).toMatchObject({ result: 2 })
      await rig.pass(HALF_MS)
      expect(await responseCache.get('mine')).toBeUndefined()
    })

    it('IS-1: loses a result that is no number alone, and counts it', async () => {
      const { responseCache } = rig
      await responseCache.write(T, [valueOf(ETH, 1)])
      await responseCache.write(T, [valueOf(ETH, NaN), valueOf(BTC, 2), valueOf(ETH, Infinity)])
      expect(await read(ETH)).toMatchObject({ result: 1 })
      expect(await read(BTC)).toMatchObject({ result: 2 })
      expect(rig.refused()).toBe(2)
    })

    if (lacks.waiters === undefined)
      it('ER-6: wakes those who wait for what is written, and nobody else', async () => {
        const { responseCache } = rig
        const { waiters } = localLayerOf(responseCache.cache)!
        const waiting = [waiters.wait(keyOf(ETH), GUARD_MS), waiters.wait(keyOf(ETH), GUARD_MS)]
        const away = new AbortController()
        const other = waiters.wait(keyOf(BTC), GUARD_MS, away.signal)
        await responseCache.write(T, [valueOf(ETH, 1)])
        expect(await Promise.all(waiting)).toMatchObject([{ result: 1 }, { result: 1 }])
        expect(waiters.size).toBe(1)
        away.abort()
        expect(await other).toBeUndefined()
      })
  })
}
