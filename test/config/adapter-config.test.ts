import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { ConfigError } from '../../src/config/config-error'
import { CensorList } from '../../src/util/redaction'
import { validator } from '../../src/validation/validators'
import { initialized, problemsOf } from './support'

const text = { description: 'd', type: 'string' } as const

const stub = (variables: Record<string, string>) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}

afterEach(() => {
  vi.unstubAllEnvs()
  CensorList.set([])
})

describe('initializing a config', () => {
  it('reads the environment at that moment, not before', () => {
    const config = new AdapterConfig({ A: text })
    expect(config.settings).toBeUndefined()
    stub({ A: 'x' })
    config.initialize()
    expect(config.settings.A).toBe('x')
  })

  it('looks at options that were changed after construction', () => {
    const config = new AdapterConfig({ A: text }, {})
    config.options = { envDefaultOverrides: { RETRY: 3 }, envVarsPrefix: 'P' }
    stub({ P_A: 'x' })
    config.initialize()
    expect(config.settings).toMatchObject({ A: 'x', RETRY: 3 })
  })

  it('LC-5: refuses an enum value that is no option together with all other problems', () => {
    stub({ P_CACHE_TYPE: 'memcached', P_CACHE_MAX_AGE: 'abc', P_A_KIND: 'q', P_B_KIND: 'r', P_ON: 'yes' })
    stub({ P_STREAM_HANDLER_RETRY_MIN_MS: '9000', P_STREAM_HANDLER_RETRY_MAX_MS: '3000' })
    const kind = { description: 'd', type: 'enum', options: ['x'], variablePlaceholder: 'NAME' } as const
    const definition = {
      NAME_KIND: kind,
      ON: { description: 'd', type: 'boolean' },
      NEEDED: { ...text, required: true },
    } as const
    const attempt = () => initialized(definition, { envVarsPrefix: 'P' })
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(
      /^Validation failed for the following variables:\nP_CACHE_TYPE: Env var "P_CACHE_TYPE" has value "memcached" which is not included in the valid options \(local,redis\)\n/,
    )
    for (const name of ['CACHE_MAX_AGE', 'A_KIND', 'B_KIND', 'ON', 'NEEDED', 'STREAM_HANDLER_RETRY_MIN_MS'])
      expect(attempt).toThrow(`\nP_${name}: `)
  })

  it('refuses an enum value that is no option, before any validation', () => {
    stub({ CACHE_TYPE: 'disk' })
    expect(() => initialized()).toThrow(
      'Env var "CACHE_TYPE" has value "disk" which is not included in the valid options (local,redis)',
    )
  })
})

describe('validating a config', () => {
  it('LC-5: reports all problems at once, in the text of the contract', () => {
    stub({ API_TIMEOUT: '60001', EA_PORT: '1.5', EA_HOST: 'nowhere', A_FEED: 'nope', NUMBER: 'abc' })
    const config = initialized({
      NUMBER: { description: 'd', type: 'number' },
      NETWORK_FEED: {
        ...text,
        sensitive: false,
        variablePlaceholder: 'NETWORK',
        validate: validator.url(),
      },
      NEEDED: { ...text, required: true },
    })
    expect(() => {
      config.validate()
    }).toThrow(ConfigError)
    expect(() => {
      config.validate()
    }).toThrow(/^Validation failed for the following variables:\n/)
    expect([...problemsOf(config)].sort()).toEqual([
      'API_TIMEOUT: Maximum allowed value is 60000. Received 60001',
      'A_FEED: Value must be valid URL. Received nope, error TypeError: Invalid URL',
      'EA_HOST: Value is not valid IP address. Received nowhere',
      'EA_PORT: Value must be an integer (no floating point)., Received number 1.5',
      'NEEDED: Value is required, but none was provided',
      'NUMBER: Value must be a number, Received string abc',
    ])
  })

  it('has one line per problem below the heading', () => {
    stub({ RETRY: '11' })
    expect(() => {
      initialized({ A: { ...text, required: true } }).validate()
    }).toThrow(
      new ConfigError([
        'RETRY: Maximum allowed value is 10. Received 11',
        'A: Value is required, but none was provided',
      ]),
    )
    expect(new ConfigError(['A: x', 'B: y']).message).toBe(
      'Validation failed for the following variables:\nA: x\nB: y',
    )
  })

  it('accepts the defaults', () => {
    expect(problemsOf(initialized())).toEqual([])
  })

  it('17.14: accepts 0 where the range starts above it, because falsy values skip the validator', () => {
    stub({ CACHE_MAX_AGE: '0', EA_PORT: '0', BACKGROUND_EXECUTE_MS_HTTP: '0', TLS_PASSPHRASE: '""' })
    expect(problemsOf(initialized())).toEqual([])
  })

  it.each(['abc', '5s', ' ', 'NaN', '1e999', '-Infinity'])('never lets %j pass as a number', (value) => {
    stub({ API_TIMEOUT: value })
    expect(problemsOf(initialized())).toEqual([
      `API_TIMEOUT: Value must be a number, Received string ${value}. Value must be an integer, at least 0, at most 60000. Leave it unset for 30000`,
    ])
  })

  it('names the variable that was set, with the prefix or without it', () => {
    stub({ P_RETRY: 'abc', API_TIMEOUT: 'def', P_A: '2', B: '3' })
    const even = { meta: {}, fn: (value?: string) => `odd ${value}` }
    const definition = { ...text, sensitive: false, validate: even }
    const config = initialized(
      { A: definition, B: definition, C: { ...text, required: true } },
      { envVarsPrefix: 'P', envVarsFallback: true },
    )
    expect(problemsOf(config)).toEqual([
      expect.stringMatching(/^API_TIMEOUT: Value must be a number, Received string def/),
      expect.stringMatching(/^P_RETRY: Value must be a number, Received string abc/),
      'P_A: odd 2',
      'B: odd 3',
      'P_C: Value is required, but none was provided',
    ])
  })

  it.each(['yes', 'no', '1', '0', 'on', 'tru', ' ', ' true', 'null'])(
    'never takes %j for true or false',
    (value) => {
      stub({ TLS_ENABLED: value, MINE: value })
      const problems = problemsOf(initialized({ MINE: { description: 'd', type: 'boolean', default: true } }))
      expect(problems).toEqual([
        `TLS_ENABLED: Value must be true or false, Received string ${value}. Leave it unset for false`,
        `MINE: Value must be true or false, Received string ${value}. Leave it unset for true`,
      ])
    },
  )

  it.each(['', '""'])('takes a boolean that is %j for unset', (value) => {
    stub({ CORRELATION_ID_ENABLED: value })
    const config = initialized()
    expect([problemsOf(config), config.settings.CORRELATION_ID_ENABLED]).toEqual([[], true])
  })

  it('looks at what counts without the prefix too, whatever prefix the adapter has', () => {
    stub({
      CENSOR_SENSITIVE_LOGS: 'yes',
      LOG_LEVEL: 'verbose',
      DEBUG: 'on',
      CORRELATION_ID_ENABLED: '0',
      RETRY: 'x',
    })
    expect(problemsOf(initialized({}, { envVarsPrefix: 'P' })).map((line) => line.split(':')[0])).toEqual([
      'LOG_LEVEL',
      'DEBUG',
      'CORRELATION_ID_ENABLED',
      'CENSOR_SENSITIVE_LOGS',
    ])
  })

  it('LC-5: has one line for a problem that two ways lead to', () => {
    stub({ LOG_LEVEL: 'verbose' })
    expect(problemsOf(initialized({}, { envVarsPrefix: 'P', envVarsFallback: true }))).toEqual([
      'LOG_LEVEL: Value must be one of fatal, error, warn, info, debug, trace, silent. Received verbose',
    ])
  })

  it.each(['prices', 'http://host/prices', '/a b', '/a?b', '/:name', '/*'])(
    'refuses %j as the path of all routes',
    (value) => {
      stub({ BASE_URL: value })
      expect(problemsOf(initialized())).toEqual([
        `BASE_URL: Value must be a path that starts with /, without query or wildcard. Received ${value}`,
      ])
    },
  )

  it.each(['/', '/prices', '/prices/v1.2/', '/~a-b_c'])('accepts %j as the path of all routes', (value) => {
    stub({ BASE_URL: value })
    expect(problemsOf(initialized())).toEqual([])
  })

  it.each(['fatal', 'TRACE', 'Silent'])('accepts %j as a log level', (value) => {
    stub({ LOG_LEVEL: value })
    expect(problemsOf(initialized())).toEqual([])
  })

  it('goes on after a validator that throws', () => {
    stub({ A: 'x', B: 'y' })
    const validate = {
      meta: {},
      fn: () => {
        throw new Error('broken')
      },
    }
    const config = initialized({
      A: { ...text, sensitive: false, validate },
      B: { ...text, sensitive: false, validate: { meta: {}, fn: (value?: string) => `bad ${value}` } },
    })
    expect(problemsOf(config)).toEqual(['A: Validation failed with Error: broken', 'B: bad y'])
  })
})

describe('settings that contradict each other', () => {
  it('are refused, by the variable that was set', () => {
    stub({ STREAM_HANDLER_RETRY_MIN_MS: '5000', STREAM_HANDLER_RETRY_MAX_MS: '4000' })
    stub({ P_WAIT_MAX_S: '2', P_LEAST_MIN: '0', P_LEAST_MAX: '0' })
    const number = { description: 'd', type: 'number' } as const
    const custom = {
      WAIT_MIN_S: { ...number, default: 3 },
      WAIT_MAX_S: number,
      LEAST_MIN: number,
      LEAST_MAX: number,
    }
    const options = { envVarsPrefix: 'P', envVarsFallback: true }
    expect(problemsOf(initialized(custom, options))).toEqual([
      'STREAM_HANDLER_RETRY_MIN_MS: Value must be at most STREAM_HANDLER_RETRY_MAX_MS, which is 4000. Received 5000. Change one of the two',
      'P_WAIT_MAX_S: Value must be at least P_WAIT_MIN_S, which is 3. Received 2. Change one of the two',
    ])
  })

  it('are a freshness whose hard limit is the smaller one', () => {
    stub({ FRESHNESS_MAX_AGE: '5000', FRESHNESS_HARD_MAX_AGE: '4000' })
    expect(problemsOf(initialized())).toEqual([
      'FRESHNESS_MAX_AGE: Value must be at most FRESHNESS_HARD_MAX_AGE, which is 4000. Received 5000. Change one of the two',
    ])
    stub({ FRESHNESS_HARD_MAX_AGE: '5000' })
    expect(problemsOf(initialized())).toEqual([])
  })

  it('are one port for answers and for metrics, unless there are no metrics', () => {
    stub({ EA_PORT: '8000', METRICS_PORT: '8000' })
    expect(problemsOf(initialized())).toEqual([
      'METRICS_PORT: Value must be another port than that of EA_PORT. Received 8000',
    ])
    stub({ METRICS_ENABLED: 'false' })
    expect(problemsOf(initialized())).toEqual([])
  })

  it('are TLS without its material, in the words of the contract, or with what is none', () => {
    stub({ TLS_ENABLED: 'true' })
    expect(() => initialized().validate()).toThrow(
      /^TLS_PRIVATE_KEY, TLS_PUBLIC_KEY, and TLS_CA environment variables are required when TLS_ENABLED is set to true\.$/,
    )
    const nothing = Buffer.from('nothing of the kind').toString('base64')
    stub({ TLS_PRIVATE_KEY: nothing, TLS_PUBLIC_KEY: nothing, TLS_CA: nothing })
    expect(problemsOf(initialized()).map((line) => line.split(':')[0])).toEqual([
      'TLS_PRIVATE_KEY',
      'TLS_PUBLIC_KEY',
      'TLS_CA',
    ])
    expect(problemsOf(initialized()).join()).not.toContain(nothing)
    stub({ TLS_ENABLED: 'false' })
    expect(problemsOf(initialized())).toEqual([])
  })
})

describe('the error', () => {
  it('LC-2: has no stack, whoever prints it', () => {
    stub({ RETRY: 'abc' })
    expect(() => initialized().validate()).toThrow(
      expect.objectContaining({ stack: expect.stringMatching(/^ConfigError: Validation failed[^]*abc/) }),
    )
    stub({ CACHE_TYPE: 'disk' })
    for (const attempt of [() => initialized().validate(), () => initialized()])
      expect(attempt).toThrow(expect.objectContaining({ stack: expect.not.stringMatching(/^ +at /m) }))
  })
})

describe('secrets in the report', () => {
  it('SC-1: the value of a sensitive setting is never printed, whatever the validator says', () => {
    stub({ CACHE_REDIS_URL: 'redispassword-without-scheme', SECRET: 'hunter2hunter2', PIN: '12x4' })
    const config = initialized({
      SECRET: {
        ...text,
        validate: { meta: {}, fn: (value?: string) => `begins with ${String(value).slice(0, 9)}` },
      },
      PIN: { description: 'd', type: 'number', sensitive: true },
    })
    const problems = problemsOf(config)
    expect(problems).toEqual([
      'CACHE_REDIS_URL: Value must be a valid URL. Received [CACHE_REDIS_URL REDACTED]',
      'SECRET: Value is not valid. Received [SECRET REDACTED]',
      'PIN: Value must be a number, Received [PIN REDACTED]',
    ])
  })

  it('SC-1: neither the value nor an encoding of it is in the message, for any value', () => {
    const encode = fc.constantFrom<(value: string) => string>(
      (value) => value,
      (value) => encodeURIComponent(value),
      (value) => Buffer.from(value).toString('base64'),
      (value) => JSON.stringify(value),
      (value) => value.toUpperCase(),
    )
    const secret = fc.stringMatching(/^[a-zA-Z0-9/+=&%"]{12,30}$/)
    fc.assert(
      fc.property(secret, encode, (value, encode) => {
        vi.stubEnv('SECRET', value)
        const fn = (value?: string) => `got ${encode(value ?? '')}`
        const [problem = ''] = problemsOf(initialized({ SECRET: { ...text, validate: { meta: {}, fn } } }))
        expect(problem).toContain('SECRET: ')
        expect(problem.toLowerCase()).not.toContain(encode(value).toLowerCase())
      }),
      { numRuns: 200 },
    )
  })

  it('keeps the text of a validator that does not mention the value', () => {
    stub({ TLS_PRIVATE_KEY: '!!not-base64!!' })
    expect(problemsOf(initialized())).toEqual(['TLS_PRIVATE_KEY: Value is not valid base64 string.'])
  })
})

describe('the censor list of a config', () => {
  const keys = (config: AdapterConfig, owner?: string) => config.buildCensorList(owner).map(({ key }) => key)

  it('SC-5: has every string that is not declared public, and keys and node URLs even if they are', () => {
    stub({
      A: 'a1',
      PUBLIC: 'p1',
      MY_API_KEY: 'k1',
      RPC_URL: 'http://node',
      TLS_PUBLIC_KEY: 'YWJj',
      NUMBER: '55',
    })
    const config = initialized({
      A: text,
      PUBLIC: { ...text, sensitive: false },
      MY_API_KEY: { ...text, sensitive: false },
      RPC_URL: { ...text, sensitive: false },
      UNSET: text,
      NUMBER: { description: 'd', type: 'number', sensitive: true },
    })
    expect(keys(config)).toEqual(['A', 'MY_API_KEY', 'RPC_URL'])
  })

  it('matches values literally, in any letter case, with line ends also as backslash-n', () => {
    stub({ TLS_PASSPHRASE: 'k.y+\n2' })
    const [entry] = initialized().buildCensorList()
    expect(entry?.key).toBe('TLS_PASSPHRASE')
    for (const shown of ['K.Y+\n2', 'k.y+\\n2']) {
      entry!.value.lastIndex = 0
      expect(entry!.value.test(shown)).toBe(true)
    }
    expect('kxy+\n2').not.toMatch(entry!.value)
  })

  it('has every value of a setting with a placeholder', () => {
    stub({ P_A_FEED: 'one', P_B_FEED: 'two' })
    const config = initialized(
      { NETWORK_FEED: { ...text, variablePlaceholder: 'NETWORK' } },
      { envVarsPrefix: 'P' },
    )
    expect(keys(config)).toEqual(['A_FEED', 'B_FEED'])
  })

  it('ID-7: is kept per owner, so that adapters of one process keep their secrets hidden', () => {
    stub({ A: 'first' })
    keys(initialized({ A: text }), 'one')
    stub({ B: 'second' })
    keys(initialized({ B: text }), 'two')
    expect(CensorList.getAll().map(({ key }) => key)).toEqual(['A', 'B'])
    CensorList.set([], 'one')
    CensorList.set([], 'two')
  })
})

describe('the debug details of a setting', () => {
  it('tell where it comes from and what its default is', () => {
    const config = initialized(
      { A: { ...text, default: 'q', required: true } },
      { envDefaultOverrides: { RETRY: 9 } },
    )
    expect(config.getSettingDebugDetails('A')).toEqual({
      type: 'string',
      description: 'd',
      required: true,
      default: 'q',
      sensitive: undefined,
      customSetting: true,
      envDefaultOverride: undefined,
    })
    expect(config.getSettingDebugDetails('RETRY')).toMatchObject({
      type: 'number',
      required: false,
      default: 1,
      customSetting: false,
      envDefaultOverride: 9,
    })
    expect(config.getSettingDebugDetails('TLS_PUBLIC_KEY').sensitive).toBe(false)
  })

  it.each(['NOPE', 'constructor', '__proto__'])('IS-3: do not exist for %s', (name) => {
    expect(() => initialized().getSettingDebugDetails(name)).toThrow(
      `There is no setting with the name "${name}"`,
    )
  })
})

describe('unknown variables', () => {
  it('LC-5: are those with the prefix that belong to no setting', () => {
    stub({ P_A: 'x', P_AA: 'x', P_RETRY: '1', P_RETRIES: '1', P_N_FEED: 'x', AA: 'x' })
    const definition = { A: text, NETWORK_FEED: { ...text, variablePlaceholder: 'NETWORK' } }
    expect(initialized(definition, { envVarsPrefix: 'P' }).unknownVariables().sort()).toEqual([
      'P_AA',
      'P_RETRIES',
    ])
    expect(initialized(definition).unknownVariables()).toEqual([])
  })
})
