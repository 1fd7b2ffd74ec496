import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type HttpTransportConfig, type HttpTransportGenerics } from '../../../src/transports/http/config'
import { priceMapping } from '../price-mapping'
import { strapiRest, type StrapiRestOptions } from '../rest-preset'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'

type Types = HttpTransportGenerics & {
  Parameters: {
    base: { type: 'string'; required: true; description: string }
    quote: { type: 'string'; required: true; description: string }
  }
  Response: { Result: number; Data: { result: number } }
}
type Params = { base: string; quote: string }

const create = (more: Partial<StrapiRestOptions<Types>> = {}): HttpTransportConfig<Types> =>
  strapiRest<Types>({
    connection: () => ({ url: 'https://cms.example/api/prices', token: 'an-api-token' }),
    mapping: () => priceMapping(),
    identify: ({ base, quote }) => ({ base, quote }),
    timeAttribute: () => 'observedAt',
    ...more,
  })

const requestsOf = (config: HttpTransportConfig<Types>, params: Params[]) => {
  const requests = config.prepareRequests(params, {} as never)
  return Array.isArray(requests) ? requests : [requests]
}

const recorded: unknown = JSON.parse(readFileSync(join(__dirname, './fixtures/rest-answer.json'), 'utf8'))

describe('the REST preset', () => {
  beforeAll(() => LoggerFactoryProvider.set(silentLoggers))

  it('reads the answer of a real server', () => {
    const feeds = [
      { base: 'btc', quote: 'usd' },
      { base: 'ETH', quote: 'EUR' },
      { base: 'ETH', quote: 'USD' },
    ]
    const results = create().parseResponse(feeds, { data: recorded } as never, {} as never)
    expect(results.map(({ params, response }) => [params, response.result ?? response.errorMessage])).toEqual(
      [
        [feeds[0], 1012.3456789],
        [feeds[1], 1086.4197523],
        [feeds[2], 'Strapi has no published entry for this'],
      ],
    )
    expect(results[0]?.response).toMatchObject({
      timestamps: { providerIndicatedTimeUnixMs: Date.UTC(2025, 0, 1, 0, 1) },
    })
  })

  it('asks with the token in a header, for so many feeds at a time as it is told', () => {
    const feeds = Array.from({ length: 5 }, (_, n) => ({ base: `B${n}`, quote: 'USD' }))
    const requests = requestsOf(create({ feedsPerRequest: 2, pageSize: 10 }), feeds)
    expect(requests.map(({ params }) => params.length)).toEqual([2, 2, 1])
    expect(requests.flatMap(({ params }) => params)).toEqual(feeds)
    for (const { request } of requests) {
      expect(request).toMatchObject({
        url: 'https://cms.example/api/prices',
        headers: { Authorization: 'Bearer an-api-token' },
        maxRedirects: 0,
      })
      expect(JSON.stringify([request.url, request.params])).not.toContain('an-api-token')
    }
    expect(requests[1]?.request.params).toMatchObject({
      'filters[$or][0][base][$eqi]': 'B2',
      'filters[$or][1][base][$eqi]': 'B3',
      'pagination[pageSize]': '10',
    })
  })

  it('adds conditions and a locale, and lets neither take the place of what it needs', () => {
    const config = create({
      mapping: () => priceMapping({ locale: 'de' }),
      filters: { 'filters[halted][$eq]': 'false', status: 'draft' },
    })
    expect(requestsOf(config, [{ base: 'BTC', quote: 'USD' }])[0]?.request.params).toMatchObject({
      'filters[halted][$eq]': 'false',
      status: 'published',
      locale: 'de',
    })
  })

  it.each([null, 7, 'text', [], {}, { data: null }, { data: {} }])(
    'throws at an answer that is none: %j',
    (data) => {
      expect(() =>
        create().parseResponse([{ base: 'BTC', quote: 'USD' }], { data } as never, {} as never),
      ).toThrow(/list of entries/)
    },
  )

  it('throws at more entries than it asked for', () => {
    const config = create({ pageSize: 1 })
    expect(() =>
      config.parseResponse([{ base: 'BTC', quote: 'USD' }], { data: recorded } as never, {} as never),
    ).toThrow(/more than 1/)
  })
})
