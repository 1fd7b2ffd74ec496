import { describe, expect, it } from 'vitest'
import { BaseSettingsDefinition } from '../../src/config/base-settings'
import { settingsReference } from '../../src/config/reference'
import { isSensitive } from '../../src/config/sensitive'

describe('the settings reference', () => {
  it('has a row per setting with its range or its options', () => {
    const rows = settingsReference(BaseSettingsDefinition)
    expect(rows).toHaveLength(Object.keys(BaseSettingsDefinition).length)
    expect(rows.find(({ name }) => name === 'RETRY')).toEqual({
      name: 'RETRY',
      type: 'number',
      default: 1,
      required: false,
      sensitive: false,
      description: BaseSettingsDefinition.RETRY.description,
      options: undefined,
      min: 0,
      max: 10,
    })
    expect(rows.find(({ name }) => name === 'CACHE_TYPE')?.options).toEqual(['local', 'redis'])
    expect(rows.find(({ name }) => name === 'TLS_CA')?.sensitive).toBe(true)
  })
})

describe('sensitivity', () => {
  it('SC-5: is the default for strings, whatever they are called', () => {
    expect(isSensitive('ANYTHING', { type: 'string' })).toBe(true)
    expect(isSensitive('ANYTHING', { type: 'string', sensitive: false })).toBe(false)
  })

  it('cannot be switched off for keys and node URLs', () => {
    for (const name of ['API_KEY', 'MY_API_KEY_2', 'ETHEREUM_RPC_URL', 'rpc_url']) {
      expect(isSensitive(name, { type: 'string', sensitive: false })).toBe(true)
    }
  })

  it('is declared for other types', () => {
    expect(isSensitive('PIN', { type: 'number' })).toBe(false)
    expect(isSensitive('PIN', { type: 'number', sensitive: true })).toBe(true)
    expect(isSensitive('FLAG', { type: 'boolean' })).toBe(false)
  })
})
