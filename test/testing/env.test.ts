import { describe, expect, it } from 'vitest'
import { withEnv } from '../../src/testing'
import { setEnvVariables } from '../../src/public/util/testing-utils'

const read = (name: string) => process.env[name]

describe('a changed environment', () => {
  it('has the new values, and the old ones again at the end, in reverse order when nested', () => {
    using outer = withEnv({ TEST_ENV_A: 'outer', TEST_ENV_B: 'b' })
    {
      using inner = withEnv({ TEST_ENV_A: 'inner', TEST_ENV_B: undefined })
      expect(inner).toBeDefined()
      expect([read('TEST_ENV_A'), read('TEST_ENV_B')]).toEqual(['inner', undefined])
    }
    expect([read('TEST_ENV_A'), read('TEST_ENV_B')]).toEqual(['outer', 'b'])
    outer.restore()
    expect([read('TEST_ENV_A'), read('TEST_ENV_B')]).toEqual([undefined, undefined])
  })

  it('is restored once: what was set since then stays', () => {
    using later = withEnv({ TEST_ENV_C: undefined })
    const changed = withEnv({ TEST_ENV_C: 'during' })
    changed.restore()
    process.env['TEST_ENV_C'] = 'since'
    changed.restore()
    expect(read('TEST_ENV_C')).toBe('since')
    later.restore()
    expect(read('TEST_ENV_C')).toBeUndefined()
  })

  it('leaves alone what has a value, where only unset variables are wanted; an empty one counts as unset', () => {
    using before = withEnv({ TEST_ENV_D: 'given', TEST_ENV_E: '' })
    using changed = withEnv({ TEST_ENV_D: 'default', TEST_ENV_E: 'default' }, { onlyUnset: true })
    expect([read('TEST_ENV_D'), read('TEST_ENV_E')]).toEqual(['given', 'default'])
    changed.restore()
    expect([read('TEST_ENV_D'), read('TEST_ENV_E')]).toEqual(['given', ''])
    before.restore()
    expect(read('TEST_ENV_D')).toBeUndefined()
  })
})

describe('setEnvVariables', () => {
  it('assigns what has a value, and takes nothing away', () => {
    using before = withEnv({ TEST_ENV_F: undefined, TEST_ENV_G: 'there' })
    setEnvVariables({ TEST_ENV_F: 'set', TEST_ENV_G: undefined })
    expect([read('TEST_ENV_F'), read('TEST_ENV_G')]).toEqual(['set', 'there'])
    before.restore()
    expect(read('TEST_ENV_F')).toBeUndefined()
  })
})
