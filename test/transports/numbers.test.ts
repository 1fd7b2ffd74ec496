import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { renderMetrics } from '../../src/metrics/render'
import { type RefusalReason } from '../../src/feeds/refusals'
import { parseSamples } from '../../src/testing/samples'
import { serve } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { eventually } from '../helpers/eventually'
import { config, inputParameters, result, type Types } from './websocket/support'

afterEach(() => void vi.useRealTimers())

const PAIRS = ['ETH', 'BTC', 'SOL'].map((base) => ({ base, quote: 'USD' }))
const NOBODYS = { base: 'DOGE', quote: 'USD' }

/** Every word that a value may be refused with. The compiler sees to it that none is missing: a further one would be a label without a bound. */
const REASONS: Record<RefusalReason, true> = {
  'not-finite': true,
  missing: true,
  'not-a-number': true,
  'not-positive': true,
  'out-of-range': true,
  crossed: true,
  'impossible-time': true,
  future: true,
  backwards: true,
  'too-old': true,
  jump: true,
  frozen: true,
  withdrawn: true,
  unwanted: true,
  'not-json': true,
  'too-large': true,
  'handler-failed': true,
  'invalid-result': true,
  'unknown-feed': true,
  'builder-failed': true,
  'given-up': true,
}

/** What a provider may send: for each frame, how many values or unreadable things it has. */
const frame = fc.oneof(
  fc.record({
    kind: fc.constant('values' as const),
    prices: fc.array(
      fc.tuple(fc.constantFrom(...PAIRS, NOBODYS), fc.constantFrom(1, 2.5, 0, -3, 2_000_000, 7)),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  }),
  fc.record({
    kind: fc.constantFrom('garbage' as const, 'boom' as const, 'odd' as const, 'silence' as const),
  }),
)

let made = 0

describe('OB-2: the numbers of a stream', () => {
  it('add up: what a provider sent was accepted or refused for one of the known reasons, and every reply is in one class', async () => {
    const property = fc.asyncProperty(fc.array(frame, { maxLength: 12 }), fc.nat(5), async (frames, asks) => {
      await using provider = await wsProvider()
      const name = `ADDING${++made}` as Uppercase<string>
      const of = config(provider.url)
      of.handlers.message = ({ ticks, refused }) => {
        if (refused !== undefined) throw new Error('what is this?')
        return ticks?.map((tick) => (tick === null ? tick : result(tick)))
      }
      const endpoint = new AdapterEndpoint({
        name: 'price',
        transport: new WebSocketTransport<Types>(of),
        inputParameters,
        guards: { min: 0.5, max: 1_000_000 },
      })
      await using service = await serve(
        () => new Adapter({ name, defaultEndpoint: 'price', endpoints: [endpoint] }),
        {
          env: { CACHE_POLLING_MAX_RETRIES: '0' },
        },
      )
      let requests = 0
      const ask = async (pair: object) => {
        requests++
        return service.post(pair)
      }
      for (const pair of PAIRS) await ask(pair)
      const connection = await provider.connection()
      for (let n = 0; n < PAIRS.length; n++) await connection.next()
      // The provider's own log: values and other things that it sent.
      let sent = 0
      for (const one of frames) {
        if (one.kind === 'values') {
          connection.send({ ticks: one.prices.map(([pair, price]) => ({ ...pair, price })) })
          sent += one.prices.length
        } else if (one.kind === 'garbage') connection.send('no json {')
        else if (one.kind === 'boom') connection.send({ refused: { why: 'x' } })
        else if (one.kind === 'odd') connection.send({ ticks: [null] })
        else connection.send({ hello: 1 })
        if (one.kind === 'garbage' || one.kind === 'boom' || one.kind === 'odd') sent++
      }
      connection.send({ ticks: [{ ...PAIRS[0]!, price: 5 }] })
      sent++
      await eventually(async () => expect((await ask(PAIRS[0]!)).json.result).toBe(5))
      for (let n = 0; n < asks; n++) await ask(PAIRS[n % 3]!)
      await ask({ base: 5 })
      await ask({ base: 'NEVER', quote: 'USD' })
      const samples = parseSamples(await renderMetrics()).filter(({ labels }) => labels['app_name'] === name)
      const sum = (metric: string) =>
        samples.filter((one) => one.name === metric).reduce((total, { value }) => total + value, 0)
      expect(sum('cache_data_set_count') + sum('data_refused_total')).toBe(sent)
      const reasons = samples
        .filter((one) => one.name === 'data_refused_total')
        .map(({ labels }) => labels['reason'])
      expect(reasons.filter((reason) => !(reason! in REASONS))).toEqual([])
      expect(sum('http_requests_total')).toBe(requests)
    })
    await fc.assert(property, { numRuns: 15, endOnFailure: true })
  }, 120_000)

  it('add up for its moves from URL to URL: as many as the providers saw, and each has one of the known reasons', async () => {
    await using one = await wsProvider()
    await using two = await wsProvider()
    const transport = new WebSocketTransport<Types>({
      ...config(one.url),
      url: undefined,
      urls: [one.url, two.url],
      // So long that the first one is not ready again when the next attempt is made.
      failover: { dwellMs: 60_000, returnAfterMs: 600_000 },
    })
    const name = `MOVING${++made}` as Uppercase<string>
    const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
    await using service = await serve(
      () => new Adapter({ name, defaultEndpoint: 'price', endpoints: [endpoint] }),
      {
        env: {
          CACHE_POLLING_MAX_RETRIES: '0',
          STREAM_HANDLER_RETRY_MIN_MS: '100',
          STREAM_HANDLER_RETRY_MAX_MS: '3000',
        },
      },
    )
    const switches = async () =>
      parseSamples(await renderMetrics()).filter((sample) => sample.name === 'ws_url_switches_total')
    const total = async () => (await switches()).reduce((sum, { value }) => sum + value, 0)
    const before = await total()
    await service.post(PAIRS[0])
    const first = await one.connection()
    await first.next()
    one.refuse()
    first.close(1_011)
    await (await two.connection()).next()
    expect((await total()) - before).toBe(1)
    const reasons = (await switches()).map(({ labels }) => labels['reason']!)
    expect(
      reasons.filter(
        (reason) => !['failed', 'closed', 'unresponsive', 'returned', 'withdrawn'].includes(reason),
      ),
    ).toEqual([])
  })
})
