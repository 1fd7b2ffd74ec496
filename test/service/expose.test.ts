import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { wsProvider } from '../../src/testing/ws-provider'
import { eventually, PATIENT } from '../helpers/eventually'
import { KeptConnection, requestBytes } from './busy-clients'
import {
  endAll,
  freePort,
  launch,
  PATIENCE_MS,
  post,
  type ServiceProcess,
  takenPort,
} from './service-process'

const NOWHERE = 'ws://127.0.0.1:9'

const start = (variables: Record<string, string> = {}) =>
  launch({ OWN_WS_API_ENDPOINT: NOWHERE, ...variables }, join('test', 'service', 'exposed-adapter.ts'))

const listening = (process: ServiceProcess) => process.line(({ msg }) => msg.startsWith('Listening'))

const urlOf = async (process: ServiceProcess) =>
  `http://127.0.0.1:${String((await listening(process))['port'])}`

const ask = (url: string) => post(url, { data: { base: 'ETH' } })

const fatalOf = ({ lines }: ServiceProcess) => lines.filter(({ level }) => level === 'fatal')

afterEach(endAll)

describe('an exposed adapter', { timeout: PATIENCE_MS }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'LC-3: on %s answers who waits, unsubscribes, closes with 1000 and exits with 0',
    async (signal) => {
      await using provider = await wsProvider({ guardMs: PATIENCE_MS })
      const process = start({
        OWN_WS_API_ENDPOINT: provider.url,
        CACHE_POLLING_MAX_RETRIES: '20',
        CACHE_POLLING_SLEEP_MS: '1000',
      })
      const asked = ask(await urlOf(process))
      const connection = await provider.connection()
      expect(await connection.next()).toBe('{"subscribe":"ETH"}')
      process.signal(signal)
      await process.line(({ msg }) => msg === `${signal}: stopping`)
      connection.send({ base: 'ETH', price: 5 })
      expect(await asked).toMatchObject({ status: 200, json: { result: 5 } })
      expect(await connection.next()).toBe('{"unsubscribe":"ETH"}')
      expect((await connection.closed).code).toBe(1000)
      expect(await process.exit).toBe(0)
      expect(process.stderr).toBe('')
    },
  )

  it('LC-5: names all mistakes of its code in one line, without a stack, and exits with 1', async () => {
    const process = launch({}, join('test', 'service', 'mistaken-adapter.ts'))
    expect(await process.exit).toBe(1)
    await process.closed
    const problems = [
      'endpoint "price", transport: url is a string; expected a function',
      'endpoint "price", transport: handlers.message is missing; expected a function',
    ]
    const msg = `The adapter could not start: The code of MISTAKEN has mistakes:\n${problems.join('\n')}`
    expect(fatalOf(process)).toMatchObject([{ msg, problems }])
    expect(fatalOf(process)[0]).not.toHaveProperty('err')
    expect(process.stderr).toBe('')
  })

  it('LC-3: gives the wait for a first price that never comes its bound, and exits with 0', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const process = start({ OWN_WS_API_ENDPOINT: provider.url })
    const asked = ask(await urlOf(process))
    const connection = await provider.connection()
    await connection.next()
    process.signal('SIGTERM')
    expect((await asked).status).toBe(504)
    expect((await connection.closed).code).toBe(1000)
    expect(await process.exit).toBe(0)
  })

  it('LC-3: answers who waits for longer than a stop may last, refuses what is cut, and exits with 0 whatever is in flight', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const process = start({ ...PATIENT, OWN_WS_API_ENDPOINT: provider.url })
    const url = await urlOf(process)
    const waiting = await KeptConnection.open(url)
    const asked = waiting.ask(requestBytes('/', { data: { base: 'ETH' } }))
    const connection = await provider.connection()
    await connection.next()
    // A body that does not come to its end, and a client that has sent nothing yet.
    const unfinished = await KeptConnection.open(url)
    const cut = unfinished.ask(
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
    )
    const idle = await KeptConnection.open(url)
    await eventually(async () => expect((await fetch(`${url}/health`)).status).toBe(200))
    connection.freeze()
    process.signal('SIGTERM')
    expect([await asked, await cut]).toEqual([504, 503])
    await Promise.all([waiting.ended, unfinished.ended, idle.ended])
    expect(await process.exit).toBe(0)
    expect(process.stderr).toBe('')
  })

  it('LC-3: ends at once on a second signal', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const process = start({
      OWN_WS_API_ENDPOINT: provider.url,
      CACHE_POLLING_MAX_RETRIES: '20',
      CACHE_POLLING_SLEEP_MS: '1000',
    })
    const asked = ask(await urlOf(process)).then(
      () => 'answered',
      () => 'cut off',
    )
    const connection = await provider.connection()
    await connection.next()
    connection.freeze()
    process.signal('SIGTERM')
    await process.line(({ msg }) => msg === 'SIGTERM: stopping')
    process.signal('SIGINT')
    expect(await process.exit).toBe(1)
    expect(await asked).toBe('cut off')
  })

  it.each([
    ['rejection', 'Unhandled rejection: nobody watches this: OWN is restarted'],
    ['exception', 'Uncaught exception: nobody catches this: OWN is restarted'],
  ])(
    'IS-4: begins the adapter anew after a late %s of its code, later each time, and shows it',
    async (late, msg) => {
      await using provider = await wsProvider({ guardMs: PATIENCE_MS })
      const process = start({ ...PATIENT, OWN_WS_API_ENDPOINT: provider.url })
      const url = await urlOf(process)
      const asked = ask(url)
      for (let time = 1; time <= 2; time++) {
        const connection = await provider.connection()
        expect(await connection.next()).toBe('{"subscribe":"ETH"}')
        const from = process.lines.length
        connection.send({ late })
        expect((await process.line((line) => line.msg === msg, from)).level).toBe('error')
        expect((await connection.closed).code).toBe(1000)
        const live = await fetch(`${url}/live`)
        const because = msg.replace(': OWN is restarted', '')
        expect([live.status, await live.json()]).toMatchObject([
          200,
          { restarted: [{ adapter: 'OWN', count: time, because }] },
        ])
      }
      const connection = await provider.connection()
      await connection.next()
      connection.send({ base: 'ETH', price: 7 })
      expect(await asked).toMatchObject({ status: 200, json: { result: 7 } })
      process.signal('SIGTERM')
      expect(await process.exit).toBe(0)
    },
  )

  it('IS-2: goes on as before after a rejection of which nobody knows whose it is, and counts it', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const metricsPort = await freePort()
    const process = start({
      ...PATIENT,
      OWN_WS_API_ENDPOINT: provider.url,
      METRICS_ENABLED: 'true',
      OWN_METRICS_PORT: metricsPort,
    })
    const url = await urlOf(process)
    const asked = ask(url)
    const connection = await provider.connection()
    await connection.next()
    connection.send({ late: 'nobody' })
    await process.line(({ msg }) => msg === 'Unhandled rejection: nobody knows whose this is')
    connection.send({ base: 'ETH', price: 7 })
    expect(await asked).toMatchObject({ status: 200, json: { result: 7 } })
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    expect(metrics).toMatch(/^late_throws_total\{(?=.*app_name="")(?=.*kind="rejection").*\} 1$/m)
    process.signal('SIGTERM')
    expect(await process.exit).toBe(0)
  })

  it('says in one line where it listens in fact, and for what', async () => {
    const metricsPort = await freePort()
    const process = start({ METRICS_ENABLED: 'true', OWN_METRICS_PORT: metricsPort })
    const { msg, level, port, ...fields } = await listening(process)
    expect(level).toBe('info')
    expect(port).toBeGreaterThan(0)
    expect(msg).toBe(
      `Listening on port ${String(port)} of 127.0.0.1: adapter OWN, endpoints price; metrics on port ${metricsPort}`,
    )
    expect(fields).toMatchObject({ adapter: 'OWN', endpoints: ['price'], host: '127.0.0.1' })
    const scraped = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    expect(scraped.status).toBe(200)
    expect(process.lines.filter((line) => line.msg.startsWith('Listening'))).toHaveLength(1)
  })

  it('LC-5: warns of variables that look like its settings and are none', async () => {
    const process = start({ OWN_CACHE_MAXAGE: '1', WS_API_ENDPONT: 'x' })
    const { level, msg } = await process.line((line) => line.msg.includes('WS_API_ENDPONT'))
    expect(level).toBe('warn')
    expect(msg).toMatch(/looks like a setting, but there is none of that name\. Is WS_API_ENDPOINT meant\?$/)
    await process.line((line) => line.msg.endsWith('Is OWN_CACHE_MAX_AGE meant?'))
  })

  it('says that there are no metrics, and the address of all addresses', async () => {
    const { msg } = await listening(start({ EA_HOST: '::' }))
    expect(msg).toMatch(/^Listening on port \d+ of ::: adapter OWN, endpoints price; metrics off$/)
  })

  it.each<[string, () => Promise<Record<string, string>>, string[]]>([
    [
      'settings are refused',
      () =>
        Promise.resolve({
          OWN_WS_API_ENDPOINT: 'nonsense',
          OWN_CACHE_MAX_AGE: 'abc',
          TLS_ENABLED: 'yes',
          LOG_LEVEL: 'verbose',
          BASE_URL: 'prices',
        }),
      ['OWN_WS_API_ENDPOINT: ', 'OWN_CACHE_MAX_AGE: ', 'TLS_ENABLED: ', 'LOG_LEVEL: ', 'BASE_URL: '],
    ],
    [
      'its port is taken',
      async () => ({ OWN_EA_PORT: await takenPort() }),
      ['OWN_EA_PORT: Port ', 'is taken (EADDRINUSE)'],
    ],
    [
      'the port of its metrics is taken',
      async () => ({ METRICS_ENABLED: 'true', METRICS_PORT: await takenPort() }),
      ['METRICS_PORT: Port ', 'is taken (EADDRINUSE)'],
    ],
  ])(
    '17.20, LC-2: exits with 1 and says all in one line without a stack when %s',
    async (_name, variables, told) => {
      const process = start(await variables())
      expect(await process.exit).toBe(1)
      await process.closed
      const [fatal, ...more] = fatalOf(process)
      expect(more).toEqual([])
      for (const part of told) expect(fatal?.msg).toContain(part)
      expect(JSON.stringify(fatal)).not.toMatch(/\\n +at /)
      expect(process.stderr).toBe('')
    },
  )

  it('LC-2: exits with 1 and tells all problems without a stack where an enum has none of its options', async () => {
    const process = start({ OWN_CACHE_TYPE: 'memcached', OWN_CACHE_MAX_AGE: 'abc' })
    expect(await process.exit).toBe(1)
    await process.closed
    const told = process.stderr + JSON.stringify(fatalOf(process))
    expect(told).toContain('OWN_CACHE_TYPE: Env var "OWN_CACHE_TYPE" has value "memcached"')
    expect(told).toContain('OWN_CACHE_MAX_AGE: Value must be a number, Received string abc')
    expect(told).not.toMatch(/^ +at /m)
  })
})
