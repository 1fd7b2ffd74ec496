import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  Adapter,
  type AdapterEndpointParams,
  CryptoPriceEndpoint,
  type EndpointGenerics,
  ForexPriceEndpoint,
  type IncludesFile,
  LwbaEndpoint,
  type LwbaEndpointGenerics,
  lwbaEndpointInputParametersDefinition,
  type LwbaResponseDataFields,
  MarketStatus,
  MarketStatusEndpoint,
  type MarketStatusEndpointGenerics,
  marketStatusEndpointInputParametersDefinition,
  type MarketStatusResultResponse,
  PriceAdapter,
  PriceEndpoint,
  type PriceEndpointGenerics,
  priceEndpointInputParametersDefinition,
  TwentyfourFiveMarketStatus,
} from '../../src/public/adapter'
import {
  PoRAdapter,
  type PoRAddress,
  PoRAddressEndpoint,
  type PoRAddressEndpointGenerics,
  type PoRAddressResponse,
  type PoRBalance,
  PoRBalanceEndpoint,
  type PoRBalanceEndpointGenerics,
  porBalanceEndpointInputParametersDefinition,
  type PoRBalanceResponse,
  PoRProviderEndpoint,
  type PoRProviderEndpointGenerics,
  type PoRProviderResponse,
  type PoRTokenAddress,
  PoRTokenAddressEndpoint,
  type PoRTokenAddressEndpointGenerics,
  type PoRTokenAddressResponse,
  PoRTotalBalanceEndpoint,
  type PoRTotalBalanceEndpointGenerics,
} from '../../src/public/adapter/por'
import {
  StockEndpoint,
  type StockEndpointGenerics,
  stockEndpointInputParametersDefinition,
} from '../../src/public/adapter/stock'
import { AdapterConfig } from '../../src/public/config'
import { type Transport } from '../../src/public/transports'
import { type ProviderResult, type SingleNumberResultResponse } from '../../src/public/util'
import { InputParameters } from '../../src/public/validation'
import { isValidEthereumAddress } from '../../src/public/validation/address'
import { type EmptyInputParameters } from '../../src/public/validation/input-params'
import { AdapterInputError } from '../../src/public/validation/error'

const config = new AdapterConfig({
  API_KEY: { description: 'Key', type: 'string', required: true, sensitive: true },
})
type Settings = typeof config.settings
type PriceDefinition = typeof priceEndpointInputParametersDefinition
type Typed<P, R> = { Parameters: P; Response: R; Settings: Settings }
type Single = SingleNumberResultResponse

/** Whether a bundle of types fits a kind of endpoint. */
type Fits<T, Kind> = T extends Kind ? true : false

const still = <T extends EndpointGenerics>(): Transport<T> =>
  ({ initialize: () => Promise.resolve() }) as unknown as Transport<T>

describe('the types of price endpoints', () => {
  const inputParameters = new InputParameters(
    {
      ...priceEndpointInputParametersDefinition,
      side: { description: 'Side', type: 'string', options: ['buy', 'sell'], default: 'buy' },
    },
    [{ base: 'ETH', quote: 'USD', side: 'buy' }],
  )
  type Types = Typed<typeof inputParameters.definition, Single>

  it('take base and quote with one number as answer', () => {
    expectTypeOf<Fits<Types, PriceEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<Typed<PriceDefinition, Single>, PriceEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<Types, EndpointGenerics>>().toEqualTypeOf<true>()
    const params: AdapterEndpointParams<Types> = {
      name: 'price',
      transport: still<Types>(),
      inputParameters,
      customInputValidation: (req, settings) => {
        expectTypeOf(req.requestContext.data.side).toEqualTypeOf<'buy' | 'sell'>()
        expectTypeOf(req.requestContext.data.base).toEqualTypeOf<string>()
        expectTypeOf(settings.API_KEY).toEqualTypeOf<string>()
        expectTypeOf(settings.CACHE_MAX_AGE).toEqualTypeOf<number>()
        return req.requestContext.data.base === '' ? new AdapterInputError({ statusCode: 400 }) : undefined
      },
      requestTransforms: [(req) => void (req.requestContext.data.base = 'x')],
      cacheKeyGenerator: ({ base, quote }) => `${base}/${quote}`,
      customOutputValidation: ({ statusCode }) => void statusCode,
    }
    const endpoints = [
      new PriceEndpoint(params),
      new CryptoPriceEndpoint<Types>(params),
      new ForexPriceEndpoint<Types>(params),
    ]
    expect(new PriceAdapter({ name: 'TEST', config, endpoints, includes: [] }).endpoints).toHaveLength(3)
    expect(
      new PriceAdapter<typeof config.settingsDefinition>({ name: 'TEST', endpoints, config }),
    ).toBeDefined()
  })

  it('refuse other parameters and other answers', () => {
    type NoQuote = Typed<Pick<PriceDefinition, 'base'>, Single>
    expectTypeOf<Fits<NoQuote, PriceEndpointGenerics>>().toEqualTypeOf<false>()
    type NoAliases = Typed<
      { base: { type: 'string'; description: 'd' }; quote: PriceDefinition['quote'] },
      Single
    >
    expectTypeOf<Fits<NoAliases, PriceEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<Typed<EmptyInputParameters, Single>, PriceEndpointGenerics>>().toEqualTypeOf<false>()
    type Text = Typed<PriceDefinition, { Result: string; Data: { result: string } }>
    expectTypeOf<Fits<Text, PriceEndpointGenerics>>().toEqualTypeOf<false>()
    // @ts-expect-error -- the answer is one number
    expect(new PriceEndpoint<Text>({ name: 'x', transport: still<Text>() }).name).toBe('x')
  })

  it('refuse an adapter name in small letters, and includes without inverse', () => {
    const endpoint = new PriceEndpoint<Types>({ name: 'x', transport: still<Types>(), inputParameters })
    // @ts-expect-error -- upper case
    expect(new PriceAdapter({ name: 'test', endpoints: [endpoint] }).name).toBe('test')
    // @ts-expect-error -- whether it is the inverse has to be said
    const includes: IncludesFile = [{ from: 'A', to: 'B', includes: [{ from: 'C', to: 'D' }] }]
    expect(includes).toHaveLength(1)
  })
})

describe('the types of bid/ask endpoints', () => {
  type Definition = typeof lwbaEndpointInputParametersDefinition
  type Types = Typed<Definition, LwbaResponseDataFields>

  it('take base and quote with three numbers as answer', () => {
    expectTypeOf<Fits<Types, LwbaEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<LwbaResponseDataFields>().toEqualTypeOf<{
      Result: null
      Data: { mid: number; bid: number; ask: number }
    }>()
    type More = { Result: null; Data: { mid: number; bid: number; ask: number; volume: number } }
    expectTypeOf<Fits<Typed<Definition, More>, LwbaEndpointGenerics>>().toEqualTypeOf<true>()
    const inputParameters = new InputParameters(lwbaEndpointInputParametersDefinition)
    const endpoint = new LwbaEndpoint({ name: 'x', transport: still<Types>(), inputParameters })
    expect(new Adapter({ name: 'TEST', endpoints: [endpoint], config }).endpoints).toHaveLength(1)
    const results: ProviderResult<Types>[] = [
      { params: { base: 'A', quote: 'B' }, response: { result: null, data: { bid: 1, mid: 2, ask: 3 } } },
      // @ts-expect-error -- there is no result beside the three
      { params: { base: 'A', quote: 'B' }, response: { result: 2, data: { bid: 1, mid: 2, ask: 3 } } },
      // @ts-expect-error -- all three
      { params: { base: 'A', quote: 'B' }, response: { result: null, data: { bid: 1, ask: 3 } } },
    ]
    expect(results).toHaveLength(3)
  })

  it('refuse the answer of a price endpoint', () => {
    expectTypeOf<Fits<Typed<Definition, Single>, LwbaEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<Types, PriceEndpointGenerics>>().toEqualTypeOf<false>()
    type NoAsk = Typed<Definition, { Result: null; Data: { mid: number; bid: number } }>
    expectTypeOf<Fits<NoAsk, LwbaEndpointGenerics>>().toEqualTypeOf<false>()
  })
})

describe('the types of stock endpoints', () => {
  type Definition = typeof stockEndpointInputParametersDefinition
  type Types = Typed<Definition, Single>

  it('take base under its five aliases', () => {
    expectTypeOf<Fits<Types, StockEndpointGenerics>>().toEqualTypeOf<true>()
    const inputParameters = new InputParameters(stockEndpointInputParametersDefinition, [{ base: 'TSLA' }])
    expectTypeOf<typeof inputParameters.validated>().branded.toEqualTypeOf<{ base: string }>()
    expect(new StockEndpoint({ name: 'x', transport: still<Types>(), inputParameters }).name).toBe('x')
  })

  it('refuse the parameters of other kinds', () => {
    expectTypeOf<Fits<Typed<PriceDefinition, Single>, StockEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<
      Fits<Typed<Definition, LwbaResponseDataFields>, StockEndpointGenerics>
    >().toEqualTypeOf<false>()
  })
})

describe('the types of market status endpoints', () => {
  type Definition = typeof marketStatusEndpointInputParametersDefinition
  type Types = Typed<Definition, MarketStatusResultResponse>

  it('take a market, and answer with a status of either kind', () => {
    expectTypeOf<Fits<Types, MarketStatusEndpointGenerics>>().toEqualTypeOf<true>()
    const inputParameters = new InputParameters(marketStatusEndpointInputParametersDefinition, [
      { market: 'NYSE', type: 'regular', force245MarketStatus: false },
      { market: 'NYSE', type: '24/5', weekend: '520-020:America/New_York', force245MarketStatus: true },
    ])
    expectTypeOf<typeof inputParameters.validated>().branded.toEqualTypeOf<{
      market: string
      type: 'regular' | '24/5'
      weekend?: string | undefined
      force245MarketStatus: boolean
    }>()
    const endpoint = new MarketStatusEndpoint({ name: 'x', transport: still<Types>(), inputParameters })
    expect(endpoint.name).toBe('x')
    type Status = MarketStatusResultResponse['Result']
    expectTypeOf<Status>().toEqualTypeOf<MarketStatus | TwentyfourFiveMarketStatus>()
    const statuses: Status[] = [MarketStatus.OPEN, TwentyfourFiveMarketStatus.WEEKEND]
    expect(statuses).toEqual([2, 5])
  })

  it('may have more parameters, and refuse other answers', () => {
    type More = Definition & { region: { type: 'string'; description: 'Region' } }
    expectTypeOf<
      Fits<Typed<More, MarketStatusResultResponse>, MarketStatusEndpointGenerics>
    >().toEqualTypeOf<true>()
    expectTypeOf<Fits<Typed<Definition, Single>, MarketStatusEndpointGenerics>>().toEqualTypeOf<false>()
    type NoText = Typed<Definition, { Result: MarketStatus; Data: { result: MarketStatus } }>
    expectTypeOf<Fits<NoText, MarketStatusEndpointGenerics>>().toEqualTypeOf<false>()
    type NoMarket = Typed<Omit<Definition, 'market'>, MarketStatusResultResponse>
    expectTypeOf<Fits<NoMarket, MarketStatusEndpointGenerics>>().toEqualTypeOf<false>()
  })
})

describe('the types of proof-of-reserves endpoints', () => {
  type Balances = typeof porBalanceEndpointInputParametersDefinition
  type Addresses = Typed<EmptyInputParameters, PoRAddressResponse>
  type TokenAddresses = Typed<EmptyInputParameters, PoRTokenAddressResponse>
  type Balance = Typed<Balances, PoRBalanceResponse>
  type Total = Typed<Balances, { Result: string; Data: { result: string } }>
  type Provider = Typed<EmptyInputParameters, PoRProviderResponse>

  it('go with the answer of their kind', () => {
    expectTypeOf<Fits<Addresses, PoRAddressEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<TokenAddresses, PoRTokenAddressEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<Balance, PoRBalanceEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<Total, PoRTotalBalanceEndpointGenerics>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<Provider, PoRProviderEndpointGenerics>>().toEqualTypeOf<true>()
    const inputParameters = new InputParameters(porBalanceEndpointInputParametersDefinition)
    expectTypeOf<(typeof inputParameters.validated)['addresses'][number]['address']>().toEqualTypeOf<string>()
    const endpoints = [
      new PoRAddressEndpoint({ name: 'a', transport: still<Addresses>() }),
      new PoRTokenAddressEndpoint({ name: 'b', transport: still<TokenAddresses>() }),
      new PoRBalanceEndpoint({ name: 'c', transport: still<Balance>(), inputParameters }),
      new PoRTotalBalanceEndpoint({ name: 'd', transport: still<Total>(), inputParameters }),
      new PoRProviderEndpoint({ name: 'e', transport: still<Provider>() }),
    ]
    expect(new PoRAdapter({ name: 'TEST', config, endpoints }).endpoints).toHaveLength(5)
  })

  it('may have more parameters for each address', () => {
    const inputParameters = new InputParameters({
      addresses: {
        ...porBalanceEndpointInputParametersDefinition.addresses,
        type: {
          ...porBalanceEndpointInputParametersDefinition.addresses.type,
          network: { type: 'string', description: 'Network' },
        },
      },
      minConfirmations: { type: 'number', description: 'Confirmations', default: 6 },
    })
    type More = Typed<typeof inputParameters.definition, PoRBalanceResponse>
    expectTypeOf<Fits<More, PoRBalanceEndpointGenerics>>().toEqualTypeOf<true>()
    expect(new PoRBalanceEndpoint({ name: 'x', transport: still<More>(), inputParameters }).name).toBe('x')
  })

  it('refuse the answers of other kinds', () => {
    expectTypeOf<Fits<Addresses, PoRBalanceEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<Addresses, PoRTokenAddressEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<TokenAddresses, PoRAddressEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<Balance, PoRTotalBalanceEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<Total, PoRBalanceEndpointGenerics>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<Provider, PoRAddressEndpointGenerics>>().toEqualTypeOf<false>()
    type NoRipcord = Typed<EmptyInputParameters, Single>
    expectTypeOf<Fits<NoRipcord, PoRProviderEndpointGenerics>>().toEqualTypeOf<false>()
    type NoAddresses = Typed<EmptyInputParameters, PoRBalanceResponse>
    expectTypeOf<Fits<NoAddresses, PoRBalanceEndpointGenerics>>().toEqualTypeOf<false>()
  })

  it('say what an address, a token and a balance are', () => {
    const addresses: PoRAddress[] = [
      { network: 'bitcoin', chainId: 'mainnet', address: 'a', extra: 1 },
      // @ts-expect-error -- the chain is missing
      { network: 'bitcoin', address: 'a' },
    ]
    const tokens: PoRTokenAddress[] = [
      { contractAddress: 'c', wallets: ['w'], anything: {} },
      // @ts-expect-error -- wallets are a list
      { contractAddress: 'c', wallets: 'w' },
    ]
    const balances: PoRBalance[] = [
      { balance: '1', address: 'a' },
      // @ts-expect-error -- a number would lose digits
      { balance: 1 },
    ]
    expect([addresses, tokens, balances].map((list) => list.length)).toEqual([2, 2, 2])
  })
})

it('a checked address is a text', () => {
  const given = '0xde709f2102306220921060314715629080e2fb77' as string | undefined
  if (isValidEthereumAddress(given)) expectTypeOf(given).toEqualTypeOf<string>()
  expect(isValidEthereumAddress(given)).toBe(true)
})
