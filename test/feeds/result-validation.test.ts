import { afterEach, describe, expect, it, vi } from 'vitest'
import { CompareResponseCache } from '../../src/feeds/compare-response-cache'
import { refusedResult } from '../../src/feeds/result-validation'
import { SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type PriceTypes } from '../http/support'
import { CACHES, errorOf, responseCacheOf, type Results, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
type Result = Results[number]

const started: { stop(): void }[] = []
afterEach(() => {
  for (const one of started.splice(0)) one.stop()
})

const FRONTS = [
  { front: 'an endpoint', inFront: (cache: SimpleResponseCache<PriceTypes>) => cache },
  {
    front: 'a child of a composite',
    inFront: (cache: SimpleResponseCache<PriceTypes>) => new CompareResponseCache(T, cache, () => true),
  },
  {
    front: 'a child of a child',
    inFront: (cache: SimpleResponseCache<PriceTypes>) =>
      new CompareResponseCache(T, new CompareResponseCache(T, cache, () => true), () => true),
  },
]
const CASES = CACHES.flatMap((cache) => FRONTS.map((front) => ({ ...cache, ...front })))

describe.each(CASES)('contract 18.2: what is written $way, by $front', ({ makeCache, inFront }) => {
  const make = (resultValidator: (result: Result) => unknown) => {
    const made = responseCacheOf({ cache: makeCache() })
    started.push(made.responseCache)
    made.responseCache.resultValidator = resultValidator as never
    const written = inFront(made.responseCache)
    const served = (params = ETH) => made.cache.get(written.getCacheKey(T, params))
    const refused = (reason: string) => made.responseCache.refusalsOf(T).count(reason)
    return { ...made, written, served, refused }
  }

  it('is what the validator makes of it, asked once for each result', async () => {
    const doubled = vi.fn(({ params }: Result) => valueOf(params, 2))
    const { written, served } = make(doubled)
    const given = [valueOf(ETH, 1), errorOf(BTC, 'down')]
    await written.write(T, given)
    expect(doubled.mock.calls).toEqual(given.map((result) => [result]))
    expect([await served(), await served(BTC)]).toMatchObject([{ result: 2 }, { result: 2 }])
  })

  it('is an error in its place, counted, and never in the place of a live value', async () => {
    const { written, served, refused } = make((result: Result) =>
      result.response.result === 0 ? refusedResult(result, 'no zero') : result,
    )
    await written.write(T, [valueOf(ETH, 0), valueOf(BTC, 5)])
    const { timestamps } = valueOf(ETH, 0).response
    const times = { ...timestamps, providerDataReceivedUnixMs: expect.any(Number) as number }
    expect(await served()).toMatchObject({ statusCode: 502, errorMessage: 'no zero', timestamps: times })
    await written.write(T, [valueOf(BTC, 0)])
    expect(await served(BTC)).toMatchObject({ result: 5 })
    expect(refused('invalid-result')).toBe(2)
    await written.write(T, [errorOf(ETH, 'down')])
    expect(refused('invalid-result')).toBe(2)
  })

  it.each<[string, (result: Result) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('oops')
      },
    ],
    ['returns nothing', () => undefined],
    ['returns a promise', (result) => Promise.resolve(result)],
    ['returns a promise that is rejected', () => Promise.reject(new Error('late'))],
    ['returns no params', ({ response }) => ({ response })],
    ['returns no response', ({ params }) => ({ params })],
  ])('IS-1: costs its own result only where the validator %s', async (_way, bad) => {
    const { written, served, refused } = make((result) =>
      result.params.base === 'ETH' ? bad(result) : result,
    )
    await written.write(T, [valueOf(ETH, 1), valueOf(BTC, 2)])
    await written.write(T, [valueOf(ETH, 3)])
    expect(await served()).toBeUndefined()
    expect(await served(BTC)).toMatchObject({ result: 2 })
    expect(refused('handler-failed')).toBe(2)
  })

  it('keeps the times of a result whose validator forgot them', async () => {
    const { written, served } = make(({ params }) => ({
      params,
      response: { statusCode: 418, errorMessage: 'x' },
    }))
    await written.write(T, [valueOf(ETH, 1, 5)])
    expect(await served()).toMatchObject({ statusCode: 418, timestamps: { providerIndicatedTimeUnixMs: 5 } })
  })

  it('ID-5: is not what the validator gets, so that the handler keeps its own', async () => {
    const { written } = make((result) => refusedResult(result, 'no'))
    const given = valueOf(ETH, 1)
    await written.write(T, [given])
    expect(given.response).toMatchObject({ result: 1, data: { result: 1 } })
    expect(given.response).not.toHaveProperty('errorMessage')
  })
})

describe.each(CACHES)("contract 18.2: an author's own response cache, $way", ({ makeCache }) => {
  const order: string[] = []
  afterEach(() => void order.splice(0))
  const make = (Own: typeof SimpleResponseCache<PriceTypes>) => {
    const { responseCache, cache } = responseCacheOf({ cache: makeCache() })
    const own = new Own(responseCache)
    started.push(responseCache, own)
    own.resultValidator = (result) => {
      order.push('validated')
      return result
    }
    return { own, served: () => cache.get(own.getCacheKey(T, ETH)) }
  }

  it('implements _write, and gets there what is valid', async () => {
    class Own extends SimpleResponseCache<PriceTypes> {
      protected override async _write(transportName: string, results: Results): Promise<void> {
        order.push('written')
        await super._write(
          transportName,
          results.map(({ params }) => valueOf(params, 7)),
        )
      }
    }
    const { own, served } = make(Own)
    expect(own.isImmediate).toBe(false)
    await own.write(T, [valueOf(ETH, 1)])
    expect(order).toEqual(['validated', 'written'])
    expect(await served()).toMatchObject({ result: 7 })
  })

  it('may still override write, as up to 2.18', async () => {
    class Own extends SimpleResponseCache<PriceTypes> {
      override async write(transportName: string, results: Results): Promise<void> {
        order.push('written')
        await super.write(transportName, results)
      }
    }
    const { own, served } = make(Own)
    expect(own.isImmediate).toBe(false)
    await own.write(T, [valueOf(ETH, 1)])
    expect(order).toEqual(['written', 'validated'])
    expect(await served()).toMatchObject({ result: 1 })
  })
})
