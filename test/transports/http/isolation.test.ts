import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { eventually, PATIENT } from '../../helpers/eventually'
import { UNHOLDABLE } from '../../feeds/unholdable'
import { httpAdapter, httpProvider, inBatches, type Feed } from './support'

/** For clients that are told at once what there is. */
const AT_ONCE = { CACHE_POLLING_MAX_RETRIES: '0' }

const GOOD = (params: Feed, value: number) => ({
  params,
  response: { result: value, data: { result: value } },
})

/** Elements that no author should return, and some do. */
const BAD: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a text', 'x'],
  ['no params', { response: { result: 1, data: { result: 1 } } }],
  ['no response', { params: { base: 'X' } }],
  ['params that are none', { params: 5, response: { result: 1, data: { result: 1 } } }],
  ['NaN', GOOD({ base: 'BAD' }, NaN)],
  ['infinity', GOOD({ base: 'BAD' }, -Infinity)],
  ['a value that no JSON can hold', GOOD({ base: 10n as never }, 1)],
]

describe('one answer for many feeds', () => {
  it.each(BAD)('IS-1: costs nobody but itself when an element is %s', async (_, bad) => {
    await using provider = await httpProvider(() => ({ body: {} }))
    const config = inBatches(provider.url)
    config.parseResponse = () => [GOOD({ base: 'ETH' }, 1), bad as never, GOOD({ base: 'BTC' }, 2)]
    await using service = await serve(() => httpAdapter(config), { env: PATIENT })
    const replies = await Promise.all([service.post({ base: 'ETH' }), service.post({ base: 'BTC' })])
    expect(replies.map(({ json }) => json.result as number)).toEqual([1, 2])
    const labels = { app_name: 'TEST', adapter_endpoint: 'price' }
    const refused = await Promise.all(
      ['handler-failed', 'not-finite'].map((reason) =>
        service.metric('data_refused_total', { ...labels, reason }),
      ),
    )
    expect(refused.some((count) => (count ?? 0) > 0)).toBe(true)
  })

  it.each(UNHOLDABLE)('8.5, IS-1: is a 502 for the feed whose answer has $what', async ({ make }) => {
    await using provider = await httpProvider(() => ({ body: {} }))
    const config = inBatches(provider.url)
    config.parseResponse = () => [
      GOOD({ base: 'ETH' }, 1),
      { params: { base: 'ODD' }, response: make() } as never,
      GOOD({ base: 'BTC' }, 2),
    ]
    await using service = await serve(() => httpAdapter(config), { env: PATIENT })
    const replies = await Promise.all(['ETH', 'ODD', 'BTC'].map((base) => service.post({ base })))
    expect(replies.map(({ statusCode }) => statusCode)).toEqual([200, 502, 200])
    expect(replies[1]?.json.errorMessage).toBe('Response could not be censored due to an error')
  })

  it('IS-1: gives every good feed its value, whatever is between them', async () => {
    await using provider = await httpProvider(() => ({ body: {} }))
    const config = inBatches(provider.url)
    let results: unknown[] = []
    config.parseResponse = () => results as never
    await using service = await serve(() => httpAdapter(config), { env: PATIENT })
    let round = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: BAD.length })), async (kinds) => {
        round += 1
        // Zero is a good one.
        results = kinds.map((kind, n) =>
          kind === 0 ? GOOD({ base: `R${round}-${n}` }, n + 1) : BAD[kind - 1]![1],
        )
        const good = kinds.flatMap((kind, n) => (kind === 0 ? [n] : []))
        const replies = await Promise.all(good.map((n) => service.post({ base: `R${round}-${n}` })))
        expect(replies.map(({ json }) => json.result as number)).toEqual(good.map((n) => n + 1))
      }),
      { numRuns: 20 },
    )
  })

  it('tells a client that a value was refused, rather than that there was none', async () => {
    await using provider = await httpProvider(() => ({ body: {} }))
    const config = inBatches(provider.url)
    config.parseResponse = (params) => params.map((one) => GOOD(one, NaN))
    await using service = await serve(() => httpAdapter(config), { env: AT_ONCE })
    await eventually(async () =>
      expect(await service.post({ base: 'ETH' })).toMatchObject({
        statusCode: 504,
        json: { error: { reason: { code: 'REFUSED_VALUE' } } },
      }),
    )
  })

  it.each([
    ['PREPARE_FAILED', 'prepareRequests'],
    ['PARSE_FAILED', 'parseResponse'],
  ] as const)('tells a client %s when %s throws', async (code, hook) => {
    await using provider = await httpProvider(() => ({ body: {} }))
    const config = inBatches(provider.url)
    config[hook] = () => {
      throw new Error('mine')
    }
    await using service = await serve(() => httpAdapter(config), { env: AT_ONCE })
    const text = await eventually(async () => {
      const reply = await service.post({ base: 'ETH' })
      expect(reply).toMatchObject({ statusCode: 504, json: { error: { reason: { code } } } })
      return reply.text
    })
    expect(text).not.toContain('mine')
  })
})
