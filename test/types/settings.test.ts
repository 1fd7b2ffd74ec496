import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import {
  AdapterConfig,
  type AdapterSettings,
  type BaseAdapterSettings,
  type EmptyCustomSettings,
  type GenericConfigStructure,
  type Getter,
  type SettingsDefinitionFromConfig,
  type SettingsDefinitionMap,
} from '../../src/public/config'

const config = new AdapterConfig(
  {
    API_KEY: { description: 'd', type: 'string', required: true, sensitive: true },
    API_ENDPOINT: { description: 'd', type: 'string', default: 'https://x' },
    TIER: { description: 'd', type: 'enum', options: ['free', 'paid'] as const, default: 'free' },
    LIMIT: { description: 'd', type: 'number' },
    FLAG: { description: 'd', type: 'boolean', default: false },
    NETWORK_RPC_URL: { description: 'd', type: 'string', required: true, variablePlaceholder: 'NETWORK' },
    NETWORK_CHAIN_ID: { description: 'd', type: 'number', variablePlaceholder: 'NETWORK' },
  },
  { envDefaultOverrides: { CACHE_MAX_AGE: 1000 } },
)
type OwnSettings = typeof config.settings

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the type of settings', () => {
  it('has undefined only where there is neither a default nor a requirement', () => {
    expectTypeOf<OwnSettings['API_KEY']>().toEqualTypeOf<string>()
    expectTypeOf<OwnSettings['API_ENDPOINT']>().toEqualTypeOf<string>()
    expectTypeOf<OwnSettings['TIER']>().toEqualTypeOf<'free' | 'paid'>()
    expectTypeOf<OwnSettings['LIMIT']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<OwnSettings['FLAG']>().toEqualTypeOf<boolean>()
    config.initialize()
    expect(config.settings.TIER).toBe('free')
  })

  it('has getters for settings with a placeholder', () => {
    expectTypeOf<OwnSettings['NETWORK_RPC_URL']>().toEqualTypeOf<Getter<string>>()
    expectTypeOf<OwnSettings['NETWORK_CHAIN_ID']>().toEqualTypeOf<Getter<number | undefined>>()
    vi.stubEnv('BASE_RPC_URL', 'http://node')
    config.initialize()
    expectTypeOf(config.settings.NETWORK_RPC_URL.get('base')).toEqualTypeOf<string>()
    expect(config.settings.NETWORK_RPC_URL.entries()).toMatchObject([
      { variable: 'BASE', value: 'http://node' },
    ])
  })

  it('includes the settings every adapter has', () => {
    expectTypeOf<OwnSettings['CACHE_TYPE']>().toEqualTypeOf<'local' | 'redis'>()
    expectTypeOf<OwnSettings['EA_PORT']>().toEqualTypeOf<number>()
    expectTypeOf<OwnSettings['METRICS_USE_BASE_URL']>().toEqualTypeOf<boolean | undefined>()
    expectTypeOf<OwnSettings>().toExtend<BaseAdapterSettings>()
    expectTypeOf<OwnSettings>().toExtend<GenericConfigStructure>()
    expectTypeOf<EmptyCustomSettings>().toEqualTypeOf<BaseAdapterSettings>()
    // @ts-expect-error -- there is no such setting
    expect(config.settings.NOPE).toBeUndefined()
  })

  it('can be derived from the definition and from the config', () => {
    type Definition = SettingsDefinitionFromConfig<typeof config>
    expectTypeOf<AdapterSettings<Definition>>().toEqualTypeOf<OwnSettings>()
    const anyConfig: AdapterConfig<SettingsDefinitionMap> = new AdapterConfig({})
    expect(anyConfig.settings).toBeUndefined()
  })
})

describe('the type of a setting definition', () => {
  it('ties default, options and validator to the type', () => {
    // @ts-expect-error -- the default has another type
    new AdapterConfig({ A: { description: 'd', type: 'number', default: 'x' } })
    // @ts-expect-error -- an enum needs options
    new AdapterConfig({ A: { description: 'd', type: 'enum' } })
    // @ts-expect-error -- only an enum has options
    new AdapterConfig({ A: { description: 'd', type: 'string', options: ['a'] } })
    // @ts-expect-error -- no description
    new AdapterConfig({ A: { type: 'string' } })
    // @ts-expect-error -- overrides are for base settings
    const other = new AdapterConfig({}, { envDefaultOverrides: { NOPE: 1 } })
    expect(other.options).toBeDefined()
  })
})
