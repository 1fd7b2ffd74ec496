import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdapter } from '../../endpoints/coinbase'
import { CryptoPriceEndpoint, type PriceEndpointGenerics } from '../../src/adapter/price-endpoint'
import { LwbaEndpoint, lwbaEndpointInputParametersDefinition } from '../../src/adapter/lwba-endpoint'
import { marketStatusEndpointInputParametersDefinition } from '../../src/adapter/market-status-endpoint'
import { porBalanceEndpointInputParametersDefinition } from '../../src/adapter/por-endpoints'
import { priceEndpointInputParametersDefinition } from '../../src/adapter/price-endpoint'
import { stockEndpointInputParametersDefinition } from '../../src/adapter/stock-endpoint'
import { answers } from '../../src/http/answers'
import { availableAdapters, loadAdapter } from '../../src/service/catalogue'
import { serve, type Served, wsProvider, type WsProvider } from '../../src/testing'
import { NopTransport } from '../../src/testing/nop-transport'
import { type LoggerFactory } from '../../src/util/logging'
import { reasonClasses } from '../../src/validation/error-answer'
import { errorCodes } from '../../src/validation/error-codes'
import { InputParameters } from '../../src/validation/input-parameters'
import { classOf } from '../../src/validation/reason'
import { read } from '../helpers/repository'

const page = read('docs/requests.md')

/** The cells of a table between its marks, without its head. */
const rows = (table: string): string[][] => {
  const [, text = ''] = new RegExp(`<!-- ${table} -->([^]*?)<!-- /${table} -->`).exec(page) ?? []
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(1).map((line) => line.slice(2, -2).split(' | '))
}

const code = (text: string) => `\`${text}\``
const list = (names: readonly string[] = []) => names.map(code).join(', ') || '-'
const shown = (parameters: Pick<InputParameters<never>, 'params'>) =>
  parameters.params
    .map(
      ({ aliases: [name = '', ...others] }) => code(name) + (others.length > 0 ? ` (${list(others)})` : ''),
    )
    .join(', ') || '-'

describe('the page on requests', () => {
  it('has the names of endpoints and parameters that the adapters have', async () => {
    const adapters = await Promise.all(
      [...availableAdapters().keys()].map(async (name) => [name, await loadAdapter(name)] as const),
    )
    const expected = adapters.flatMap(([name, { endpoints }]) =>
      endpoints.map((endpoint) => [
        code(name),
        code(endpoint.name),
        list(endpoint.aliases),
        shown(endpoint.inputParameters as never),
      ]),
    )
    expect(rows('names')).toEqual(expected)
  })

  it('has those that the kinds of endpoint have', () => {
    const params = {
      name: 'x',
      transport: new NopTransport() as never,
      inputParameters: new InputParameters({}) as never,
    }
    const of = (definition: object) => shown(new InputParameters(definition as never))
    expect(rows('kinds')).toEqual([
      [
        code('CryptoPriceEndpoint'),
        list(new CryptoPriceEndpoint<PriceEndpointGenerics>({ ...params }).aliases),
        of(priceEndpointInputParametersDefinition),
      ],
      [
        code('LwbaEndpoint'),
        list(new LwbaEndpoint({ ...params }).aliases),
        of(lwbaEndpointInputParametersDefinition),
      ],
      [code('StockEndpoint'), '-', of(stockEndpointInputParametersDefinition)],
      [code('MarketStatusEndpoint'), '-', of(marketStatusEndpointInputParametersDefinition)],
      [code('PoRBalanceEndpoint'), '-', of(porBalanceEndpointInputParametersDefinition)],
    ])
  })

  it('has all classes of reasons, each with its codes, and says what to do', () => {
    const codes = Object.keys(errorCodes)
    const expected = reasonClasses.map((one) => [
      code(one),
      list(codes.filter((name) => classOf({ code: name }) === one)),
    ])
    expect(rows('classes').map((row) => row.slice(0, 2))).toEqual(expected)
    for (const [name, , what = '', todo = ''] of rows('classes'))
      expect(
        [what, todo].every((text) => text.length > 5),
        name,
      ).toBe(true)
  })

  it('has all statuses that a request is answered with', () => {
    const listed = rows('statuses').flatMap(([statuses = '']) => statuses.split(', '))
    const described = answers
      .filter(({ path }) => path === '/, /<adapter>')
      .flatMap(({ status }) => status.match(/\d{3}/g) ?? [])
    expect(listed).toEqual(expect.arrayContaining(described))
  })
})

describe('the examples of the page on requests', () => {
  const told: string[] = []
  const loggerFactory = {
    child: ({ layer }: { layer: string }) =>
      Object.fromEntries(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
          level,
          (_fields: object, msg: string) => void (layer === 'Requests' && told.push(msg)),
        ]),
      ),
  } as unknown as LoggerFactory
  const PRICES: Record<string, string> = { 'ETH-USD': '3120.55', 'BTC-USD': '64000.10' }
  const BOOK: Record<string, object> = { 'ETH-USD': { best_bid: '3120.50', best_ask: '3120.60' } }
  let provider: WsProvider
  let service: Served

  beforeAll(async () => {
    provider = await wsProvider()
    provider.onMessage((text, connection) => {
      const { type, product_ids: products } = JSON.parse(text) as { type: string; product_ids: string[] }
      if (type !== 'subscribe') return
      for (const product_id of products) {
        const price = PRICES[product_id]
        const time = new Date().toISOString()
        const book = BOOK[product_id] ?? { best_bid: price, best_ask: price }
        if (price)
          connection.send({ type: 'ticker', sequence: 1, product_id, price, ...book, time, trade_id: 7 })
        if (product_id === 'ETH-XYZ')
          connection.send({
            type: 'error',
            message: 'Failed',
            reason: `${product_id} is not a valid product`,
          })
      }
    })
    const env = { COINBASE_WS_API_ENDPOINT: provider.url, METRICS_ENABLED: 'true' }
    service = (await serve(createAdapter, { env, dependencies: { loggerFactory } })) as never
  })
  afterAll(async () => {
    await service.stop()
    await provider[Symbol.asyncDispose]()
  })

  const send = async (payload: string) => {
    const headers = { 'content-type': 'application/json' }
    const { statusCode, body } = await service.api.inject({ method: 'POST', url: '/', headers, payload })
    return { statusCode, answer: JSON.parse(body) as object }
  }

  /** As the page shows it, but for times. */
  const expected = (text: string) =>
    JSON.parse(text, (key, value: unknown) =>
      key.endsWith('UnixMs') ? (expect.any(Number) as unknown) : value,
    ) as object

  const blocks = [...page.matchAll(/```json (\w+)\n([^]*?)```/g)].map(([, what = '', text = '']) => ({
    what,
    text,
  }))
  const examples = blocks.flatMap(({ what, text }, at) =>
    what === 'request' ? [[text.trim(), blocks[at + 1]!.what, blocks[at + 1]!.text] as const] : [],
  )

  it('are requests with answers, and there are as many as there are blocks of JSON', () => {
    expect(examples.length).toBeGreaterThan(7)
    expect(page.match(/```/g)).toHaveLength(examples.length * 4)
  })

  it.each(examples)('are answered as it shows: %s', async (request, status, text) => {
    const { statusCode, answer } = await send(request)
    expect(String(statusCode)).toBe(status)
    expect(answer).toMatchObject(expected(text))
  })

  it('begin with the one of the README', () => {
    const [, shown = ''] = /```json\n([^]*?)```/.exec(read('README.md')) ?? []
    expect(JSON.parse(shown)).toEqual(JSON.parse(examples[0]![2]))
  })

  it.each(rows('lines'))('have the line that it shows: %s', async (request = '', line = '') => {
    told.length = 0
    await send(request.slice(1, -1))
    expect(told).toEqual([line.slice(1, -1)])
  })
})
