import { describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import * as publicAdapter from '../../src/public/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { validateLwbaResponse } from '../../src/public/adapter/lwba'
import {
  DEFAULT_LWBA_ALIASES,
  LwbaEndpoint,
  lwbaEndpointInputParametersDefinition,
} from '../../src/adapter/lwba-endpoint'
import {
  MarketStatus,
  MarketStatusEndpoint,
  marketStatusEndpointInputParametersDefinition,
  TwentyfourFiveMarketStatus,
} from '../../src/adapter/market-status-endpoint'
import { porBalanceEndpointInputParametersDefinition } from '../../src/public/adapter/por'
import { priceEndpointInputParametersDefinition } from '../../src/adapter/price-endpoint'
import { StockEndpoint, stockEndpointInputParametersDefinition } from '../../src/public/adapter/stock'
import { type CustomOutputValidator, type EndpointGenerics } from '../../src/adapter/params'
import { serve } from '../../src/testing/serve'
import { AdapterLWBAError } from '../../src/validation/errors'
import { InputParameters } from '../../src/validation/input-parameters'
import { StillTransport } from '../http/support'
import { answering, type Answer, fresh } from './answering-transport'

const env = { CACHE_POLLING_MAX_RETRIES: '0', METRICS_ENABLED: 'false' }

const lwba = (of: { name?: string; aliases?: string[]; answer?: () => Answer } = {}) => {
  const params = {
    name: of.name ?? 'quote',
    aliases: of.aliases,
    inputParameters: new InputParameters(lwbaEndpointInputParametersDefinition),
    transport: answering(of.answer ?? (() => fresh(null, { bid: 1, mid: 2, ask: 3 }))),
  }
  return { params, endpoint: new LwbaEndpoint(params as never) }
}

/** A bid/ask endpoint whose quotes the test writes. */
const quotes = (customOutputValidation?: CustomOutputValidator) => {
  const transport = new StillTransport()
  const endpoint = new LwbaEndpoint({
    name: 'quote',
    inputParameters: new InputParameters(lwbaEndpointInputParametersDefinition),
    transport: transport as never,
    customOutputValidation,
  })
  const write = (data: unknown) =>
    endpoint.responseCache!.write('default_single_transport', [
      { params: { base: 'A', quote: 'B' }, response: fresh(null, data) },
    ] as never)
  const refused = () => endpoint.responseCache!.refusalsOf('default_single_transport').count('invalid-result')
  return { endpoint, write, refused }
}

const serveAll = (endpoints: AdapterEndpoint<EndpointGenerics>[]) =>
  serve(() => new Adapter({ name: 'TEST', defaultEndpoint: endpoints[0]!.name, endpoints }), { env })

describe('the parameters of an endpoint kind', () => {
  const price = {
    base: {
      aliases: ['from', 'coin'],
      type: 'string',
      description: 'The symbol of symbols of the currency to query',
      required: true,
    },
    quote: {
      aliases: ['to', 'market'],
      type: 'string',
      description: 'The symbol of the currency to convert to',
      required: true,
    },
  }

  it.each([
    ['price', priceEndpointInputParametersDefinition, price],
    ['bid and ask', lwbaEndpointInputParametersDefinition, price],
    [
      'stock',
      stockEndpointInputParametersDefinition,
      {
        base: {
          aliases: ['from', 'symbol', 'asset', 'coin', 'ticker'],
          type: 'string',
          description: 'The stock ticker to query',
          required: true,
        },
      },
    ],
    [
      'market status',
      marketStatusEndpointInputParametersDefinition,
      {
        market: { aliases: [], type: 'string', description: 'The name of the market', required: true },
        type: {
          type: 'string',
          description: 'Type of the market status',
          options: ['regular', '24/5'],
          default: 'regular',
        },
        weekend: {
          type: 'string',
          description: 'DHH-DHH:TZ, 520-020:America/New_York means Fri 20:00 to Sun 20:00 Eastern Time Zone',
        },
        force245MarketStatus: {
          type: 'boolean',
          description: 'Return response in 24/5 market status',
          default: false,
        },
      },
    ],
    [
      'balance',
      porBalanceEndpointInputParametersDefinition,
      {
        addresses: {
          aliases: ['result'],
          array: true,
          type: {
            address: { type: 'string', description: 'an address to get the balance of', required: true },
          },
          description:
            'An array of addresses to get the balances of (as an object with string `address` as an attribute)',
          required: true,
        },
      },
    ],
  ])('are exactly those of the contract: %s', (_kind, definition, expected) => {
    expect(definition).toStrictEqual(expected)
    expect(() => new InputParameters(definition)).not.toThrow()
  })

  it('are found under every alias', () => {
    const stock = new InputParameters(stockEndpointInputParametersDefinition)
    for (const alias of ['base', 'from', 'symbol', 'asset', 'coin', 'ticker'])
      expect(stock.validateInput({ [alias]: 'X' })).toEqual({ base: 'X' })
    const balance = new InputParameters(porBalanceEndpointInputParametersDefinition)
    expect(balance.validateInput({ result: [{ address: 'a', network: 'x' }] })).toEqual({
      addresses: [{ address: 'a' }],
    })
  })
})

describe('a bid/ask endpoint', () => {
  it('answers to the usual names as well', () => {
    expect(DEFAULT_LWBA_ALIASES).toEqual(['crypto-lwba', 'crypto_lwba', 'cryptolwba'])
    for (const [name, aliases, expected] of [
      ['quote', undefined, DEFAULT_LWBA_ALIASES],
      ['quote', ['best'], ['best', ...DEFAULT_LWBA_ALIASES]],
      ['quote', ['cryptolwba'], ['cryptolwba', 'crypto-lwba', 'crypto_lwba']],
      ['crypto-lwba', [], ['crypto_lwba', 'cryptolwba']],
    ] as const) {
      const { params, endpoint } = lwba({ name, aliases: aliases && [...aliases] })
      expect(endpoint.aliases).toEqual(expected)
      expect(params.aliases).toBe(endpoint.aliases)
    }
    expect(DEFAULT_LWBA_ALIASES).toHaveLength(3)
  })

  it('may be called by one of the usual names in other letters', async () => {
    await using service = await serveAll([
      lwba({ name: 'CryptoLWBA', aliases: ['CRYPTO-LWBA'] }).endpoint as never,
    ])
    for (const endpoint of ['cryptolwba', 'crypto-lwba', 'crypto_lwba'])
      expect((await service.post({ base: 'A', quote: 'B' }, { endpoint })).statusCode).toBe(200)
  })

  const missing = 'Invariant violation. LWBA response must contain mid, bid and ask prices.'
  const outside = 'Invariant violation. Mid price must be between bid and ask prices.'
  it.each([
    [1, 2, 3, ''],
    [2, 2, 2, ''],
    [1, 1, 3, ''],
    [1, 3, 3, ''],
    [-3, -2, -1, ''],
    [undefined, 2, 3, `${missing} Got: (bid: undefined, mid: 2, ask: 3)`],
    [1, undefined, 3, `${missing} Got: (bid: 1, mid: undefined, ask: 3)`],
    [1, 2, undefined, `${missing} Got: (bid: 1, mid: 2, ask: undefined)`],
    [0, 1, 2, `${missing} Got: (bid: 0, mid: 1, ask: 2)`],
    [-1, 0, 1, `${missing} Got: (bid: -1, mid: 0, ask: 1)`],
    [NaN, 1, 2, `${missing} Got: (bid: NaN, mid: 1, ask: 2)`],
    [null, 1, 2, `${missing} Got: (bid: null, mid: 1, ask: 2)`],
    [2, 1, 3, `${outside} Got: (bid: 2, mid: 1, ask: 3)`],
    [1, 4, 3, `${outside} Got: (bid: 1, mid: 4, ask: 3)`],
    [3, 2, 1, `${outside} Got: (bid: 3, mid: 2, ask: 1)`],
  ])('has a rule for bid %s, mid %s and ask %s', async (bid, mid, ask, problem) => {
    const prices = [bid, mid, ask] as [number, number, number]
    expect(validateLwbaResponse(...prices)).toBe(problem)
    const { endpoint, write } = quotes()
    await using service = await serveAll([endpoint as never])
    await write({ bid, mid, ask })
    for (let time = 0; time < 3; time++) {
      const { statusCode, json } = await service.post({ base: 'A', quote: 'B' })
      if (problem === '') expect([statusCode, json.data]).toEqual([200, { bid, mid, ask }])
      else {
        const { timestamps } = fresh(null, null)!
        const reason = {
          code: 'REFUSED_VALUE',
          class: 'guard',
          message: problem,
          sinceUnixMs: expect.any(Number) as number,
        }
        expect([statusCode, json]).toEqual([
          502,
          { statusCode: 502, errorMessage: problem, timestamps, reason },
        ])
      }
    }
  })

  it.each([undefined, null, {}, 'text'])('takes %j for no quote', async (data) => {
    const { endpoint, write } = quotes()
    await using service = await serveAll([endpoint as never])
    await write(data)
    expect(await service.post({ base: 'A', quote: 'B' })).toMatchObject({
      statusCode: 502,
      json: { errorMessage: `${missing} Got: (bid: undefined, mid: undefined, ask: undefined)` },
    })
  })

  it('passes the provider’s errors on', async () => {
    const answer = () => ({ ...fresh(null, undefined), statusCode: 502, errorMessage: 'down' }) as Answer
    await using service = await serveAll([lwba({ answer }).endpoint as never])
    expect(await service.post({ base: 'A', quote: 'B' })).toMatchObject({
      statusCode: 502,
      json: { errorMessage: 'down' },
    })
    const { endpoint } = quotes()
    await using written = await serveAll([endpoint as never])
    const { timestamps } = fresh(null, null)!
    const response = { statusCode: 404, errorMessage: 'no such pair', timestamps }
    await endpoint.responseCache!.write('default_single_transport', [
      { params: { base: 'A', quote: 'B' }, response },
    ])
    expect(await written.post({ base: 'A', quote: 'B' })).toMatchObject({
      statusCode: 404,
      json: { errorMessage: 'no such pair' },
    })
  })

  it('goes on serving a good quote after broken ones, which are counted, contract 18.4', async () => {
    const { endpoint, write, refused } = quotes()
    await using service = await serveAll([endpoint as never])
    await write({ bid: 1, mid: 2, ask: 3 })
    for (const broken of [{ bid: 3, mid: 2, ask: 1 }, { bid: 0, mid: 2, ask: 3 }, undefined]) {
      await write(broken)
      const { statusCode, json } = await service.post({ base: 'A', quote: 'B' })
      expect([statusCode, json.data]).toEqual([200, { bid: 1, mid: 2, ask: 3 }])
    }
    expect(refused()).toBe(3)
    await write({ bid: 2, mid: 3, ask: 4 })
    expect((await service.post({ base: 'A', quote: 'B' })).json.data).toEqual({ bid: 2, mid: 3, ask: 4 })
  })

  it('asks an output validation of the author for every good quote, and leaves errors to themselves, contract 18.4', async () => {
    const seen: unknown[] = []
    const { endpoint, write } = quotes((output) => {
      const { mid } = output.data as { mid: number }
      seen.push(mid)
      if (mid > 10) throw new AdapterLWBAError({ statusCode: 507, message: 'too dear' })
      return undefined
    })
    await using service = await serveAll([endpoint as never])
    const ask = async () => (await service.post({ base: 'A', quote: 'B' })).statusCode
    await write({ bid: 3, mid: 2, ask: 1 })
    expect([await ask(), seen]).toEqual([502, []])
    await write({ bid: 1, mid: 2, ask: 3 })
    expect([await ask(), await ask(), await ask(), seen]).toEqual([200, 200, 200, [2, 2, 2]])
    await write({ bid: 11, mid: 12, ask: 13 })
    expect(await service.post({ base: 'A', quote: 'B' })).toMatchObject({
      statusCode: 507,
      json: { error: { name: 'AdapterLWBAError', message: 'too dear' } },
    })
  })

  it('answers a request seen before without preparing it again, contract 18.4', async () => {
    const { endpoint, write } = quotes()
    await using service = await serveAll([endpoint as never])
    await write({ bid: 1, mid: 2, ask: 3 })
    const preparations = vi.spyOn(endpoint.inputParameters, 'validateInput')
    for (let time = 0; time < 3; time++)
      expect((await service.post({ base: 'A', quote: 'B' })).statusCode).toBe(200)
    expect(preparations).toHaveBeenCalledTimes(1)
  })
})

describe('a market status endpoint', () => {
  it('has statuses with the numbers of the contract', () => {
    expect(MarketStatus).toMatchObject({
      UNKNOWN: 0,
      CLOSED: 1,
      OPEN: 2,
      0: 'UNKNOWN',
      1: 'CLOSED',
      2: 'OPEN',
    })
    expect(TwentyfourFiveMarketStatus).toMatchObject({
      ...{ UNKNOWN: 0, PRE_MARKET: 1, REGULAR: 2, POST_MARKET: 3, OVERNIGHT: 4, WEEKEND: 5 },
      ...{ 0: 'UNKNOWN', 1: 'PRE_MARKET', 2: 'REGULAR', 3: 'POST_MARKET', 4: 'OVERNIGHT', 5: 'WEEKEND' },
    })
  })

  const format = '[Param: weekend] does not match format of DHH-DHH:TZ'
  const zone = 'timezone Nope in [Param: weekend] is not valid: RangeError: Invalid time zone specified: Nope'
  const regular = '[Param: weekend] must be empty when [Param: type] is regular'
  it.each([
    [{ market: 'nyse' }, undefined],
    [{ market: 'nyse', weekend: '' }, undefined],
    [{ market: 'nyse', weekend: null }, undefined],
    [{ market: 'nyse', type: '24/5', weekend: '520-020:UTC' }, undefined],
    [{ market: 'nyse', force245MarketStatus: true }, undefined],
    [{ market: 'nyse', weekend: '520-020:UTC' }, regular],
    [{ market: 'nyse', type: 'regular', weekend: ' ' }, regular],
    [{ market: 'nyse', type: '24/5' }, format],
    [{ market: 'nyse', type: '24/5', weekend: '' }, format],
    [{ market: 'nyse', type: '24/5', weekend: '520-020' }, format],
    [{ market: 'nyse', type: '24/5', weekend: '520-020:Nope' }, zone],
    [{ market: 'nyse', type: '24/7' }, '[Param: type] input is not one of valid options (regular,24/5)'],
    [{}, '[Param: market] param is required but no value was provided'],
    [{ market: 'nyse', weekend: 1 }, '[Param: weekend] input type is not the expected one (string)'],
  ])('judges the weekend of %j', async (data, problem) => {
    const endpoint = new MarketStatusEndpoint({
      name: 'status',
      inputParameters: new InputParameters(marketStatusEndpointInputParametersDefinition),
      transport: answering(() => fresh(2, { result: 2, statusString: 'OPEN' })),
      customInputValidation: () => {
        throw new Error('of the author')
      },
    } as never)
    expect(endpoint.isPure).toBe(true)
    await using service = await serveAll([endpoint as never])
    for (let time = 0; time < 2; time++) {
      const { statusCode, json } = await service.post(data)
      if (problem === undefined) expect([statusCode, json.result]).toEqual([200, 2])
      else
        expect([statusCode, json]).toEqual([
          400,
          { status: 'errored', statusCode: 400, error: { name: 'AdapterError', message: problem } },
        ])
    }
  })
})

describe('a stock endpoint', () => {
  it('is an endpoint like any other', async () => {
    const endpoint = new StockEndpoint({
      name: 'stock',
      inputParameters: new InputParameters(stockEndpointInputParametersDefinition),
      transport: answering((req) => fresh((req.requestContext.data as { base: string }).base, {})),
    } as never)
    expect(endpoint).toBeInstanceOf(AdapterEndpoint)
    await using service = await serveAll([endpoint as never])
    expect((await service.post({ ticker: 'TSLA' })).json).toMatchObject({ result: 'TSLA' })
  })
})

it('the adapter barrel has bid/ask and market status, but neither stock nor proof of reserves', () => {
  expect(Object.keys(publicAdapter)).toEqual(
    expect.arrayContaining([
      ...['LwbaEndpoint', 'lwbaEndpointInputParametersDefinition', 'DEFAULT_LWBA_ALIASES'],
      ...['validateLwbaResponse', 'MarketStatusEndpoint', 'marketStatusEndpointInputParametersDefinition'],
      ...['MarketStatus', 'TwentyfourFiveMarketStatus'],
    ]),
  )
  expect(Object.keys(publicAdapter).filter((name) => /^(stock|por)/i.test(name))).toEqual([])
})
