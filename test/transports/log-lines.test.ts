import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { serve, type ServeOptions } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { WebSocketTransport } from '../../src/transports/websocket/websocket-transport'
import { SseTransport } from '../../src/transports/sse/sse-transport'
import { defaultLoggerFactory } from '../../src/util/logging'
import { eventually } from '../helpers/eventually'
import { httpAdapter, httpProvider, oneByOne } from './http/support'
import { SseProvider } from './sse/provider'
import * as sse from './sse/support'
import { elapse } from './websocket/held-clock'
import { config, ETH, FAKED, inputParameters, tick, type Types } from './websocket/support'

const lines: string[] = []
let dependencies: ServeOptions['dependencies']

beforeAll(() => {
  vi.stubEnv('LOG_LEVEL', 'info')
  // One for the file: loggers keep the factory that they first met.
  dependencies = { loggerFactory: defaultLoggerFactory({ write: (line) => void lines.push(line) }) }
  vi.unstubAllEnvs()
})
beforeEach(() => {
  vi.useFakeTimers({ ...FAKED, now: 1_700_000_000_000 })
  lines.length = 0
})
afterEach(() => void vi.useRealTimers())

const WANTED = {
  CACHE_POLLING_MAX_RETRIES: '0',
  CACHE_MAX_AGE: '300000',
  WS_SUBSCRIPTION_TTL: '3600000',
  SSE_SUBSCRIPTION_TTL: '3600000',
  WARMUP_SUBSCRIPTION_TTL: '3600000',
  WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '120000',
  RATE_LIMIT_CAPACITY_SECOND: '100',
}

interface Line {
  level: string
  msg: string
  adapter?: string
  endpoint?: string
}

const said = () => lines.map((line) => JSON.parse(line) as Line)
const texts = () => said().map(({ level, msg }) => `${level} ${msg.replace(/ \(.*$|: .*connect .*$/, '')}`)

const wsAdapter = (url: string) => {
  const transport = new WebSocketTransport<Types>(config(url))
  const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
  return new Adapter({ name: 'COINBASE', defaultEndpoint: 'price', endpoints: [endpoint] })
}

const sseAdapter = (url: string) => {
  const transport = new SseTransport<sse.Types>(sse.config(url))
  const endpoint = new AdapterEndpoint({ name: 'stream', transport, inputParameters: sse.inputParameters })
  return new Adapter({ name: 'HORIZON', defaultEndpoint: 'stream', endpoints: [endpoint] })
}

/** Without the end of the outage, whose exact time depends on when the last attempt was. */
const END = /after \d+ s/

describe('OB-4: an outage has a line when it begins, one a minute, and one at its end', () => {
  it('of a WebSocket', async () => {
    await using provider = await wsProvider()
    await using service = await serve(() => wsAdapter(provider.url), { env: WANTED, dependencies })
    await service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send(tick(ETH, 5))
    await elapse(2_000)
    expect(lines).toEqual([])
    await provider.stop()
    await eventually(() => expect(lines).toHaveLength(1))
    await elapse(130_000, 1_000)
    await provider.restart()
    await elapse(60_000, 1_000)
    await eventually(() => expect(said().at(-1)?.msg).toContain('connected again'))
    const [opening, ...rest] = texts()
    expect(opening).toBe('warn WebSocket closed abnormally')
    const minutes = rest.slice(0, -1)
    expect(minutes.length).toBeGreaterThanOrEqual(2)
    expect(minutes.length).toBeLessThanOrEqual(3)
    for (const minute of minutes) expect(minute).toMatch(/^warn No connection for \d+ s/)
    expect(rest.at(-1)!.replace(END, 'after a while')).toBe(
      'info coinbase: connected again after a while; 1 feed subscribed',
    )
    expect(lines.join('')).not.toContain('\\n    at ')
  })

  it('of a WebSocket, where it lasts less than five seconds: the first alone', async () => {
    await using provider = await wsProvider()
    await using service = await serve(() => wsAdapter(provider.url), { env: WANTED, dependencies })
    await service.post(ETH)
    const connection = await provider.connection()
    await connection.next()
    connection.send(tick(ETH, 5))
    await elapse(2_000)
    connection.close(1011)
    const next = provider.connection(1)
    await elapse(3_000)
    await (await next).next()
    await elapse(3_000)
    expect(texts()).toEqual(['warn WebSocket closed abnormally'])
  })

  it('of a stream of events', async () => {
    await using provider = await SseProvider.start()
    provider.answer = 503
    await using service = await serve(() => sseAdapter(provider.url), { env: WANTED, dependencies })
    await service.post({ base: 'ETH' })
    await eventually(() => expect(lines).toHaveLength(1))
    await elapse(20_000, 1_000)
    provider.answer = 'stream'
    await elapse(60_000, 1_000)
    await eventually(() => expect(said().at(-1)?.msg).toContain('connected again'))
    expect(said()[0]!.msg).toMatch(/^The stream of stream \(default_single_transport\) failed: /)
    expect(said().at(-1)!.msg.replace(END, 'after a while')).toBe(
      'horizon: connected again after a while; 1 feed subscribed',
    )
    expect(lines.length).toBeLessThanOrEqual(3)
  })

  it('of a provider that is asked by requests', async () => {
    await using provider = await httpProvider(() => ({ status: 500 }))
    await using service = await serve(() => httpAdapter(oneByOne(provider.url)), {
      env: WANTED,
      dependencies,
    })
    await service.post({ base: 'ETH' })
    await elapse(30_000, 1_000)
    expect(lines, lines.join('')).toHaveLength(1)
    provider.answer = () => ({ body: { price: 5 } })
    await elapse(15_000, 1_000)
    await eventually(() => expect(lines).toHaveLength(2))
    expect(said()[0]!.msg).toMatch(/^A request of price to the data provider failed: /)
    expect(said()[1]!.msg).toMatch(/^Requests of price to the data provider are answered again after \d+ s$/)
  })
})

describe('each line of one of several adapters', () => {
  it('says whose it is, whatever is wrong with the providers of both', async () => {
    await using ws = await wsProvider()
    ws.refuse(503)
    await using events = await SseProvider.start()
    events.answer = 503
    await using rest = await httpProvider(() => ({ status: 500 }))
    const make = [() => wsAdapter(ws.url), () => sseAdapter(events.url)]
    await using one = await serve(make[0]!, { env: WANTED, dependencies })
    await using two = await serve(make[1]!, { env: WANTED, dependencies })
    await using three = await serve(() => httpAdapter(oneByOne(rest.url)), { env: WANTED, dependencies })
    await one.post(ETH)
    await two.post({ base: 'ETH' })
    await three.post({ base: 'ETH' })
    await one.post({ base: 5 })
    await elapse(70_000, 1_000)
    const owners = new Set(said().map(({ adapter, endpoint }) => `${adapter}/${endpoint}`))
    // A request that is refused before its endpoint is known belongs to the adapter alone.
    expect([...owners].sort(), lines.join('')).toEqual([
      'COINBASE/price',
      'COINBASE/undefined',
      'HORIZON/stream',
      'TEST/price',
    ])
  })
})
