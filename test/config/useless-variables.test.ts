import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig, type AdapterConfigOptions } from '../../src/config/adapter-config'
import { BaseSettingsDefinition } from '../../src/config/base-settings'
import { uselessVariables } from '../../src/config/useless-variables'

const text = { description: 'd', type: 'string' } as const

const lines = (variables: Record<string, string>, options?: AdapterConfigOptions) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  const config = new AdapterConfig({ WS_API_ENDPOINT: { ...text, sensitive: false }, API_KEY: text }, options)
  config.initialize()
  return uselessVariables(new Map([['acme', config]]), ['ADAPTERS'])
}

const none = (name: string, meant?: string) =>
  `${name} looks like a setting, but there is none of that name${meant === undefined ? '' : `. Is ${meant} meant?`}`

beforeEach(() => {
  for (const name of Object.keys(process.env)) vi.stubEnv(name, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a variable without a prefix', () => {
  it.each([
    ['CACHE_MAXAGE', 'CACHE_MAX_AGE'],
    ['CACHE_MAX_AGES', 'CACHE_MAX_AGE'],
    ['CACHE_MAX_AEG', 'CACHE_MAX_AGE'],
    ['CACHE_NAX_AGE', 'CACHE_MAX_AGE'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['log_level', 'LOG_LEVEL'],
    ['ADAPTER', 'ADAPTERS'],
    ['EA_PRT', undefined],
    ['EA_BIND', undefined],
    ['CACHE_REDIS_TLS', undefined],
    ['WS_API_ENDPIONT', 'WS_API_ENDPOINT'],
  ])('LC-5: is warned of where it looks like a setting: %s', (name, meant) => {
    expect(lines({ [name]: 'x' })).toEqual([none(name, meant)])
  })

  it('is not, where it is a setting of the framework or the adapter, or the file of a secret', () => {
    const names = [...Object.keys(BaseSettingsDefinition), 'ADAPTERS', 'WS_API_ENDPOINT', 'API_KEY_FILE']
    for (const name of names) vi.stubEnv(name, '')
    expect(lines({ TLS_CA_FILE: '' })).toEqual([])
  })

  it('is warned of where it names a file for what is no secret', () => {
    expect(lines({ CACHE_MAX_AGE_FILE: '/a' })).toEqual([
      'CACHE_MAX_AGE_FILE has no effect, because only secrets are read from files',
    ])
  })

  it.each([
    'PATH',
    'REPORT',
    'HOSTNAME',
    'PORT',
    'NODE_ENV',
    'DEBUGGER',
    'SSL_CERT_FILE',
    'REDIS_URL',
    'DATABASE_URL',
    'HTTPS_PROXY',
    'CACHE_REDIS_SERVICE_HOST',
    'CACHE_REDIS_PORT_6379_TCP_ADDR',
    'KUBERNETES_SERVICE_HOST',
    'npm_config_cache',
    'OTEL_METRICS_EXPORTER',
  ])('is not, where it is of other programs: %s', (name) => {
    expect(lines({ [name]: 'x' })).toEqual([])
  })
})

describe('where an adapter has a prefix', () => {
  it('LC-5: a misspelt one with it is warned of, with what may be meant', () => {
    const variables = { P_CACHE_MAXAGE: '1', P_COLOUR: 'x', P_RETRY: '1', P_API_KEY_FILE: '' }
    expect(lines(variables, { envVarsPrefix: 'P', envVarsFallback: true })).toEqual([
      'P_CACHE_MAXAGE looks like a setting of acme, but there is none of that name. Is P_CACHE_MAX_AGE meant?',
      'P_COLOUR looks like a setting of acme, but there is none of that name',
    ])
  })

  it('LC-5: one without it has no effect, unless it is read all the same', () => {
    const variables = { CACHE_MAX_AGE: '5000', API_KEY: 'k', LOG_LEVEL: 'info', RETRYS: '1' }
    expect(lines(variables, { envVarsPrefix: 'P' })).toEqual([
      'CACHE_MAX_AGE has no effect, because P_CACHE_MAX_AGE is read',
      'API_KEY has no effect, because P_API_KEY is read',
    ])
    expect(lines(variables, { envVarsPrefix: 'P', envVarsFallback: true })).toEqual([])
  })
})
