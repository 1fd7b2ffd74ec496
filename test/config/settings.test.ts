import { afterEach, describe, expect, it, vi } from 'vitest'
import { BaseSettingsDefinition } from '../../src/config/base-settings'
import { EnvGetter } from '../../src/config/env-getter'
import {
  buildAdapterSettings,
  getEnv,
  getEnvOrEnvGetter,
  parseEnv,
  type SettingDefinition,
  type SettingsDefinitionMap,
} from '../../src/config/settings'

const text: SettingDefinition = { description: 'd', type: 'string' }
const number: SettingDefinition = { description: 'd', type: 'number' }
const flag: SettingDefinition = { description: 'd', type: 'boolean' }
const mode: SettingDefinition = { description: 'd', type: 'enum', options: ['a', 'b'] }

const build = (customSettings: SettingsDefinitionMap, options = {}) =>
  buildAdapterSettings({ customSettings, ...options }) as unknown as Record<string, unknown>

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('parsing a value from the environment', () => {
  it.each([text, number, flag, mode])(
    'unset, empty and a pair of quotes all mean unset: %j',
    (definition) => {
      for (const unset of [undefined, '', '""']) expect(parseEnv(unset, 'X', definition)).toBeNull()
    },
  )

  it('keeps strings as they are', () => {
    for (const value of [' ', 'x', 'null', '0']) expect(parseEnv(value, 'X', text)).toBe(value)
  })

  it('reads numbers as JavaScript does, and anything else becomes NaN, blanks included', () => {
    expect(['0', '1.5', '-3', '1e3', '0x10', ' 5 '].map((value) => parseEnv(value, 'X', number))).toEqual([
      0, 1.5, -3, 1000, 16, 5,
    ])
    for (const value of ['abc', '5s', ' ', 'true']) expect(parseEnv(value, 'X', number)).toBeNaN()
  })

  it('reads true in any letter case as true, and as false what is false or will be refused', () => {
    for (const value of ['true', 'TRUE', 'True']) expect(parseEnv(value, 'X', flag)).toBe(true)
    for (const value of ['false', 'FALSE', '1', 'yes', ' true'])
      expect(parseEnv(value, 'X', flag)).toBe(false)
  })

  it('refuses at once an enum value that is not among the options', () => {
    expect(parseEnv('a', 'X', mode)).toBe('a')
    expect(() => parseEnv('q', 'X', mode)).toThrow(
      new Error('Env var "X" has value "q" which is not included in the valid options (a,b)'),
    )
  })

  it('SC-1: does not show the value of a sensitive enum', () => {
    expect(() => parseEnv('hidden', 'X', { ...mode, sensitive: true })).toThrow(
      'Env var "X" has value "[X REDACTED]" which is not included in the valid options (a,b)',
    )
  })
})

describe('reading a setting', () => {
  it('reads the variable with the prefix only, unless it may fall back', () => {
    vi.stubEnv('A', 'bare')
    expect(getEnv('A', text)).toBe('bare')
    expect(getEnv('A', text, 'PRE')).toBeNull()
    expect(getEnv('A', text, 'PRE', true)).toBe('bare')
    vi.stubEnv('PRE_A', '""')
    expect(getEnv('A', text, 'PRE', true)).toBe('bare')
    vi.stubEnv('PRE_A', 'prefixed')
    expect(getEnv('A', text, 'PRE', true)).toBe('prefixed')
  })

  it('refuses names that not every shell can set', () => {
    expect(() => getEnv('A-B', text)).toThrow(
      new Error("Invalid environment var name: A-B. Only '/^[_a-z0-9]+$/i' is supported."),
    )
    expect(() => getEnv('A', text, 'P-E')).toThrow('Invalid environment var name: P-E_A.')
  })

  it('gives the default where the environment has nothing', () => {
    expect(getEnv('A', { ...text, default: 'd' })).toBeNull()
    expect(getEnvOrEnvGetter('A', { ...text, default: 'd' })).toBe('d')
    expect(getEnvOrEnvGetter('A', text)).toBeUndefined()
  })

  it('gives a getter for a setting with a placeholder', () => {
    expect(getEnvOrEnvGetter('X_URL', { ...text, variablePlaceholder: 'X' })).toBeInstanceOf(EnvGetter)
  })
})

describe('the settings of an adapter', () => {
  it('have a key for every base and every custom setting, set or not', () => {
    const settings = build({ A: text })
    expect(Object.keys(settings)).toHaveLength(Object.keys(BaseSettingsDefinition).length + 1)
    expect('A' in settings).toBe(true)
    expect('TLS_CA' in settings).toBe(true)
  })

  it('come from the environment, then the override, then the default', () => {
    const overrides = { API_TIMEOUT: 7, RETRY: 0, METRICS_ENABLED: false, CACHE_PREFIX: '' }
    expect(build({}, { overrides })).toMatchObject({ ...overrides, CACHE_MAX_AGE: 90000 })
    vi.stubEnv('API_TIMEOUT', '9')
    expect(build({}, { overrides })).toMatchObject({ API_TIMEOUT: 9 })
  })

  it('are overridden by the adapter for base settings only', () => {
    expect(build({ A: { ...text, default: 'd' } }, { overrides: { A: 'o' } })).toMatchObject({ A: 'd' })
  })

  it('are all read with the prefix, base settings included', () => {
    vi.stubEnv('PRE_A', '1')
    vi.stubEnv('A', '2')
    vi.stubEnv('PRE_API_TIMEOUT', '5')
    vi.stubEnv('RETRY', '9')
    expect(build({ A: text }, { envVarsPrefix: 'PRE' })).toMatchObject({ A: '1', API_TIMEOUT: 5, RETRY: 1 })
  })

  it('fall back on the variable without the prefix when asked to, base settings included', () => {
    vi.stubEnv('A', '2')
    vi.stubEnv('RETRY', '9')
    vi.stubEnv('PRE_RETRY', '8')
    vi.stubEnv('API_TIMEOUT', '5')
    const settings = build({ A: text }, { envVarsPrefix: 'PRE', envVarsFallback: true })
    expect(settings).toMatchObject({ A: '2', RETRY: 8, API_TIMEOUT: 5 })
  })

  it('may not redefine a base setting', () => {
    expect(() => build({ API_TIMEOUT: text })).toThrow(
      new Error(
        'Custom env var "API_TIMEOUT" declared, but a base framework env var with that name already exists.',
      ),
    )
    expect(() => build({ constructor: text })).not.toThrow()
  })
})
