import { afterEach, describe, expect, it, vi } from 'vitest'
import { Unmatched } from '../../src/adapter/unmatched'
import { type AdapterParams } from '../../src/adapter/params'
import { serve } from '../../src/testing/serve'
import { TestAdapter } from '../../src/testing/test-adapter'
import { TransportRoutes } from '../../src/transports/routes'
import { defaultLoggerFactory, type LoggerFactory } from '../../src/util/logging'
import { InputParameters } from '../../src/validation/input-parameters'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import {
  JSON_HEADERS,
  priceParameters,
  type PriceTypes,
  stillAdapter,
  StillTransport,
  stoppable,
} from './support'

interface Line {
  layer: string
  level: string
  msg: string
  adapter?: string
  endpoint?: string
  cacheKey?: string
}

/** A logger keeps the first factory it meets, so all tests of this file share one. */
let lines: Line[] = []
const loggerFactory = {
  child: ({ layer }: { layer: string }) =>
    Object.fromEntries(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
        level,
        (fields: object, msg: string) => void lines.push({ ...fields, layer, level, msg }),
      ]),
    ),
} as unknown as LoggerFactory
afterEach(() => {
  lines = []
  vi.restoreAllMocks()
})

const ETH = { base: 'ETH', quote: 'USD' }
const said = () => lines.filter(({ layer }) => layer === 'Requests')
const start = (of: Parameters<typeof stillAdapter>[0] = {}) => {
  const still = stillAdapter(of)
  const options = { dependencies: { loggerFactory }, env: { CACHE_POLLING_MAX_RETRIES: '0' } }
  return serve(still.adapter, options).then((service) => stoppable({ ...still, service }))
}
const routed = (): Partial<AdapterParams<never>> => {
  const transportRoutes = new TransportRoutes<PriceTypes>()
  for (const name of ['ws', 'rest']) transportRoutes.register(name, new StillTransport())
  const inputParameters = priceParameters()
  const params = { name: 'routed', defaultTransport: 'rest', inputParameters, transportRoutes }
  return { endpoints: [new AdapterEndpoint<PriceTypes>(params) as never] }
}

/** The texts of the lines for some requests to an adapter called TEST. */
const linesFor = async (bodies: object[], of: Parameters<typeof start>[0] = {}) => {
  await using started = await start(of)
  for (const payload of bodies)
    await started.service.api.inject({ method: 'POST', url: '/', headers: JSON_HEADERS, payload })
  return said().map(({ msg }) => msg)
}

describe('what of a request matches nothing', () => {
  it.each([
    [
      'overrides for other adapters',
      { data: { ...ETH, overrides: { coingecko: { ETH: 'ethereum' }, other: {} } } },
      'The overrides are for other adapters than TEST: "coingecko", "other"',
    ],
    [
      'overrides of another symbol',
      { data: { ...ETH, overrides: { test: { BTC: 'XBT', eth: 'x' } } } },
      'The overrides replace none of "BTC", "eth": "ETH" is asked for, and letter case counts',
    ],
    [
      'a transport in overrides where there is no choice',
      { data: { ...ETH, overrides: { test: { transport: 'ws' } } } },
      'The overrides replace none of "transport": "ETH" is asked for, and letter case counts',
    ],
    [
      'an alias in the place of an empty name',
      { data: { ...ETH, base: '', from: 'BTC' } },
      'In "data", "from" counts in the place of "base", which is empty',
    ],
    [
      'an endpoint in data, with another one beside it',
      { endpoint: 'CRYPTO', data: { ...ETH, endpoint: 'price' } },
      '"endpoint" beside "data" counts, and that in it does not: "price"',
    ],
    [
      'members that are no parameters',
      { data: { ...ETH, tokenOverrides: {}, transport: 'ws', days: 1 } },
      'In "data" there is what no parameter of this endpoint is called: "tokenOverrides", "transport", "days"',
    ],
  ])('is told in one debug line, and not again for the same feed: %s', async (_what, body, line) => {
    expect(await linesFor([body, body, { id: '2', ...body }])).toEqual([line])
    expect(said()[0]).toMatchObject({ level: 'debug', adapter: 'TEST', endpoint: 'price' })
  })

  it.each([
    ['a plain request', { id: '1', jobRunID: '1', meta: { x: 1 }, data: { from: 'ETH', to: 'USD' } }],
    ['the endpoint twice', { endpoint: 'Price', data: { ...ETH, endpoint: 'price' } }],
    [
      'an override of the symbol',
      { data: { ...ETH, overrides: { TEST: { ETH: 'WETH' }, other: { A: 'B' } } } },
    ],
    ['one by an alias', { data: { coin: 'ETH', to: 'USD', overrides: { test: { ETH: 'WETH' } } } }],
    ['no overrides', { data: { ...ETH, overrides: {} } }],
    ['a choice of a transport', { endpoint: 'routed', data: { ...ETH, transport: 'ws' } }],
    ['one in overrides', { endpoint: 'routed', data: { ...ETH, overrides: { test: { transport: 'ws' } } } }],
    ['a request that is refused', { data: { base: 'ETH', nothing: 1 } }],
  ])('is not told of what matches: %s', async (_what, body) => {
    expect(await linesFor([body], { adapter: routed() as never })).toEqual([])
  })

  it('is told for each feed and each thing, and for an adapter that the request names instead', async () => {
    const inputParameters = new InputParameters({
      ...priceParameters().definition,
      adapterNameOverride: { description: 'Another adapter', type: 'string' },
    }) as never
    const as = { adapterNameOverride: 'other' }
    const overrides = { OTHER: { ETH: 'WETH' } }
    const bodies = [
      { data: { ...ETH, ...as, overrides } },
      { data: { ...ETH, overrides } },
      { data: { base: 'BTC', quote: 'USD', ...as, overrides } },
      { data: { ...ETH, x: 1 } },
      { data: { ...ETH, y: 1 } },
      { data: { base: 'BTC', quote: 'USD', x: 1 } },
    ]
    expect(await linesFor(bodies, { endpoint: { inputParameters } })).toEqual([
      'The overrides are for other adapters than TEST: "OTHER"',
      'The overrides replace none of "ETH": "BTC" is asked for, and letter case counts',
      ...['x', 'y', 'x'].map(
        (name) => `In "data" there is what no parameter of this endpoint is called: "${name}"`,
      ),
    ])
  })

  it('OB-4: is told in a hundred lines a minute at most, none of them long, whatever clients send', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`m${n}-${'x'.repeat(100)}`, 1]))
    const bodies = Array.from({ length: 150 }, (_, n) => ({ data: { base: `B${n}`, quote: 'USD', ...many } }))
    const found = await linesFor(bodies)
    expect(found).toHaveLength(100)
    expect(Math.max(...found.map(({ length }) => length))).toBe(501)
  })

  it('costs nothing from the second request on, where the first one is remembered', async () => {
    const note = vi.spyOn(Unmatched.prototype, 'note')
    await using started = await start()
    const { service, transport } = started
    await transport.put(ETH, 1)
    for (let n = 0; n < 5; n++) expect((await service.post({ ...ETH, x: 1 })).statusCode).toBe(200)
    expect([note.mock.calls.length, said().length]).toEqual([1, 1])
  })

  it('is not looked for where nobody reads it, and not in adapters’ own tests', async () => {
    const note = vi.spyOn(Unmatched.prototype, 'note')
    const env = { LOG_LEVEL: 'info', CACHE_POLLING_MAX_RETRIES: '0' }
    vi.stubEnv('LOG_LEVEL', 'info')
    const quiet = defaultLoggerFactory({ write: () => {} })
    await using service = await serve(stillAdapter().adapter, { dependencies: { loggerFactory: quiet }, env })
    await service.post({ ...ETH, x: 1 })
    const tested = await TestAdapter.start(stillAdapter().adapter, {}, { loggerFactory })
    await tested.request({ ...ETH, x: 1 })
    await tested.api.close()
    expect(note).not.toHaveBeenCalled()
    vi.unstubAllEnvs()
  })
})
