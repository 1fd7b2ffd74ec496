import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error'
import { readServiceSettings } from '../../src/config/service-settings'

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readServiceSettings(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('the settings of the service', () => {
  it('mean all adapters, the first as default and one process when nothing is set', () => {
    expect(readServiceSettings({})).toStrictEqual({ adapters: [], workers: 1, silenceMs: 5_000 })
    expect(readServiceSettings({ ADAPTERS: '', DEFAULT_ADAPTER: '""' })).toStrictEqual({
      adapters: [],
      workers: 1,
      silenceMs: 5_000,
    })
  })

  it('name adapters in any letter case and with any white space', () => {
    expect(
      readServiceSettings({ ADAPTERS: ' Kraken, coin-base ', DEFAULT_ADAPTER: 'COIN-BASE' }),
    ).toStrictEqual({
      adapters: ['kraken', 'coin-base'],
      workers: 1,
      silenceMs: 5_000,
      defaultAdapter: 'coin-base',
    })
    expect(readServiceSettings({ DEFAULT_ADAPTER: 'kraken' })).toStrictEqual({
      adapters: [],
      workers: 1,
      silenceMs: 5_000,
      defaultAdapter: 'kraken',
    })
  })

  it('are refused as a whole, with every problem named', () => {
    expect(problemsOf({ ADAPTERS: 'a,,a,b c', DEFAULT_ADAPTER: 'd' })).toEqual([
      'ADAPTERS: There is an empty name in the list',
      'ADAPTERS: "a" is listed more than once',
      'ADAPTERS: "b c" is not the name of an adapter',
      'DEFAULT_ADAPTER: "d" is not among the adapters of ADAPTERS',
    ])
    expect(problemsOf({ DEFAULT_ADAPTER: 'a,b' })).toEqual([
      'DEFAULT_ADAPTER: "a,b" is not the name of an adapter',
    ])
  })

  it.each([
    ['', 1],
    ['1', 1],
    ['2', 2],
    ['64', 64],
  ])('give the number of workers: %j', (WORKERS, workers) => {
    expect(readServiceSettings({ WORKERS })).toStrictEqual({ adapters: [], workers, silenceMs: 5_000 })
  })

  it.each([
    ['2000', 2_000],
    ['60000', 60_000],
  ])('give the time that a process may be silent: %j', (WORKER_SILENCE_MS, silenceMs) => {
    expect(readServiceSettings({ WORKER_SILENCE_MS })).toMatchObject({ silenceMs })
  })

  it.each(['0', '1999', '60001', '1e3.5', 'long'])('refuse as a time of silence: %j', (WORKER_SILENCE_MS) => {
    expect(() => readServiceSettings({ WORKER_SILENCE_MS })).toThrow('WORKER_SILENCE_MS')
  })

  it.each(['0', '65', '-1', '1.5', 'two', 'NaN', ' '])('refuse as a number of workers: %j', (WORKERS) => {
    expect(problemsOf({ WORKERS })).toEqual([expect.stringMatching(/^WORKERS: /)])
  })
})
