import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type BaseLogger } from 'pino'
import { OutageLines } from '../../src/connections/outage-lines'
import { belongsTo } from '../../src/util/line-owner'
import { defaultLoggerFactory, LoggerFactoryProvider, makeLogger } from '../../src/util/logging'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

const pass = (ms: number) => vi.advanceTimersByTime(ms)

const REFUSED = { level: 'warn', fields: { code: 'REFUSED' }, text: 'refused' } as const

const rig = (level = 'info') => {
  vi.stubEnv('LOG_LEVEL', level)
  const lines: string[] = []
  LoggerFactoryProvider.set(defaultLoggerFactory({ write: (line) => void lines.push(line) }))
  const transport = {}
  belongsTo(transport, { adapter: 'COINBASE', endpoint: 'price' })
  const records = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const texts = () => records().map(({ level, msg }) => `${String(level)} ${String(msg)}`)
  return { outages: new OutageLines(transport, makeLogger('Layer')), records, texts }
}

describe('the lines of an outage', () => {
  it('OB-4: are one when it begins, one a minute, and one at its end, which says what is true since then', () => {
    const { outages, records, texts } = rig()
    outages.failed({ level: 'warn', text: 'closed' })
    for (let second = 0; second < 130; second++) {
      pass(1_000)
      outages.failed(REFUSED)
    }
    outages.over(() => '212 feeds subscribed')
    expect(texts()).toEqual([
      'warn closed',
      'warn No connection for 60 s: refused',
      'warn No connection for 120 s: refused',
      'info coinbase: connected again after 130 s; 212 feeds subscribed',
    ])
    for (const record of records()) expect(record).toMatchObject({ adapter: 'COINBASE', endpoint: 'price' })
    expect(records()[1]).toMatchObject({ code: 'REFUSED', repeated: 59, lastedMs: 60_000 })
  })

  it('go on while nothing is tried', () => {
    const { outages, texts } = rig()
    outages.failed(REFUSED)
    for (let second = 0; second < 60; second++) {
      pass(1_000)
      outages.lasts()
    }
    expect(texts()).toEqual(['warn refused', 'warn No connection for 60 s: refused'])
  })

  it('do not end with one where nobody wants a connection any more', () => {
    const { outages, texts } = rig()
    outages.failed(REFUSED)
    pass(30_000)
    outages.forget()
    pass(3_600_000)
    outages.over()
    expect(texts()).toEqual(['warn refused'])
  })

  it('tell the rest to those who look closer', () => {
    const { outages, texts } = rig('debug')
    outages.failed(REFUSED)
    outages.failed(REFUSED)
    outages.over()
    expect(texts()).toEqual(['warn refused', 'debug refused', 'debug The hitch is over: connected again'])
  })

  it('are all there, word for word, where an adapter’s test counts them with a logger of its own', () => {
    const { outages } = rig()
    const warn = vi.fn()
    LoggerFactoryProvider.set({ child: () => ({ warn, debug: vi.fn() }) as unknown as BaseLogger })
    const counting = new OutageLines({}, makeLogger('Layer'))
    for (let time = 0; time < 3; time++) {
      counting.failed({ level: 'warn', text: 'closed', isCounted: true })
      pass(40_000)
    }
    expect(warn.mock.calls).toEqual([['closed'], ['closed'], ['closed']])
    expect(outages.isOpen).toBe(false)
  })
})
