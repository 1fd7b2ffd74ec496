import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { statusOf } from '../../src/http/status'
import { serve } from '../../src/testing/serve'
import { ourTime } from '../../src/util/clock'
import { collectLogs, loggerFactory } from '../redis/redis-support'
import { stillAdapter } from './support'

const ETH = { base: 'ETH', quote: 'USD' }
const START = 1_700_000_000_000
const HOUR = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'hrtime'], now: START })
  ourTime.trustsWall = false
  ourTime.restart()
})
afterEach(() => {
  vi.useRealTimers()
  ourTime.trustsWall = undefined
  ourTime.restart()
})

it.each([-HOUR, HOUR])(
  'TM-3: a step of the wall clock by %i ms is named in reason, log, metrics and status, and whether ticks have decided',
  async (byMs) => {
    const logs = collectLogs()
    const { adapter, transport } = stillAdapter({ endpoint: { guards: { onlyWanted: false } } })
    await using service = await serve(adapter, {
      env: { CACHE_POLLING_MAX_RETRIES: '0', METRICS_ENABLED: 'true' },
      dependencies: { loggerFactory },
    })
    await transport.put(ETH, 100)
    const before = (await service.metric('clock_steps')) ?? 0
    expect(statusOf(adapter).clock).toBeUndefined()
    vi.setSystemTime(START + byMs)
    expect(statusOf(adapter).clock).toEqual({ stepMs: byMs, seenUnixMs: START + byMs, agreed: 'nobody' })
    expect(await service.metric('clock_steps')).toBe(before + 1)
    expect(await service.metric('clock_offset_seconds')).toBe(byMs / 1_000)
    await transport.put(ETH, 101, START)
    expect(statusOf(adapter).clock).toMatchObject({ agreed: 'kept' })
    vi.advanceTimersByTime(100_000)
    await transport.put(ETH, -1, START)
    expect((await service.post(ETH)).json.error.reason.message).toContain(
      `; our own clock was set by ${byMs / 1_000} s at `,
    )
    expect(JSON.stringify(logs)).toContain('The wall clock was set: the ticks of providers decide')
  },
)

it('steps of the wall clock are logged with how far it went, no more than one a minute, and its way back', () => {
  const lines = collectLogs()
  const said = () => lines.splice(0).filter(({ message }) => /wall clock/.test(message))
  const step = (ms: number) => {
    vi.setSystemTime(Date.now() + ms)
    ourTime.now()
  }
  vi.advanceTimersByTime(60_000)
  step(HOUR)
  expect(said()).toMatchObject([{ fields: { movedMs: HOUR, byMs: HOUR } }])
  vi.advanceTimersByTime(59_999)
  step(1_000)
  expect(said()).toEqual([])
  vi.advanceTimersByTime(1)
  step(HOUR)
  expect(said()).toMatchObject([{ fields: { movedMs: HOUR, byMs: 2 * HOUR + 1_000 } }])
  vi.advanceTimersByTime(60_000)
  step(-2 * HOUR - 1_000)
  expect(said()).toMatchObject([
    {
      fields: { movedMs: -2 * HOUR - 1_000, byMs: 0 },
      message: 'The wall clock was set back to where it was',
    },
  ])
})
