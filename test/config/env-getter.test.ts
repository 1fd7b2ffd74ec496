import { afterEach, describe, expect, it, vi } from 'vitest'
import { EnvGetter } from '../../src/config/env-getter'
import { AdapterError } from '../../src/validation/errors'
import { validator } from '../../src/validation/validators'

const definition = { description: 'd', type: 'string', variablePlaceholder: 'NETWORK' } as const

const stub = (variables: Record<string, string>) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a setting with a placeholder', () => {
  it('finds its value by the canonical form of the variable', () => {
    stub({ BASE_MAINNET_FEED: '1' })
    const getter = new EnvGetter('NETWORK_FEED', definition, '')
    expect(getter.get('base-mainnet')).toBe('1')
    expect(getter.get('BASE_MAINNET')).toBe('1')
    expect(getter.getEnvVarName('é-a.b__C')).toBe('__A_B__C_FEED')
  })

  it('lists everything in the environment that fits the name as a whole', () => {
    stub({ A_FEED: '1', B_2_FEED: '2', ab_FEED: '3', A_FEED_MORE: '4', C_FEED: '', D_FEED: '""' })
    expect(new EnvGetter('NETWORK_FEED', definition, '').entries()).toEqual([
      { settingKey: 'NETWORK_FEED', variable: 'A', settingName: 'A_FEED', envVarName: 'A_FEED', value: '1' },
      {
        settingKey: 'NETWORK_FEED',
        variable: 'B_2',
        settingName: 'B_2_FEED',
        envVarName: 'B_2_FEED',
        value: '2',
      },
    ])
  })

  it('reads the environment once', () => {
    const getter = new EnvGetter('NETWORK_FEED', definition, '')
    stub({ A_FEED: '1' })
    expect(getter.get('a')).toBeUndefined()
  })

  it('replaces the placeholder in the name, not in a prefix that contains it too', () => {
    stub({ NETWORK_FEED_Q_KEY: '1', NETWORK_FEED_NETWORK_KEY: '2', Q_FEED_NETWORK_KEY: '3', R_KEY: '4' })
    const getter = new EnvGetter('NETWORK_KEY', definition, 'NETWORK_FEED')
    expect(getter.entries().map(({ variable, value }) => [variable, value])).toEqual([
      ['Q', '1'],
      ['NETWORK', '2'],
    ])
    expect(getter.getEnvVarName('q')).toBe('NETWORK_FEED_Q_KEY')
    expect(getter.getNamePattern('NETWORK_KEY', 'NETWORK', 'NETWORK_FEED').source).toBe(
      '^NETWORK_FEED_([A-Z0-9_]+)_KEY$',
    )
  })

  it('falls back, variable by variable, on names without the prefix when asked to', () => {
    stub({ P_A_FEED: 'pa', A_FEED: 'a', B_FEED: 'b', P_C_FEED: '' })
    const getter = new EnvGetter('NETWORK_FEED', definition, 'P', true)
    expect([getter.get('a'), getter.get('b'), getter.get('c'), getter.get('p_a')]).toEqual([
      'pa',
      'b',
      undefined,
      undefined,
    ])
    expect(new EnvGetter('NETWORK_FEED', definition, 'P').get('b')).toBeUndefined()
  })

  it('gives the default, else undefined, else an error of status 500 if it is required', () => {
    expect(new EnvGetter('NETWORK_FEED', { ...definition, default: 'd' }, '').get('z')).toBe('d')
    expect(new EnvGetter('NETWORK_FEED', definition, '').get('z')).toBeUndefined()
    const getter = new EnvGetter('NETWORK_FEED', { ...definition, required: true }, 'P')
    expect(() => getter.get('z z')).toThrow(AdapterError)
    expect(() => getter.get('z z')).toThrow('Missing required environment variable: P_Z_Z_FEED')
    try {
      getter.get('z z')
    } catch (error) {
      expect(error).toMatchObject({ statusCode: 500 })
    }
  })

  it('must have its placeholder in its name', () => {
    expect(() => new EnvGetter('FEED', definition, 'NETWORK')).toThrow(
      new Error("Placeholder 'NETWORK' must occur in setting name 'FEED'."),
    )
  })

  it('IS-3: takes variables called like properties of objects as data', () => {
    const getter = new EnvGetter('NETWORK_FEED', definition, '')
    expect(getter.get('constructor')).toBeUndefined()
    expect(getter.get('__proto__')).toBeUndefined()
  })

  it('reports every entry with a problem by the variable that was set', () => {
    stub({ P_A_PORT: '0', P_B_PORT: '70000', P_C_PORT: 'abc', P_D_PORT: '80', E_PORT: '-1' })
    const port = { ...definition, type: 'number', validate: validator.port() } as const
    const errors: string[] = []
    new EnvGetter('NETWORK_PORT', port, 'P', true).validate(errors)
    expect(errors).toEqual([
      'P_B_PORT: Maximum allowed value is 65535. Received 70000',
      'P_C_PORT: Value must be a number, Received string abc. Value must be an integer, at least 1, at most 65535',
      'E_PORT: Minimum allowed value is 1. Received -1',
    ])
  })

  it('refuses a text that is neither true nor false', () => {
    stub({ A_ON: 'TRUE', B_ON: 'tru', C_ON: 'FALSE' })
    const errors: string[] = []
    const getter = new EnvGetter('NETWORK_ON', { ...definition, type: 'boolean' }, '')
    getter.validate(errors)
    expect(errors).toEqual(['B_ON: Value must be true or false, Received string tru'])
    expect([getter.get('a'), getter.get('c')]).toEqual([true, false])
  })

  it('refuses at once a value that is none of the options', () => {
    stub({ A_KIND: 'q' })
    expect(() => new EnvGetter('NETWORK_KIND', { ...definition, type: 'enum', options: ['a'] }, '')).toThrow(
      'Env var "A_KIND" has value "q" which is not included in the valid options (a)',
    )
  })
})
