import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TransferError } from '../errors'
import { delayAfter, MIN_PAUSE_MS, TransferSchedule } from '../transfer-schedule'

const INTERVAL_MS = 60_000

describe('the delay after a pull', () => {
  const last = () => 0.999

  it('is the interval after success, loss of data and defects', () => {
    expect(delayAfter(undefined, 0, INTERVAL_MS)).toBe(INTERVAL_MS)
    expect(delayAfter(new TransferError('loss-warning', ''), 9, INTERVAL_MS)).toBe(INTERVAL_MS)
    expect(delayAfter(new TransferError('frame-unexpected', ''), 9, INTERVAL_MS)).toBe(INTERVAL_MS)
  })

  it('grows after each failure of the way to the server, up to the interval', () => {
    const lost = new TransferError('connection-lost', '')
    const delays = [1, 2, 3, 4, 50].map((failures) =>
      Math.round(delayAfter(lost, failures, INTERVAL_MS, last) / 1_000),
    )
    expect(delays).toEqual([10, 20, 40, 60, 60])
  })

  it('is drawn from all between five seconds and that delay', () => {
    const lost = new TransferError('connection-lost', '')
    const drawn = (share: number) =>
      [1, 2, 50].map((failures) => delayAfter(lost, failures, INTERVAL_MS, () => share))
    expect(drawn(0)).toEqual([5_000, 5_000, 5_000])
    expect(drawn(0.5)).toEqual([7_500, 12_500, 32_500])
  })

  it('is long where somebody has to change something first', () => {
    expect(delayAfter(new TransferError('token-refused', ''), 1, INTERVAL_MS)).toBe(300_000)
    expect(delayAfter(new TransferError('schema-mismatch', ''), 1, 900_000)).toBe(900_000)
  })
})

describe('the schedule', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  const create = () => {
    const running: { signal: AbortSignal; end: () => void; fail: (error: unknown) => void }[] = []
    const schedule = new TransferSchedule({
      pull: (signal) =>
        new Promise<void>((end, fail) => {
          signal.addEventListener('abort', () => fail(new TransferError('stopped', '')))
          running.push({ signal, end, fail })
        }),
      delayAfter: () => INTERVAL_MS,
    })
    const end = async () => {
      running.at(-1)?.end()
      await vi.advanceTimersByTimeAsync(0)
    }
    return { schedule, running, end }
  }

  it('rests until something is wanted, then pulls at once and at each interval', async () => {
    const { schedule, running, end } = create()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(running).toHaveLength(0)
    schedule.want(true)
    expect(running).toHaveLength(1)
    schedule.want(true)
    await end()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1)
    expect(running).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(running).toHaveLength(2)
    await schedule.stop()
  })

  it('never pulls twice at a time, however long one takes', async () => {
    const { schedule, running } = create()
    schedule.want(true)
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)
    schedule.trigger()
    schedule.want(true)
    expect(running).toHaveLength(1)
    await schedule.stop()
  })

  it('rests again when nothing is wanted any more, and pulls at once when something is', async () => {
    const { schedule, running, end } = create()
    schedule.want(true)
    await end()
    schedule.want(false)
    await vi.advanceTimersByTimeAsync(5 * INTERVAL_MS)
    expect([running.length, schedule.state]).toEqual([1, 'idle'])
    schedule.want(true)
    expect(running).toHaveLength(2)
    await schedule.stop()
  })

  it('pulls when it is triggered, but never sooner than the shortest pause after the last pull', async () => {
    const { schedule, running, end } = create()
    schedule.trigger()
    expect(running).toHaveLength(1)
    schedule.trigger()
    await end()
    expect(running).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(MIN_PAUSE_MS)
    expect(running).toHaveLength(2)
    await end()
    await vi.advanceTimersByTimeAsync(MIN_PAUSE_MS)
    expect(running).toHaveLength(2)
    schedule.trigger()
    expect(running).toHaveLength(3)
    await schedule.stop()
  })

  it('counts failures in a row and names the last one', async () => {
    const { schedule, running, end } = create()
    schedule.want(true)
    running[0]?.fail(new TransferError('connection-lost', 'gone'))
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    running[1]?.fail(new Error('a defect'))
    await vi.advanceTimersByTimeAsync(0)
    expect(schedule.failures).toBe(2)
    expect(schedule.lastError).toMatchObject({ reason: 'answer-unexpected', kind: 'protocol' })
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    await end()
    expect([schedule.failures, schedule.lastError]).toEqual([0, undefined])
    await schedule.stop()
  })

  it('leaves neither a timer nor a pull behind when it stops, in each of its states', async () => {
    const states = {
      idle: () => {},
      pulling: (schedule: TransferSchedule) => schedule.want(true),
      waiting: async (schedule: TransferSchedule, end: () => Promise<void>) => {
        schedule.want(true)
        await end()
      },
    }
    for (const [state, reach] of Object.entries(states)) {
      const { schedule, running, end } = create()
      await reach(schedule, end)
      expect(schedule.state).toBe(state)
      await schedule.stop()
      schedule.want(true)
      schedule.trigger()
      await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)
      expect(running.length).toBe(state === 'idle' ? 0 : 1)
      expect(vi.getTimerCount()).toBe(0)
    }
  })
})
