import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serve, type Served } from '../../src/testing/serve'
import { AdapterError } from '../../src/validation/errors'
import { InputParameters } from '../../src/validation/input-parameters'
import { JSON_HEADERS, keyOf, stillAdapter, type StillAdapter, stoppable } from './support'
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('an adapter with plans and its twin without', { timeout: 120_000 }, () => {
  const withDefault = () =>
    new InputParameters({
      base: { aliases: ['coin'], type: 'string', description: 'b', required: true },
      quote: { type: 'string', description: 'q', default: 'USD' },
    }) as never

  type Twin = StillAdapter & { service: Served; kept: unknown }
  type Command = { name: string; run: (twin: Twin) => unknown }

  const command = (name: string, run: Command['run']) => fc.constant({ name, run })
  const symbols = fc.constantFrom('ETH', 'eth', 'BTC', '')
  const pairs = fc.record({ base: symbols, quote: fc.constantFrom('USD', 'usd', 'EUR') })

  const bodies = fc.oneof(
    { weight: 6, arbitrary: fc.record({ data: pairs }).map((body) => JSON.stringify(body)) },
    {
      weight: 2,
      arbitrary: pairs.map(({ base, quote }) => `{"data":{"quote":"${quote}","coin":"${base}"}}`),
    },
    { weight: 2, arbitrary: pairs.map(({ base }) => `{"endpoint":"Crypto", "data":{"base":"${base}"}}`) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          pairs,
          fc.nat(3),
          fc.constantFrom('', ',"endpoint":"Crypto"', ',"endpoint":"x"', ',"__proto__":1'),
        )
        .map(
          ([data, run, more]) => `{"data":${JSON.stringify(data)},"id":"${run}","meta":{"data":1}${more}}`,
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(pairs, pairs)
        .map(([one, other]) => `{"data":${JSON.stringify(one)}, "data":${JSON.stringify(other)}}`),
    },
    {
      weight: 1,
      arbitrary: pairs.map((data) =>
        JSON.stringify({ data: { ...data, overrides: { test: { ETH: 'BTC' } } } }),
      ),
    },
    fc.constantFrom(
      '{"data":',
      '',
      'null',
      '{"endpoint":"x"}',
      '{"data":{"base":5,"quote":"USD"}}',
      '\ufeff{"data":{"base":"ETH","quote":"USD"}}',
    ),
  )
  const ask = bodies.map((payload): Command => ({
    name: `ask ${payload}`,
    run: async ({ service }) => {
      const reply = await service.api.inject({ method: 'POST', url: '/', headers: JSON_HEADERS, payload })
      // On the long way a hit registers its request once the reply is out.
      await new Promise(setImmediate)
      return [reply.statusCode, reply.headers['content-type'], reply.body]
    },
  }))
  const put = fc.tuple(pairs, fc.nat(3)).map(([pair, result]): Command => ({
    name: `put ${JSON.stringify(pair)} ${result}`,
    run: ({ transport }) => transport.put(pair, result),
  }))
  const putError = pairs.map((pair): Command => ({
    name: `error ${JSON.stringify(pair)}`,
    run: ({ transport }) => transport.putError(pair, 502, 'no'),
  }))
  const changes = fc.oneof(
    command('clear', ({ local }) => local().cache.clear()),
    command('delete', ({ local }) => local().delete(keyOf('eth', 'usd'))),
    command('expire', ({ local }) => local().setTTL(keyOf('eth', 'usd'), 0)),
    command('key size 12', ({ adapter }) => void (adapter.settings.MAX_COMMON_KEY_SIZE = 12)),
    command('key size 300', ({ adapter }) => void (adapter.settings.MAX_COMMON_KEY_SIZE = 300)),
    command(
      'feed id json',
      ({ adapter }) => void (adapter.settings.FEED_ID_JSON = !adapter.settings.FEED_ID_JSON),
    ),
    command('prefix', ({ adapter }) => void (adapter.settings.CACHE_PREFIX = 'p')),
    command('no prefix', ({ adapter }) => void (adapter.settings.CACHE_PREFIX = '')),
    command('other parameters', ({ endpoint }) => void (endpoint.inputParameters = withDefault())),
    command('parameters again', (twin) => void (twin.endpoint.inputParameters = twin.kept as never)),
    command('overrides', ({ endpoint }) => void (endpoint.overrides = { ETH: 'BTC' })),
    command('no overrides', ({ endpoint }) => void (endpoint.overrides = undefined)),
    command('output validation', ({ endpoint }) => {
      endpoint.customOutputValidation = ({ result }) => {
        if (result === 3) throw new AdapterError({ statusCode: 507, message: 'three' })
        return undefined
      }
    }),
    command('no output validation', ({ endpoint }) => void (endpoint.customOutputValidation = undefined)),
  )
  const wait = fc.constantFrom(1, 30_000, 60_000, 90_000).map((ms): Command => ({
    name: `wait ${ms}`,
    run: () => undefined,
  }))

  const commands = fc.array(
    fc.oneof(
      { weight: 12, arbitrary: ask },
      { weight: 5, arbitrary: put },
      { weight: 1, arbitrary: putError },
      { weight: 2, arbitrary: changes },
      { weight: 1, arbitrary: wait },
    ),
    { maxLength: 60, size: 'max' },
  )

  const twin = async (requestTransforms: (() => void)[]): Promise<Twin & AsyncDisposable> => {
    const still = stillAdapter({ endpoint: { requestTransforms } })
    const service = await serve(still.adapter)
    return stoppable({ ...still, service, kept: still.endpoint.inputParameters })
  }

  /** Their order depends on when the background last looked. */
  const sortedWants = async ({ transport }: Twin) =>
    (await transport.wanted()).map(({ base, quote }) => `${base}/${quote}`).sort()

  it('give the same answers and want the same feeds, whatever happens between requests', async () => {
    vi.stubEnv('CACHE_POLLING_MAX_RETRIES', '0')
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        vi.setSystemTime(START)
        await using memoised = await twin([])
        await using plain = await twin([() => {}])
        for (const { name, run } of list) {
          if (name.startsWith('wait ')) vi.setSystemTime(Date.now() + Number(name.slice(5)))
          expect(await run(memoised), name).toEqual(await run(plain))
        }
        expect(await sortedWants(memoised)).toEqual(await sortedWants(plain))
      }),
      { numRuns: 150 },
    )
  })
})
