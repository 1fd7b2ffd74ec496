import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Adapter } from '../../src/adapter/adapter'
import { AdapterEndpoint } from '../../src/adapter/adapter-endpoint'
import { AdapterConfig } from '../../src/config/adapter-config'
import { settingsPage } from '../../src/http/debug'
import { settingsList } from '../../src/config/settings-list'
import { renderMetrics } from '../../src/metrics/render'
import { HttpTransport } from '../../src/public/transports/http'
import { WebSocketTransport } from '../../src/public/transports'
import { type SingleNumberResultResponse } from '../../src/public/util'
import { serve, type Served } from '../../src/testing/serve'
import { wsProvider } from '../../src/testing/ws-provider'
import { defaultLoggerFactory, makeLogger } from '../../src/util/logging'
import { CensorList } from '../../src/util/redaction'
import { isTelling } from '../../src/util/telling'
import { eventually } from '../helpers/eventually'
import { JSON_HEADERS, keyOf, priceParameters, stillAdapter, WAYS } from '../http/support'
import { httpProvider } from '../transports/http/support'
import { awkwardSecret, encodings } from '../util/secrets'

const ETH = { base: 'ETH', quote: 'USD' }

/** All that is logged, as it is written: the loggers of a file keep their first factory. */
const lines: string[] = []
vi.stubEnv('LOG_LEVEL', 'trace')
const loggerFactory = defaultLoggerFactory({ write: (line: string) => void lines.push(line) })
vi.unstubAllEnvs()

afterEach(() => {
  lines.length = 0
  vi.restoreAllMocks()
})

const settings = () =>
  new AdapterConfig({
    WS_API_ENDPOINT: { description: 'Streaming URL', type: 'string', required: true },
    API_ENDPOINT: { description: 'URL', type: 'string', required: true, sensitive: false },
    API_KEY: { description: 'Key; if there is none, it is in the URL, as that of a node', type: 'string' },
  })

/** Uses its key in every place of a URL, and hands on whatever its provider says. */
const leaky = () => {
  const config = settings()
  const inputParameters = priceParameters()
  type Types = {
    Parameters: typeof inputParameters.definition
    Response: SingleNumberResultResponse
    Settings: typeof config.settings
  }
  const stream = new WebSocketTransport<Types & { Provider: { WsMessage: { why?: string; boom?: string } } }>(
    {
      url: ({ adapterSettings: { WS_API_ENDPOINT, API_KEY = '' } }) => {
        if (API_KEY === '') return WS_API_ENDPOINT
        const key = encodeURIComponent(API_KEY)
        return `${WS_API_ENDPOINT.replace('//', `//me:${key}@`)}/v1/${key}?key=${key}`
      },
      options: ({ adapterSettings: { API_KEY } }) => ({
        headers: { 'x-key': encodeURIComponent(API_KEY ?? '') },
      }),
      handlers: {
        message({ why: errorMessage, boom }) {
          if (boom !== undefined) throw new Error(`cannot read ${boom}`, { cause: new Error(boom) })
          return errorMessage === undefined
            ? []
            : [{ params: ETH, response: { statusCode: 502, errorMessage } }]
        },
      },
      builders: {
        subscribeMessage: ({ base }, { adapterSettings }) => ({ sub: base, key: adapterSettings.API_KEY }),
      },
    },
  )
  const polled = new HttpTransport<
    Types & { Provider: { RequestBody: never; ResponseBody: { why: string } } }
  >({
    prepareRequests: (params, { API_ENDPOINT, API_KEY }) => ({
      params,
      request: {
        baseURL: API_ENDPOINT,
        url: `/v1/${encodeURIComponent(API_KEY ?? '')}`,
        params: { key: API_KEY },
      },
    }),
    parseResponse: (params, { data: { why } }) => {
      if (why === undefined) throw new Error('no answer')
      return params.map((one) => ({ params: one, response: { statusCode: 502, errorMessage: why } }))
    },
  })
  const endpoints = [
    new AdapterEndpoint({ name: 'stream', transport: stream, inputParameters }),
    new AdapterEndpoint({ name: 'polled', transport: polled, inputParameters: priceParameters() }),
  ]
  return new Adapter({ name: 'LEAKY', defaultEndpoint: 'stream', config, endpoints })
}

const startLeaky = (env: Record<string, string>) =>
  serve(leaky, {
    env: {
      CACHE_POLLING_MAX_RETRIES: '0',
      RETRY: '0',
      EXPLAIN_ENABLED: 'true',
      DEBUG_ENDPOINTS: 'true',
      DEBUG: 'true',
      ...env,
    },
    dependencies: { loggerFactory },
  })

/** Everything that anybody gets to see of a service. */
const allThatIsShown = async (service: Pick<Served, 'api' | 'post'>): Promise<string> => {
  const { api } = service
  const get = async (url: string) => (await api.inject(url)).body
  const explain = (endpoint: string) =>
    api.inject({ method: 'POST', url: '/explain', headers: JSON_HEADERS, payload: { endpoint, data: ETH } })
  const shown = [
    await get('/health'),
    await get('/live'),
    await get('/ready'),
    await get('/status'),
    await get('/debug/settings'),
    await get('/debug/settings/raw'),
    (await explain('stream')).body,
    (await explain('polled')).body,
    (await service.post(ETH, { endpoint: 'stream' })).text,
    (await service.post(ETH, { endpoint: 'polled' })).text,
    await renderMetrics(),
    process.title,
    ...lines,
  ]
  return shown.join('\n')
}

const inJson = (text: string) => JSON.stringify(text).slice(1, -1)

/** The forms of a secret that are in a text. */
const leaksOf = (secret: string, text: string): string[] =>
  Object.entries(encodings(secret)).flatMap(([name, form]) =>
    text.includes(form) || text.includes(inJson(form)) ? [name] : [],
  )

/** Eight characters of it, wherever they are in it. */
const partsOf = (secret: string): string[] =>
  Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8))

describe('SC-1: a secret', () => {
  it('is in no answer, page, metric and line, in none of its forms, whatever a provider makes of it', async () => {
    const property = fc.asyncProperty(awkwardSecret, async (secret) => {
      const forms = Object.values(encodings(secret))
      await using streaming = await wsProvider()
      await using polled = await httpProvider((_path, n) =>
        n % 2 ? { status: 401, body: { error: forms } } : { body: { why: forms.join(' ') } },
      )
      const service = await startLeaky({
        API_KEY: secret,
        WS_API_ENDPOINT: streaming.url,
        API_ENDPOINT: polled.url,
      })
      await service.api.inject('/explain?endpoint=stream')
      for (const endpoint of ['stream', 'polled']) {
        await service.api.inject({
          method: 'POST',
          url: '/explain',
          headers: JSON_HEADERS,
          payload: { endpoint, data: ETH },
        })
        await service.post(ETH, { endpoint })
      }
      await service.post({ base: secret, quote: 5 })
      const connection = await streaming.connection()
      await connection.next()
      for (const form of forms) connection.send({ boom: form })
      for (const form of forms) connection.send(`no json ${form}`)
      connection.send({ why: forms.join(' ') })
      await service.until(ETH, ({ statusCode }) => statusCode === 502, { endpoint: 'stream' })
      connection.close(4_001, secret.slice(0, 30))
      await polled.seen(2)
      await service.until(ETH, ({ statusCode }) => statusCode === 502, { endpoint: 'polled' })
      const shown = await allThatIsShown(service)
      await service.stop()
      expect(shown).toContain('[API_KEY REDACTED]')
      const all = shown + lines.join('\n')
      expect(leaksOf(secret, all)).toEqual([])
      expect(partsOf(secret).filter((part) => isTelling(part) && all.includes(part))).toEqual([])
      lines.length = 0
    })
    await fc.assert(property, { numRuns: 4, endOnFailure: true })
  }, 120_000)
})

describe('SC-1: of a secret', () => {
  /** Where the texts of a provider are cut: of a frame, a reason, a record, a body. */
  const CUTS = [300, 512, 4_096, 10_000, 65_536]

  it('no part is shown, wherever a text of the provider is cut, or where the provider has cut it', async () => {
    const secret = 'k7Qp2Zm9x4Lw8Rt5Vb3Nc6Hd1Jf0Gs'
    const echoes = CUTS.flatMap((at) =>
      [6, 12, 20, 28].map((shown) => `${'x '.repeat((at - shown) / 2)}${secret}`),
    )
    const cut = [10, 16, 24].map((length) => `no access for ${secret.slice(0, length)}`)
    await using streaming = await wsProvider()
    await using polled = await httpProvider((_path, n) =>
      n % 2 ? { status: 401, body: { error: echoes[n % echoes.length] } } : { body: { why: cut[n % 3] } },
    )
    const urls = { WS_API_ENDPOINT: streaming.url, API_ENDPOINT: polled.url }
    await using service = await startLeaky({ API_KEY: secret, ...urls })
    for (const endpoint of ['stream', 'polled']) {
      const explain = { method: 'POST', url: '/explain', headers: JSON_HEADERS } as const
      await service.api.inject({ ...explain, payload: { endpoint, data: ETH } })
      await service.post(ETH, { endpoint })
    }
    let clientsWords = ''
    for (const base of [secret, secret.slice(2, 14)]) {
      const data = { base, quote: 'USD' }
      const { statusCode, text } = await service.post(data, { endpoint: 'polled' })
      expect(statusCode).not.toBe(400)
      const payload = { endpoint: 'polled', data }
      const { body } = await service.api.inject({
        method: 'POST',
        url: '/explain',
        headers: JSON_HEADERS,
        payload,
      })
      expect(body).toContain('REDACTED')
      clientsWords += text + body
    }
    const connection = await streaming.connection()
    await connection.next()
    for (const text of [...echoes, ...cut]) {
      connection.send({ boom: text })
      connection.send(`no json ${text}`)
    }
    let pages = clientsWords
    for (const [n, text] of [...echoes, ...cut].entries()) {
      connection.send({ why: `No. ${n} ${text}` })
      await service.until(ETH, ({ text: of }) => of.includes(`No. ${n} `), { endpoint: 'stream' })
      pages += await allThatIsShown(service)
    }
    connection.close(4_001, secret.slice(3, 20))
    await polled.seen(4)
    await eventually(async () => expect(await allThatIsShown(service)).toContain('4001'))
    pages += await allThatIsShown(service)
    expect(partsOf(secret).filter((part) => pages.includes(part))).toEqual([])
  }, 120_000)

  it('no part is shown while an adapter starts', async () => {
    // No other adapter of this process has it.
    const secret = 'z3Wm7Yk1Tq9Rb5Xc2Nd8Lf4Hv6Gp0J'
    const bootstrap = ({ settings }: { settings: object }) => {
      makeLogger('Bootstrap').info({ settings }, `starts with ${secret}`)
    }
    const config = () => new AdapterConfig({ API_KEY: { type: 'string', description: 'Key' } })
    const make = () => stillAdapter({ adapter: { config: config(), bootstrap } as never }).adapter
    await using service = await serve(make, { env: { API_KEY: secret }, dependencies: { loggerFactory } })
    expect(service.adapter.initialized).toBe(true)
    const said = lines.join('\n')
    expect(said).toContain('starts with [API_KEY REDACTED]')
    expect(partsOf(secret).filter((part) => said.includes(part))).toEqual([])
  })

  it('that is a URL no part is shown, also where the setting is declared public', async () => {
    await using streaming = await wsProvider()
    const [user, password, path, query] = ['usr7Kd2mQ9zL', 'pw4Xv8Tn1cRw', 'pth6Bf3jY0sHkE5u', 'qry9Gz2lM7aD']
    const at = (url: string) => `${url.replace('//', `//${user}:${password}@`)}/v2/${path}/s?apiKey=${query}`
    const base = { WS_API_ENDPOINT: at(streaming.url), API_ENDPOINT: at('http://127.0.0.1:9') }
    await using service = await startLeaky(base)
    for (const endpoint of ['stream', 'polled']) await service.post(ETH, { endpoint })
    const connection = await streaming.connection()
    await connection.next()
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    const echo = `${at('wss://node.example')} GET /v2/${path}/s?apiKey=${query} Basic ${basic}`
    connection.send({ boom: echo })
    connection.send({ why: echo })
    await service.until(ETH, ({ statusCode }) => statusCode === 502, { endpoint: 'stream' })
    streaming.refuse(403)
    connection.close(4_000, path)
    await eventually(async () => expect(await allThatIsShown(service)).toContain('403'))
    const shown = await allThatIsShown(service)
    const secrets = [user, password, path, query, basic].flatMap(partsOf)
    expect(secrets.filter((part) => shown.includes(part))).toEqual([])
  })
})

describe('SC-2: what a provider says', () => {
  it('is scrubbed before it is stored, so that no way to look at what is stored shows a secret', async () => {
    const property = fc.asyncProperty(awkwardSecret, async (secret) => {
      const config = new AdapterConfig({ API_KEY: { type: 'string', description: 'Key' } })
      const still = stillAdapter({ adapter: { config } })
      await using service = await serve(still.adapter, { env: { API_KEY: secret } })
      const text = Object.values(encodings(secret)).join(' ')
      await still.transport.putError(ETH, 502, `refused: ${text}`)
      const value = await still.local().get(keyOf('eth', 'usd'))
      const looks = [
        String(value?.errorMessage),
        `${value?.errorMessage}`,
        JSON.stringify(value),
        inspect(still.local(), { depth: Infinity, showHidden: true, maxStringLength: Infinity }),
        inspect(new Error('failed', { cause: value }), { depth: Infinity, maxStringLength: Infinity }),
        JSON.stringify(structuredClone(value)),
      ]
      expect(looks.flatMap((look) => leaksOf(secret, look))).toEqual([])
      expect((await service.post(ETH)).json).toMatchObject({
        errorMessage: expect.stringContaining('[API_KEY REDACTED]') as string,
      })
    })
    await fc.assert(property, { numRuns: 20 })
  })
})

describe('SC-3: an answer from the cache', () => {
  const secrets = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`KEY_${n}`, `s3cret-number-${n}-of-them`]))

  it.each(
    WAYS.flatMap(({ way, requestTransforms }) => [0, 50].map((count) => ({ way, requestTransforms, count }))),
  )(
    'is served without looking for any of $count secrets, where requests are $way',
    async ({ requestTransforms, count }) => {
      const definition = Object.fromEntries(
        Object.keys(secrets(count)).map((name) => [name, { type: 'string' as const, description: 'Key' }]),
      )
      const still = stillAdapter({
        adapter: { config: new AdapterConfig(definition) },
        endpoint: { requestTransforms },
      })
      await using service = await serve(still.adapter, {
        listen: true,
        env: secrets(count),
        dependencies: { loggerFactory: defaultLoggerFactory({ write: (line) => void lines.push(line) }) },
      })
      expect(CensorList.getAll().filter(({ key }) => key.startsWith('KEY_'))).toHaveLength(count)
      await still.transport.put(ETH, 5)
      await still.transport.putError({ base: 'BTC', quote: 'USD' }, 502, 'down')
      const ask = async (base: string) => {
        const body = JSON.stringify({ data: { base, quote: 'USD' } })
        const reply = await fetch(service.url!, { method: 'POST', headers: JSON_HEADERS, body })
        return [reply.status, await reply.text()] as const
      }
      const [good, bad] = [await ask('ETH'), await ask('BTC')]
      expect([good[0], bad[0]]).toEqual([200, 502])
      // All ways to look for secrets go through this.
      const look = vi.spyOn(CensorList, 'redactorOf')
      for (let time = 0; time < 20; time++) expect([await ask('ETH'), await ask('BTC')]).toEqual([good, bad])
      expect(look).not.toHaveBeenCalled()
      await still.transport.put(ETH, 6)
      expect(look).toHaveBeenCalled()
    },
  )
})

describe('SC-4: a URL', () => {
  it('is shown without user-info, query and the path of a node, in logs, metrics and status', async () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9]{16,24}$/)
    const property = fc.asyncProperty(part, part, part, part, async (user, password, key, query) => {
      await using provider = await wsProvider()
      const base = provider.url.replace('//', `//${user}:${password}@`)
      await using service = await startLeaky({
        WS_API_ENDPOINT: `${base}/node/${key}?token=${query}`,
        API_ENDPOINT: provider.url.replace('ws', 'http'),
      })
      await service.post(ETH, { endpoint: 'stream' })
      const connection = await provider.connection()
      provider.refuse(403)
      connection.close(4_000)
      await eventually(async () => expect((await service.post(ETH)).text).toContain('403'))
      const shown = await allThatIsShown(service)
      expect([user, password, key, query].filter((secret) => shown.includes(secret))).toEqual([])
      const urls = shown.match(/(?<=ws_connection_closures\{.*url=")[^"]*/g) ?? []
      expect(urls.map((url) => url.replace(/:\d+/, ''))).toContain(
        'ws://127.0.0.1/[WS_API_ENDPOINT REDACTED]',
      )
    })
    await fc.assert(property, { numRuns: 3, endOnFailure: true })
  })
})

describe('SC-5: a setting', () => {
  it('is shown only where it is declared public, whatever it is called and wherever settings are shown', async () => {
    const name = fc.stringMatching(/^OWN_[A-Z][A-Z_]{0,15}[A-Z]$/)
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 5 })
    const isDeclared = fc.constantFrom(undefined, true, false)
    const property = fc.asyncProperty(
      names,
      fc.array(isDeclared, { minLength: 5, maxLength: 5 }),
      async (own, declared) => {
        const definition = Object.fromEntries(
          own.map((one, at) => [one, { type: 'string' as const, description: 'd', sensitive: declared[at] }]),
        )
        const value = (at: number) => `value-of-${at}-${'x'.repeat(8)}`
        const env = Object.fromEntries(own.map((one, at) => [one, value(at)]))
        await using service = await serve(
          () => stillAdapter({ adapter: { config: new AdapterConfig(definition as never) } }).adapter,
          { env: { ...env, DEBUG_ENDPOINTS: 'true' } },
        )
        const pages = await Promise.all(
          ['/status', '/debug/settings', '/debug/settings/raw'].map(
            async (url) => (await service.api.inject(url)).body,
          ),
        )
        own.forEach((one, at) => {
          const isPublic = declared[at] === false && !/API_KEY|RPC_URL/.test(one)
          for (const page of pages) expect(page.includes(value(at)), one).toBe(isPublic)
        })
      },
    )
    await fc.assert(property, { numRuns: 20 })
  })

  it('of any type is not shown where it is declared secret', () => {
    vi.stubEnv('PIN', '4711')
    vi.stubEnv('SWITCH', 'true')
    vi.stubEnv('MODE', 'hidden-mode')
    const config = new AdapterConfig({
      PIN: { type: 'number', description: 'd', sensitive: true },
      SWITCH: { type: 'boolean', description: 'd', sensitive: true },
      MODE: { type: 'enum', options: ['hidden-mode', 'other'], description: 'd', sensitive: true },
      SHOWN: { type: 'number', description: 'd', default: 17 },
    })
    config.initialize()
    vi.unstubAllEnvs()
    const shown = new Map(settingsList(config).map(({ name, value }) => [name, value]))
    expect(['PIN', 'SWITCH', 'MODE', 'SHOWN'].map((name) => shown.get(name))).toEqual([
      '[PIN REDACTED]',
      '[SWITCH REDACTED]',
      '[MODE REDACTED]',
      17,
    ])
    expect(settingsPage(settingsList(config))).not.toContain('4711')
  })
})
