import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Freshness } from '../../src/feeds/freshness'
import { type GuardOptions } from '../../src/feeds/guards'
import { LocalCache } from '../../src/feeds/local-cache'
import { type AdapterResponse } from '../../src/feeds/responses'
import { SimpleResponseCache } from '../../src/feeds/simple-response-cache'
import { type AdapterSettings } from '../../src/config/settings'
import { type PriceTypes } from '../http/support'
import { responseCacheOf, T, valueOf } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => void vi.advanceTimersByTime(ms)

interface Declared {
  guards?: GuardOptions
  freshness?: Freshness
  fields?: readonly string[]
  settings?: Partial<AdapterSettings>
}

/** An endpoint's cache that declares this, and what is served from it. */
const make = ({ settings, ...declared }: Declared) => {
  const { responseCache: model } = responseCacheOf({ settings: { CACHE_MAX_AGE: 90_000, ...settings } })
  const cache = new LocalCache<AdapterResponse>(100)
  const responseCache = new SimpleResponseCache<PriceTypes>({
    dependencies: { cache: cache as never },
    adapterSettings: model.adapterSettings,
    adapterName: 'TEST',
    endpointName: 'price',
    inputParameters: model.inputParameters,
    ...declared,
  })
  const key = responseCache.getCacheKey(T, ETH)
  const tick = (response: object, indicated?: number) => {
    const { timestamps } = valueOf(ETH, 1, indicated).response
    return responseCache.write(T, [{ params: ETH, response: { ...response, timestamps } as never }])
  }
  return {
    responseCache,
    tick,
    price: (result: unknown, indicated?: number) => tick({ result, data: {} }, indicated),
    served: () => cache.read(key)?.value.result,
    data: () => cache.read(key)?.value.data,
    refused: (reason: string) => responseCache.refusalsOf(T).count(reason),
    reported: (reason: string) => responseCache.reportsOf(T).count(reason),
    confirm: () => responseCache.writeTTL(T, [ETH], 90_000),
  }
}

const NO_NUMBERS = [
  undefined,
  null,
  '',
  'abc',
  true,
  false,
  [5],
  {},
  '0x10',
  '1,234.5',
  '1 234',
  'NaN',
  'Infinity',
  '５',
  ' 5',
  '5 ',
  '+',
  '.',
  'e5',
  '1e999',
]

describe('what an endpoint with guards serves', () => {
  it('NU-1: is a finite number, or decimal text that is one, and nothing else', async () => {
    const { price, served, refused } = make({ guards: { sign: 'any' } })
    await price(7)
    for (const odd of [...NO_NUMBERS, NaN, Infinity]) {
      await price(odd)
      expect(served()).toBe(7)
    }
    expect(refused('missing') + refused('not-a-number') + refused('not-finite')).toBe(NO_NUMBERS.length + 2)
    for (const good of ['5', '-5.25', '1e3', '0.0000001', '.5', '12345678901234567890.123456789', 0, -1]) {
      await price(good)
      expect(served()).toBe(good)
    }
  })

  it('may be written without any times, by a transport of an author, under every guard and before a value that has them', async () => {
    const all = {
      sign: 'any',
      maxJump: 0.5,
      maxAgeMs: 60_000,
      frozenAfterMs: 60_000,
      maxFutureMs: 1_000,
    } as const
    for (const guards of [{}, all]) {
      const { responseCache, price, served } = make({ guards, freshness: { mode: 'tick', maxAgeMs: 30_000 } })
      for (const result of [7, 8]) {
        const response = { result, data: {} } as never
        await responseCache.write(T, [{ params: ETH, response }])
        expect(served()).toBe(result)
      }
      await price(9, START)
      expect(served()).toBe(9)
    }
  })

  it('NU-11: is bounded in digits and exponent, and read the same everywhere', async () => {
    const { price, served, refused } = make({ guards: { sign: 'any' } })
    const good = ['9'.repeat(60), `0.${'9'.repeat(59)}`, '1e60', '1e-60', `-${'0'.repeat(30)}.5`]
    for (const text of good) {
      await price(text)
      expect(served()).toBe(text)
    }
    await price(7)
    const bad = [
      '9'.repeat(61),
      `0.${'9'.repeat(60)}`,
      '1e61',
      '1e-61',
      '1e999999999',
      '0'.repeat(1_000_000),
      '1,5',
      '1\u00a0000',
      '٣',
    ]
    for (const text of bad) await price(text)
    expect([served(), refused('not-a-number')]).toEqual([7, bad.length])
  })

  it('NU-11: is exactly the decimals within these bounds, written in ASCII, of whatever text', async () => {
    const { price, served } = make({ guards: { sign: 'any' } })
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 40 })
    const odd = fc.constantFrom('', '', '', ' ', ',', '_', '\u2212', '\u0665', '\uff15')
    const mark = fc.constantFrom('', '+', '-')
    const power = fc.oneof(
      fc.constant(''),
      fc.tuple(mark, fc.nat({ max: 130 })).map(([sign, size]) => `e${sign}${size}`),
    )
    const point = fc.constantFrom('', '.')
    const text = fc.tuple(mark, digits, odd, point, digits, power)
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        const [, whole, between, , fraction, exponent] = parts
        const given = parts.join('')
        const size = Math.abs(Number(exponent.slice(1) || 0))
        const isBounded = whole.length + fraction.length <= 60 && size <= 60
        const hasDigits = whole + fraction !== ''
        await price(given)
        expect(served() === given, given).toBe(between === '' && hasDigits && isBounded)
      }),
      { numRuns: 500 },
    )
  })

  it('NU-2, NU-7: is judged by its number, as text too', async () => {
    const { price, served, refused } = make({ guards: { min: 1, max: 1_000 } })
    for (const bad of ['-5', '0', 0, '0.5', '5000', '1e4']) await price(bad)
    expect(served()).toBeUndefined()
    expect([refused('not-positive'), refused('out-of-range')]).toEqual([3, 3])
    await price('1e3')
    expect(served()).toBe('1e3')
  })

  it('NU-2: is zero where that is lawful, and nothing below', async () => {
    const { price, served, refused } = make({ guards: { allowZero: true } })
    await price(0)
    expect(served()).toBe(0)
    await price(-1)
    expect([served(), refused('not-positive')]).toEqual([0, 1])
  })

  it('NU-1: has its numbers where the endpoint, or its kind, says', async () => {
    const lwba = make({ guards: {}, fields: ['data.bid', 'data.mid', 'data.ask'] })
    await lwba.tick({ result: null, data: { bid: 1, mid: '2', ask: 3 } })
    expect(lwba.data()).toEqual({ bid: 1, mid: '2', ask: 3 })
    for (const data of [{ bid: 1, mid: 2 }, { bid: 1, mid: true, ask: 3 }, null, 'page'])
      await lwba.tick({ result: null, data })
    expect(lwba.data()).toEqual({ bid: 1, mid: '2', ask: 3 })
    const own = make({ guards: { fields: ['data.rate.value'] } })
    await own.tick({ result: null, data: { rate: { value: 'x' } } })
    expect([own.data(), own.refused('not-a-number')]).toEqual([undefined, 1])
    await own.tick({ result: null, data: { rate: { value: 4 } } })
    expect(own.data()).toEqual({ rate: { value: 4 } })
  })

  it('NU-10: has bid ≤ mid ≤ ask, as far as they are there', async () => {
    const side = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(side, side, side, async (bid, mid, ask) => {
        const { tick, served, refused } = make({ guards: {} })
        await tick({ result: 9, data: { bid, mid, ask } })
        const there = [bid, mid, ask].filter((price) => price !== undefined)
        const isWhole = there.every((price, at) => at === 0 || there[at - 1]! <= price)
        expect([served(), refused('crossed')]).toEqual(isWhole ? [9, 0] : [undefined, 1])
      }),
    )
  })

  it('TM-5: is of a time that can be, and one that cannot be is not no time', async () => {
    const { price, served, refused } = make({ guards: {} })
    await price(3_000, START)
    const impossible = [
      NaN,
      1,
      0,
      -1,
      START / 1_000,
      START * 1_000,
      Date.UTC(1999, 11, 31),
      Date.UTC(2100, 0),
      '2026',
      null,
    ]
    for (const time of impossible) await price(9_999, time as number)
    expect([served(), refused('impossible-time')]).toEqual([3_000, impossible.length])
    await price(3_001)
    expect(served()).toBe(3_001)
  })

  it('TM-1, ER-4: is of no earlier time, until the provider has begun anew for a minute', async () => {
    const { price, served, refused } = make({ guards: {}, settings: { CACHE_MAX_AGE: 3_600_000 } })
    await price(1, START)
    const anew = START - 600_000
    for (let second = 0; second < 60; second++) {
      await price(2, anew + second * 1_000)
      expect(served()).toBe(1)
      pass(1_000)
    }
    expect(refused('backwards')).toBe(60)
    await price(2, anew + 60_000)
    expect(served()).toBe(2)
    await price(3, anew + 61_000)
    expect(served()).toBe(3)
  })

  it('TM-1: is of no earlier time either after one that had none', async () => {
    const { price, served, refused } = make({ guards: {} })
    await price(1, START)
    await price(2)
    await price(3, START - 1)
    expect([served(), refused('backwards')]).toEqual([2, 1])
  })

  it('TM-1: is not taken back by a replay of old ticks, however long that goes on', async () => {
    const { price, served } = make({ guards: {}, settings: { CACHE_MAX_AGE: 3_600_000 } })
    await price(1, START)
    for (let second = 0; second < 180; second++) {
      await price(2, START - 600_000 + (second % 20) * 1_000)
      pass(1_000)
      expect(served()).toBe(1)
    }
  })
})

describe('the reason of a refusal', () => {
  it.each([
    [undefined, 'missing'],
    [null, 'missing'],
    ['', 'missing'],
    [' ', 'not-a-number'],
    [false, 'not-a-number'],
    ['x', 'not-a-number'],
    [NaN, 'not-finite'],
    [-Infinity, 'not-finite'],
  ])('for the field %j is %s', async (value, reason) => {
    const { tick, refused, data } = make({ guards: { fields: ['data.rate'] } })
    await tick({ result: null, data: { rate: value } })
    expect([data(), refused(reason)]).toEqual([undefined, 1])
  })

  it.each([
    [{ bid: -1 }, 'not-positive'],
    [{ ask: 5_000 }, 'out-of-range'],
    [{ mid: 'x' }, 'not-a-number'],
    [{ result: '' }, 'missing'],
    [{ result: 0.5 }, 'out-of-range'],
  ])('beside a good result is that of %j: %s', async (beside, reason) => {
    const { tick, refused, served } = make({ guards: { min: 1, max: 1_000 } })
    await tick({ result: 5, data: beside })
    expect([served(), refused(reason)]).toEqual([undefined, 1])
  })

  it.each([null, undefined, 'page', 7, {}, { bid: null, mid: undefined }, { volume: -1 }])(
    'is none where a good result has %j beside it',
    async (data) => {
      for (const guards of [undefined, {}]) {
        const { tick, served } = make({ guards })
        await tick({ result: 5, data })
        expect(served()).toBe(5)
      }
    },
  )

  it('NU-7: is none at the ends of the range themselves', async () => {
    const { price, served } = make({ guards: { min: 1, max: 1_000 } })
    for (const end of [1, 1_000]) {
      await price(end)
      expect(served()).toBe(end)
    }
  })

  it('is none of a jump or of a frozen value where no field is a number', async () => {
    const { tick, served } = make({ guards: { fields: [], maxJump: 0.1, frozenAfterMs: 1 } })
    for (const result of ['one', 'two', 'two']) {
      await tick({ result, data: {} })
      pass(10)
      expect(served()).toBe(result)
    }
  })
})

it('TM-1, ER-4: a provider that stands still at an earlier time has not begun anew; one that says each time twice has', async () => {
  const { price, served } = make({ guards: {}, settings: { CACHE_MAX_AGE: 3_600_000 } })
  await price(1, START)
  const anew = START - 600_000
  for (let second = 0; second < 120; second++) {
    await price(2, anew)
    pass(1_000)
  }
  expect(served()).toBe(1)
  for (let second = 1; second < 62; second++) {
    await price(3, anew + second * 1_000)
    await price(3, anew + second * 1_000)
    pass(1_000)
  }
  expect(served()).toBe(3)
})

describe('a jump', () => {
  const start = async () => {
    const made = make({ guards: { maxJump: { ratio: 0.5, maxHoldMs: 5_000 } } })
    await made.price(100)
    pass(100)
    return made
  }

  it('NU-8: is never served of one tick alone, and is of a second that agrees', async () => {
    const far = fc.oneof(
      fc.double({ min: 1, max: 40, noNaN: true }),
      fc.double({ min: 200, max: 10_000, noNaN: true }),
    )
    await fc.assert(
      fc.asyncProperty(far, async (spike) => {
        const { price, served, refused } = await start()
        await price(spike)
        expect(served()).toBe(100)
        await price(101)
        expect(served()).toBe(101)
        await price(spike)
        expect(served()).toBe(101)
        await price(spike)
        expect([served(), refused('jump')]).toEqual([spike, 2])
      }),
    )
  })

  it('NU-8: lets the old value be served for no longer than it may be held', async () => {
    const { price, served } = await start()
    await price(1_000)
    pass(4_999)
    expect(served()).toBe(100)
    pass(1)
    expect(served()).toBeUndefined()
    await price(5)
    expect(served()).toBe(5)
  })

  it('NU-8: after a gap is none, so that nothing is blocked', async () => {
    const { price, served } = await start()
    pass(90_000)
    await price(1_000)
    expect(served()).toBe(1_000)
  })

  it('NU-8: may be larger the longer nothing came, where the guard says so', async () => {
    const { price, served } = make({ guards: { maxJump: { ratio: 0.1, perMs: 1_000 } } })
    await price(100)
    pass(5_000)
    await price(149)
    expect(served()).toBe(149)
  })
})

it('NU-9: the same value for too long is refused, however fresh its ticks are', async () => {
  const { price, served, refused } = make({
    guards: { frozenAfterMs: 10_000 },
    settings: { CACHE_MAX_AGE: 3_000 },
  })
  for (let second = 0; second < 10; second++) {
    await price(5)
    expect(served()).toBe(5)
    pass(1_000)
  }
  await price(5)
  expect(refused('frozen')).toBe(1)
  pass(3_000)
  expect(served()).toBeUndefined()
  await price(6)
  expect(served()).toBe(6)
})

describe('freshness', () => {
  it('FR-1: of mode tick ends by the time of the provider, or of receipt', async () => {
    const { price, served, refused } = make({ guards: {}, freshness: { mode: 'tick', maxAgeMs: 30_000 } })
    await price(1, START - 20_000)
    pass(9_999)
    expect(served()).toBe(1)
    pass(1)
    expect(served()).toBeUndefined()
    await price(2, Date.now() - 30_000)
    expect([served(), refused('too-old')]).toEqual([undefined, 1])
    await price(3)
    pass(29_999)
    expect(served()).toBe(3)
    pass(1)
    expect(served()).toBeUndefined()
  })

  it.each([
    ['of the provider', START - 10_000, 80_000],
    ['of receipt', undefined, 90_000],
  ])(
    'FR-1, FR-2: of mode confirmed lasts while the provider confirms, up to the hard limit by the time %s, and no confirmation makes a value younger',
    async (_whose, indicated, lasts) => {
      const freshness = { mode: 'confirmed', maxAgeMs: 30_000, hardMaxAgeMs: 100_000 } as const
      const { price, served, confirm } = make({ guards: {}, freshness })
      await price(1, indicated)
      let last = 0
      for (let now = 0; served() !== undefined && now < 1_000_000; now += 10_000) {
        last = now
        await confirm()
        pass(10_000)
      }
      expect(last).toBe(lasts)
      await confirm()
      expect(served()).toBeUndefined()
      await price(2, Date.now())
      pass(29_999)
      expect(served()).toBe(2)
      pass(1)
      expect(served()).toBeUndefined()
    },
  )

  it('FR-1: is never more than the life of the cache', async () => {
    const { price, served } = make({ freshness: { mode: 'scheduled', maxAgeMs: 345_600_000 } })
    await price(1, START - 86_400_000)
    pass(89_999)
    expect(served()).toBe(1)
    pass(1)
    expect(served()).toBeUndefined()
  })

  it('FR-1: is what the operator says, where something is said, for an endpoint that declares nothing too', async () => {
    for (const freshness of [undefined, { mode: 'tick', maxAgeMs: 30_000 } as const]) {
      const { price, served } = make({ freshness, settings: { FRESHNESS_MAX_AGE: 5_000 } })
      await price(1, Date.now())
      pass(4_999)
      expect(served()).toBe(1)
      pass(1)
      expect(served()).toBeUndefined()
    }
  })
})

describe('the policy', () => {
  const odd = ['-5', 'abc', null, undefined, 0]

  it.each(['report', undefined] as const)(
    '%s: an endpoint that declares nothing serves what it gets, and counts what a guard would refuse',
    async (GUARD_POLICY) => {
      const { price, served, reported, refused } = make({
        fields: ['result'],
        settings: { GUARD_POLICY },
      })
      for (const value of odd) {
        await price(value)
        expect(served()).toBe(value)
      }
      expect(reported('not-positive') + reported('not-a-number') + reported('missing')).toBe(odd.length)
      expect(refused('not-positive') + refused('not-a-number') + refused('missing')).toBe(0)
    },
  )

  it('off: nobody looks, but what is no number never goes out as one', async () => {
    const { price, served, reported, refused } = make({
      guards: {},
      settings: { GUARD_POLICY: 'off' } as never,
    })
    for (const value of odd) {
      await price(value)
      expect(served()).toBe(value)
    }
    await price(NaN)
    expect([reported('not-positive'), refused('not-finite'), served()]).toEqual([0, 1, 0])
  })

  it('says nothing of numbers where neither an endpoint nor its kind has any', async () => {
    for (const GUARD_POLICY of ['report', 'enforce', undefined] as const) {
      const { responseCache, price, served, reported } = make({ settings: { GUARD_POLICY } })
      responseCache.setWanted(T, () => false)
      for (const value of [...odd, 'page']) {
        await price(value)
        expect(served()).toBe(value)
      }
      expect(['not-positive', 'not-a-number'].map(reported)).toEqual([0, 0])
      // ER-1: the provider's answer was no data.
      expect(reported('missing')).toBe(GUARD_POLICY === 'enforce' ? 0 : 1)
    }
  })

  it('serves a value without any times as long as the cache does, where nothing is declared', async () => {
    const { responseCache, served } = make({})
    await responseCache.write(T, [{ params: ETH, response: { result: 5, data: {} } as never }])
    expect(served()).toBe(5)
  })

  it('report: serves what nobody asked for, which enforce refuses', async () => {
    for (const [GUARD_POLICY, said] of [
      ['report', 5],
      ['enforce', undefined],
      [undefined, undefined],
    ] as const) {
      const { responseCache, price, served } = make({ guards: {}, settings: { GUARD_POLICY } })
      responseCache.setWanted(T, () => false)
      await price(5)
      expect(served()).toBe(said)
    }
  })

  it('report: counts every flag and what else there is', async () => {
    const guards = { max: 10, policy: { 'out-of-range': 'flag' } } as const
    const { tick, served, reported } = make({ guards, settings: { GUARD_POLICY: 'report' } })
    await tick({ result: 50, data: { bid: 3, ask: 2 } })
    expect([served(), reported('out-of-range'), reported('crossed')]).toEqual([50, 1, 1])
  })

  it('FR-1: only flags what is as old as is declared, and not what is younger', async () => {
    const guards = { maxAgeMs: 30_000, policy: { 'too-old': 'flag' } } as const
    const { price, served, reported } = make({ guards })
    await price(1, START - 29_999)
    expect([served(), reported('too-old')]).toEqual([1, 0])
    pass(1)
    await price(3, START - 29_999)
    expect([served(), reported('too-old')]).toEqual([3, 1])
  })

  it('FR-1: does not flag an age that the operator has taken the limit from', async () => {
    const guards = { maxAgeMs: 30_000, policy: { 'too-old': 'flag' } } as const
    for (const [freshness, count] of [
      ['none', 0],
      [undefined, 1],
    ] as const) {
      const { responseCache, price, served, reported } = make({ guards })
      const limits = freshness === 'none' ? { maxAgeMs: null } : {}
      const rule = { limits, withdrawal: undefined, enforced: guards, reported: guards, freshness }
      responseCache.feed(T, ETH).rule = rule
      await price(1, START - 60_000)
      expect([served(), reported('too-old')]).toEqual([1, count])
    }
  })

  it('enforce: holds an endpoint that declares nothing to the guards of its kind', async () => {
    const { price, served, refused } = make({
      fields: ['result'],
      settings: { GUARD_POLICY: 'enforce' } as never,
    })
    for (const value of odd) await price(value)
    expect(served()).toBeUndefined()
    expect(refused('not-positive') + refused('not-a-number') + refused('missing')).toBe(odd.length)
  })
})
