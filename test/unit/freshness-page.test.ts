import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAdapter as bitfinex } from '../../endpoints/bitfinex'
import { createAdapter as coinbase } from '../../endpoints/coinbase'
import { createAdapter as kraken } from '../../endpoints/kraken'
import { config as pushToStrapi } from '../../protocols/strapi/adapters/push-to-strapi/config'
import { config as strapi } from '../../protocols/strapi/adapters/strapi/config'
import { config as tremor } from '../../protocols/tremor/adapters/tremor/config'
import { config as versia } from '../../protocols/versia/adapters/versia/config'
import { config as wsRoom } from '../../protocols/ws-room/adapters/ws-room/config'
import { type SettingsDefinitionMap } from '../../src/config/settings'
import { hardLimitMs } from '../../src/feeds/freshness'

const page = readFileSync(join(__dirname, '../../docs/freshness.md'), 'utf8')
const rowOf = (adapter: string) => page.split('\n').find((line) => line.startsWith(`| ${adapter} |`)) ?? ''

/** As the page writes it. */
const shown = (ms: number) =>
  ms >= 3_600_000 ? `${ms / 3_600_000} h` : ms >= 60_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`

describe('the page on freshness', () => {
  it.each([
    ['coinbase', coinbase],
    ['kraken', kraken],
    ['bitfinex', bitfinex],
  ] as const)('says what %s declares', (name, createAdapter) => {
    const [endpoint] = createAdapter().endpoints
    const { freshness, guards } = endpoint!
    const [, , fresh = '', atMost = ''] = rowOf(name).split('|')
    expect(fresh).toContain(` ${shown(freshness!.maxAgeMs)} after`)
    expect(atMost).toContain(` ${shown(hardLimitMs(freshness!))}`)
    expect(guards).toBeDefined()
  })

  it.each([
    ['versia', versia, 'MAX_PRICE_AGE_MS'],
    ['ws-room', wsRoom, 'MAX_PRICE_AGE_MS'],
    ['tremor', tremor, 'MAX_AGE_MS'],
    ['strapi', strapi, 'MAX_PRICE_AGE_MS'],
    ['push-to-strapi', pushToStrapi, 'MAX_PRICE_AGE_MS'],
  ] as const)('says the default of %s', (name, config, setting) => {
    const definitions: SettingsDefinitionMap = config.settingsDefinition
    const row = rowOf(name)
    expect(row).toContain(` ${shown(definitions[setting]!.default as number)} after`)
    expect(row).toContain(`\`${config.options!.envVarsPrefix}_${setting}\``)
  })
})
