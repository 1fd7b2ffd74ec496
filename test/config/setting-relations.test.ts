import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import {
  atLeastOne,
  exactlyOne,
  needs,
  type SettingRelation,
  together,
} from '../../src/config/setting-relations'

const values = (given: Record<string, unknown>) => (relation: SettingRelation) =>
  relation(given, (name) => `P_${name}`).map(({ variable, problem }) => `${variable}: ${problem}`)

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('what must hold between settings', () => {
  it('may be that exactly one of two is set', () => {
    const relation = exactlyOne('A', 'B', 'Why')
    expect(values({ A: 0 })(relation)).toEqual([])
    expect(values({ A: '', B: 'x' })(relation)).toEqual([])
    expect(values({})(relation)).toEqual([
      'P_A: Value must be set, or that of P_B: exactly one of them, and neither is set. Why',
    ])
    expect(values({ A: 'x', B: 'x' })(relation)).toEqual([
      'P_A: Value must be set, or that of P_B: exactly one of them, and both of them are set. Why',
    ])
  })

  it('may be that one of two is set, or both', () => {
    const relation = atLeastOne('A', 'B', 'Why')
    for (const given of [{ A: 0 }, { B: false }, { A: 1, B: 1 }]) expect(values(given)(relation)).toEqual([])
    expect(values({ A: '' })(relation)).toEqual(['P_A: Value must be set, or that of P_B. Why'])
  })

  it('may be that one needs the other, or each the other', () => {
    expect(values({ A: 'x' })(needs('A', 'B'))).toEqual(['P_B: Value is required with P_A'])
    expect(values({ B: 'x' })(needs('A', 'B'))).toEqual([])
    expect(values({ B: 'x' })(together('A', 'B'))).toEqual(['P_A: Value is required with P_B'])
    for (const given of [{}, { A: 'x', B: 'y' }]) expect(values(given)(together('A', 'B'))).toEqual([])
  })

  it('LC-5: is reported with all other problems, by the variables that were set', () => {
    vi.stubEnv('P_RETRY', 'abc')
    vi.stubEnv('P_CACHE_TYPE', 'disk')
    vi.stubEnv('B', 'x')
    const text = { description: 'd', type: 'string' } as const
    const options = {
      envVarsPrefix: 'P',
      envVarsFallback: true,
      relations: [needs('B', 'A'), exactlyOne('B', 'C', 'Why')],
    }
    const config = new AdapterConfig({ A: text, B: text, C: text }, options)
    expect(() => config.initialize()).toThrow(
      expect.objectContaining({
        problems: [
          expect.stringMatching(/^P_CACHE_TYPE: /),
          expect.stringMatching(/^P_RETRY: /),
          'P_A: Value is required with B',
        ],
      }),
    )
  })
})
