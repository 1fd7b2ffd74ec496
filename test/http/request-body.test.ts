import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { JSON_HEADERS, stillAdapter, type StillAdapter, WAYS } from './support'
const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
const NO_VALUE_YET =
  'The EA has not received any values from the Data Provider for the requested data yet. Retry after a short delay, and if the problem persists raise this issue in the relevant channels.'

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const body = (value: unknown) => JSON.stringify(value)
const pair = (more: object = {}) => body({ data: { base: 'ETH', quote: 'USD', ...more } })
const errored = (statusCode: number, message: string) => ({
  status: 'errored',
  statusCode,
  error: { name: 'AdapterError', message },
})

interface Case {
  sends: string
  payload: string
  headers?: Record<string, string>
  status: number
  /** Of the JSON error, or the whole text body. */
  message: string
  isText?: boolean
}

const bodies: Case[] = [
  {
    sends: 'a body above MAX_PAYLOAD_SIZE_LIMIT',
    payload: pair({ more: 'x'.repeat(1_048_576) }),
    status: 413,
    message: 'Request body is too large',
    isText: true,
  },
  {
    sends: 'no content type',
    payload: pair(),
    headers: {},
    status: 415,
    message: 'Unsupported Media Type',
    isText: true,
  },
  ...['application/xml', 'application/jsonx', 'application/json-patch+json', 'json', 'text/html'].map(
    (type) => ({
      sends: `the content type ${type}`,
      payload: pair(),
      headers: { 'content-type': type },
      status: 415,
      message: 'Unsupported Media Type',
      isText: true,
    }),
  ),
  {
    sends: 'plain text',
    payload: pair(),
    headers: { 'content-type': 'text/plain' },
    status: 400,
    message: 'Content type not "application/json", returning 400',
  },
  {
    sends: 'an empty body',
    payload: '',
    status: 400,
    message: "Body cannot be empty when content-type is set to 'application/json'",
    isText: true,
  },
  ...[
    ['half a body', '{"data":{"base"'],
    ['something else than JSON', '<a/>'],
    ['two bodies in one', '{}{}'],
    ['NaN', '{"data":{"base":NaN}}'],
    ['a __proto__ key', '{"data":{"__proto__":{"base":"ETH"}}}'],
    ['a constructor.prototype key', '{"data":{"constructor":{"prototype":{}}}}'],
  ].map(([sends, payload]) => ({
    sends: sends!,
    payload: payload!,
    status: 400,
    message: "Body is not valid JSON but content-type is set to 'application/json'",
    isText: true,
  })),
  ...['null', '5', '"text"', 'true'].map((payload) => ({
    sends: `the body ${payload}`,
    payload,
    status: 400,
    message: 'The body of a request should be a JSON object',
  })),
  {
    sends: 'an empty list as body',
    payload: '[]',
    status: 400,
    message: '[Param: base] param is required but no value was provided',
  },
]

const endpoints: Case[] = [
  ...['constructor', '__proto__', 'toString', 'hasOwnProperty', 'Nope'].flatMap((name) => {
    const message = `Adapter does not have a "${name.toLowerCase()}" endpoint.`
    return [
      { sends: `the endpoint ${name}`, payload: body({ endpoint: name }), status: 404, message },
      {
        sends: `the endpoint ${name} in data`,
        payload: body({ data: { endpoint: name } }),
        status: 404,
        message,
      },
    ]
  }),
  {
    sends: 'an unknown endpoint beside a known one in data',
    payload: body({ endpoint: 'nope', data: { endpoint: 'price', base: 'ETH', quote: 'USD' } }),
    status: 404,
    message: 'Adapter does not have a "nope" endpoint.',
  },
  ...[5, true, {}, ['price']].map((endpoint) => ({
    sends: `the endpoint ${body(endpoint)}`,
    payload: body({ endpoint, data: { base: 'ETH', quote: 'USD' } }),
    status: 400,
    message: 'The endpoint of a request should be a string',
  })),
]

const NOT_AN_OBJECT = 'Input for input parameters should be an object'
const REQUIRED = '[Param: base] param is required but no value was provided'
const NO_STRING = '[Param: base] input type is not the expected one (string)'

const parameters: Case[] = [
  ...['{}', '{"data":null}', '{"data":{}}', '{"data":[]}', '{"endpoint":"","data":{"endpoint":""}}'].map(
    (payload) => ({
      sends: payload,
      payload,
      status: 400,
      message: REQUIRED,
    }),
  ),
  ...['"x"', '0', 'false', '5'].map((data) => ({
    sends: `the data ${data}`,
    payload: `{"data":${data}}`,
    status: 400,
    message: NOT_AN_OBJECT,
  })),
  { sends: 'null for a parameter', payload: pair({ base: null }), status: 400, message: REQUIRED },
  ...[5, true, ['ETH'], { toString: 'ETH' }, []].map((base) => ({
    sends: `${body(base)} for a string`,
    payload: pair({ base }),
    status: 400,
    message: NO_STRING,
  })),
  {
    sends: 'a parameter 100 000 levels deep',
    payload: `{"data":{"base":${deep(100_000)},"quote":"USD"}}`,
    status: 400,
    message: NO_STRING,
  },
  ...[{ from: 'BTC' }, { from: 'ETH' }, { coin: 'ETH' }, { base: undefined, from: 'ETH', coin: 'ETH' }].map(
    (more) => ({
      sends: `a parameter under two of its names (${body(more)})`,
      payload: pair(more),
      status: 400,
      message: 'Parameter "base" is specified more than once (aliases: base,from,coin)',
    }),
  ),
  {
    sends: 'overrides that are text',
    payload: pair({ overrides: 'x' }),
    status: 400,
    message: 'Overrides should be an object',
  },
  {
    sends: 'an override that is a number',
    payload: pair({ overrides: { test: 5 } }),
    status: 400,
    message: 'Overrides for adapter "test" should be an object',
  },
  {
    sends: 'an override to a number',
    payload: pair({ overrides: { test: { ETH: 5 } } }),
    status: 400,
    message: 'Overrides should map strings to strings, got ETH to 5',
  },
  {
    sends: 'an override 100 000 levels deep',
    payload: `{"data":{"base":"ETH","quote":"USD","overrides":{"test":{"a":${deep(100_000)}}}}}`,
    status: 400,
    message: 'Overrides should map strings to strings, got a to [object Object]',
  },
]

describe.each(WAYS)('what a client sends wrong, where requests are $way', ({ requestTransforms }) => {
  let still: StillAdapter
  let service: Served

  beforeEach(async () => {
    still = stillAdapter({ endpoint: { requestTransforms } })
    service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    await still.transport.put({ base: 'ETH', quote: 'USD' }, 5)
  })
  afterEach(() => service.stop())

  it.each([...bodies, ...endpoints, ...parameters])(
    'is refused with $status, and changes nothing: $sends',
    async ({ payload, headers = JSON_HEADERS, status, message, isText = false }) => {
      const ask = () => service.api.inject({ method: 'POST', url: '/', headers, payload })
      const first = await ask()
      const second = await ask()
      expect(first.statusCode).toBe(status)
      expect(first.headers['content-type']).toBe(isText ? TEXT : JSON_TYPE)
      if (isText) expect(first.body).toBe(message)
      else {
        const { hint = 'none', ...told } = first.json<{ hint?: string }>()
        expect(told).toEqual(errored(status, message))
        expect(hint).toMatch(/^(none$|The endpoints of this adapter: price|Did you forget "data"\?)/)
      }
      expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body])
      expect(await still.transport.wanted()).toEqual([])
      expect(still.local().cache.size).toBe(1)
    },
  )

  it.each([
    [
      'unknown keys',
      { id: '1', jobRunID: 5, meta: {}, data: { base: 'ETH', quote: 'USD', zz: { constructor: 1 } } },
    ],
    ['aliases', { data: { from: 'ETH', market: 'USD' } }],
    ['another letter case', { data: { base: 'eTh', quote: 'usd' } }],
    ['the alias of the endpoint', { endpoint: 'CRYPTO', data: { base: 'ETH', quote: 'USD' } }],
    ['the endpoint in data', { data: { endpoint: 'Price', base: 'ETH', quote: 'USD' } }],
    ['an empty endpoint', { endpoint: '', data: { endpoint: '', base: 'ETH', quote: 'USD' } }],
    ['the endpoint null', { endpoint: null, data: { base: 'ETH', quote: 'USD' } }],
    ['an empty first name', { data: { base: '', from: 'ETH', quote: 'USD' } }],
    ['null overrides for an adapter', { data: { base: 'ETH', quote: 'USD', overrides: { test: null } } }],
    ['parameters in another order', { data: { quote: 'USD', base: 'ETH' } }],
  ])('is answered all the same, with the same feed: %s', async (_name, sent) => {
    for (let time = 0; time < 2; time++) {
      const reply = await service.api.inject({
        method: 'POST',
        url: '/',
        headers: JSON_HEADERS,
        payload: body(sent),
      })
      expect(reply.statusCode).toBe(200)
      expect(reply.json()).toMatchObject({ result: 5, statusCode: 200 })
    }
    expect(await still.transport.wanted()).toHaveLength(1)
  })

  it('HT-3: an unknown parameter 100 000 levels deep is ignored', async () => {
    const payload = `{"data":{"base":"ETH","quote":"USD","zz":${deep(100_000)}}}`
    const reply = await service.api.inject({ method: 'POST', url: '/', headers: JSON_HEADERS, payload })
    expect(reply.statusCode).toBe(200)
  })

  it('IS-3: a symbol called like an object member is only a symbol', async () => {
    for (const base of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const reply = await service.post({ base, quote: 'USD' })
      expect(reply).toMatchObject({ statusCode: 504, json: { error: { message: NO_VALUE_YET } } })
      await still.transport.put({ base, quote: 'USD' }, 7)
      expect((await service.post({ base, quote: 'USD' })).json).toMatchObject({ result: 7 })
    }
  })

  it('takes the empty string as a value, which is another feed', async () => {
    expect((await service.post({ base: '', quote: 'USD' })).statusCode).toBe(504)
    await still.transport.put({ base: '', quote: 'USD' }, 8)
    for (let time = 0; time < 2; time++)
      expect((await service.post({ base: '', quote: 'USD' })).json.result).toBe(8)
  })

  it.each([
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json ;charset="UTF-8"',
    'APPLICATION/JSON;x=y',
  ])('HT-2, 17.7: accepts the content type %s', async (type) => {
    for (let time = 0; time < 2; time++) {
      const headers = { 'content-type': type }
      const reply = await service.api.inject({ method: 'POST', url: '/', headers, payload: pair() })
      expect(reply.statusCode).toBe(200)
    }
  })

  it('HT-2: accepts white space and a byte order mark around the JSON, with a value and without', async () => {
    const payload = `\ufeff \n\t${pair()} \r\n`
    const ask = () => service.api.inject({ method: 'POST', url: '/', headers: JSON_HEADERS, payload })
    expect((await ask()).statusCode).toBe(200)
    expect((await ask()).statusCode).toBe(200)
    still.local().cache.clear()
    expect((await ask()).statusCode).toBe(504)
    expect((await ask()).statusCode).toBe(504)
  })

  it('says so when there is no endpoint to default to', async () => {
    await service.stop()
    const { adapter } = stillAdapter({
      endpoint: { requestTransforms },
      adapter: { defaultEndpoint: undefined },
    })
    await using other = await serve(adapter)
    const reply = await other.post({ base: 'ETH', quote: 'USD' })
    const message =
      'Request body does not specify an endpoint, and there is no default endpoint configured for this adapter.'
    expect(reply).toMatchObject({ statusCode: 400, json: errored(400, message) })
  })
})
