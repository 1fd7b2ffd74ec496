import { afterEach, describe, expect, it } from 'vitest'
import { serve } from '../../src/testing/serve'
import { CensorList } from '../../src/util/redaction'
import { UNHOLDABLE } from '../feeds/unholdable'
import { keyOf, type Pair, stillAdapter, type StillTransport } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }
const SAYS = 'Response could not be censored due to an error'

afterEach(() => CensorList.set([], 'test'))

/** Writes as an author's transport does, past every intake. */
const write = async (transport: StillTransport, odd: Record<string, unknown>, params: Pair = ETH) => {
  const { timestamps } = odd as { timestamps?: object }
  const times = { providerDataRequestedUnixMs: 3, providerDataReceivedUnixMs: Date.now(), ...timestamps }
  const response = Object.defineProperties(odd, { timestamps: { value: times, enumerable: true } })
  await transport.responseCache.write(transport.name, [{ params, response } as never])
}

describe.each([
  { way: 'without secrets', secrets: [] },
  { way: 'beside a secret', secrets: [{ key: 'KEY', value: /hunter2/gi, secret: 'hunter2' }] },
])('a response that JSON cannot hold, $way', ({ secrets }) => {
  it.each(UNHOLDABLE)('8.5: is a 502 that says so: $what', async ({ make }) => {
    const { adapter, transport } = stillAdapter()
    await using service = await serve(adapter, { env: AT_ONCE })
    CensorList.set(secrets, 'test')
    await write(transport, make())
    for (let time = 0; time < 3; time++) {
      const { statusCode, json } = await service.post(ETH)
      expect(statusCode).toBe(502)
      expect(json).toMatchObject({ statusCode: 502, errorMessage: SAYS })
      expect(json.timestamps.providerDataRequestedUnixMs).toBe(3)
      expect(json.meta.adapterName).toBe('TEST')
    }
  })

  it.each(UNHOLDABLE)('17.4, 8.5: never replaces a live value: $what', async ({ make }) => {
    const { adapter, transport } = stillAdapter()
    await using service = await serve(adapter, { env: AT_ONCE })
    CensorList.set(secrets, 'test')
    await transport.put(ETH, 5)
    await service.post(ETH)
    await write(transport, make())
    for (let time = 0; time < 3; time++)
      expect(await service.post(ETH)).toMatchObject({ statusCode: 200, json: { result: 5 } })
    await transport.put(ETH, 6)
    expect((await service.post(ETH)).json.result).toBe(6)
  })
})

it.each(UNHOLDABLE)(
  '17.4: an entry of an author’s own replaces no live value either: $what',
  async ({ make }) => {
    const { adapter, transport } = stillAdapter()
    await using service = await serve(adapter, { env: AT_ONCE })
    const entry = (base: string) => ({ key: keyOf(base, 'usd'), value: make() as never })
    await transport.put(ETH, 5)
    await transport.responseCache.writeEntries([entry('eth'), entry('btc')])
    expect((await service.post(ETH)).json.result).toBe(5)
    expect((await service.post({ base: 'BTC', quote: 'USD' })).json.errorMessage).toBe(SAYS)
  },
)

describe('what JSON can hold, however odd', () => {
  class Money {
    constructor(readonly cents: number) {}
    toJSON() {
      return this.cents / 100
    }
  }

  it.each([
    ['an object that says what it is', { price: new Money(250) }, { price: 2.5 }],
    ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['a bare object', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['what JSON leaves out', { a: undefined, b: () => 1, c: Symbol('c'), d: null }, { d: null }],
    ['the same object twice', ((one) => ({ a: one, b: one }))({ x: 1 }), { a: { x: 1 }, b: { x: 1 } }],
    ['a long way down', { a: { b: { c: { d: { e: { f: { g: { h: { i: [1] } } } } } } } } }, undefined],
    ['a map', { a: new Map([[1, 2]]) }, { a: {} }],
  ])('is a value: %s', async (_what, data, shown) => {
    const { adapter, transport } = stillAdapter()
    await using service = await serve(adapter, { env: AT_ONCE })
    await write(transport, { result: 1, data })
    const { statusCode, json } = await service.post(ETH)
    expect([statusCode, json.data]).toEqual([200, shown ?? data])
  })
})

it('a value that an author stored and JSON cannot hold is a 502, not a fault of ours', async () => {
  const { adapter, local } = stillAdapter()
  await using service = await serve(adapter, { env: AT_ONCE })
  await local().set(keyOf('eth', 'usd'), { result: 2n, statusCode: 200 } as never, 90_000)
  for (let time = 0; time < 3; time++)
    expect(await service.post(ETH)).toMatchObject({ statusCode: 502, json: { errorMessage: SAYS } })
})
