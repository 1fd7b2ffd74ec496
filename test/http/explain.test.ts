import { Value } from '@sinclair/typebox/value'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { ExplainAnswer } from '../../src/http/explain-answer'
import { parseSamples } from '../../src/testing/samples'
import { renderMetrics } from '../../src/metrics/render'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { RawRecords } from '../../src/transports/raw-records'
import { eventually, PATIENT } from '../helpers/eventually'
import { makeAcme } from '../testing/acme'
import { JSON_HEADERS, stillAdapter } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const ON = { EXPLAIN_ENABLED: 'true' }
const AT_ONCE = { ...ON, CACHE_POLLING_MAX_RETRIES: '0' }

const explain = async (service: Pick<Served, 'api'>, data: object = ETH): Promise<ExplainAnswer> => {
  const reply = await service.api.inject({
    method: 'POST',
    url: '/explain',
    headers: JSON_HEADERS,
    payload: { data },
  })
  expect(reply.statusCode).toBe(200)
  const answer = reply.json<ExplainAnswer>()
  expect([...Value.Errors(ExplainAnswer, answer)].map(({ path, message }) => `${path}: ${message}`)).toEqual(
    [],
  )
  return answer
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

const useHeldClock = () =>
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: 1_700_000_000_000,
  })

describe('/explain', () => {
  it('is not there unless it is asked for', async () => {
    await using service = await serve(stillAdapter().adapter)
    for (const method of ['GET', 'POST'] as const) {
      const url = '/explain?base=ETH&quote=USD'
      const reply = await service.api.inject({ method, url, headers: JSON_HEADERS, payload: '{"data":{}}' })
      expect(reply.statusCode).toBe(404)
    }
  })

  it.each([
    ['/explain?base=ETH&quote=USD', 200],
    ['/explain?endpoint=crypto&from=ETH&to=USD', 200],
    ['/explain?base=ETH', 400],
    ['/explain?endpoint=nope', 404],
    ['/explain?__proto__=1&base=ETH&quote=USD', 200],
    ['/explain', 400],
  ])('answers GET %s with %i, as to a request for a value', async (url, status) => {
    await using service = await serve(stillAdapter().adapter, { env: ON })
    const reply = await service.api.inject(url)
    expect(reply.statusCode).toBe(status)
    if (status === 200) expect(reply.json()).toMatchObject({ feed: 'test:price:ETH/USD', state: 'unwanted' })
  })

  it('FR-5: a value that turns stale lowers the share, stays readable with its times, and grows older', async () => {
    useHeldClock()
    const still = stillAdapter()
    await using service = await serve(still.adapter, { env: { ...AT_ONCE, CACHE_MAX_AGE: '1000' } })
    const share = async () => {
      const reply = await service.api.inject('/ready')
      return [reply.statusCode, reply.json<{ endpoints: { share: number }[] }>().endpoints[0]!.share]
    }
    const age = async () =>
      parseSamples(await renderMetrics()).find(
        ({ name, labels }) => name === 'cache_data_staleness_seconds' && labels['app_name'] === 'TEST',
      )?.value
    await still.transport.put(ETH, 5, 1_699_999_999_000)
    expect((await service.post(ETH)).json).toMatchObject({ result: 5 })
    expect(await share()).toEqual([200, 1])
    const times = { receivedUnixMs: 1_700_000_000_000, indicatedUnixMs: 1_699_999_999_000 }
    expect(await explain(service)).toMatchObject({
      state: 'fresh',
      lastGood: { response: { result: 5 }, ...times, ageMs: 0, ageByProviderMs: 1_000, lifeLeftMs: 1_000 },
    })
    for (const passedMs of [2_000, 4_000]) {
      await vi.advanceTimersByTimeAsync(2_000)
      expect((await service.post(ETH)).statusCode).toBe(504)
      expect(await share()).toEqual([200, 0])
      expect(await age()).toBe(passedMs)
      expect(await explain(service)).toMatchObject({
        state: 'stale',
        reason: { code: 'STALE_VALUE', sinceUnixMs: 1_700_000_001_000 },
        lastGood: { response: { result: 5 }, ...times, ageMs: passedMs, lifeLeftMs: 0 },
      })
    }
    // An error does not take its place there, and the next value does.
    await still.transport.putError(ETH, 502, 'closed')
    expect(await explain(service)).toMatchObject({
      state: 'error',
      error: { errorMessage: 'closed' },
      lastGood: { response: { result: 5 }, ...times },
    })
    await still.transport.put(ETH, 6)
    await vi.advanceTimersByTimeAsync(5_000)
    await still.transport.putError(ETH, 502, 'closed')
    expect(await explain(service)).toMatchObject({ lastGood: { response: { result: 6 }, lifeLeftMs: 0 } })
  })

  it('makes nothing wanted, and counts as no request', async () => {
    const still = stillAdapter()
    await using service = await serve(still.adapter, { env: ON })
    expect(await explain(service)).toMatchObject({ state: 'unwanted', transports: [{ isWanted: false }] })
    expect(await still.transport.wanted()).toEqual([])
    expect(still.endpoint.responseCache!.feed(still.transport.name, ETH)).toMatchObject({ gets: 0, hits: 0 })
  })

  it('OB-3: says which guard refused the last value, and what it is served by', async () => {
    useHeldClock()
    const guards = { max: 10, maxAgeMs: 5_000 }
    const still = stillAdapter({ endpoint: { guards } })
    await using service = await serve(still.adapter, { env: AT_ONCE })
    await service.post(ETH)
    await still.transport.put(ETH, 9, Date.now())
    expect((await explain(service)).guards).toMatchObject({
      policy: 'enforce',
      declared: guards,
      freshness: { maxAgeMs: 5_000 },
      last: 'accepted',
      refused: {},
    })
    await still.transport.put(ETH, 11, Date.now())
    expect(await explain(service)).toMatchObject({
      state: 'fresh',
      lastGood: { response: { result: 9 }, source: 'default_single_transport', lifeLeftMs: 5_000 },
      guards: { last: 'refused', refusal: { code: 'REFUSED_VALUE' }, refused: { 'out-of-range': 1 } },
    })
  })

  it('OB-3: shows what the provider sent from the first question on, the connection and the subscription', async () => {
    await using provider = await wsProvider()
    await using service = await serve(makeAcme, {
      env: { ...PATIENT, ...ON, WS_API_ENDPOINT: `${provider.url}/feed?apikey=hidden-in-the-url` },
    })
    const [before] = (await explain(service)).transports
    expect(before).toMatchObject({ isWanted: false, records: expect.stringContaining('None yet') as string })
    expect(before).not.toHaveProperty('subscription')
    const asked = service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    await eventually(async () =>
      expect((await explain(service)).transports).toMatchObject([{ subscription: { state: 'sent' } }]),
    )
    connection.send({ s: 'ETH/USD', p: 5, session_token: 'abc' })
    expect((await asked).statusCode).toBe(200)
    const answer = await explain(service)
    expect(answer).toMatchObject({
      state: 'fresh',
      transports: [
        {
          isWanted: true,
          subscription: { state: 'ticking' },
          connections: [{ role: 'client', state: 'open', details: { messages: 1 } }],
          record: { text: '{"s":"ETH/USD","p":5,"session_token":"[REDACTED]"}', isCut: false },
        },
      ],
    })
    expect(JSON.stringify(answer)).not.toContain('hidden-in-the-url')
  })

  it('SC-1: shows no secret, in whatever the provider sent or the value has', async () => {
    const config = new AdapterConfig({
      API_KEY: { type: 'string', description: 'Key', sensitive: true },
    })
    const secret = 'k/Ey+with=odd"characters\\1'
    const still = stillAdapter({ adapter: { config } })
    await using service = await serve(still.adapter, { env: { ...ON, API_KEY: secret } })
    await still.transport.putError(ETH, 502, `refused for ${encodeURIComponent(secret)} and ${secret}`)
    const text = JSON.stringify(await explain(service))
    expect(text).toContain('REDACTED')
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
      expect(text).not.toContain(form)
    const records = new RawRecords()
    records.ask('key')
    records.note(['key'], Buffer.from(`{"echo":"${Buffer.from(secret).toString('base64')}"}`))
    expect(records.ask('key')?.text).toBe('{"echo":"[API_KEY REDACTED]"}')
  })
})

describe('the records of what providers send', () => {
  it('are kept for feeds that somebody asked for, and for ten minutes', () => {
    useHeldClock()
    const records = new RawRecords()
    expect(records.isOn).toBe(false)
    expect(records.ask('a')).toBeUndefined()
    expect(records.isOn).toBe(true)
    records.note(['b'], 'of b')
    records.note(['a', 'b'], 'first')
    records.note(['a'], 'second')
    expect(records.ask('a')).toEqual({ text: 'second', isCut: false, receivedUnixMs: Date.now() })
    expect(records.ask('b')).toBeUndefined()
    vi.advanceTimersByTime(600_000)
    records.note(['a'], 'third')
    expect(records.isOn).toBe(false)
    expect(records.ask('a')).toBeUndefined()
  })

  it('RS-1: are of twenty feeds at most, and cut', () => {
    const records = new RawRecords()
    for (let feed = 0; feed < 21; feed++) records.ask(`${feed}`)
    const all = Array.from({ length: 21 }, (_, feed) => `${feed}`)
    records.note(all, 'x'.repeat(100_000))
    const shown = all.slice(1).map((feed) => records.ask(feed))
    for (const record of shown) expect([record?.text.length, record?.isCut]).toEqual([4_096, true])
    expect(records.ask('0')).toBeUndefined()
  })

  it.each([
    [{ price: 1n }, 'a record that cannot be shown'],
    [undefined, 'undefined'],
    [{ a: 1 }, '{"a":1}'],
  ])('are text, whatever came: %o', (raw, text) => {
    const records = new RawRecords()
    records.ask('a')
    records.note(['a'], raw)
    expect(records.ask('a')?.text).toBe(text)
  })
})
