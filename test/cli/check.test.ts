import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { reportOf } from '../../src/cli/check-report'
import { type SettingOrigin } from '../../src/config/setting-origins'
import { type SettingsSurvey } from '../../src/service/settings-survey'
import { endAll, launch, PATIENCE_MS } from '../service/service-process'
import { ROOT, tickwell } from './tickwell'

const folder = mkdtempSync(join(tmpdir(), 'check-'))

afterEach(endAll)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fileWith = (text: string, name = 'file') => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const checked = async (env: Record<string, string>, ...args: string[]) => {
  const { code, out } = await tickwell(['check', '--json', ...args], env)
  return { code, text: out, survey: JSON.parse(out) as SettingsSurvey & { ok: boolean } }
}

const settingOf = ({ groups }: SettingsSurvey, group: string, name: string) =>
  groups.find((one) => one.name === group)?.settings.find((one) => one.name === name)

describe('checking the settings of the service', { timeout: PATIENCE_MS }, () => {
  it('LC-5: names all that is wrong at once, by the variables that were set, and ends with 1', async () => {
    const { code, survey } = await checked({
      ADAPTERS: 'coinbase,kraken,tremor,nope',
      WORKERS: 'many',
      BASE_URL: 'prices',
      KRAKEN_CACHE_TYPE: 'memcached',
      KRAKEN_TLS_ENABLED: 'yes',
      COINBASE_WS_API_ENDPOINT: 'https://example.com',
      COINBASE_FEED_LIMITS: '{',
      COINBASE_READY_ESSENTIAL_FEEDS: '{}',
      STREAM_HANDLER_RETRY_MIN_MS: '9000',
      STREAM_HANDLER_RETRY_MAX_MS: '3000',
      TREMOR_ALLOW_UNAUTHENTICATED: 'no',
    })
    expect([code, survey.ok]).toEqual([1, false])
    const named = survey.problems.map((problem) => problem.split(':')[0])
    expect([...new Set(named)].sort()).toEqual([
      'ADAPTERS',
      'BASE_URL',
      'COINBASE_FEED_LIMITS',
      'COINBASE_READY_ESSENTIAL_FEEDS',
      'COINBASE_WS_API_ENDPOINT',
      'KRAKEN_CACHE_TYPE',
      'KRAKEN_TLS_ENABLED',
      'STREAM_HANDLER_RETRY_MIN_MS',
      'TREMOR_LISTEN',
      'WORKERS',
    ])
    expect(named).toHaveLength(10)
    expect(settingOf(survey, 'kraken', 'CACHE_TYPE')?.value).toBe('memcached')
  })

  it('shows where each value comes from, what it is by default, and what differs; and ends with 0', async () => {
    const { code, survey } = await checked({
      EA_PORT: '9000',
      KRAKEN_CACHE_MAX_AGE: '5000',
      RETRY: '1',
      ADMIN_PORT: '9001',
      ADMIN_TOKEN_FILE: fileWith('hunter2hunter2hunter2\n'),
    })
    expect([code, survey.problems, survey.warnings]).toEqual([0, [], []])
    const origin = (group: string, name: string) => settingOf(survey, group, name)
    expect(origin('framework', 'EA_PORT')).toEqual({
      name: 'EA_PORT',
      variable: 'EA_PORT',
      source: 'environment',
      value: 9000,
      default: 8080,
      isDifferent: true,
      meaning: {
        type: 'number',
        required: false,
        sensitive: false,
        description: expect.stringContaining('Port') as string,
        rule: 'Value must be an integer, at least 1, at most 65535',
      },
    })
    expect(origin('kraken', 'CACHE_MAX_AGE')).toMatchObject({ variable: 'KRAKEN_CACHE_MAX_AGE', value: 5000 })
    expect(origin('coinbase', 'CACHE_MAX_AGE')).toMatchObject({ source: 'default', isDifferent: false })
    expect(origin('kraken', 'RETRY')).toMatchObject({
      variable: 'RETRY',
      source: 'environment',
      isDifferent: false,
    })
    expect(origin('kraken', 'WS_SUBSCRIPTION_UNRESPONSIVE_TTL')).toMatchObject({
      source: 'adapter',
      value: 10_000,
      default: 120_000,
      isDifferent: true,
    })
    expect(origin('framework', 'ADMIN_TOKEN')).toMatchObject({ variable: 'ADMIN_TOKEN_FILE', source: 'file' })
    expect(origin('service', 'WORKERS')).toMatchObject({ source: 'default', value: 1 })
    expect(survey.unused).toContain('tremor')
    expect(survey.groups.map(({ name }) => name)).toEqual([
      'service',
      'framework',
      'bitfinex',
      'coinbase',
      'kraken',
    ])
  })

  it('SC-1: shows no secret, be it set, in a file, refused, or in a place where it does not belong', async () => {
    const secrets = ['topsecret-0123456789', 'redis-pass-0123', 'in-a-file-0123456789', 'user-pass-0123']
    const env = {
      ADAPTERS: 'kraken,strapi',
      STRAPI_SERVER_TOKEN: secrets[0]!,
      STRAPI_SERVER_URL: `ftp://me:${secrets[3]}@example.com`,
      CACHE_REDIS_URL: `nourl-${secrets[1]}`,
      ADMIN_PORT: '9001',
      ADMIN_TOKEN_FILE: fileWith(secrets[2]!),
      CACHE_PREFIX: secrets[0]!,
      KRAKEN_CACHE_TYPE: secrets[0]!,
    }
    for (const { text } of [await checked(env), { text: (await tickwell(['check', '--all'], env)).out }]) {
      for (const secret of secrets) expect(text).not.toContain(secret)
      expect(text).toContain('[SERVER_TOKEN REDACTED]')
      expect(text).toContain('STRAPI_SERVER_URL: ')
    }
  })

  it('warns of what has no effect, of what is not for production, and of several processes with Redis', async () => {
    const { code, survey } = await checked({
      ADAPTERS: 'kraken',
      LOG_LEVEL: 'trace',
      CACHE_MAXAGE: '5',
      KRAKEN_COLOUR: 'x',
      READY_ESSENTIAL_FEEDS: '[{"adapter":"coinbase","data":{"base":"ETH","quote":"USD"}}]',
      WORKERS: '2',
      CACHE_TYPE: 'redis',
    })
    expect(survey.warnings).toEqual([
      expect.stringMatching(/^LOG_LEVEL is "trace"/),
      expect.stringMatching(/^KRAKEN_COLOUR looks like a setting of kraken/),
      expect.stringMatching(/^CACHE_MAXAGE looks like a setting/),
      expect.stringMatching(/^READY_ESSENTIAL_FEEDS has entries for "coinbase"/),
    ])
    expect([code, survey.problems]).toEqual([
      1,
      [expect.stringMatching(/^WORKERS: .*CACHE_TYPE must be local/)],
    ])
  })

  it('starts nothing: no port is opened, and no provider and no Redis is connected to', async () => {
    let connections = 0
    const server = createServer().listen(0, '127.0.0.1')
    server.on('connection', () => (connections += 1))
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const env = {
      ADAPTERS: 'kraken',
      EA_HOST: '127.0.0.1',
      EA_PORT: String(port),
      METRICS_PORT: String(port + 1),
      KRAKEN_WS_API_ENDPOINT: `ws://127.0.0.1:${port}`,
      CACHE_TYPE: 'redis',
      CACHE_REDIS_URL: `redis://127.0.0.1:${port}`,
    }
    // The port is taken, and that is no matter of the settings.
    expect((await checked(env)).code).toBe(0)
    expect(connections).toBe(0)
    server.close()
  })
})

describe('checking an adapter of somebody', { timeout: PATIENCE_MS }, () => {
  const adapter = (text: string) => {
    const framework = JSON.stringify(join(ROOT, 'src/public'))
    const file = `
      const { Adapter, AdapterEndpoint } = require(${framework} + '/adapter')
      const { AdapterConfig } = require(${framework} + '/config')
      const { HttpTransport } = require(${framework} + '/transports')
      const config = new AdapterConfig(
        { API_KEY: { description: 'd', type: 'string', required: true, sensitive: true } },
        { envVarsPrefix: 'ACME' },
      )
      const transport = new HttpTransport({ prepareRequests: () => [], parseResponse: () => [] })
      const endpoints = [new AdapterEndpoint({ name: 'price', transport })]
      const rateLimiting = { tiers: { free: { rateLimit1s: 1 }, paid: { rateLimit1s: 9 } } }
      ${text}
    `
    return fileWith(file, 'acme.cjs')
  }
  const made = adapter("exports.adapter = new Adapter({ name: 'ACME', endpoints, config, rateLimiting })")

  it('reads the file that exports it, and what it has by itself', async () => {
    const env = { API_KEY: 'bare-0123456789', ACME_RATE_LIMIT_API_TIER: 'gold', CACHE_TYPE: 'redis' }
    const { code, survey } = await checked(env, made)
    expect(code).toBe(1)
    expect(survey.problems).toEqual([
      'ACME_API_KEY: Value is required, but none was provided',
      'ACME_RATE_LIMIT_API_TIER: The selected rate limit tier "gold" is not valid (can be one of "free", "paid")',
    ])
    expect(survey.warnings).toEqual([
      'API_KEY has no effect, because ACME_API_KEY is read',
      'CACHE_TYPE has no effect, because ACME_CACHE_TYPE is read',
    ])
    expect(survey.groups.map(({ prefix }) => prefix)).toEqual(['ACME'])
  })

  it('ends, whatever the file has begun, and says what keeps it from being loaded', async () => {
    const env = { ACME_API_KEY: 'key-0123456789' }
    const busy = adapter(
      "setInterval(() => {}, 1000); exports.adapter = new Adapter({ name: 'ACME', endpoints, config })",
    )
    expect((await checked(env, busy)).code).toBe(0)
    const none = await checked(env, fileWith('exports.other = 1', 'none.cjs'))
    expect([none.code, none.survey.problems]).toEqual([
      1,
      [expect.stringContaining('does not export an adapter')],
    ])
    const broken = await checked(env, fileWith('throw new Error("broken")', 'broken.cjs'))
    expect([broken.code, broken.survey.problems]).toEqual([
      1,
      [expect.stringMatching(/broken\.cjs: broken$/)],
    ])
  })
})

describe('the command', { timeout: PATIENCE_MS }, () => {
  it('starts the service where none is named', async () => {
    const service = launch({ ADAPTERS: 'kraken' }, join('src', 'cli', 'main.ts'))
    const { status } = await fetch(`${await service.url()}/health`)
    expect(status).toBe(200)
    service.signal('SIGTERM')
    expect(await service.exit).toBe(0)
  })

  it.each([
    [['chekc'], 'There is no command "chekc"'],
    [['constructor'], 'There is no command "constructor"'],
    [['check', '--jsn'], "Unknown option '--jsn'"],
    [['check', 'a', 'b'], 'Only one module can be checked'],
  ])('ends with 2 and says what there is, for %j', async (args, what) => {
    const { code, out, err } = await tickwell(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(what)
    expect(err).toContain('Usage: tickwell')
  })

  it('ends as ever where nobody reads what it prints', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'check', '--all'], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: tmpdir() },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    const [code] = (await once(child, 'close')) as [number | null]
    expect([code, err]).toEqual([0, ''])
  })

  it('helps', async () => {
    for (const args of [['--help'], ['check', '--help']])
      expect(await tickwell(args)).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: tickwell/) })
    expect((await tickwell(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('the report', () => {
  const origin: SettingOrigin = {
    name: 'A',
    variable: 'A',
    source: 'default',
    value: undefined,
    default: undefined,
    isDifferent: false,
    meaning: { type: 'string', description: 'd', required: false, sensitive: false },
  }
  const survey = { problems: [], warnings: [], unused: [], groups: [] }
  const own = { ...origin, variable: 'P_A', value: 'x', source: 'environment', isDifferent: true } as const
  const report = (settings: SettingOrigin[], isWhole = false) =>
    reportOf({ ...survey, groups: [{ name: 'acme', prefix: 'P', settings }] }, isWhole).split('\n')

  it('shows of an adapter what is its own, and everything where that is asked for', () => {
    const bare = {
      ...origin,
      name: 'B',
      variable: 'B',
      value: 1,
      source: 'environment',
      isDifferent: true,
    } as const
    const usual = {
      ...origin,
      name: 'C',
      source: 'adapter',
      value: 2,
      default: 3,
      isDifferent: true,
    } as const
    const whole = { ...origin, name: 'EA_PORT', value: 8080, default: 8080 }
    expect(report([own, bare, usual, whole])).toEqual([
      'acme (P_…)',
      '  A  x  set: P_A               default -',
      "  C  2  the adapter's default  default 3",
      '',
      'The settings are good.',
    ])
    expect(report([own, bare, usual, whole], true).slice(1, 5)).toEqual([
      '  EA_PORT  8080  default',
      '  A        x     set: P_A               default -',
      '  B        1     set                    default -',
      "  C        2     the adapter's default  default 3",
    ])
    expect(report([whole])[1]).toBe('  all as by default')
  })

  it('has a line for each setting, whatever is in it, and not a long one', () => {
    const [, line] = report([{ ...own, value: `a\n\u001b[31mb${'c'.repeat(100)}` }])
    expect(line).toMatch(/^ {2}A {2}a \[31mbc{53,60}… {2}set: P_A {2}default -$/)
  })

  it('ends with what is wrong', () => {
    const text = reportOf({ ...survey, problems: ['A: a', 'B: b'], warnings: ['c'], unused: ['d'] }, false)
    expect(text).toBe(
      'Not set up, and not run: d\n\n1 warning:\n  c\n\n2 problems:\n  A: a\n  B: b\n\nThe settings are not good.',
    )
  })
})
