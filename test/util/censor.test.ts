import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  censor,
  CensorList,
  censorLogs,
  redactStrings,
  redactText,
  secretEntry,
} from '../../src/util/redaction'
import { awkwardSecret } from './secrets'

afterEach(() => {
  CensorList.set([])
  CensorList.set([], 'second')
  vi.unstubAllEnvs()
})

describe('CensorList', () => {
  it('replaces the entries of one owner and keeps those of the others', () => {
    const [first, second, third] = ['one-1', 'two-2', 'three-3'].map((value) => secretEntry(value, value))
    CensorList.set([first!])
    CensorList.set([second!], 'second')
    expect(CensorList.getAll()).toEqual([first, second])
    CensorList.set([third!])
    expect(CensorList.getAll()).toEqual([third, second])
    expect(redactText('one-1 two-2 three-3')).toBe('one-1 [two-2 REDACTED] [three-3 REDACTED]')
  })

  it('takes entries that have only a pattern', () => {
    CensorList.set([
      { key: 'KEY', value: RegExp('abc', 'gi') },
      { key: 'ONCE', value: /xyz/ },
    ])
    expect(redactStrings({ text: 'ABC abc', other: 'xyzxyz' })).toEqual({
      text: '[KEY REDACTED] [KEY REDACTED]',
      other: '[ONCE REDACTED][ONCE REDACTED]',
    })
  })

  it('matches a line end in a pattern that expects backslash-n', () => {
    CensorList.set([{ key: 'PEM', value: RegExp('begin\\\\nend', 'gi') }])
    expect(redactText('first\nbegin\nend\nlast')).toBe('first\n[PEM REDACTED]\nlast')
  })

  it('uses a list that was put in its place directly', () => {
    CensorList.censorList = [secretEntry('KEY', 'put-directly')]
    expect(redactText('put-directly')).toBe('[KEY REDACTED]')
  })
})

describe('secretEntry', () => {
  it('makes a pattern that matches the value literally, in any case, with line ends as backslash-n too', () => {
    fc.assert(
      fc.property(awkwardSecret, (secret) => {
        const { value } = secretEntry('KEY', secret)
        expect(value.flags).toBe('gi')
        expect(secret.replace(value, '')).toBe('')
        expect(secret.replaceAll('\n', '\\n').replace(value, '')).toBe('')
      }),
    )
  })
})

describe('censor', () => {
  const list = [secretEntry('API_KEY', 'mock-api-key')]

  it('keeps what JSON keeps and replaces secrets of the given list', () => {
    const value = { key: 'MOCK-API-KEY', gone: undefined, nan: NaN, list: [1, 'x mock-api-key'], n: 5 }
    expect(censor(value, list)).toEqual({
      key: '[API_KEY REDACTED]',
      nan: null,
      list: [1, 'x [API_KEY REDACTED]'],
      n: 5,
    })
    expect(censor('mock-api-key', list)).toBe('[API_KEY REDACTED]')
    expect(CensorList.getAll()).toEqual([])
  })

  it('keeps undefined undefined', () => {
    expect(censor(undefined, list)).toBeUndefined()
  })

  it('turns what JSON cannot represent into a fixed text, or throws if asked to', () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    expect(censor(circular, list)).toBe('[Unknown]')
    expect(() => censor(circular, list, true)).toThrow(TypeError)
    expect(censor({ big: 1n }, list)).toBe('[Unknown]')
  })
})

describe('censorLogs', () => {
  it('runs the function unless sensitive logs are to be dropped', () => {
    const log = vi.fn()
    censorLogs(log)
    vi.stubEnv('CENSOR_SENSITIVE_LOGS', 'FALSE')
    censorLogs(log)
    expect(log).toHaveBeenCalledTimes(2)
    for (const on of ['true', 'TRUE', 'True']) {
      vi.stubEnv('CENSOR_SENSITIVE_LOGS', on)
      censorLogs(log)
    }
    expect(log).toHaveBeenCalledTimes(2)
  })
})
