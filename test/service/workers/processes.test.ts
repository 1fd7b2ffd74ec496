import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { read } from '../../helpers/repository'
import { afterEach, describe, expect, it } from 'vitest'
import { simulatedExchange } from '../../../src/testing/simulated-exchange'
import { wsProvider } from '../../../src/testing/ws-provider'
import {
  endAll,
  freePort,
  launch,
  missing,
  PATIENCE_MS,
  post,
  type ServiceProcess,
  takenPort,
} from '../service-process'
import { eventually, PATIENT } from '../../helpers/eventually'
import { KeptConnection, requestBytes } from '../busy-clients'

afterEach(endAll)

const ETH = { data: { base: 'ETH', quote: 'USD' } }
const BTC = { data: { base: 'BTC', quote: 'USD' } }

/** The process id of a part of the service, as it says itself: of the first one that is ready among the lines from `from` on. */
const pidOf = async (service: ServiceProcess, name: string, from = 0): Promise<number> =>
  (await service.line(({ msg }) => msg === `${name} is ready`, from)).child as number

/** The directories in which a service has its link. */
const directoriesOf = ({ pid }: ServiceProcess) =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`tickwell-${pid}-`))

/** The value of each process, by its name. */
const samples = (text: string, metric: string): Map<string, number> => {
  const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`))
  const found = new Map<string, number>()
  for (const line of lines) {
    const name = /process="([^"]+)"/.exec(line)![1]!
    found.set(name, (found.get(name) ?? 0) + Number(line.split(' ').at(-1)))
  }
  return found
}

/** Asks until an answer is as it should be; the test's own time limit is the limit. */
const until = async (
  url: string,
  body: object,
  isRight: (reply: Awaited<ReturnType<typeof post>>) => boolean,
) => {
  for (;;) {
    const reply = await post(url, body)
    if (isRight(reply)) return reply
  }
}

describe('the service as several processes', { timeout: 2 * PATIENCE_MS }, () => {
  it('answers from every worker with what the one connection to the provider brings, and is measured as one', async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const metricsPort = await freePort()
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'coinbase,kraken',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      METRICS_ENABLED: 'true',
      METRICS_PORT: metricsPort,
      ...PATIENT,
    })
    const url = await service.url()
    const { adapters, workers } = await service.line(({ msg }) => msg === 'Listening')
    expect({ adapters, workers }).toEqual({ adapters: ['coinbase', 'kraken'], workers: 2 })
    // Waits for its first price.
    expect(await post(url, ETH)).toMatchObject({ status: 200, json: { result: 4000 } })
    for (let at = 0; at < 4; at++)
      expect(await post(url, ETH)).toMatchObject({ status: 200, json: { result: 4000 } })
    const { price } = exchange.trade('ETH-USD')
    for (let at = 0; at < 4; at++) await until(url, ETH, ({ json }) => json.result === Number(price))
    expect(exchange.provider.openCount).toBe(1)

    expect(await post(`${url}/kraken`)).toMatchObject(missing)
    const { version } = JSON.parse(read('package.json')) as { version: string }
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ message: 'OK', version })
    expect(await (await fetch(`${url}/coinbase/status`)).json()).toMatchObject({
      adapter: { name: 'COINBASE' },
    })

    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    expect(samples(metrics, 'service_process_up')).toEqual(
      new Map([
        ['writer', 1],
        ['worker-1', 1],
        ['worker-2', 1],
      ]),
    )
    const requests = samples(metrics, 'http_requests_total')
    expect([...requests.keys()].sort()).toEqual(['worker-1', 'worker-2'])
    expect(Math.min(...requests.values())).toBeGreaterThan(1)
    expect(samples(metrics, 'ws_connection_active').get('writer')).toBe(1)
    expect([...samples(metrics, 'cache_data_set_count').keys()]).toEqual(['writer'])
    expect(samples(metrics, 'process_resident_memory_bytes').size).toBe(3)
    expect(metrics.match(/^# TYPE http_requests_total /gm)).toHaveLength(1)
  })

  it('ID-1: answers from every worker with the price of the asset that is meant, where letter case tells two apart', async () => {
    const products = { 'USDe-USD': 1, 'USDE-USD': 777 }
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0, products })
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      ...PATIENT,
    })
    const url = await service.url()
    for (let at = 0; at < 4; at++)
      for (const [base, result] of [
        ['USDe', 1],
        ['USDE', 777],
      ])
        expect(await post(url, { data: { base, quote: 'USD' } })).toMatchObject({
          status: 200,
          json: { result },
        })
    expect(await post(url, { data: { base: 'usde', quote: 'USD' } })).toMatchObject({ status: 400 })
  })

  it('LC-1: replaces a worker that was killed, while the other goes on', async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      ...PATIENT,
    })
    const url = await service.url()
    await post(url, ETH)
    const from = service.lines.length
    process.kill(await pidOf(service, 'worker-1'), 'SIGKILL')
    await service.line(({ msg }) => msg.startsWith('worker-1 died (SIGKILL)'), from)
    let isReplaced = false
    const replaced = pidOf(service, 'worker-1', from).then((pid) => {
      isReplaced = true
      return pid
    })
    while (!isReplaced) expect(await post(url, ETH)).toMatchObject({ status: 200, json: { result: 4000 } })
    // The new one has all that the writer has; two in a row are answered by both.
    for (let at = 0; at < 4; at++) expect(await post(url, ETH)).toMatchObject({ status: 200 })
    expect(await replaced).toBeGreaterThan(0)
    expect(exchange.provider.openCount).toBe(1)
  })

  it.each([['worker-1'], ['writer']])(
    'LC-1: says that %s does not answer, ends and replaces it; what is asked meanwhile is answered by others',
    async (stopped) => {
      await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
      const metricsPort = await freePort()
      const service = launch({
        WORKERS: '2',
        WORKER_SILENCE_MS: '6000',
        ADAPTERS: 'coinbase',
        COINBASE_WS_API_ENDPOINT: exchange.url,
        METRICS_ENABLED: 'true',
        METRICS_PORT: metricsPort,
        ...PATIENT,
      })
      const url = await service.url()
      await post(url, ETH)
      const kept = await Promise.all(Array.from({ length: 4 }, () => KeptConnection.open(url)))
      for (const one of kept) expect(await one.ask(requestBytes('/', ETH))).toBe(200)
      const from = service.lines.length
      const pid = await pidOf(service, stopped)
      process.kill(pid, 'SIGSTOP')
      const asked = kept.map((one) => one.ask(requestBytes('/', ETH)))
      const { level } = await service.line(({ msg }) => msg === `${stopped} does not answer`, from)
      expect(level).toBe('warn')
      const page = async (path: string) => {
        const reply = await fetch(`${url}${path}`, { headers: { connection: 'close' } })
        return [reply.status, await reply.json()]
      }
      const told = { loop: `${stopped}, by its answers to the supervisor`, withinMs: 3_000 }
      await eventually(async () =>
        expect(await page('/live')).toMatchObject([503, { status: 'hanging', hanging: [told] }]),
      )
      expect(await page('/ready')).toMatchObject([200, { silent: [{ process: stopped }] }])
      expect(await post(url, ETH)).toMatchObject({ status: 200 })
      await service.line(({ msg }) => msg === `${stopped} has fallen silent, and is ended`, from)
      await pidOf(service, stopped, from)
      const ended = (await Promise.all(asked)).filter((status) => status === 'ended')
      // As many as that worker had: connections are handed out in turn, to whoever has taken the last.
      if (stopped === 'writer') expect(ended).toEqual([])
      else expect([1, 2, 3]).toContain(ended.length)
      for (let at = 0; at < 4; at++) expect(await post(url, ETH)).toMatchObject({ status: 200 })
      expect((await page('/live'))[0]).toBe(200)
      expect((await page('/ready'))[1]).not.toHaveProperty('silent')
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
      expect(samples(metrics, 'service_process_silences_total').get(stopped)).toBe(1)
      expect(samples(metrics, 'service_process_restarts_total').get(stopped)).toBe(1)
      for (const one of kept) one.end()
    },
  )

  it('LC-1: leaves all processes alone when the supervisor itself stood still', async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const service = launch({
      WORKERS: '2',
      WORKER_SILENCE_MS: '2000',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      ...PATIENT,
    })
    const url = await service.url()
    service.signal('SIGSTOP')
    // Longer than a process may be silent.
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    service.signal('SIGCONT')
    for (let at = 0; at < 4; at++) expect(await post(url, ETH)).toMatchObject({ status: 200 })
    service.signal('SIGTERM')
    expect(await service.exit).toBe(0)
    expect(service.lines.filter(({ msg }) => msg.includes('fallen silent'))).toEqual([])
  })

  it('FR-1, ER-1: after the writer was killed what is known is served until it ends, then the cause, then what is new', async () => {
    const maxAgeMs = 10_000
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      CACHE_MAX_AGE: String(maxAgeMs),
      CACHE_POLLING_MAX_RETRIES: '0',
    })
    const url = await service.url()
    await until(url, ETH, ({ status }) => status === 200)
    const from = service.lines.length
    exchange.provider.refuse()
    process.kill(await pidOf(service, 'writer'), 'SIGKILL')
    const killedAt = Date.now()
    await service.line(({ msg }) => msg.startsWith('writer died (SIGKILL)'), from)
    expect(await post(url, ETH)).toMatchObject({ status: 200, json: { result: 4000 } })
    // What nobody has a value of says why at once.
    const unknown = await until(url, BTC, ({ json }) => json.error?.reason?.code === 'WRITER_DOWN')
    expect(unknown).toMatchObject({ status: 504 })
    for (let isServed = true; isServed;) {
      const askedAt = Date.now()
      const { status } = await post(url, ETH)
      // Whatever was written was written before the kill, and served after it was asked for.
      if (status === 200) expect(askedAt).toBeLessThan(killedAt + maxAgeMs)
      else expect(status).toBe(504)
      isServed = status === 200
    }
    // The new one is there, and what is wrong is its connection: the cause comes from there now.
    await pidOf(service, 'writer', from)
    const refused = await until(url, ETH, ({ json }) => {
      const code = json.error?.reason?.code
      return code !== undefined && code !== 'WRITER_DOWN'
    })
    expect(refused.json.error!.reason!.message).toMatch(/503|refused|connection/i)
    exchange.provider.accept()
    await until(url, ETH, ({ status }) => status === 200)
    const { price } = exchange.trade('ETH-USD')
    await until(url, ETH, ({ json }) => json.result === Number(price))
  })

  it('tells a new writer what is wanted, without anybody asking again', async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      ...PATIENT,
    })
    await post(await service.url(), ETH)
    const from = service.lines.length
    process.kill(await pidOf(service, 'writer'), 'SIGKILL')
    await pidOf(service, 'writer', from)
    await eventually(() => expect(exchange.provider.connections).toHaveLength(2))
    const connection = exchange.provider.connections[1]!
    await eventually(() => expect(connection.received.join()).toContain('ETH-USD'))
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'LC-3: exits with 0 on %s: requests first, then a polite end to the connection, and nothing is left',
    async (signal) => {
      await using provider = await wsProvider({ guardMs: PATIENCE_MS })
      const service = launch({
        WORKERS: '2',
        ADAPTERS: 'kraken',
        KRAKEN_WS_API_ENDPOINT: provider.url,
      })
      const url = await service.url()
      const asked = post(url, ETH)
      const connection = await provider.connection()
      await connection.next()
      expect(directoriesOf(service)).toHaveLength(1)
      service.signal(signal)
      expect((await connection.closed).code).toBe(1000)
      expect((await asked).status).toBe(504)
      expect(await service.exit).toBe(0)
      await service.closed
      expect(service.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
      expect(service.stderr).toBe('')
      expect(directoriesOf(service)).toEqual([])
    },
  )

  it('LC-3: leaves signals that a terminal sends to all processes to the supervisor', async () => {
    await using exchange = await simulatedExchange({ tradeIntervalMs: 0 })
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'coinbase',
      COINBASE_WS_API_ENDPOINT: exchange.url,
      ...PATIENT,
    })
    const url = await service.url()
    for (const name of ['writer', 'worker-1', 'worker-2']) process.kill(await pidOf(service, name), 'SIGINT')
    expect((await post(url, ETH)).status).toBe(200)
    service.signal('SIGINT')
    expect(await service.exit).toBe(0)
    await service.closed
  })

  it('LC-3: ends at once on a second signal, and leaves nothing', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const service = launch({
      WORKERS: '2',
      ADAPTERS: 'kraken',
      KRAKEN_WS_API_ENDPOINT: provider.url,
      CACHE_POLLING_MAX_RETRIES: '20',
      CACHE_POLLING_SLEEP_MS: '1000',
    })
    const url = await service.url()
    const asked = post(url, ETH).then(
      () => 'answered',
      () => 'cut off',
    )
    const connection = await provider.connection()
    await connection.next()
    service.signal('SIGTERM')
    await service.line(({ msg }) => msg === 'SIGTERM: stopping')
    service.signal('SIGTERM')
    expect(await service.exit).toBe(1)
    expect(await asked).toBe('cut off')
    await service.closed
  })

  it('LC-3: stops in the middle of its start', async () => {
    const service = launch({ WORKERS: '2', ADAPTERS: 'kraken' })
    await pidOf(service, 'writer')
    service.signal('SIGTERM')
    expect(await service.exit).toBe(0)
    await service.closed
  })

  it('no process outlives a supervisor that was killed', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const service = launch({ WORKERS: '2', ADAPTERS: 'kraken', KRAKEN_WS_API_ENDPOINT: provider.url })
    void post(await service.url(), ETH).catch(() => {})
    const connection = await provider.connection()
    expect(directoriesOf(service)).toHaveLength(1)
    service.signal('SIGKILL')
    expect((await connection.closed).code).toBe(1000)
    await service.closed
    expect(directoriesOf(service)).toEqual([])
  })

  it('LC-5: names an adapter with bad settings once, and runs the others in every worker', async () => {
    const service = launch({ WORKERS: '2', ADAPTERS: 'kraken,coinbase', KRAKEN_CACHE_MAX_AGE: 'abc' })
    const url = await service.url()
    for (let at = 0; at < 2; at++) {
      expect(await post(`${url}/coinbase`)).toMatchObject(missing)
      expect((await post(`${url}/kraken`)).status).toBe(404)
      expect((await post(url)).status).toBe(404)
    }
    const errors = service.lines.filter(({ level }) => level === 'error').map(({ msg }) => msg)
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatch(/"kraken" could not start[^]*CACHE_MAX_AGE/)
    expect(errors[1]).toMatch(/default adapter "kraken" did not start/)
  })

  it.each<[string, () => Promise<Record<string, string>>, RegExp]>([
    ['its port is taken', async () => ({ EA_PORT: await takenPort() }), /EADDRINUSE/],
    [
      'the port of its metrics is taken',
      async () => ({ METRICS_ENABLED: 'true', METRICS_PORT: await takenPort() }),
      /EADDRINUSE/,
    ],
    [
      'no adapter can start',
      () => Promise.resolve({ ADAPTERS: 'nope' }),
      /None of the adapters could start: nope/,
    ],
    ['its own settings are bad', () => Promise.resolve({ EA_PORT: 'abc' }), /EA_PORT/],
    ['there are too many workers', () => Promise.resolve({ WORKERS: '65' }), /WORKERS/],
    ['values are in Redis', () => Promise.resolve({ CACHE_TYPE: 'redis' }), /WORKERS[^]*CACHE_TYPE/],
    ['it may not write', () => Promise.resolve({ EA_MODE: 'reader' }), /None of the adapters could start/],
  ])('17.20, LC-2: exits with 1 and one clear line when %s', async (_name, variables, why) => {
    const service = launch({ WORKERS: '2', ADAPTERS: 'kraken', ...(await variables()) })
    expect(await service.exit).toBe(1)
    await service.closed
    const fatal = service.lines.filter(({ level }) => level === 'fatal')
    expect(fatal).toHaveLength(1)
    expect(fatal[0]!.msg).toMatch(why)
    expect(service.stderr).toBe('')
  })
})
