import { describe, expectTypeOf, it } from 'vitest'
import { PriceAdapter } from '../../src/public/adapter'
import {
  answers,
  type conformance,
  type HttpAnswer,
  type HttpProvider,
  type matchers,
  type ProviderRequest,
  type ReplyMatchers,
  type Venue,
} from '../../src/public/testing'

const feed = { params: { base: 'ETH' }, symbol: 'ETH' }
const price = { data: {} }
const base = {
  name: 'Acme',
  adapter: () => new PriceAdapter({ name: 'ACME', endpoints: [] }),
  env: (url: string) => ({ URL: url }),
  feeds: [feed, feed],
  unlisted: feed,
} as const

const ws = () => ({ read: () => undefined, price: () => price })
const http = { read: () => [], answer: () => answers.json({}) }

describe('the types of a venue', () => {
  it('take a dialect for each transport, and any adapter', () => {
    expectTypeOf({ ...base, ws }).toExtend<Venue>()
    expectTypeOf({ ...base, http }).toExtend<Venue>()
    expectTypeOf({ ...base, sse: { read: () => undefined, price: () => price } }).toExtend<Venue>()
    expectTypeOf<Parameters<typeof conformance>[0]>().toEqualTypeOf<Venue>()
  })

  it('want one of them, two feeds, and names of checks that there are', () => {
    // @ts-expect-error -- how its provider talks is missing
    const silent: Venue = base
    // @ts-expect-error -- one feed has no neighbour
    const single: Venue = { ...base, ws, feeds: [feed] }
    // @ts-expect-error -- there is no such check
    const odd: Venue = { ...base, ws, except: { everything: 'it is hard' } }
    // @ts-expect-error -- a dialect without prices
    const worthless: Venue = { ...base, ws: () => ({ read: () => undefined }) }
    expectTypeOf([silent, single, odd, worthless]).toExtend<Venue[]>()
  })
})

describe('the types of a provider', () => {
  it('take an answer, or what makes one', () => {
    expectTypeOf<Parameters<HttpProvider['answer']>[0]>().extract<HttpAnswer>().toEqualTypeOf<HttpAnswer>()
    expectTypeOf<(request: ProviderRequest) => undefined>().toExtend<Parameters<HttpProvider['answer']>[0]>()
    // @ts-expect-error -- there is no such fate
    const lost: HttpAnswer = { fate: 'lost' }
    expectTypeOf(lost).toExtend<HttpAnswer>()
    expectTypeOf<ProviderRequest['json']>().toBeUnknown()
  })
})

describe('the types of matchers', () => {
  it('are those of what is there', () => {
    expectTypeOf<keyof ReplyMatchers>().toEqualTypeOf<keyof typeof matchers>()
    type Tail<F> = F extends (reply: never, ...rest: infer Rest) => unknown ? Rest : never
    type Given<K extends keyof ReplyMatchers> = Parameters<ReplyMatchers[K]>
    expectTypeOf<Given<'toAnswer'>>().toEqualTypeOf<Tail<(typeof matchers)['toAnswer']>>()
    expectTypeOf<Given<'toBeFresh'>>().toEqualTypeOf<Tail<(typeof matchers)['toBeFresh']>>()
    expectTypeOf<Given<'toHaveReason'>>().toEqualTypeOf<Tail<(typeof matchers)['toHaveReason']>>()
  })

  it('know the codes that there are', () => {
    expectTypeOf<'STALE_VALUE'>().toExtend<Parameters<ReplyMatchers['toHaveReason']>[0]>()
    expectTypeOf<'NO_IDEA'>().not.toExtend<Parameters<ReplyMatchers['toHaveReason']>[0]>()
  })
})
