import { afterEach, describe, expect, it, vi } from 'vitest'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples, type Sample } from '../../src/testing/samples'
import { serve, type Served } from '../../src/testing/serve'
import { AdapterDataProviderError, AdapterError } from '../../src/validation/errors'
import { eventually } from '../helpers/eventually'
import { JSON_HEADERS, stillAdapter, StillTransport, WAYS, stoppable } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const BTC = { base: 'BTC', quote: 'USD' }
const FEED = '{"base":"eth","quote":"usd"}'
const timestamps = {
  providerDataRequestedUnixMs: 1,
  providerDataReceivedUnixMs: 1,
  providerIndicatedTimeUnixMs: 1,
}

afterEach(() => void vi.useRealTimers())

/** Metrics belong to the process, so every adapter of this file has a name of its own. */
let made = 0
const start = async (of: NonNullable<Parameters<typeof stillAdapter>[0]> = {}) => {
  const name = `MEASURED${++made}` as Uppercase<string>
  const still = stillAdapter({ ...of, adapter: { ...of.adapter, name } })
  const service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
  const scrape = async (metric: string): Promise<Sample[]> =>
    parseSamples(await renderMetrics()).filter(
      (sample) =>
        sample.name === metric && (sample.labels['app_name'] === name || !metric.includes('_requests_')),
    )
  return stoppable({ name, still, service, scrape })
}

/** Requests by the labels that tell classes apart. */
const classesOf = (samples: Sample[]) =>
  Object.fromEntries(
    samples.map(({ labels, value }) => {
      const { type, status_code: status, feed_id: feed, provider_status_code: provider } = labels
      return [[type, status, feed, provider].join(' '), value]
    }),
  )

const total = (samples: Sample[]) => samples.reduce((sum, { value }) => sum + value, 0)

const raw = (service: Served, payload: string, headers: Record<string, string> = JSON_HEADERS) =>
  service.api.inject({ method: 'POST', url: '/', headers, payload })

describe.each(WAYS)('http_requests_total, where requests are $way', ({ requestTransforms }) => {
  it('OB-2: adds up to what was sent, each reply in its class', async () => {
    await using started = await start({ endpoint: { requestTransforms } })
    const { still, service, scrape } = started
    const durations = async () => total(await scrape('http_request_duration_seconds_count'))
    const before = await durations()
    await still.transport.put(ETH, 5)
    await still.transport.putError(BTC, 502, 'no')
    const send: [number, () => Promise<unknown>][] = [
      [7, () => service.post(ETH)],
      [3, () => service.post({ base: 'eth', market: 'Usd' })],
      [4, () => service.post(BTC)],
      [2, () => service.post({ base: 'DOGE', quote: 'USD' })],
      [3, () => service.post({ base: 5 })],
      [2, () => service.post({}, { endpoint: 'nope' })],
      [2, () => raw(service, '{"data"')],
      [1, () => raw(service, '{}', { 'content-type': 'text/plain' })],
      [1, () => raw(service, '{}', {})],
      [1, () => raw(service, 'x'.repeat(1_100_000))],
    ]
    let sent = 0
    for (const [times, ask] of send) {
      for (let time = 0; time < times; time++) await ask()
      sent += times
    }
    const samples = await scrape('http_requests_total')
    expect(total(samples)).toBe(sent)
    expect(classesOf(samples)).toEqual({
      [`cacheHit 200 ${FEED} `]: 10,
      'cacheHit 502 {"base":"btc","quote":"usd"} ': 4,
      'timeoutError 504 {"base":"doge","quote":"usd"} undefined': 2,
      'adapterError 400 N/A undefined': 3,
      'inputError 404 N/A undefined': 2,
      'inputError 400 N/A undefined': 1,
      'adapterError 500 N/A ': 4,
    })
    expect((await durations()) - before).toBe(sent)
  })

  it('OB-2: counts a cached value that its endpoint refuses to serve once, as the error it became', async () => {
    const customOutputValidation = () => {
      throw new AdapterError({ statusCode: 507 })
    }
    await using started = await start({
      endpoint: { requestTransforms, customOutputValidation },
    })
    const { still, service, scrape } = started
    await still.transport.put(ETH, 5)
    for (let time = 0; time < 3; time++) expect((await service.post(ETH)).statusCode).toBe(507)
    expect(classesOf(await scrape('http_requests_total'))).toEqual({
      [`adapterError 507 ${FEED} undefined`]: 3,
    })
    expect(
      (await scrape('cache_data_get_count')).filter(({ labels }) =>
        labels['participant_id']?.startsWith(still.adapter.name),
      ),
    ).toMatchObject([{ value: 3 }])
  })

  it('OB-2: counts what is made in the foreground, and tells errors apart by the status of the provider', async () => {
    let failure: Error | undefined
    class Foreground extends StillTransport {
      foregroundExecute() {
        return failure === undefined
          ? Promise.resolve({ result: 1, data: {}, statusCode: 200, timestamps } as never)
          : Promise.reject(failure)
      }
    }
    await using started = await start({ transport: new Foreground(), endpoint: { requestTransforms } })
    const { service, scrape } = started
    await service.post(ETH)
    for (const providerStatusCode of [429, 500, 429]) {
      failure = new AdapterDataProviderError({ statusCode: 502, providerStatusCode }, timestamps)
      await service.post(ETH)
    }
    failure = new Error('bug')
    await service.post(ETH)
    expect(classesOf(await scrape('http_requests_total'))).toEqual({
      [`dataProviderHit 200 ${FEED} 200`]: 1,
      [`dataProviderError 502 ${FEED} 429`]: 2,
      [`dataProviderError 502 ${FEED} 500`]: 1,
      [`adapterError 500 ${FEED} `]: 1,
    })
  })

  it('has a value that was waited for as a hit of the provider', async () => {
    await using started = await start({ endpoint: { requestTransforms } })
    const { still, service, scrape } = started
    Object.assign(still.adapter.settings, {
      CACHE_POLLING_MAX_RETRIES: 20,
      CACHE_POLLING_SLEEP_MS: 1_000,
    })
    const reply = service.until(ETH, ({ statusCode }) => statusCode === 200)
    await eventually(() => expect(still.local().waiters.size).toBe(2))
    await still.transport.put(ETH, 5)
    await reply
    expect(classesOf(await scrape('http_requests_total'))).toEqual({ [`dataProviderHit 200 ${FEED} 200`]: 1 })
  })
})

describe('the series of a feed', () => {
  const AT = 1_700_000_000_000

  it.each(WAYS)(
    'have the names, labels and values of the contract, where requests are $way',
    async ({ requestTransforms }) => {
      vi.useFakeTimers({ toFake: ['Date'], now: AT })
      await using started = await start({ endpoint: { requestTransforms } })
      const { name, still, service } = started
      await service.post(ETH)
      await still.transport.put(ETH, 5, AT - 300)
      vi.setSystemTime(AT + 40)
      for (let time = 0; time < 2; time++) await service.post(ETH)
      await still.transport.putError(BTC, 502, 'no')
      for (let time = 0; time < 2; time++) await service.post(BTC)
      const of = (base: string) => ({
        app_name: name,
        participant_id: `${name}-price-default_single_transport-{"base":"${base}","quote":"usd"}`,
        feed_id: `{"base":"${base}","quote":"usd"}`,
        cache_type: 'local',
      })
      const samples = parseSamples(await renderMetrics())
        .filter(
          ({ name: metric, labels }) =>
            /^(cache_data|total_data|provider_time)/.test(metric) && labels['app_name'] === name,
        )
        .map(({ name: metric, labels: { app_version: _version, ...labels }, value }) => ({
          metric,
          labels,
          value,
        }))
      const expected = [
        { metric: 'cache_data_get_count', labels: of('eth'), value: 2 },
        { metric: 'cache_data_get_count', labels: of('btc'), value: 2 },
        { metric: 'cache_data_get_values', labels: of('eth'), value: 5 },
        { metric: 'cache_data_max_age', labels: of('eth'), value: 90_000 },
        { metric: 'cache_data_max_age', labels: of('btc'), value: 90_000 },
        { metric: 'cache_data_set_count', labels: of('eth'), value: 1 },
        { metric: 'cache_data_set_count', labels: of('btc'), value: 1 },
        { metric: 'cache_data_staleness_seconds', labels: of('eth'), value: 40 },
        { metric: 'cache_data_staleness_seconds', labels: of('btc'), value: 0 },
        { metric: 'total_data_staleness_seconds', labels: of('eth'), value: 340 },
        { metric: 'provider_time_delta', labels: { app_name: name, feed_id: FEED }, value: 300 },
      ]
      expect(samples).toHaveLength(expected.length)
      expect(samples).toEqual(expect.arrayContaining(expected))
    },
  )

  it('17.17: show age 0 in ms after a write until somebody reads the value, and no values that are not numbers', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: AT })
    await using started = await start({ endpoint: { requestTransforms: [] } })
    const { still, service, scrape } = started
    const own = async (metric: string) =>
      (await scrape(metric))
        .filter(({ labels }) => labels['app_name'] === still.adapter.name)
        .map(({ value }) => value)
    await still.transport.put(ETH, 5)
    vi.setSystemTime(AT + 70)
    await service.post(ETH)
    expect(await own('cache_data_staleness_seconds')).toEqual([70])
    vi.setSystemTime(AT + 90)
    await still.transport.put(ETH, 6)
    expect(await own('cache_data_staleness_seconds')).toEqual([0])
    expect(await own('cache_data_get_values')).toEqual([6])
    await still
      .local()
      .set(
        `${still.adapter.name}-price-default_single_transport-${FEED}`,
        { result: 'many', data: {} } as never,
        1_000,
      )
    await service.post(ETH)
    expect(await own('cache_data_get_values')).toEqual([])
    expect(await own('total_data_staleness_seconds')).toEqual([])
  })

  it('FR-5: show an age that goes on growing when the value is over, until the next one comes', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: AT })
    await using started = await start({ endpoint: { requestTransforms: [] } })
    const { still, service, scrape } = started
    const own = async (metric: string) =>
      (await scrape(metric))
        .filter(({ labels }) => labels['app_name'] === still.adapter.name)
        .map(({ value }) => value)
    const ages = async () => [
      ...(await own('cache_data_staleness_seconds')),
      ...(await own('total_data_staleness_seconds')),
    ]
    await still.transport.put(ETH, 5, AT - 300)
    vi.advanceTimersByTime(40)
    await service.post(ETH)
    expect(await ages()).toEqual([40, 340])
    vi.advanceTimersByTime(89_960)
    expect(await ages()).toEqual([90_000, 90_300])
    vi.advanceTimersByTime(60_000)
    expect(await ages()).toEqual([150_000, 150_300])
    // A clock that is set back makes nothing younger.
    vi.setSystemTime(AT + 50)
    expect(await ages()).toEqual([150_000, 150_300])
    await still.transport.putError(ETH, 502, 'no')
    expect(await ages()).toEqual([150_000, 150_300])
    vi.advanceTimersByTime(90_000)
    expect(await ages()).toEqual([240_000, 240_300])
    await still.transport.put(ETH, 6)
    expect(await ages()).toEqual([0])
    vi.advanceTimersByTime(90_000)
    expect(await ages()).toEqual([90_000])
  })

  it('leave when nobody has used the feed for an hour', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: AT })
    await using started = await start()
    const { still, service, scrape } = started
    for (const pair of [ETH, BTC]) {
      await still.transport.put(pair, 5)
      await service.post(pair)
    }
    await renderMetrics()
    vi.advanceTimersByTime(3_600_001)
    await still.transport.put(BTC, 6)
    await renderMetrics()
    const sets = (await scrape('cache_data_set_count')).filter(
      ({ labels }) => labels['app_name'] === still.adapter.name,
    )
    expect(sets.map(({ labels }) => labels['feed_id'])).toEqual(['{"base":"btc","quote":"usd"}'])
  })

  it('leave behind why a feed has no value, however often they are scraped', async () => {
    const name = `MEASURED${++made}` as Uppercase<string>
    const still = stillAdapter({ endpoint: { guards: {} }, adapter: { name } })
    await using service = await serve(still.adapter, { env: { CACHE_POLLING_MAX_RETRIES: '0' } })
    await still.transport.put(ETH, 0)
    for (let time = 0; time < 2; time++) {
      await renderMetrics()
      expect((await service.post(ETH)).json).toMatchObject({ error: { reason: { code: 'REFUSED_VALUE' } } })
    }
  })

  it('leave with the adapter', async () => {
    const { still, service, scrape } = await start()
    await still.transport.put(ETH, 5)
    await service.post(ETH)
    expect(await scrape('http_requests_total')).toHaveLength(1)
    await service.stop()
    expect(await scrape('http_requests_total')).toHaveLength(0)
    const sets = (await scrape('cache_data_set_count')).filter(
      ({ labels }) => labels['app_name'] === still.adapter.name,
    )
    expect(sets).toEqual([])
  })
})

describe('OB-1: the number of series', () => {
  it('has a bound, whatever names clients make up and whatever codes providers send', async () => {
    let providerStatusCode: unknown
    class Foreground extends StillTransport {
      foregroundExecute() {
        const error = new AdapterDataProviderError({ statusCode: 502 }, timestamps)
        return Promise.reject(Object.assign(error, { providerStatusCode }))
      }
    }
    await using started = await start({ transport: new Foreground() })
    const { service, scrape } = started
    const count = 1_100
    const codes = [undefined, 429, '503', 'Too many requests', 1e9, 4.5, {}]
    for (let n = 0; n < count; n++) {
      providerStatusCode = codes[n % codes.length]
      await service.post({ base: `made-up-${n}`, quote: 'USD' })
    }
    for (let n = 0; n < 50; n++) await service.post({}, { endpoint: `made-up-${n}` })
    const samples = await scrape('http_requests_total')
    expect(samples.length).toBeLessThanOrEqual(1_010)
    expect(total(samples)).toBe(count + 50)
    const shared = samples.filter(({ labels }) => labels['feed_id'] === 'other')
    expect(total(shared)).toBeGreaterThanOrEqual(100)
    const shown = new Set(samples.map(({ labels }) => labels['provider_status_code']))
    expect([...shown].sort()).toEqual(['429', '503', 'other', 'undefined'])
  }, 120_000)
})
