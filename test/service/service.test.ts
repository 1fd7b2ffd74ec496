import { afterEach, describe, expect, it } from 'vitest'
import { version } from '../../package.json'
import { availableAdapters } from '../../src/service/catalogue'
import { wsProvider } from '../../src/testing/ws-provider'
import { endAll, launch, missing, PATIENCE_MS, post, takenPort } from './service-process'

afterEach(endAll)

describe('the service', { timeout: PATIENCE_MS }, () => {
  it('serves each adapter under its name, one of them at the root, with health and status', async () => {
    const service = launch({ ADAPTERS: 'kraken,coinbase', DEFAULT_ADAPTER: 'coinbase' })
    const url = await service.url()
    for (const path of ['', '/kraken', '/coinbase'])
      expect(await post(`${url}${path}`)).toMatchObject(missing)
    expect((await post(`${url}/bitfinex`)).status).toBe(404)
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ message: 'OK', version })
    const status = (await (await fetch(`${url}/status`)).json()) as {
      adapters: { adapter: { name: string } }[]
    }
    expect(status.adapters.map(({ adapter }) => adapter.name)).toEqual(['KRAKEN', 'COINBASE'])
    expect(await (await fetch(`${url}/kraken/status`)).json()).toMatchObject({ adapter: { name: 'KRAKEN' } })
  })

  it('serves all adapters that can run when none is named, the first of them at the root, under BASE_URL', async () => {
    const service = launch({ BASE_URL: '/ea' })
    const url = await service.url()
    const { adapters } = await service.line(({ msg }) => msg === 'Listening')
    expect(adapters).toEqual(['bitfinex', 'coinbase', 'kraken'])
    for (const name of availableAdapters().keys()) {
      if ((adapters as string[]).includes(name)) continue
      expect((await post(`${url}/ea/${name}`)).status).toBe(404)
      const { level, msg } = await service.line(({ adapter }) => adapter === name)
      expect([level, msg]).toEqual(['info', `The adapter "${name}" is not set up, and does not run`])
    }
    for (const name of adapters as string[]) expect(await post(`${url}/ea/${name}`)).toMatchObject(missing)
    expect(await post(`${url}/ea`)).toMatchObject(missing)
    expect((await fetch(`${url}/ea/health`)).status).toBe(200)
    expect((await post(url)).status).toBe(404)
  })

  it('LC-5: names an adapter with bad settings and what is wrong with them, and runs the others', async () => {
    const variables = {
      ADAPTERS: 'kraken,coinbase',
      KRAKEN_CACHE_MAX_AGE: 'abc',
      KRAKEN_WS_SUBSCRIPTION_TTL: '-1',
    }
    const service = launch(variables)
    const url = await service.url()
    expect(await post(`${url}/coinbase`)).toMatchObject(missing)
    expect((await post(`${url}/kraken`)).status).toBe(404)
    const { msg, level } = await service.line(({ adapter }) => adapter === 'kraken')
    expect(level).toBe('error')
    expect(msg).toMatch(/"kraken" could not start[^]*CACHE_MAX_AGE/)
    expect(msg).toContain('WS_SUBSCRIPTION_TTL')
    // It would have been the one at the root, and no other stands in for it.
    expect((await post(url)).status).toBe(404)
    await service.line((line) => /default adapter "kraken" did not start/.test(line.msg))
  })

  it('reads a setting with the prefix of an adapter before the one without', async () => {
    const variables = { ADAPTERS: 'kraken,coinbase', CACHE_MAX_AGE: '40000', KRAKEN_CACHE_MAX_AGE: '50000' }
    const service = launch(variables)
    const url = await service.url()
    const maxAge = async (name: string) => {
      type Status = { configuration: { name: string; value: unknown }[] }
      const { configuration } = (await (await fetch(`${url}/${name}/status`)).json()) as Status
      return configuration.find((setting) => setting.name === 'CACHE_MAX_AGE')?.value
    }
    expect([await maxAge('kraken'), await maxAge('coinbase')]).toEqual([50_000, 40_000])
  })

  it('LC-5: warns of a variable with the prefix of an adapter that is no setting', async () => {
    const service = launch({ ADAPTERS: 'kraken', KRAKEN_CACHE_MAX_AGES: '1' })
    const { level } = await service.line(({ msg }) => msg.includes('KRAKEN_CACHE_MAX_AGES'))
    expect(level).toBe('warn')
  })

  it('LC-5: warns of a variable without a prefix that looks like a setting and is none, once', async () => {
    const service = launch({ ADAPTERS: 'kraken,coinbase', CACHE_MAXAGE: '1', WORKER_SILENCE: '1' })
    await service.line(({ msg }) => msg.includes('_SILENCE'))
    const warned = service.lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)
    expect(warned.filter((msg) => /_MAXAGE|_SILENCE/.test(msg))).toEqual([
      'CACHE_MAXAGE looks like a setting, but there is none of that name. Is CACHE_MAX_AGE meant?',
      'WORKER_SILENCE looks like a setting, but there is none of that name',
    ])
  })

  it.each<[string, () => Promise<Record<string, string>>, RegExp]>([
    [
      'its port is taken',
      async () => ({ ADAPTERS: 'kraken', EA_PORT: await takenPort() }),
      /EA_PORT: Port \d+ is taken \(EADDRINUSE\)/,
    ],
    [
      'the port of its metrics is taken',
      async () => ({
        ADAPTERS: 'kraken',
        METRICS_ENABLED: 'true',
        METRICS_PORT: await takenPort(),
      }),
      /METRICS_PORT: Port \d+ is taken \(EADDRINUSE\)/,
    ],
    [
      'an adapter has no such name',
      () => Promise.resolve({ ADAPTERS: 'nope' }),
      /None of the adapters could start: nope/,
    ],
    [
      'its own settings are bad',
      () => Promise.resolve({ ADAPTERS: 'kraken', EA_PORT: 'abc', EA_HOST: 'x y' }),
      /EA_HOST[^]*EA_PORT|EA_PORT[^]*EA_HOST/,
    ],
    ['the list of adapters is bad', () => Promise.resolve({ ADAPTERS: 'kraken,,kraken' }), /ADAPTERS/],
    [
      'the default is none of the adapters',
      () => Promise.resolve({ ADAPTERS: 'kraken', DEFAULT_ADAPTER: 'coinbase' }),
      /DEFAULT_ADAPTER/,
    ],
  ])('17.20, LC-2: exits with 1 and one clear line when %s', async (_name, variables, why) => {
    const service = launch(await variables())
    expect(await service.exit).toBe(1)
    const fatal = service.lines.filter(({ level }) => level === 'fatal')
    expect(fatal).toHaveLength(1)
    expect(fatal[0]!.msg).toMatch(why)
    expect(service.stderr).toBe('')
  })

  it.each<[string, Record<string, string>]>([
    ['the service and the server too', { BASE_URL: 'prices', WORKERS: '0' }],
    ['several processes', { BASE_URL: 'prices', WORKERS: '2' }],
    ['the adapters alone', {}],
  ])(
    'LC-5: names what is wrong with all adapters at once, and has no stack: %s',
    async (_name, variables) => {
      const service = launch({
        ADAPTERS: 'kraken,coinbase',
        KRAKEN_WS_API_ENDPOINT: 'nonsense',
        KRAKEN_CACHE_MAX_AGE: 'abc',
        COINBASE_CACHE_TYPE: 'memcached',
        COINBASE_WS_API_ENDPOINT: 'https://not.a.socket.example',
        COINBASE_TLS_ENABLED: 'yes',
        COINBASE_STREAM_HANDLER_RETRY_MIN_MS: '9000',
        COINBASE_STREAM_HANDLER_RETRY_MAX_MS: '3000',
        ...variables,
      })
      expect(await service.exit).toBe(1)
      await service.closed
      const [fatal, ...more] = service.lines.filter(({ level }) => level === 'fatal')
      expect(more).toEqual([])
      const names = [
        'KRAKEN_WS_API_ENDPOINT',
        'KRAKEN_CACHE_MAX_AGE',
        'COINBASE_CACHE_TYPE',
        'COINBASE_WS_API_ENDPOINT',
        'COINBASE_TLS_ENABLED',
        'COINBASE_STREAM_HANDLER_RETRY_MIN_MS',
        ...Object.keys(variables).filter((name) => variables[name] !== '2'),
      ]
      for (const name of names)
        expect(fatal?.msg.match(new RegExp(`\\n${name}: `, 'g')), name).toHaveLength(1)
      expect(JSON.stringify(service.lines)).not.toMatch(/\\n +at /)
      expect(service.stderr).toBe('')
    },
  )

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'LC-3: exits with 0 on %s, with a polite end to its connections',
    async (signal) => {
      await using provider = await wsProvider({ guardMs: PATIENCE_MS })
      const service = launch({ ADAPTERS: 'kraken', KRAKEN_WS_API_ENDPOINT: provider.url })
      const url = await service.url()
      const asked = post(url, { data: { base: 'ETH', quote: 'USD' } })
      const connection = await provider.connection()
      await connection.next()
      // The request in flight is finished first.
      service.signal(signal)
      expect((await connection.closed).code).toBe(1000)
      expect((await asked).status).toBe(504)
      expect(await service.exit).toBe(0)
      expect(service.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
    },
  )

  it('LC-3: exits with 0 on a signal when idle', async () => {
    const service = launch({ ADAPTERS: 'kraken' })
    await service.url()
    service.signal('SIGTERM')
    expect(await service.exit).toBe(0)
  })

  it('LC-3: ends at once on a second signal', async () => {
    await using provider = await wsProvider({ guardMs: PATIENCE_MS })
    const variables = { CACHE_POLLING_MAX_RETRIES: '20', CACHE_POLLING_SLEEP_MS: '1000' }
    const service = launch({ ADAPTERS: 'kraken', KRAKEN_WS_API_ENDPOINT: provider.url, ...variables })
    const url = await service.url()
    const asked = post(url, { data: { base: 'ETH', quote: 'USD' } }).then(
      () => 'answered',
      () => 'cut off',
    )
    const connection = await provider.connection()
    await connection.next()
    // Never confirms the close, and the request waits for 21 s: stopping would take its full patience.
    connection.freeze()
    service.signal('SIGTERM')
    await service.line(({ msg }) => msg === 'SIGTERM: stopping')
    service.signal('SIGTERM')
    expect(await service.exit).toBe(1)
    expect(await asked).toBe('cut off')
  })
})
