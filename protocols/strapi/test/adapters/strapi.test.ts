import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import nock from 'nock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAdapter } from '../../adapters/strapi'
import { serve } from '../../../../src/testing'
import { eventually, GUARD_MS } from '../../../../test/helpers/eventually'
import { price } from '../pull-peer'

const TOKEN = 'a-token-of-these-tests'
const BTC = { base: 'BTC', quote: 'USD' }
const ETH = { base: 'ETH', quote: 'USD' }
const HOST = 'http://cms.example'

const peerProcess = async () => {
  const child = fork(join(__dirname, '../pull-peer-process.ts'), {
    execArgv: ['--import', 'tsx'],
  })
  const gone = once(child, 'exit')
  const [url] = (await Promise.race([once(child, 'message'), gone.then(() => ['it ended'])])) as [string]
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

describe('prices of Strapi over a data transfer', () => {
  it('are answered over HTTP from a server in another process', { timeout: 60_000 }, async () => {
    await using peer = await peerProcess()
    await using served = await serve(createAdapter, {
      env: { STRAPI_SERVER_URL: `${peer.url}/`, STRAPI_SERVER_TOKEN: TOKEN },
      listen: true,
      guardMs: 2 * GUARD_MS,
    })
    const ask = async (data: object) => {
      const response = await fetch(served.url!, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ data }),
      })
      return (await response.json()) as { result: number }
    }
    await served.until(BTC, ({ statusCode }) => statusCode === 200)
    expect(await ask(BTC)).toMatchObject({ result: 64000.5 })
    expect(await ask(ETH)).toMatchObject({ result: 3000.25 })
    expect((await served.post({ base: 'USD', quote: 'BTC' })).json.result).toBeUndefined()
    const status = await (await fetch(`${served.url}/status`)).text()
    expect(status).toContain('/admin/transfer/runner/pull')
    expect(status).not.toContain(TOKEN)
  })

  it('need a server and a token', async () => {
    await expect(serve(createAdapter, { env: {} })).rejects.toThrow(/SERVER_URL[^]*SERVER_TOKEN/)
  })

  it('refuse settings that are out of range', async () => {
    const env = { STRAPI_SERVER_URL: HOST, STRAPI_SERVER_TOKEN: TOKEN, STRAPI_PULL_INTERVAL_MS: '1000' }
    await expect(serve(createAdapter, { env })).rejects.toThrow(/PULL_INTERVAL_MS/)
  })
})

const entry = (id: number, base: string, value: unknown, more: object = {}) => {
  const { data } = price(id, base, value)
  return { id, ...data, ...more }
}

const answer = (entries: unknown[], pageCount = 1) => ({
  data: entries,
  meta: { pagination: { page: 1, pageSize: 100, pageCount, total: entries.length } },
})

/** The base assets that a request is about. */
const asked = (query: Record<string, unknown>): unknown[] =>
  Object.keys(query)
    .filter((name) => name.endsWith('[base][$eqi]'))
    .map((name) => query[name])

describe('prices of Strapi over its REST API', () => {
  const queries: Record<string, unknown>[] = []
  let reply: (query: Record<string, unknown>) => [number, unknown]

  beforeEach(() => {
    queries.length = 0
    nock.disableNetConnect()
    nock.enableNetConnect('127.0.0.1')
    nock(HOST, { reqheaders: { authorization: `Bearer ${TOKEN}` } })
      .get('/api/prices')
      .query((query) => {
        queries.push(query)
        return true
      })
      .reply(() => reply(queries.at(-1)!))
      .persist()
  })
  afterEach(() => {
    nock.cleanAll()
    nock.enableNetConnect()
  })

  const start = (env: Record<string, string> = {}) =>
    serve(createAdapter, {
      guardMs: GUARD_MS,
      env: {
        STRAPI_SERVER_URL: HOST,
        STRAPI_SERVER_TOKEN: TOKEN,
        STRAPI_READ_MODE: 'rest',
        STRAPI_RATE_LIMIT_CAPACITY_SECOND: '50',
        ...env,
      },
    })

  it('ask for the wanted pairs alone, published and newest first, whatever their letter case', async () => {
    reply = () => [200, answer([entry(1, 'btc', '64000.5')])]
    await using served = await start()
    const { json } = await served.until(BTC, ({ statusCode }) => statusCode === 200)
    expect(json.result).toBe(64000.5)
    expect(json.timestamps.providerIndicatedTimeUnixMs).toBeLessThan(Date.now())
    expect(queries[0]).toEqual({
      status: 'published',
      'sort[0]': 'observedAt:desc',
      'pagination[page]': '1',
      'pagination[pageSize]': '100',
      'filters[$or][0][base][$eqi]': 'BTC',
      'filters[$or][0][quote][$eqi]': 'USD',
    })
  })

  it('ID-1: are told apart by letter case alone, and a question that may mean either is refused', async () => {
    reply = () => [200, answer([entry(1, 'USDe', 1), entry(2, 'USDE', 777), entry(3, 'eth', 5)])]
    await using served = await start()
    const said = async (base: string) => {
      const { statusCode, json } = await served.until(
        { base, quote: 'USD' },
        ({ statusCode }) => statusCode !== 504,
      )
      return statusCode === 200 ? (json.result as number) : [statusCode, json.errorMessage as string]
    }
    for (let time = 0; time < 2; time++)
      expect([await said('USDe'), await said('USDE'), await said('ETH'), await said('eth')]).toEqual([
        1, 777, 5, 5,
      ])
    expect(await said('usde')).toEqual([
      400,
      'This may be any of USDe/USD, USDE/USD: letter case tells them apart',
    ])
  })

  it('go into one request for many pairs', async () => {
    reply = () => [200, answer([entry(1, 'BTC', 1), entry(2, 'ETH', 2)])]
    await using served = await start()
    const both = [
      served.until(BTC, ({ statusCode }) => statusCode === 200),
      served.until(ETH, ({ statusCode }) => statusCode === 200),
    ]
    expect((await Promise.all(both)).map(({ json }) => json.result as number)).toEqual([1, 2])
    await eventually(() => expect(queries.some((query) => asked(query).length === 2)).toBe(true))
  })

  it.each<[string, unknown[], RegExp]>([
    ['no entry', [], /no published entry for this$/],
    ['a draft alone', [entry(1, 'BTC', 1, { publishedAt: null })], /no published entry for this$/],
    ['an entry of another pair', [entry(1, 'ETH', 1)], /no published entry for this$/],
    ['an entry without a value', [entry(1, 'BTC', null)], /can be used$/],
    ['an entry without a time', [entry(1, 'BTC', 1, { observedAt: undefined })], /can be used$/],
    ['entries that are none', [null, 7, 'x', {}], /can be used$/],
  ])('say why there is none: %s', async (_what, entries, message) => {
    reply = () => [200, answer(entries)]
    await using served = await start()
    const { statusCode, json } = await served.until(BTC, ({ statusCode }) => statusCode === 502)
    expect(statusCode).toBe(502)
    expect(json.errorMessage).toMatch(message)
  })

  it('take the latest of several entries', async () => {
    const older = new Date(Date.now() - 60_000).toISOString()
    reply = () => [
      200,
      answer([
        entry(1, 'BTC', 1, { observedAt: older }),
        entry(2, 'BTC', 2),
        entry(3, 'BTC', 3, { observedAt: older }),
      ]),
    ]
    await using served = await start()
    expect((await served.until(BTC, ({ statusCode }) => statusCode === 200)).json.result).toBe(2)
  })

  it('are asked for one by one once the entries of several do not fit into a page', async () => {
    // BTC has a page full of newer entries.
    reply = (query) => {
      const bases = asked(query)
      return [200, bases.includes('BTC') ? answer([entry(1, 'BTC', 1)], 5) : answer([entry(2, 'ETH', 2)])]
    }
    await using served = await start()
    expect((await served.until(BTC, ({ statusCode }) => statusCode === 200)).json.result).toBe(1)
    expect((await served.until(ETH, ({ statusCode }) => statusCode === 200)).json.result).toBe(2)
    const crowded = await eventually(() => {
      const index = queries.findIndex((query) => asked(query).length === 2)
      expect(index).toBeGreaterThan(-1)
      return index
    })
    await eventually(() => expect(queries.length).toBeGreaterThan(crowded + 4))
    expect(queries.slice(crowded + 3).map((query) => asked(query).length)).not.toContain(2)
    expect((await served.post(ETH)).json.result).toBe(2)
  })

  it('pass the guards: a price from the future, or too old, is not served', async () => {
    const at = (ms: number) => ({ observedAt: new Date(Date.now() + ms).toISOString() })
    reply = () => [200, answer([entry(1, 'BTC', 1, at(3_600_000)), entry(2, 'ETH', 2, at(-3 * 3_600_000))])]
    await using served = await start({ STRAPI_MAX_PRICE_AGE_MS: '7200000' })
    expect((await served.post(BTC)).statusCode).not.toBe(200)
    expect((await served.post(ETH)).statusCode).not.toBe(200)
    const labels = { app_name: 'STRAPI', transport: 'rest', reason: 'too-old' }
    await eventually(async () => expect(await served.metric('data_refused_total', labels)).toBeGreaterThan(0))
  })

  it('do not come from an answer that is none of Strapi', async () => {
    reply = () => [200, '<html>a proxy</html>']
    await using served = await start()
    const { statusCode, text } = await served.post(BTC)
    expect(statusCode).not.toBe(200)
    expect(text).not.toContain(TOKEN)
  })

  it('do not send the token after a redirect', async () => {
    nock.cleanAll()
    const elsewhere = nock('http://elsewhere.example')
      .get('/')
      .reply(200, answer([entry(1, 'BTC', 1)]))
    nock(HOST)
      .get('/api/prices')
      .query(true)
      .reply(302, '', { Location: 'http://elsewhere.example/' })
      .persist()
    await using served = await start()
    expect((await served.post(BTC)).statusCode).not.toBe(200)
    expect(elsewhere.isDone()).toBe(false)
  })
})
