import { afterEach, describe, expect, it } from 'vitest'
import { simulatedExchange } from '../../src/testing/simulated-exchange'
import { eventually, PATIENT } from '../helpers/eventually'
import { endAll, launch, PATIENCE_MS, post, type ServiceProcess } from './service-process'

afterEach(endAll)

const TOKEN = 'a-token-of-operators'
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` }
const ETH = { data: { base: 'ETH', quote: 'USD' } }

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a test expects of a body it says right there
const get = async (url: string, headers: Record<string, string> = {}): Promise<[number, any]> => {
  const reply = await fetch(url, { headers: { connection: 'close', ...headers } })
  return [reply.status, await reply.json()]
}

const adminUrlOf = async (service: ServiceProcess): Promise<string> =>
  String((await service.line(({ msg }) => msg === 'Listening'))['adminUrl'])

describe('the service', { timeout: 2 * PATIENCE_MS }, () => {
  it.each([['1'], ['2']])(
    'FR-5, OB-3: with WORKERS=%s is live and ready, and explains what every client asked for, to operators',
    async (workers) => {
      await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
      const service = launch({
        ...PATIENT,
        WORKERS: workers,
        ADAPTERS: 'coinbase',
        COINBASE_WS_API_ENDPOINT: exchange.url,
        ADMIN_PORT: '0',
        ADMIN_TOKEN: TOKEN,
      })
      const url = await service.url()
      const admin = await adminUrlOf(service)
      expect(await post(`${url}/coinbase`, ETH)).toMatchObject({ status: 200 })
      for (let time = 0; time < 4; time++) {
        const [status, live] = await get(`${url}/live`)
        expect([status, live]).toMatchObject([200, { status: 'live', hanging: [] }])
        expect((live as { loops: number }).loops).toBeGreaterThan(1)
        expect(await get(`${url}/ready`)).toMatchObject([
          200,
          { status: 'ready', endpoints: [{ adapter: 'COINBASE', wanted: 1, fresh: 1, share: 1 }] },
        ])
      }
      for (const path of ['/status', '/coinbase/status', '/explain', '/coinbase/explain'])
        expect((await get(`${url}${path}`, AUTHORIZED))[0]).toBe(404)
      expect((await get(`${admin}/status`))[0]).toBe(401)
      expect(await get(`${admin}/status`, AUTHORIZED)).toMatchObject([
        200,
        { adapters: [{ adapter: { name: 'COINBASE' } }] },
      ])
      const query = 'base=ETH&quote=USD'
      for (const path of ['/explain', '/coinbase/explain'])
        expect(await get(`${admin}${path}?${query}`, AUTHORIZED)).toMatchObject([
          200,
          {
            feed: 'coinbase:price:ETH/USD',
            state: 'fresh',
            transports: [{ isWanted: true, connections: [{ state: 'open' }] }],
          },
        ])
      const posted = await fetch(`${admin}/explain`, {
        method: 'POST',
        headers: { ...AUTHORIZED, 'content-type': 'application/json' },
        body: JSON.stringify(ETH),
      })
      expect([posted.status, await posted.json()]).toMatchObject([200, { state: 'fresh' }])
      const bad = await get(`${admin}/explain?base=ETH`, AUTHORIZED)
      expect(bad[0]).toBe(400)
    },
  )

  it.each([['1'], ['2']])(
    'LC-3: with WORKERS=%s says from SIGTERM on that it is not ready, takes requests for STOP_DRAIN_MS, and exits with 0',
    async (workers) => {
      await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
      const service = launch({
        ...PATIENT,
        WORKERS: workers,
        ADAPTERS: 'coinbase',
        COINBASE_WS_API_ENDPOINT: exchange.url,
        STOP_DRAIN_MS: '8000',
        READY_ESSENTIAL_FEEDS: JSON.stringify([ETH]),
      })
      const url = await service.url()
      await eventually(async () => expect((await get(`${url}/ready`))[0]).toBe(200))
      expect((await get(`${url}/ready`))[1]).toMatchObject({ essential: { feeds: 1, fresh: 1 } })
      service.signal('SIGTERM')
      await eventually(async () =>
        expect(await get(`${url}/ready`)).toMatchObject([503, { status: 'stopping' }]),
      )
      expect(await post(`${url}/coinbase`, ETH)).toMatchObject({ status: 200 })
      expect((await get(`${url}/live`))[0]).toBe(200)
      expect(await service.exit).toBe(0)
    },
  )

  it('WORKERS=2: /explain on the public port is the writer’s, and /ready goes on while that is replaced', async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const service = launch({
      ...PATIENT,
      WORKERS: '2',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      COINBASE_EXPLAIN_ENABLED: 'true',
    })
    const url = await service.url()
    expect((await post(url, ETH)).status).toBe(200)
    const explain = () => get(`${url}/explain?base=ETH&quote=USD`)
    for (let time = 0; time < 4; time++)
      expect(await explain()).toMatchObject([
        200,
        { state: 'fresh', transports: [{ connections: [{ state: 'open' }] }] },
      ])
    const writer = (await service.line(({ msg }) => msg === 'writer is ready'))['child'] as number
    process.kill(writer, 'SIGKILL')
    await service.line(({ msg }) => msg.startsWith('The link to the writer broke'))
    expect((await get(`${url}/ready`))[0]).toBe(200)
    expect((await get(`${url}/live`))[0]).toBe(200)
    expect((await explain())[0]).toBe(200)
  })

  it('LC-5: warns of an essential feed of an adapter that does not run', async () => {
    const service = launch({
      ADAPTERS: 'coinbase',
      READY_ESSENTIAL_FEEDS: JSON.stringify([{ adapter: 'coinbse', ...ETH }]),
    })
    const { level } = await service.line(({ msg }) => msg.includes('"coinbse"'))
    expect(level).toBe('warn')
    expect((await get(`${await service.url()}/ready`))[1]).toMatchObject({ essential: { feeds: 0 } })
  })
})
