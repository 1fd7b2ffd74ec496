import { describe, expect, it } from 'vitest'
import { canonicalizeAdapterNameKeys, getCanonicalAdapterName } from '../../src/util/adapter-name'

describe('adapter names', () => {
  it('are lower case with underscores in their canonical form', () => {
    expect(getCanonicalAdapterName('Coin-Metrics-LWBA')).toBe('coin_metrics_lwba')
  })

  it('stay undefined when undefined', () => {
    expect(getCanonicalAdapterName(undefined)).toBeUndefined()
    expect(canonicalizeAdapterNameKeys(undefined)).toBeUndefined()
  })

  it('are made canonical as keys of a record', () => {
    expect(canonicalizeAdapterNameKeys({ 'NCFX-x': 1, tiingo: 2 })).toEqual({ ncfx_x: 1, tiingo: 2 })
  })
})
